"""A last-in-first-out free list of things that own one connection each.

A pool that looks at every connection at every request gets slower the more of them it holds. Here
a request takes the slot that was given back last, whose connection is the least likely to have
been closed by the server meanwhile, and looks at no other::

    take ──> busy ── give_back ──> free (last in, first out) ── too long idle ──> closed
               └──── drop ──> closed
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import anyio
from attrs import define

if TYPE_CHECKING:
    from collections.abc import Callable


class Closable(Protocol):
    """What a slot holds."""

    async def aclose(self) -> None:
        """Close the connection."""
        ...


T = TypeVar("T", bound=Closable)


@define(eq=False)
class Slot(Generic[T]):
    """One place for a connection to one origin.

    Attributes:
        origin: Where it leads.
        connection: What holds the connection; it connects when it is first used.
        idle_since: Seconds by the clock of its `Slots`.
    """

    origin: str
    connection: T
    idle_since: float = 0.0


class Slots(Generic[T]):
    """The free list.

    Args:
        make: Makes what a new slot for an origin holds.
        limit: How many slots there may be, over all origins.
        idle_seconds: A slot that was not used for so long is closed, when others come back.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        make: Callable[[str], T],
        *,
        limit: int,
        idle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without a slot."""
        self._make = make
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._free: dict[str, deque[Slot[T]]] = {}
        self._open = 0
        self._closed = False
        # It serves waiters in the order of their coming.
        self._room = anyio.Semaphore(limit, fast_acquire=True)

    async def take(self, origin: str) -> Slot[T]:
        """Take the slot of `origin` that was used last, or a new one; wait while all are busy."""
        await self._room.acquire()
        try:
            free = self._free.get(origin)
            return free.pop() if free else await self._new(origin)
        except BaseException:
            self._room.release()
            raise

    async def _new(self, origin: str) -> Slot[T]:
        slot = Slot(origin, self._make(origin))
        self._open += 1
        if self._open > self._limit:
            # Not all are busy, or there would have been no room: another origin has an idle one.
            try:
                await self._close(self._longest_idle())
            except BaseException:
                self._open -= 1
                raise
        return slot

    async def give_back(self, slot: Slot[T]) -> None:
        """Put back a slot whose connection can be used again."""
        if self._closed:
            await self.drop(slot)
            return
        slot.idle_since = self._clock()
        free = self._free.setdefault(slot.origin, deque())
        free.append(slot)
        self._room.release()
        await self._close_expired(slot.idle_since)

    async def _close_expired(self, now: float) -> None:
        # Of each origin one at a time, so that no request pays for the end of a rush.
        for free in tuple(self._free.values()):
            if free and now - free[0].idle_since > self._idle_seconds:
                await self._close(free.popleft())

    async def drop(self, slot: Slot[T]) -> None:
        """Close a slot whose connection must not be used again."""
        self._room.release()
        await self._close(slot)

    async def aclose(self) -> None:
        """Close the free slots; busy ones are closed when they come back."""
        self._closed = True
        for free in self._free.values():
            while free:
                await self._close(free.popleft())

    def _longest_idle(self) -> Slot[T]:
        oldest = min(
            (free for free in self._free.values() if free), key=lambda free: free[0].idle_since
        )
        return oldest.popleft()

    async def _close(self, slot: Slot[T]) -> None:
        self._open -= 1
        # A cancelled request still has to close its connection.
        with anyio.CancelScope(shield=True):
            await slot.connection.aclose()
