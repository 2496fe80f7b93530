"""A last-in-first-out free list of things that own one connection each.

A pool that looks at every connection at every request gets slower the more of them it holds. Here
a request takes the slot that was given back last, whose connection is the least likely to have
been closed by the server meanwhile, and looks at no other::

    take ──> busy ── give_back ──> free (last in, first out) ── idle for long, old, stale
               │                                                              │
               └──── drop ──> closed <──────────────── sweep, once a second ──┘
"""

from __future__ import annotations

import math
import sys
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import anyio
from attrs import define

from ._engine import in_asyncio
from ._loops import Closable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T", bound=Closable)


@define(eq=False)
class Slot(Generic[T]):
    """One place for a connection to one origin, which connects when it is first used.

    The moments are by the clock of its `Slots`; after `good_until` it must not be used.
    """

    origin: str
    connection: T
    born: float
    idle_since: float = 0.0
    good_until: float = math.inf


class Slots(Generic[T]):
    """The free list.

    Args:
        make: Makes what a new slot for an origin holds.
        limit: How many slots there may be, over all origins.
        idle_seconds: A slot that was not used for so long is used no more.
        max_age: Nor is one that was made so many seconds ago.
        is_stale: Returns whether a free connection was closed, or spoken to, by its server.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        make: Callable[[str], T],
        *,
        limit: int,
        idle_seconds: float,
        max_age: float = math.inf,
        is_stale: Callable[[T], bool] = lambda _: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._max_age = max_age
        self._is_stale = is_stale
        self._clock = clock
        self._free: defaultdict[str, deque[Slot[T]]] = defaultdict(deque)
        self._open = 0
        self._closed = False
        # It serves waiters first come, first served.
        self._room = anyio.Semaphore(limit, fast_acquire=True)

    @property
    def free(self) -> int:
        return sum(map(len, self._free.values()))

    async def take(self, origin: str) -> Slot[T]:
        """Take the slot of `origin` that was used last, or a new one; wait while all are busy."""
        try:
            # Costs less than awaiting it.
            self._room.acquire_nowait()
        except anyio.WouldBlock:
            await self._room.acquire()
        try:
            free = self._free.get(origin)
            while free:
                slot = free.pop()
                if not self._is_over(slot):
                    return slot
                await self._close(slot)
            return await self._new(origin)
        except BaseException:
            self._room.release()
            raise

    async def _new(self, origin: str) -> Slot[T]:
        slot = Slot(origin, self._make(origin), self._clock())
        self._open += 1
        if self._open > self._limit:
            # Not all are busy, or there would have been no room: another origin has an idle one.
            try:
                await self._close(self._longest_idle())
            except BaseException:
                self._open -= 1
                raise
        return slot

    def give_back(self, slot: Slot[T], *, keep: float = math.inf) -> bool:
        """Put back a slot, whose server keeps the connection open for some seconds.

        Returns:
            Whether it is free now; else it is to be dropped.
        """
        now = self._clock()
        slot.idle_since = now
        slot.good_until = min(now + min(self._idle_seconds, keep), slot.born + self._max_age)
        if self._closed or slot.good_until <= now:
            return False
        self._free[slot.origin].append(slot)
        self._room.release()
        return True

    async def sweep(self) -> None:
        """Close the free slots that must not, or cannot, be used again."""
        for free in tuple(self._free.values()):
            for slot in tuple(free):
                # While another one was being closed, it may have been taken. One that is still to
                # be closed stays in the list, where `take` finds it to make room for others.
                if self._is_over(slot) and slot in free:
                    free.remove(slot)
                    await self._close(slot)

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

    def _is_over(self, slot: Slot[T]) -> bool:
        return self._clock() >= slot.good_until or self._is_stale(slot.connection)

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


class Sweeper:
    """Sweeps a free list in the background, while there is something in it.

    It ends after so many rounds without a `wake`, whatever is left.
    """

    def __init__(
        self,
        slots: Slots[T],
        *,
        rounds: int,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._slots = slots
        self._rounds = rounds
        self._sleep = sleep
        self._left = 0
        self._stop: Callable[[], Awaitable[None]] = _nothing

    def wake(self) -> None:
        """Begin to sweep, or go on for all rounds; in the event loop that runs."""
        asleep = not self._left
        self._left = self._rounds
        if asleep:
            self._stop = _in_background(self._sweep)

    async def _sweep(self) -> None:
        try:
            while self._left:
                self._left -= 1
                await self._sleep(_SWEEP_SECONDS)
                await self._slots.sweep()
                if not self._slots.free:
                    return
        finally:
            self._left = 0

    async def aclose(self) -> None:
        await self._stop()


_SWEEP_SECONDS: Final = 1.0


async def _nothing() -> None:
    """There is nothing to stop."""


def _in_background(task: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Start a task that belongs to no task group, and return what ends it."""
    if in_asyncio():
        asyncio = sys.modules["asyncio"]
        running = asyncio.get_running_loop().create_task(task())
        # A loop that is closed without ending its tasks would complain of this one.
        running._log_destroy_pending = False  # noqa: SLF001 - as asyncio.gather does

        async def end() -> None:
            running.cancel()
            await asyncio.wait({running})

        return end
    scope = anyio.CancelScope()

    async def run() -> None:
        with scope:
            await task()

    async def cancel() -> None:
        scope.cancel()

    sys.modules["trio"].lowlevel.spawn_system_task(run)
    return cancel
