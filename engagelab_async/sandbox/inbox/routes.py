"""The paths of the page and of its control API.

======================================================  ===========================================
``GET /``                                               the page; its files are below ``/inbox/``
``GET /sandbox/v1/events``                              what happens, as server-sent events
``GET /sandbox/v1/messages?to=…&before=…&limit=…``      messages, newest first
``GET /sandbox/v1/messages/{number}``                   one message
``POST /sandbox/v1/messages/{number}/deliver``          it is delivered at once
``POST /sandbox/v1/messages/{number}/fail``             … or fails: ``{"code": 5018}``
``POST /sandbox/v1/messages/{number}/reply``            its recipient answers: ``{"text": "Stop"}``
``POST /sandbox/v1/messages/{number}/verify``           its code is verified
``POST /sandbox/v1/messages/{number}/expire``           its code expires
``GET /sandbox/v1/calls/{number}?offset=…&limit=…``     a send that was asked for, in full
``DELETE /sandbox/v1/calls``                            the inbox is emptied
``GET /sandbox/v1/errors``                              the codes that a message can fail with
``POST /sandbox/v1/session``                            the token becomes a cookie
======================================================  ===========================================

What goes wrong is answered as by the API, with ``{"code": int, "message": string}``.
"""

import json
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from engagelab_async.arguments import is_integer
from engagelab_async.sandbox.app import read_body
from engagelab_async.sandbox.bodies import Answer, Body, read
from engagelab_async.sandbox.guards import open_session
from engagelab_async.sandbox.outbox import Outbox, SentMessage
from engagelab_async.sandbox.recipients import canonical
from engagelab_async.sandbox.refusals import MEANINGS, RefusedError
from engagelab_async.sandbox.simulation import Simulation

from .calls import Call
from .documents import Documents
from .page import page_file
from .stream import Streams
from .watch import Watch

_USUAL: Final = 100
_MOST: Final = 1000
_LONGEST_NUMBER: Final = 19  # digits
_NO_STORE: Final = {"cache-control": "no-store"}

_View: TypeAlias = Callable[[Request], Awaitable[Response]]
_Act: TypeAlias = Callable[[SentMessage, Body], None]


class _Reply(Struct):
    text: Annotated[str, Meta(min_length=1, max_length=2000)]


def routes(
    *,
    watch: Watch,
    documents: Documents,
    streams: Streams,
    simulation: Simulation,
    outbox: Outbox,
) -> list[BaseRoute]:
    """Make the routes of the page and of its control API."""
    views = _Views(watch, documents, outbox)

    def route(method: str, path: str, view: _View) -> Route:
        return Route(f"/sandbox/v1/{path}", view, methods=[method])

    async def events(request: Request) -> Response:
        return _event_stream(streams, request)

    return [
        Route("/", page_file, methods=["GET"]),
        Route("/inbox/{name}", page_file, methods=["GET"]),
        route("GET", "events", events),
        route("GET", "messages", views.messages),
        route("GET", "messages/{number:int}", views.message),
        *(
            route("POST", f"messages/{{number:int}}/{name}", views.acting(act))
            for name, act in _acts(simulation).items()
        ),
        route("GET", "calls/{number:int}", views.call),
        route("DELETE", "calls", views.clear),
        route("GET", "errors", views.errors),
        route("POST", "session", open_session),
    ]


def _event_stream(streams: Streams, request: Request) -> Response:
    last = request.headers.get("last-event-id", "")
    # What stands between may neither keep it nor collect it: it does not end by itself.
    headers = {**_NO_STORE, "x-accel-buffering": "no"}
    return StreamingResponse(streams.events(last), 200, headers, "text/event-stream")


class _Views:
    """What the paths answer."""

    def __init__(self, watch: Watch, documents: Documents, outbox: Outbox) -> None:
        self._watch = watch
        self._documents = documents
        self._outbox = outbox

    async def messages(self, request: Request) -> Response:
        to = canonical(request.query_params.get("to", ""))
        before = _whole(request, "before", otherwise=2**63)
        limit = min(_whole(request, "limit", otherwise=_USUAL), _MOST)
        found = (
            (call, number)
            for call in self._watch.calls()
            for number in reversed(call.messages)
            if number < before
            and (to is None or canonical(self._outbox.get(number).recipient) == to)
        )
        page = list(islice(found, limit))
        is_last = len(page) < limit or next(found, None) is None
        return _json(
            {
                "messages": [self._documents.message(call, number) for call, number in page],
                "next_before": None if is_last or not page else page[-1][1],
            }
        )

    async def message(self, request: Request) -> Response:
        number = request.path_params["number"]
        return _json(self._documents.message(self._call_of(number), number))

    def acting(self, act: _Act) -> _View:
        """Make the view that does something to a message."""

        async def view(request: Request) -> Response:
            number = request.path_params["number"]
            self._call_of(number)
            has_body = request.headers.get("content-length", "0") != "0"
            body = await read_body(request) if has_body else {}
            try:
                act(self._outbox.get(number), body)
            except ValueError as error:
                raise HTTPException(409, str(error).removeprefix("message: ")) from None
            return Response(status_code=204)

        return view

    def _call_of(self, number: int) -> Call:
        try:
            return self._watch.calls().of_message(number)
        except LookupError:
            raise HTTPException(404, "no such message, or no longer") from None

    async def call(self, request: Request) -> Response:
        offset = _whole(request, "offset", otherwise=0)
        limit = min(_whole(request, "limit", otherwise=_USUAL), _MOST)
        try:
            call = self._watch.calls().find(request.path_params["number"])
        except LookupError:
            raise HTTPException(404, "no such call, or no longer") from None
        return _json(self._documents.in_full(call, offset=offset, limit=limit))

    async def clear(self, _: Request) -> Response:
        self._watch.calls().clear()
        return Response(status_code=204)

    async def errors(self, _: Request) -> Response:
        return _json(self._documents.errors())


def _acts(simulation: Simulation) -> dict[str, _Act]:
    """Return what a person can do to a message, by name."""
    return {
        "deliver": lambda message, _: simulation.deliver(message),
        "fail": lambda message, body: simulation.fail(message, _code(body)),
        "reply": lambda message, body: simulation.reply(message, read(_Reply, body).text),
        "verify": lambda message, _: simulation.verify(message),
        "expire": lambda message, _: simulation.expire(message),
    }


def _code(body: Body) -> int:
    code = body.get("code")
    if not is_integer(code) or code not in MEANINGS:
        raise RefusedError(3002, f"code must be one of {' '.join(map(str, MEANINGS))}")
    return code


def _whole(request: Request, name: str, *, otherwise: int) -> int:
    """Return a whole number of the query."""
    value = request.query_params.get(name, str(otherwise))
    if not value.isdecimal() or len(value) > _LONGEST_NUMBER:
        raise HTTPException(400, f"{name} must be a whole number")
    return int(value)


def _json(answer: Answer) -> Response:
    return Response(json.dumps(answer), 200, _NO_STORE, "application/json")
