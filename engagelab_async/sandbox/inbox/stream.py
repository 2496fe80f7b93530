"""Changes as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html.

::

    id: 3f9a01c2-20                       the run and the revision; comes back as Last-Event-ID
    event: changes
    data: {"oldest": 4, "calls": […]}     calls as they are now; those before `oldest` are gone

A stream keeps no queue, only the revision that it has told last. A reader that is slow, or was
away, gets what is true when it reads again, so neither can cost memory, and nothing is lost.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

from anyio import move_on_after, sleep

from .calls import Calls, Changes
from .documents import row

BATCH: Final = 200
"""How many calls one event tells of at most."""

_PACE: Final = 0.05
"""Seconds from one event to the next: what comes in between goes out together."""

_HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment is sent, so that a reader who is gone is noticed."""


class Bell:
    """Wakes the open streams, and ends them when the sandbox stops."""

    def __init__(self) -> None:
        self.is_silent: bool = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: set[asyncio.Event] = set()

    def hang(self) -> None:
        """Begin: called in the server's event loop."""
        self._loop = asyncio.get_running_loop()
        self.is_silent = False

    def ring(self) -> None:
        """Wake the streams."""
        for listener in self._listeners:
            listener.set()

    def take_down(self) -> None:
        """End all streams, those too that are yet to be opened."""
        self.is_silent = True
        self.ring()

    @contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever the bell rings."""
        listener = asyncio.Event()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)


async def events(calls: Calls, bell: Bell, last_event_id: str) -> AsyncIterator[str]:
    """Tell all changes after an event, and then go on as they happen.

    Args:
        calls: What may change.
        bell: Rings when it does.
        last_event_id: The last one that the reader has got, or "".
    """
    revision = _revision_of(last_event_id, calls)
    yield "retry: 1000\n\n"
    with bell.heard() as rung:
        while not bell.is_silent:
            rung.clear()
            if calls.revision > revision:
                changes = calls.since(revision, BATCH)
                revision = changes.revision
                yield _event(calls, changes)
                await sleep(_PACE if changes.is_all else 0)
                continue
            with move_on_after(_HEARTBEAT) as waiting:
                await rung.wait()
            if waiting.cancelled_caught:
                yield ": nothing new\n\n"


def _revision_of(event_id: str, calls: Calls) -> int:
    epoch, _, revision = event_id.partition("-")
    return int(revision) if epoch == calls.epoch and revision.isdecimal() else 0


def _event(calls: Calls, changes: Changes) -> str:
    data = {
        "run": calls.epoch,
        "oldest": calls.oldest,
        "calls": [row(call) for call in changes.calls],
    }
    return f"id: {calls.epoch}-{changes.revision}\nevent: changes\ndata: {json.dumps(data)}\n\n"
