"""The kinds of faults, each declared once: what the caller sees, its fields, and how it is played.

The page and the control API read the kinds from here; `Fault` checks what goes with which.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import define, frozen
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engagelab_async.sandbox.recipients import dropping
from engagelab_async.sandbox.refusals import RefusedError

from .wire import Wire

if TYPE_CHECKING:
    from .register import Strike


@frozen
class Answer:
    """A whole answer."""

    start: Message
    body: bytes


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

    async def carry_out(self) -> Answer:
        """Let the API carry out the call, and return its answer, which is not sent."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(self.scope, self.receive, keep)
        start, *pieces = messages
        return Answer(start, b"".join(piece["body"] for piece in pieces))

    async def carry_out_if_after(self) -> None:
        """Let the API carry out the call, if the fault comes after that."""
        if self.strike.fault.after:
            await self.carry_out()

    async def deliver(self, answer: Answer) -> None:
        """Send an answer."""
        await self.send(answer.start)
        await self.send({"type": "http.response.body", "body": answer.body})

    async def pause(self, seconds: float | None = None) -> None:
        """Wait, but not for longer than the client does."""
        await asyncio.wait({self.gone}, timeout=seconds)


_Plays: TypeAlias = Callable[[Play], Awaitable[None]]


@frozen
class Kind:
    """A kind of fault.

    Attributes:
        label: Its name in the page.
        explanation: What the caller sees.
        play: Plays it.
        fields: The fields of a `Fault` that only some kinds have.
        may_come_after: Whether the call may be carried out first.
        after_from_status: For a kind with a ``status``: the lowest that may come after. Others say
            that nothing was sent.
    """

    label: str
    explanation: str
    play: _Plays
    fields: tuple[str, ...] = ()
    may_come_after: bool = False
    after_from_status: int = 0

    def as_json(self, name: str) -> dict[str, object]:
        """Return a JSON object of it."""
        return {
            "kind": name,
            "label": self.label,
            "explanation": self.explanation,
            "fields": self.fields,
            "may_come_after": self.may_come_after,
            "after_from_status": self.after_from_status,
        }


async def _latency(play: Play) -> None:
    if play.strike.fault.after:
        answer = await play.carry_out()
        await play.pause(play.strike.seconds)
        await play.deliver(answer)
    else:
        await play.pause(play.strike.seconds)
        # Skip the send if the client disconnected during the delay.
        if not play.gone.done():
            await play.app(play.scope, play.receive, play.send)


async def _hang(play: Play) -> None:
    await play.carry_out_if_after()
    await play.pause()


async def _reset(play: Play) -> None:
    await play.carry_out_if_after()
    play.wire.reset(play.scope)
    await play.pause()


async def _cut(play: Play) -> None:
    answer = await play.carry_out() if play.strike.fault.after else _made_up()
    await play.send(answer.start)
    half = answer.body[: len(answer.body) // 2]
    await play.send({"type": "http.response.body", "body": half, "more_body": True})
    play.wire.close(play.scope)
    await play.pause()


async def _slow(play: Play) -> None:
    answer = await play.carry_out()
    await play.send(answer.start)
    for byte in answer.body:
        await play.pause(play.strike.fault.seconds)
        piece = bytes([byte])
        await play.send({"type": "http.response.body", "body": piece, "more_body": True})
    await play.send({"type": "http.response.body"})


async def _http(play: Play) -> None:
    await play.carry_out_if_after()
    fault = play.strike.fault
    title = f"{fault.status} {_phrase(fault.status)}"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    answer = _answer(fault.status, "text/html", page)
    if fault.retry_after is not None:
        answer.start["headers"].append((b"retry-after", b"%d" % fault.retry_after))
    await play.deliver(answer)


async def _error(play: Play) -> None:
    refusal = RefusedError(play.strike.fault.code or 0)
    await play.deliver(_json(refusal.http_status, refusal.answer))


async def _error_in_200(play: Play) -> None:
    code = play.strike.fault.code
    await play.deliver(_json(200, {"code": code, "message": "the plan failed"}))


async def _partial(play: Play) -> None:
    with dropping(play.strike.chosen):
        await play.app(play.scope, play.receive, play.send)


KINDS: Final[Mapping[str, Kind]] = {
    "latency": Kind(
        "The answer is late",
        "an answer that takes `seconds` more, or as many as a `distribution` says",
        _latency,
        ("seconds", "distribution", "spread"),
        may_come_after=True,
    ),
    "hang": Kind("No answer", "no answer", _hang, may_come_after=True),
    "reset": Kind(
        "The connection breaks",
        "the connection breaks before there is an answer",
        _reset,
        may_come_after=True,
    ),
    "cut": Kind(
        "The answer is cut off",
        "the connection ends in the middle of the answer",
        _cut,
        may_come_after=True,
    ),
    "slow": Kind(
        "The answer comes byte by byte",
        "an answer byte by byte, with `seconds` in between",
        _slow,
        ("seconds",),
    ),
    "http": Kind(
        "A gateway answers",
        "an HTML page with a `status`, like that of a gateway, perhaps with `retry_after`",
        _http,
        ("status", "retry_after"),
        may_come_after=True,
        after_from_status=500,
    ),
    "error": Kind("The API answers an error", "the API's error `code`", _error, ("code",)),
    "error_in_200": Kind(
        "An error inside an HTTP 200",
        "an HTTP 200 with a `code` that is not zero",
        _error_in_200,
        ("code",),
    ),
    "partial": Kind(
        "A plan leaves some out",
        "an SMS plan that leaves out a `share` of its targets",
        _partial,
        ("share",),
    ),
}
"""Every kind of fault, by name."""


def _made_up() -> Answer:
    """Make the answer to a call that was not carried out, to be cut in the middle."""
    return _json(200, {"message_id": "1725407449772531712", "send_channel": "sms"})


def _json(status: int, document: Mapping[str, object]) -> Answer:
    return _answer(status, "application/json", json.dumps(document))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # not every number has one
        return "Error"


def _answer(status: int, content_type: str, text: str) -> Answer:
    body = text.encode()
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    return Answer({"type": "http.response.start", "status": status, "headers": headers}, body)
