"""Which rows came before, and their state: the platform may deliver a row several times.

::

    new ── begin ──> in flight ── commit ──> handled
     ^                 │   │
     └──── abandon ────┘   └─ the lease is over: its process is gone ──> new
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Literal, Protocol

from attrs import frozen

from engagelab_async.arguments import check_integer, check_seconds

REPEAT_WINDOW: Final = 19 * 86_400
"""For how many seconds the platform may deliver a row again.

It repeats what is not answered 200 after 1 minute, 10 minutes, 1 hour, 2, 5 and 10 hours, and then
daily, up to 24 times: for almost 19 days.

.. versionadded:: 0.1.0
"""

_CAPACITY: Final = 100_000
_LEASE: Final = 600.0

Progress = Literal["new", "in_flight", "handled"]
"""The state of an event before ``begin``.

.. versionadded:: 0.1.0
"""


class SeenStore(Protocol):
    """Remembers the state of events; several processes of a program share one.

    An event in flight is not yet handled: a repeat that arrives meanwhile waits, and replaces the
    first one if that fails. A killed process abandons nothing, so its events in flight are new
    again when their lease is over. The lease must be longer than a handler takes.

    `RecentlySeen` is one for a single process, ``engagelab_async.redis.RedisSeenStore`` one for
    several.

    .. versionadded:: 0.1.0
    """

    async def begin(self, identity: str, owner: str) -> Progress:
        """Begin to handle an event, if it is new, until the lease is over.

        Args:
            identity: The event's `identity`.
            owner: The id of the receiver that handles it.

        Returns:
            ``new``, and the owner handles it; or ``in_flight``, if another one does; or
            ``handled``.
        """
        ...

    async def commit(self, identity: str) -> None:
        """Remember an event as handled."""
        ...

    async def abandon(self, identity: str, owner: str) -> None:
        """Make an event new again, because it was not handled; only if it is still the owner's."""
        ...


@frozen
class _InFlight:
    """An event that is being handled."""

    owner: str
    until: float


_FREE: Final = _InFlight("", -math.inf)


class RecentlySeen:
    """A `SeenStore` in the memory of one process: about 15 MB when it is full.

    It has no time limit. Repeats come for up to 19 days, so the default holds all of them for a
    program that receives 5,000 rows a day; with more, a row that is repeated late may be handled
    twice.

    Args:
        capacity: How many identities it remembers; then it forgets the oldest.
        lease: After how many seconds an event that is in flight is new again.
        clock: Returns the time in seconds.

    Example:
        >>> store = RecentlySeen()
        >>> import asyncio
        >>> async def main():
        ...     print(await store.begin("a", "first"), await store.begin("a", "second"))
        ...     await store.commit("a")
        ...     print(await store.begin("a", "third"))
        >>> asyncio.run(main())
        new in_flight
        handled

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        capacity: int = _CAPACITY,
        *,
        lease: float = _LEASE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = check_integer(capacity, "capacity", 1)
        self._lease = check_seconds(lease, "lease")
        self._clock = clock
        self._lock = threading.Lock()  # two servers may share it, each in a thread of its own
        # ``None`` for an event that was handled.
        self._events: OrderedDict[str, _InFlight | None] = OrderedDict()

    async def begin(self, identity: str, owner: str) -> Progress:
        """Take an event to be handled; see `SeenStore.begin`."""
        with self._lock:
            now = self._clock()
            event = self._events.get(identity, _FREE)
            if event is None:
                self._events.move_to_end(identity)
                return "handled"
            if now < event.until:
                return "in_flight"
            self._put(identity, _InFlight(owner, now + self._lease))
            return "new"

    async def commit(self, identity: str) -> None:
        """Remember an event as handled."""
        with self._lock:
            self._put(identity, None)

    async def abandon(self, identity: str, owner: str) -> None:
        """Make an event new again; see `SeenStore.abandon`."""
        with self._lock:
            event = self._events.get(identity)
            if event is not None and event.owner == owner:
                del self._events[identity]

    def _put(self, identity: str, event: _InFlight | None) -> None:
        self._events[identity] = event
        self._events.move_to_end(identity)
        if len(self._events) > self._capacity:
            self._events.popitem(last=False)
