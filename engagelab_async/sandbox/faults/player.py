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

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from engagelab_async.sandbox.app import is_call, read_ahead
from engagelab_async.sandbox.recipients import recipients_in

from .kinds import PLAYS, Play
from .register import Faults
from .wire import Wire


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
        body, is_whole, again = await read_ahead(receive)
        strike = self._faults.strike(scope["path"], _recipients(body)) if is_whole else None
        if strike is None:
            await self._app(scope, again, send)
            return
        # The next message, as the request was read: that its client has left.
        gone = asyncio.ensure_future(receive())
        play = Play(strike, self._app, scope, again, send, self._wire, gone)
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


def _recipients(body: bytes) -> list[str]:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return recipients_in(decoded) if isinstance(decoded, dict) else []
