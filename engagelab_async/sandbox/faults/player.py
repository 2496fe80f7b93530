"""Plays the faults: an ASGI app in front of the API, which passes calls on while there are none.

::

    a request ──> is it a call that a fault strikes? ── no ──> the API answers
                          │ yes
                          ├── after, slow, partial: the API carries the call out, its answer is kept
                          ↓
                    the fault is played
"""

import asyncio
import json
from contextlib import suppress
from typing import Final

from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from engagelab_async.sandbox.app import is_call

from .kinds import PLAYS, Play
from .register import Faults
from .wire import Wire

_LONGEST_BODY: Final = 1024 * 1024  # more than that the API refuses


class FaultPlayer:
    """An ASGI app that plays faults instead of the API, or before or after it.

    Only the API's calls are struck: what asks whether the sandbox is up neither suffers a fault nor
    uses one up, and neither do its page, its documents, and paths that the API does not have.
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
        request = ReadAhead(receive)
        is_whole = await request.read()
        strike = self._faults.strike(scope["path"], request.recipients) if is_whole else None
        if strike is None:
            await self._app(scope, request.receive, send)
            return
        # The next message, as the request was read: that its client has left.
        gone = asyncio.ensure_future(receive())
        play = Play(strike, self._app, scope, request.receive, send, self._wire, gone)
        self._playing.append(scope)
        try:
            await PLAYS[strike.fault.kind](play)
        finally:
            self._playing.remove(scope)
            gone.cancel()

    def release(self) -> None:
        """Close the connections of all that a fault keeps waiting, so that the server can stop."""
        for scope in self._playing:
            with suppress(ConnectionResetError):
                self._wire.close(scope)


class ReadAhead:
    """The body of a request, read before the API reads it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []
        self.body: bytes = b""

    async def read(self) -> bool:
        """Read it, but no longer than the API would, and return whether that is all."""
        more = True
        while more and len(self.body) <= _LONGEST_BODY:
            message = await self._receive()
            self._messages.append(message)
            self.body += message.get("body", b"")
            more = message.get("more_body", False)
        return not more

    async def receive(self) -> Message:
        """Be what the API receives: what was read ahead, then the rest."""
        return self._messages.pop(0) if self._messages else await self._receive()

    @property
    def recipients(self) -> list[str]:
        """Its recipients, as they are written."""
        try:
            body = json.loads(self.body)
        except (ValueError, RecursionError):
            return []
        to = body.get("to") if isinstance(body, dict) else None
        return [each for each in (to if isinstance(to, list) else [to]) if isinstance(each, str)]
