"""Plays the faults: an ASGI app in front of the API, which only looks on while there are none.

::

    a request ──> is it a call that a fault strikes? ── no ──> the API answers
                          │ yes
                          ├── after, slow, partial: the API carries the call out, its answer is kept
                          ↓
                    the fault is played
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Final

from attrs import define, frozen
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engagelab_async.sandbox.app import is_call
from engagelab_async.sandbox.recipients import dropping
from engagelab_async.sandbox.refusals import RefusedError

from .fault import Fault
from .register import Faults, Strike
from .wire import Wire

_LONGEST_BODY: Final = 1024 * 1024  # more than that the API refuses, whoever it is for


class FaultPlayer:
    """An ASGI app that plays faults instead of another app, or before or after it.

    Only the API's calls are struck: what asks whether the sandbox is up neither suffers a fault nor
    uses one up, and neither do its page, its documents, and paths that the API does not have.

    Args:
        app: The API.
        faults: What goes wrong.
        wire: What requests come in on.
    """

    def __init__(self, app: Starlette, faults: Faults, wire: Wire) -> None:
        self._app = app
        self._faults = faults
        self._wire = wire
        self._playing: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the API answer, or play a fault."""
        if not self._faults or scope["type"] != "http" or not is_call(self._app, scope):
            await self._app(scope, receive, send)
            return
        request = _Request(receive)
        is_whole = await request.read()
        strike = self._faults.strike(scope["path"], request.recipients) if is_whole else None
        if strike is None:
            await self._app(scope, request.receive, send)
            return
        with self._holding(scope), _awaited(receive) as gone:
            play = _Play(strike, self._app, scope, request, send, self._wire, gone)
            await _PLAYS[strike.fault.kind](play, strike.fault)

    def release(self) -> None:
        """Hang up on everybody a fault keeps waiting, so that the server can stop."""
        for scope in self._playing:
            with suppress(ConnectionResetError):
                self._wire.close(scope)

    @contextmanager
    def _holding(self, scope: Scope) -> Iterator[None]:
        self._playing.append(scope)
        try:
            yield
        finally:
            self._playing.remove(scope)


class _Request:
    """The body of a request, read ahead to see whom it is for."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self._body = b""

    async def read(self) -> bool:
        """Read it, but no longer than the API would, and tell whether that is all."""
        more = True
        while more and len(self._body) <= _LONGEST_BODY:
            message = await self._receive()
            self._messages.append(message)
            self._body += message.get("body", b"")
            more = message.get("more_body", False)
        return not more

    async def receive(self) -> Message:
        """Be what the API receives: what was read ahead, then the rest."""
        return self._messages.pop(0) if self._messages else await self._receive()

    @property
    def recipients(self) -> list[str]:
        """Whom it is for, as they are written."""
        try:
            body = json.loads(self._body)
        except (ValueError, RecursionError):
            return []
        to = body.get("to") if isinstance(body, dict) else None
        return [each for each in (to if isinstance(to, list) else [to]) if isinstance(each, str)]


@frozen
class _Answer:
    """An answer, whole."""

    start: Message
    body: bytes


@contextmanager
def _awaited(receive: Receive) -> Iterator["asyncio.Future[Message]"]:
    """Wait for the next message, which for a request that was read is that its client has left."""
    gone = asyncio.ensure_future(receive())
    try:
        yield gone
    finally:
        gone.cancel()


@define
class _Play:
    """A fault at work on one request."""

    strike: Strike
    app: ASGIApp
    scope: Scope
    request: _Request
    send: Send
    wire: Wire
    gone: "asyncio.Future[Message]"

    # --------------------------------------------------------------------------- the faults

    async def latency(self, fault: Fault) -> None:
        if fault.after:
            answer = await self.carried_out()
            await self.pause(fault.seconds)
            await self.deliver(answer)
        else:
            await self.pause(fault.seconds)
            # Whoever has given up meanwhile was not sent to, which is what the fault is for.
            if not self.gone.done():
                await self.app(self.scope, self.request.receive, self.send)

    async def hang(self, fault: Fault) -> None:
        if fault.after:
            await self.carried_out()
        await self.pause()

    async def reset(self, fault: Fault) -> None:
        if fault.after:
            await self.carried_out()
        self.wire.reset(self.scope)
        await self.pause()

    async def cut(self, fault: Fault) -> None:
        answer = await self.carried_out() if fault.after else _made_up(fault)
        await self.send(answer.start)
        half = answer.body[: len(answer.body) // 2]
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        self.wire.close(self.scope)
        await self.pause()

    async def slow(self, fault: Fault) -> None:
        answer = await self.carried_out()
        await self.send(answer.start)
        for byte in answer.body:
            await self.pause(fault.seconds)
            piece = bytes([byte])
            await self.send({"type": "http.response.body", "body": piece, "more_body": True})
        await self.send({"type": "http.response.body"})

    async def http(self, fault: Fault) -> None:
        if fault.after:
            await self.carried_out()
        await self.deliver(_page(fault))

    async def error(self, fault: Fault) -> None:
        refusal = RefusedError(fault.code or 0)
        await self.deliver(_json(refusal.http_status, refusal.answer))

    async def error_in_200(self, fault: Fault) -> None:
        await self.deliver(_json(200, {"code": fault.code, "message": "the plan failed"}))

    async def partial(self, _: Fault) -> None:
        with dropping(self.strike.chosen):
            await self.app(self.scope, self.request.receive, self.send)

    # --------------------------------------------------------------------------- their means

    async def carried_out(self) -> _Answer:
        """Have the call carried out, and keep the answer back."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(self.scope, self.request.receive, keep)
        start, *pieces = messages
        return _Answer(start, b"".join(piece["body"] for piece in pieces))

    async def deliver(self, answer: _Answer) -> None:
        """Send an answer."""
        await self.send(answer.start)
        await self.send({"type": "http.response.body", "body": answer.body})

    async def pause(self, seconds: float | None = None) -> None:
        """Wait, but not for longer than the client does."""
        await asyncio.wait({self.gone}, timeout=seconds)


_PLAYS: Final[Mapping[str, Callable[[_Play, Fault], Awaitable[None]]]] = {
    "latency": _Play.latency,
    "hang": _Play.hang,
    "reset": _Play.reset,
    "cut": _Play.cut,
    "slow": _Play.slow,
    "http": _Play.http,
    "error": _Play.error,
    "error_in_200": _Play.error_in_200,
    "partial": _Play.partial,
}


def _made_up(_: Fault) -> _Answer:
    """Make the answer to a call that was not carried out, to be cut in the middle."""
    return _json(200, {"message_id": "1725407449772531712", "send_channel": "sms"})


def _json(status: int, document: Mapping[str, object]) -> _Answer:
    return _answer(status, "application/json", json.dumps(document))


def _page(fault: Fault) -> _Answer:
    title = f"{fault.status} {_phrase(fault.status)}"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    answer = _answer(fault.status, "text/html", page)
    if fault.retry_after is not None:
        answer.start["headers"].append((b"retry-after", b"%d" % fault.retry_after))
    return answer


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # not every number has one
        return "Error"


def _answer(status: int, content_type: str, text: str) -> _Answer:
    body = text.encode()
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    return _Answer({"type": "http.response.start", "status": status, "headers": headers}, body)
