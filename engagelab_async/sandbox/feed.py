"""What happens in a sandbox, as a numbered feed for whoever wants to watch.

The newest events are kept, so that a watcher who was away for a moment loses nothing, and one who
is slow holds nobody up: a watcher has no queue of its own, only the number it has read to.
"""

import threading
from collections import deque
from itertools import islice
from typing import Literal, TypeAlias

from attrs import frozen

from .bell import Bell

Kind: TypeAlias = Literal["call", "status", "reply", "callback"]
"""What happened: a send was asked for, a message reached a status, or was replied to, or a callback
was tried.

The first status that a message reaches, ``plan``, is also the news that there is such a message.
"""


@frozen
class FeedEvent:
    """Something that happened.

    Attributes:
        number: Its place in the feed, from 1.
        kind: What happened.
        subject: The number of the message, or of the callback delivery, that it happened to; or
            that of the call, see `inbox.calls`.
    """

    number: int
    kind: Kind
    subject: int


class Feed:
    """The events of one sandbox; to be used from any thread.

    Nothing is published before `open` is called: a sandbox that nobody watches has no work of it.

    Args:
        kept: How many events to keep.
    """

    def __init__(self, kept: int = 10_000) -> None:
        self._events: deque[FeedEvent] = deque(maxlen=kept)
        self._last = 0
        self._is_open = False
        self._bells: set[Bell] = set()
        self._lock = threading.Lock()

    @property
    def last(self) -> int:
        """The number of the newest event, or 0."""
        return self._last

    @property
    def is_open(self) -> bool:
        """Whether events are published."""
        return self._is_open

    def open(self) -> None:
        """Publish events from now on."""
        self._is_open = True

    def publish(self, kind: Kind, subject: int) -> None:
        """Add an event, if the feed is open."""
        if not self._is_open:
            return
        with self._lock:
            self._last += 1
            self._events.append(FeedEvent(self._last, kind, subject))
            for bell in self._bells:
                bell.ring()

    def after(self, number: int) -> tuple[FeedEvent, ...]:
        """Return the events behind one, oldest first.

        Raises:
            LookupError: Some of them are no longer kept, or the number is not of this feed.
        """
        with self._lock:
            first = self._last - len(self._events)
            if not first <= number <= self._last:
                raise LookupError(f"the feed keeps the events from {first + 1} to {self._last}")
            return tuple(islice(self._events, number - first, None))

    async def wait(self, number: int, seconds: float | None = None) -> None:
        """Wait until there are events behind one, on asyncio, but not longer than some seconds."""
        bell = Bell()
        with self._lock:
            self._bells.add(bell)
        try:
            if self._last <= number:
                await bell.wait(seconds)
        finally:
            with self._lock:
                self._bells.discard(bell)
