"""What the control API answers: each method is one of its operations.

`serving` has the rest. Nothing here holds the event loop for long: messages are found,
described and written some at a time.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Annotated, Final, TypeAlias

from anyio import current_time
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from engagelab_async.sandbox.bodies import Answer, Body
from engagelab_async.sandbox.faults.fault import Fault
from engagelab_async.sandbox.faults.kinds import KINDS
from engagelab_async.sandbox.faults.presets import PRESETS
from engagelab_async.sandbox.faults.register import ActiveFault, Faults
from engagelab_async.sandbox.guards import open_session
from engagelab_async.sandbox.loop import InSteps
from engagelab_async.sandbox.operations import Error, operation
from engagelab_async.sandbox.platform import Platform
from engagelab_async.sandbox.recipients import canonical
from engagelab_async.sandbox.refusals import MEANINGS

from . import documents
from .calls import Call, Calls
from .documents import Documents, Whole
from .page import page_file
from .serving import NO_STORE, encoded, operation_routes
from .stream import events

_MOST: Final = 1000
_LONGEST_WAIT: Final = 60  # seconds
_ANY: Final = 2**63 - 1  # above every number
_DESCRIBED_AT_ONCE: Final = 20
_SOUGHT_AT_ONCE: Final = 500
"""How many messages to describe, or to look through, before other tasks may run."""

_Found: TypeAlias = tuple[Call, int]  # a call, and the number of one of its messages
_Head: TypeAlias = documents.Messages | documents.Call  # which end with messages

Number: TypeAlias = Annotated[Whole, Meta(description="That of a call, message or fault.")]
To: TypeAlias = Annotated[str, Meta(description="Only to this recipient; `+` may be left out.")]
Part: TypeAlias = Annotated[str, Meta(description="Only with a recipient that contains it.")]
TemplateId: TypeAlias = Annotated[str, Meta(description="Only of the template with this id.")]
Before: TypeAlias = Annotated[Whole, Meta(description="Only messages with a lower number.")]
After: TypeAlias = Annotated[Whole, Meta(description="Only messages with a higher number.")]
Offset: TypeAlias = Annotated[Whole, Meta(description="How many messages of the call to skip.")]
Limit: TypeAlias = Annotated[Whole, Meta(description=f"How many messages; at most {_MOST}.")]
Wait: TypeAlias = Annotated[
    Whole, Meta(description=f"How many seconds to wait for it; at most {_LONGEST_WAIT}.")
]


def routes(calls: Calls, platform: Platform, faults: Faults) -> list[Route]:
    """Make the routes of the page and of its control API."""
    return [
        Route("/", page_file, methods=["GET"]),
        Route("/inbox/{name}", page_file, methods=["GET"]),
        *operation_routes(Control(calls, platform, faults)),
    ]


class Control:
    """The operations of the control API."""

    def __init__(self, calls: Calls, platform: Platform, faults: Faults) -> None:
        self._calls = calls
        self._outbox = platform.outbox
        self._simulation = platform.simulation
        self._faults = faults
        self._documents = Documents(platform)

    # --------------------------------------------------------------------------- messages

    @operation("GET /messages")
    async def messages(
        self, to: To = "", template: TemplateId = "", before: Before = _ANY, limit: Limit = 100
    ) -> Annotated[Response, documents.Messages]:
        """List messages, newest first."""
        limit = min(limit, _MOST)
        found = await self._found(to, template, limit + 1, before=before)
        page, is_last = found[:limit], len(found) <= limit
        next_before = None if is_last or not page else page[-1][1]
        return self._answered(documents.Messages(next_before, []), page)

    @operation("GET /messages/latest")
    async def latest(
        self, to: To = "", template: TemplateId = "", after: After = 0, wait: Wait = 0
    ) -> documents.Message:
        """Return the newest message, or wait for one."""
        deadline = current_time() + min(wait, _LONGEST_WAIT)
        while True:
            revision, newest = self._calls.revision, self._outbox.next_number - 1
            for call, number in await self._found(to, template, 1, after=after):
                return self._documents.message(call, number)
            left = deadline - current_time()
            if left <= 0 or self._calls.is_closed:
                raise HTTPException(404, "no such message was sent")
            after = max(after, newest)
            await self._calls.wait(revision, left)

    @operation("GET /messages/{number}")
    def message(self, number: Number) -> documents.Message:
        """Return a message."""
        return self._documents.message(self._call_of(number), number)

    @operation("POST /messages/{number}/deliver")
    def deliver(self, number: Number) -> None:
        """Deliver a message."""
        self._act(number, self._simulation.deliver)

    @operation("POST /messages/{number}/fail")
    def fail(self, number: Number, body: documents.Fail) -> None:
        """Make a message fail."""
        self._act(number, self._simulation.fail, body.code)

    @operation("POST /messages/{number}/reply")
    def reply(self, number: Number, body: documents.ReplyText) -> None:
        """Reply to a message as its recipient."""
        self._act(number, self._simulation.reply, body.text)

    @operation("POST /messages/{number}/verify")
    def verify(self, number: Number) -> None:
        """Verify a code."""
        self._act(number, self._simulation.verify)

    @operation("POST /messages/{number}/expire")
    def expire(self, number: Number) -> None:
        """Let a code expire."""
        self._act(number, self._simulation.expire)

    # --------------------------------------------------------------------------- calls

    @operation("GET /calls")
    async def numbers(self, to: Part = "") -> documents.Numbers:
        """List the numbers of the calls to a recipient, newest first."""
        to = to.strip().lower()
        targets = ((call, each) for call in list(self._calls) for each in call.targets or [""])
        found = {
            call.number: None
            async for some in InSteps(targets, _SOUGHT_AT_ONCE)
            for call, target in some
            if to in target.lower()
        }
        return documents.Numbers([*found])

    @operation("DELETE /calls")
    def clear(self) -> None:
        """Empty the inbox."""
        self._calls.clear()

    @operation("GET /calls/{number}")
    async def call(
        self, number: Number, offset: Offset = 0, limit: Limit = 100
    ) -> Annotated[Response, documents.Call]:
        """Return an API call, with its messages."""
        await self._calls.catch_up()
        try:
            call = self._calls.by_number[number]
        except LookupError:
            raise HTTPException(404, "no such call, or no longer") from None
        messages = call.messages[offset : offset + min(limit, _MOST)]
        head = self._documents.in_full(call, offset=offset)
        return self._answered(head, ((call, each) for each in messages))

    @operation("GET /export")
    async def export(self) -> Annotated[Response, documents.Export]:
        """Return all calls with all their messages."""
        await self._calls.catch_up()
        headers = {**NO_STORE, "content-disposition": 'attachment; filename="sandbox.json"'}
        return StreamingResponse(self._exported(), 200, headers, "application/json")

    async def _exported(self) -> AsyncIterator[str]:
        export = documents.Export(self._calls.numbering.run, time.time(), [])
        yield encoded(export).removesuffix("]}")
        comma = ""
        for call in reversed(list(self._calls)):
            yield comma
            async for piece in self._written(
                self._documents.in_full(call), ((call, each) for each in call.messages)
            ):
                yield piece
            comma = ",\n"
        yield "]}\n"

    @operation("GET /events", media_type="text/event-stream")
    def events(self, request: Request) -> Annotated[Response, documents.Changes]:
        """Follow changes; `Last-Event-ID` continues a stream."""
        last = request.headers.get("last-event-id", "")
        # Proxies must neither keep it nor collect it: it does not end by itself.
        headers = {**NO_STORE, "x-accel-buffering": "no"}
        stream = events(self._calls, self._documents, last)
        return StreamingResponse(stream, 200, headers, "text/event-stream")

    # --------------------------------------------------------------------------- faults

    @operation("GET /faults")
    def faults(self) -> Annotated[Answer, documents.ActiveFaults]:
        """List the faults in force."""
        return {"faults": [_active(each) for each in self._faults]}

    @operation("POST /faults", status=201)
    def add_fault(self, body: Annotated[Body, Fault]) -> Annotated[Answer, documents.ActiveFault]:
        """Inject a fault."""
        try:
            fault = Fault.from_json(body)
        except (TypeError, ValueError) as error:
            raise HTTPException(400, str(error)) from None
        return _active(ActiveFault(self._faults.add(fault), fault, 0))

    @operation("DELETE /faults")
    def clear_faults(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    @operation("GET /faults/kinds")
    def fault_kinds(self) -> documents.FaultKinds:
        """List kinds and presets of faults."""
        return documents.FaultKinds([*KINDS.values()], [*PRESETS])

    @operation("DELETE /faults/{number}")
    def remove_fault(self, number: Number) -> None:
        """Remove a fault."""
        try:
            self._faults.remove(number)
        except LookupError as error:
            raise HTTPException(404, str(error)) from None

    # --------------------------------------------------------------------------- the rest

    @operation("GET /errors")
    def errors(self) -> documents.Errors:
        """List the codes that a message can fail with."""
        return documents.Errors([Error(*each) for each in MEANINGS.items()])

    @operation("POST /session")
    async def session(self, request: Request) -> Annotated[Response, None]:
        """Exchange the token for a cookie."""
        return await open_session(request)

    # ---------------------------------------------------------------------------

    async def _found(
        self, to: str, template: str, limit: int, *, before: int = _ANY, after: int = 0
    ) -> list[_Found]:
        """Return the newest messages that are wanted, newest first."""
        address = _address(to.strip())  # a "+" that was not encoded arrives as a space
        sought = (
            (call, number)
            for call in list(self._calls)
            for number in reversed(
                range(max(call.messages.start, after + 1), min(call.messages.stop, before))
            )
        )
        found = list[_Found]()
        async for some in InSteps(sought, _SOUGHT_AT_ONCE):
            for call, number in some:
                sent = self._outbox.get(number)
                is_to = address in {"", _address(sent.recipient)}
                if is_to and template in {"", sent.template_id}:
                    found.append((call, number))
            if len(found) >= limit:
                break
        return found[:limit]

    def _answered(self, head: _Head, found: Iterable[_Found]) -> Response:
        return StreamingResponse(self._written(head, found), 200, NO_STORE, "application/json")

    async def _written(self, head: _Head, found: Iterable[_Found]) -> AsyncIterator[str]:
        """Write a document that ends with messages: itself, and then those."""
        yield encoded(head).removesuffix("]}")
        comma = ""
        async for some in InSteps(found, _DESCRIBED_AT_ONCE):
            described = [self._documents.message(call, number) for call, number in some]
            yield comma + encoded(described)[1:-1]
            comma = ", "
        yield "]}"

    def _call_of(self, number: Number) -> Call:
        try:
            return self._calls.by_message[number]
        except LookupError:
            raise HTTPException(404, "no such message, or no longer") from None

    def _act(self, number: Number, act: Callable[..., None], *details: object) -> None:
        self._call_of(number)
        try:
            act(self._outbox.get(number), *details)
        except ValueError as error:
            raise HTTPException(409, str(error).removeprefix("message: ")) from None


def _active(active: ActiveFault) -> Answer:
    return {"number": active.number, "struck": active.struck, **active.fault.as_json()}


def _address(recipient: str) -> str:
    return canonical(recipient) or recipient
