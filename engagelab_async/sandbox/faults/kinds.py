"""The kinds of faults, each declared once: what the caller sees, its fields, and how it is played.

The page and the control API read the kinds from here; `Fault` checks what goes with which.
"""

import asyncio
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from attrs import define
from msgspec import Meta, Struct
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engagelab_async.sandbox.recipients import dropping
from engagelab_async.sandbox.refusals import RefusedError

from .wire import Wire

if TYPE_CHECKING:
    from .register import Strike


@define
class Play:
    """A fault at work on one request."""

    strike: "Strike"
    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    wire: Wire
    gone: "asyncio.Future[Message]"

    async def carry_out(self, app: ASGIApp | None = None) -> tuple[Message, bytes]:
        """Let the API, or another app, answer; return start and body, which are not sent."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await (app or self.app)(self.scope, self.receive, keep)
        start, *pieces = messages
        return start, b"".join(piece["body"] for piece in pieces)

    async def carry_out_if_after(self) -> None:
        """Let the API carry out the call, if the fault comes after that."""
        if self.strike.fault.after:
            await self.carry_out()

    async def answer(self, app: ASGIApp) -> None:
        """Let an app answer."""
        await app(self.scope, self.receive, self.send)

    async def send_body(self, body: bytes, *, more: bool = False) -> None:
        """Send a part of the body of an answer."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def pause(self, seconds: float | None = None) -> None:
        """Wait, but not for longer than the client does."""
        await asyncio.wait({self.gone}, timeout=seconds)


class FaultKind(Struct, frozen=True):
    """A kind of fault."""

    kind: str
    label: str
    explanation: Annotated[str, Meta(description="What the caller sees.")]
    fields: Annotated[tuple[str, ...], Meta(description="The fields that not all kinds have.")]
    may_come_after: Annotated[bool, Meta(description="Whether it can come `after` the call.")]
    after_from_status: Annotated[int, Meta(description="The lowest `status` that can.")]


_Plays: TypeAlias = Callable[[Play], Awaitable[None]]

KINDS: Final[dict[str, FaultKind]] = {}
"""Every kind of fault, by name."""

PLAYS: Final[dict[str, _Plays]] = {}
"""What plays each kind of fault."""


def _kind(
    label: str, explanation: str, *fields: str, after: bool = False, from_status: int = 0
) -> Callable[[_Plays], _Plays]:
    """Declare a kind of fault, named as the function that plays it."""

    def declare(play: _Plays) -> _Plays:
        name = play.__name__.removeprefix("_")
        KINDS[name] = FaultKind(name, label, explanation, fields, after, from_status)
        PLAYS[name] = play
        return play

    return declare


@_kind(
    "The answer is late",
    "an answer that takes `seconds` more, or as many as a `distribution` says",
    *("seconds", "distribution", "spread"),
    after=True,
)
async def _latency(play: Play) -> None:
    if play.strike.fault.after:
        start, body = await play.carry_out()
        await play.pause(play.strike.seconds)
        await play.send(start)
        await play.send_body(body)
    else:
        await play.pause(play.strike.seconds)
        # Skip the send if the client disconnected during the delay.
        if not play.gone.done():
            await play.answer(play.app)


@_kind("No answer", "no answer", after=True)
async def _hang(play: Play) -> None:
    await play.carry_out_if_after()
    await play.pause()


@_kind("The connection breaks", "the connection breaks before there is an answer", after=True)
async def _reset(play: Play) -> None:
    await play.carry_out_if_after()
    play.wire.reset(play.scope)
    await play.pause()


@_kind("The answer is cut off", "the connection ends in the middle of the answer", after=True)
async def _cut(play: Play) -> None:
    made_up = JSONResponse({"message_id": "1725407449772531712", "send_channel": "sms"})
    start, body = await play.carry_out(None if play.strike.fault.after else made_up)
    await play.send(start)
    await play.send_body(body[: len(body) // 2], more=True)
    play.wire.close(play.scope)
    await play.pause()


@_kind(
    "The answer comes byte by byte", "an answer byte by byte, with `seconds` in between", "seconds"
)
async def _slow(play: Play) -> None:
    start, body = await play.carry_out()
    await play.send(start)
    for byte in body:
        await play.pause(play.strike.fault.seconds)
        await play.send_body(bytes([byte]), more=True)
    await play.send_body(b"")


@_kind(
    "A gateway answers",
    "an HTML page with a `status`, like that of a gateway, perhaps with `retry_after`",
    *("status", "retry_after"),
    after=True,
    from_status=500,
)
async def _http(play: Play) -> None:
    await play.carry_out_if_after()
    status, retry_after = play.strike.fault.status, play.strike.fault.retry_after
    title = f"{status} {responses.get(status, 'Error')}"  # not every number has a phrase
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    await play.answer(HTMLResponse(page, status, {"content-type": "text/html", **headers}))


@_kind("The API answers an error", "the API's error `code`", "code")
async def _error(play: Play) -> None:
    refusal = RefusedError(play.strike.fault.code or 0)
    await play.answer(JSONResponse(refusal.answer, refusal.http_status))


@_kind("An error inside an HTTP 200", "an HTTP 200 with a `code` that is not zero", "code")
async def _error_in_200(play: Play) -> None:
    await play.answer(JSONResponse({"code": play.strike.fault.code, "message": "the plan failed"}))


@_kind("A plan leaves some out", "an SMS plan that leaves out a `share` of its targets", "share")
async def _partial(play: Play) -> None:
    with dropping(play.strike.chosen):
        await play.answer(play.app)
