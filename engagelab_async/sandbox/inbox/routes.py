"""The paths of the page and of its control API.

==================================================  ===============================================
``GET /``                                           the page; its files are below ``/inbox/``
``GET /sandbox/v1/events``                          what happens, as server-sent events
``GET /sandbox/v1/messages?to=…&before=…&limit=…``  messages, newest first
``GET /sandbox/v1/messages/{number}``               one message
``GET /sandbox/v1/calls/{number}``                  a send that was asked for, in full
``DELETE /sandbox/v1/calls``                        empty the inbox
``POST /sandbox/v1/session``                        turn the token into a cookie
==================================================  ===============================================
"""

import json
from collections.abc import Mapping
from itertools import islice
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from engagelab_async.sandbox._fields import Answer
from engagelab_async.sandbox.guards import open_session
from engagelab_async.sandbox.recipients import canonical

from . import documents
from .calls import Calls
from .page import page_file
from .stream import Bell, events

_MOST: Final = 1000
_USUAL: Final = 100


def routes(calls: Calls, bell: Bell) -> list[BaseRoute]:
    """Make the routes of the page and of its control API."""
    views = _Views(calls, bell)
    return [
        Route("/", page_file, methods=["GET"]),
        Route("/inbox/{name}", page_file, methods=["GET"]),
        Route("/sandbox/v1/session", open_session, methods=["POST"]),
        Route("/sandbox/v1/events", views.events, methods=["GET"]),
        Route("/sandbox/v1/messages", views.messages, methods=["GET"]),
        Route("/sandbox/v1/messages/{number:int}", views.message, methods=["GET"]),
        Route("/sandbox/v1/calls", views.clear, methods=["DELETE"]),
        Route("/sandbox/v1/calls/{number:int}", views.call, methods=["GET"]),
    ]


class _Views:
    """What the paths of the control API answer."""

    def __init__(self, calls: Calls, bell: Bell) -> None:
        self._calls = calls
        self._bell = bell

    async def events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id", "")
        # What stands between may neither keep it nor collect it: it never ends by itself.
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        stream = events(self._calls, self._bell, last)
        return StreamingResponse(stream, 200, headers, "text/event-stream")

    async def messages(self, request: Request) -> Response:
        to = canonical(request.query_params.get("to", ""))
        before = _whole(request, "before", 2**63)
        limit = min(_whole(request, "limit", _USUAL), _MOST)
        found = (
            documents.message(call, number)
            for call in self._calls
            for number in reversed(call.numbers)
            if number < before
            and (to is None or canonical(call.messages[number - call.first].recipient) == to)
        )
        page = list(islice(found, limit + 1))
        following = page[limit - 1]["number"] if len(page) > limit else None
        return _json({"messages": page[:limit], "next_before": following})

    async def message(self, request: Request) -> Response:
        number = request.path_params["number"]
        try:
            call, _ = self._calls.find_message(number)
        except LookupError:
            raise HTTPException(404, "no such message, or forgotten") from None
        return _json(documents.message(call, number))

    async def call(self, request: Request) -> Response:
        try:
            call = self._calls.find(request.path_params["number"])
        except LookupError:
            raise HTTPException(404, "no such call, or forgotten") from None
        limit = min(_whole(request, "limit", _USUAL), _MOST)
        offset = _whole(request, "offset", 0)
        return _json(documents.in_full(call, offset=offset, limit=limit))

    async def clear(self, _: Request) -> Response:
        self._calls.clear()
        return Response(status_code=204)


def _whole(request: Request, name: str, otherwise: int) -> int:
    """Return a whole number of the query."""
    value = request.query_params.get(name)
    if value is None:
        return otherwise
    if not value.isdecimal() or len(value) > 19:
        raise HTTPException(400, f"{name} must be a whole number")
    return int(value)


def _json(answer: Answer, headers: Mapping[str, str] | None = None) -> Response:
    private = {"cache-control": "no-store", **(headers or {})}
    return Response(json.dumps(answer), 200, private, "application/json")
