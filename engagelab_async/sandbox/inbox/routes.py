"""The paths of the page, and those of its control API with what each takes and answers.

`operations` lists the control API; its OpenAPI document, ``GET /sandbox/v1/openapi.json``, is made
of the same list. Errors are answered as by the API, with ``{"code": int, "message": string}``.
"""

import json
import time
from asyncio import sleep
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import chain, islice, repeat
from typing import Final, TypeAlias

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from engagelab_async.arguments import is_integer
from engagelab_async.sandbox.app import read_body
from engagelab_async.sandbox.bodies import Body, read
from engagelab_async.sandbox.faults import Fault
from engagelab_async.sandbox.guards import open_session
from engagelab_async.sandbox.outbox import Outbox, SentMessage
from engagelab_async.sandbox.recipients import canonical
from engagelab_async.sandbox.refusals import MEANINGS, RefusedError
from engagelab_async.sandbox.simulation import Simulation

from . import schemas
from .calls import Call
from .documents import Documents
from .openapi import Operation, Parameter, View, document
from .page import page_file
from .stream import Streams
from .watch import Watch

_USUAL: Final = 100
_MOST: Final = 1000
_AT_ONCE: Final = 50
"""How many messages to describe before other tasks of the event loop may run."""
_LONGEST_WAIT: Final = 60  # seconds
_LONGEST_NUMBER: Final = 19  # digits
_NO_STORE: Final = {"cache-control": "no-store"}

_Found: TypeAlias = tuple[Call, int]  # a call, and the number of one of its messages
_Act: TypeAlias = Callable[[SentMessage, Body], None]

_TO = Parameter("to", "Only messages to this recipient; a number's `+` does not matter.")
_TEMPLATE = Parameter("template", "Only messages of the template with this id.")
_LIMIT = Parameter("limit", f"How many messages to return; at most {_MOST}.", _USUAL)
_OFFSET = Parameter("offset", "How many messages of the call to skip.", 0)
_BEFORE = Parameter("before", "Only messages with a lower number.", 2**63)
_AFTER = Parameter("after", "Only messages with a higher number.", 0)
_WAIT = Parameter("wait", f"How many seconds to wait for it; at most {_LONGEST_WAIT}.", 0)

_FAULTS: Final = [  # served by `faults.routes`
    Operation("GET", "faults", summary="List the faults in force.", answers=schemas.ActiveFaults),
    Operation(
        "POST",
        "faults",
        summary="Inject a fault.",
        body=Fault,
        answers=schemas.ActiveFault,
        status=201,
    ),
    Operation("DELETE", "faults", summary="Remove all faults."),
    Operation("GET", "faults/kinds", summary="List kinds.", answers=schemas.FaultKinds),
    Operation("DELETE", "faults/{number}", summary="Remove a fault."),
]


class _Number(IntegerConvertor):
    """A number in a path; Python refuses to convert longer ones."""

    regex = f"[0-9]{{1,{_LONGEST_NUMBER}}}"


register_url_convertor("number", _Number())


def routes(
    *,
    watch: Watch,
    documents: Documents,
    streams: Streams,
    simulation: Simulation,
    outbox: Outbox,
) -> list[BaseRoute]:
    """Make the routes of the page and of its control API."""
    views = _Views(watch, documents, streams, outbox)
    operations = [*views.operations(), *views.acts(simulation), *_FAULTS]

    def caught_up(view: View) -> View:
        async def endpoint(request: Request) -> Response:
            await watch.catch_up()
            return await view(request)

        return endpoint

    async def openapi(_: Request) -> Response:
        return _json(document(operations))

    return [
        Route("/", page_file, methods=["GET"]),
        Route("/inbox/{name}", page_file, methods=["GET"]),
        Route("/sandbox/v1/openapi.json", openapi, methods=["GET"]),
        *(
            Route(
                f"/sandbox/v1/{each.path.replace('number}', 'number:number}')}",
                caught_up(each.view),
                methods=[each.method],
            )
            for each in operations
            if each.view
        ),
    ]


class _Views:
    """What the paths answer."""

    def __init__(
        self, watch: Watch, documents: Documents, streams: Streams, outbox: Outbox
    ) -> None:
        self._watch = watch
        self._documents = documents
        self._streams = streams
        self._outbox = outbox

    def operations(self) -> list[Operation]:
        """List the operations, without the actions on a message."""
        messages = (_TO, _TEMPLATE, _BEFORE, _LIMIT)
        latest = (_TO, _TEMPLATE, _AFTER, _WAIT)
        stream = "text/event-stream"
        of = Operation
        return [
            of("GET", "messages", self.messages, query=messages, answers=schemas.Messages),
            of("GET", "messages/latest", self.latest, query=latest, answers=schemas.Message),
            of("GET", "messages/{number}", self.message, answers=schemas.Message),
            of("GET", "calls/{number}", self.call, query=(_OFFSET, _LIMIT), answers=schemas.Call),
            of("DELETE", "calls", self.clear),
            of("GET", "export", self.export, answers=schemas.Export),
            of("GET", "events", self.events, answers=schemas.Changes, media_type=stream),
            of("GET", "errors", self.errors, answers=schemas.Errors),
            of("POST", "session", open_session),
        ]

    def acts(self, simulation: Simulation) -> Iterator[Operation]:
        """Yield the actions on a message."""

        def reply(message: SentMessage, body: Body) -> None:
            simulation.reply(message, read(schemas.ReplyText, body).text)

        acts: list[tuple[str, str, _Act, object]] = [
            ("deliver", "Deliver a message.", lambda each, _: simulation.deliver(each), None),
            ("verify", "Verify a code.", lambda each, _: simulation.verify(each), None),
            ("expire", "Let a code expire.", lambda each, _: simulation.expire(each), None),
            (
                "fail",
                "Make a message fail.",
                lambda each, body: simulation.fail(each, _code(body)),
                schemas.Fail,
            ),
            ("reply", "Reply to a message as its recipient.", reply, schemas.ReplyText),
        ]
        for name, summary, perform, body in acts:
            path = f"messages/{{number}}/{name}"
            yield Operation("POST", path, self._acting(perform), summary=summary, body=body)

    def _acting(self, perform: _Act) -> View:
        async def view(request: Request) -> Response:
            number = request.path_params["number"]
            self._call_of(number)
            has_body = request.headers.get("content-length", "0") != "0"
            body = await read_body(request) if has_body else {}
            try:
                perform(self._outbox.get(number), body)
            except ValueError as error:
                raise HTTPException(409, str(error).removeprefix("message: ")) from None
            return Response(status_code=204)

        return view

    async def messages(self, request: Request) -> Response:
        """List messages, newest first."""
        before = _whole(request, _BEFORE)
        limit = min(_whole(request, _LIMIT), _MOST)
        found = self._found(request, lambda number: number < before)
        page = list(islice(found, limit))
        is_last = len(page) < limit or next(found, None) is None
        described = [each async for some in self._described(page) for each in some]
        return _json(
            {"messages": described, "next_before": None if is_last or not page else page[-1][1]}
        )

    async def latest(self, request: Request) -> Response:
        """Return the newest message, or wait for one."""
        seen = _whole(request, _AFTER)

        def newest() -> _Found | None:
            nonlocal seen
            found = next(self._found(request, lambda number: number > seen), None)
            seen = max(seen, self._outbox.next_number - 1)
            return found

        found = await self._streams.first(newest, min(_whole(request, _WAIT), _LONGEST_WAIT))
        if found is None:
            raise HTTPException(404, "no such message was sent")
        return _json(self._documents.message(*found))

    def _found(self, request: Request, is_wanted: Callable[[int], bool]) -> Iterator[_Found]:
        """Yield the messages that a query selects, newest first."""
        # A "+" that was not encoded arrives as a space.
        to = _address(request.query_params.get("to", "").strip())
        template = request.query_params.get("template", "")
        for call in list(self._watch.calls()):
            for number in filter(is_wanted, reversed(call.messages)):
                message = self._outbox.get(number)
                if to in {"", _address(message.recipient)} and (
                    template in {"", message.template_id}
                ):
                    yield call, number

    async def _described(self, found: Iterable[_Found]) -> AsyncIterator[list[schemas.Message]]:
        """Describe messages, some at a time, and let other tasks run in between."""
        remaining = iter(found)
        while some := list(islice(remaining, _AT_ONCE)):
            yield [self._documents.message(call, number) for call, number in some]
            await sleep(0)

    async def message(self, request: Request) -> Response:
        """Return a message."""
        number = request.path_params["number"]
        return _json(self._documents.message(self._call_of(number), number))

    def _call_of(self, number: int) -> Call:
        try:
            return self._watch.calls().of_message(number)
        except LookupError:
            raise HTTPException(404, "no such message, or no longer") from None

    async def call(self, request: Request) -> Response:
        """Return an API call, with its messages."""
        offset, limit = _whole(request, _OFFSET), min(_whole(request, _LIMIT), _MOST)
        try:
            call = self._watch.calls().find(request.path_params["number"])
        except LookupError:
            raise HTTPException(404, "no such call, or no longer") from None
        return _json(self._documents.in_full(call, offset=offset, limit=limit))

    async def clear(self, _: Request) -> Response:
        """Empty the inbox."""
        self._watch.calls().clear()
        return Response(status_code=204)

    async def export(self, _: Request) -> Response:
        """Return all calls with all their messages."""
        disposition = {"content-disposition": 'attachment; filename="sandbox.json"'}
        headers = {**_NO_STORE, **disposition}
        return StreamingResponse(self._exported(), 200, headers, "application/json")

    async def _exported(self) -> AsyncIterator[str]:
        calls = self._watch.calls()
        head = {"run": calls.epoch, "exported_at": time.time()}
        yield f'{json.dumps(head)[:-1]}, "calls": ['
        for comma, call in zip(chain([""], repeat(",")), reversed(list(calls)), strict=False):
            yield comma + json.dumps(self._documents.in_full(call, offset=0, limit=0))[:-2]
            described = self._described((call, number) for number in call.messages)
            separator = ""
            async for some in described:
                yield separator + json.dumps(some)[1:-1]
                separator = ", "
            yield "]}\n"
            await sleep(0)
        yield "]}\n"

    async def events(self, request: Request) -> Response:
        """Follow changes; `Last-Event-ID` continues a stream."""
        last = request.headers.get("last-event-id", "")
        # Proxies must neither keep it nor collect it: it does not end by itself.
        headers = {**_NO_STORE, "x-accel-buffering": "no"}
        return StreamingResponse(self._streams.events(last), 200, headers, "text/event-stream")

    async def errors(self, _: Request) -> Response:
        """List the codes that a message can fail with."""
        return _json(self._documents.errors())


def _code(body: Body) -> int:
    code = body.get("code")
    if not is_integer(code) or code not in MEANINGS:
        raise RefusedError(3002, f"code must be one of {' '.join(map(str, MEANINGS))}")
    return code


def _address(recipient: str) -> str:
    return canonical(recipient) or recipient


def _whole(request: Request, parameter: Parameter) -> int:
    """Return a whole number of the query."""
    value = request.query_params.get(parameter.name, str(parameter.default))
    if not (value.isascii() and value.isdecimal()) or len(value) > _LONGEST_NUMBER:
        raise HTTPException(400, f"{parameter.name} must be a whole number")
    return int(value)


def _json(answer: object) -> Response:
    return Response(json.dumps(answer), 200, _NO_STORE, "application/json")
