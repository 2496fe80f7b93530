"""Changes as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html.

::

    id: 3f9a01c2-20                       the sandbox and the revision; the browser sends back the
                                          last one it has got
    event: changes
    data: {"oldest": 4, "calls": […],     calls as they are now; those before `oldest` are gone
           "is_all": true}                whether no further ones are known

A stream keeps no queue, only the revision that it reported last. A reader that is slow, or was
away, gets what is true when it reads again: that costs no memory, and nothing is lost.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from anyio import CancelScope, current_time, sleep
from anyio.lowlevel import checkpoint

from .calls import Calls, Changes
from .documents import Documents
from .watch import Watch

T = TypeVar("T")

_BATCH: Final = 200
"""How many calls one event reports at most."""

_LONGEST_NUMBER: Final = 19  # digits


class Streams:
    """The open streams of one sandbox.

    Args:
        watch: Where to look.
        documents: Describes what changed.

    Attributes:
        pace: Seconds from one event to the next: what comes in between goes out together.
        heartbeat: Seconds of silence after which an event without calls is sent, so that
            a reader who is gone is noticed.
    """

    def __init__(self, watch: Watch, documents: Documents) -> None:
        self.pace: float = 0.05
        self.heartbeat: float = 15.0
        self._watch = watch
        self._documents = documents
        self._waiting: set[CancelScope] = set()
        self._is_over = True

    def begin(self) -> None:
        """Let streams be opened."""
        self._is_over = False

    def end(self) -> None:
        """End them all; the server would wait for them otherwise, and then break them off."""
        self._is_over = True
        for scope in self._waiting:
            scope.cancel()

    async def events(self, last_event_id: str) -> AsyncIterator[str]:
        """Yield all changes after an event, and then further ones as they happen.

        Args:
            last_event_id: The last one that the reader has got, or "".
        """
        await self._watch.catch_up()
        revision = _revision_of(last_event_id, self._watch.calls())
        while not self._is_over:
            await self._watch.catch_up()
            calls = self._watch.calls()
            changes = calls.since(revision, _BATCH)
            revision = changes.revision
            # Even if nothing has changed: so the reader learns that it is up to date.
            yield self._event(calls, changes)
            if changes.is_all:
                await self._news(revision, self.heartbeat)
            else:
                await checkpoint()  # let the sandbox answer other requests in between

    async def first(self, find: Callable[[], T | None], seconds: float) -> T | None:
        """Look for something now and after every change, for some seconds or until the end."""
        deadline = current_time() + seconds
        while True:
            revision = self._watch.calls().revision
            found, left = find(), deadline - current_time()
            if found is not None or left <= 0 or self._is_over:
                return found
            await self._news(revision, left)

    async def _news(self, revision: int, seconds: float) -> None:
        """Wait until there are changes after a revision, but not longer than some seconds."""
        with self._interruptible():
            await sleep(min(self.pace, seconds))
            if self._watch.calls().revision == revision:
                await self._watch.wait(seconds)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        with CancelScope() as scope:
            self._waiting.add(scope)
            try:
                yield
            finally:
                self._waiting.discard(scope)

    def _event(self, calls: Calls, changes: Changes) -> str:
        data = {
            "run": calls.epoch,
            "oldest": calls.oldest,
            "calls": [self._documents.row(call) for call in changes.calls],
            "is_all": changes.is_all,
        }
        return f"id: {calls.epoch}-{changes.revision}\nevent: changes\ndata: {json.dumps(data)}\n\n"


def _revision_of(event_id: str, calls: Calls) -> int:
    epoch, _, revision = event_id.partition("-")
    is_number = revision.isdecimal() and len(revision) <= _LONGEST_NUMBER
    return int(revision) if epoch == calls.epoch and is_number else 0
