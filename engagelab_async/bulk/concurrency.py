"""How many operations of a run may be in flight.

The limit adapts as TCP's window does: one more after each round of successes, half after trouble
(additive increase, multiplicative decrease).
"""

from collections import deque

import anyio
from attrs import define, field


@define(eq=False)
class _Waiter:
    """A worker that waits for a permit."""

    reacquires: bool
    admitted: bool = False
    woken: anyio.Event = field(factory=anyio.Event)


class ConcurrencyLimit:
    """Gives out permits, in the order in which they are asked for.

    Args:
        most: The maximum, with which a run begins.

    Attributes:
        closed: Whether nothing new is started.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(most)
        self._active = 0
        self._waiting: deque[_Waiter] = deque()
        self.closed: bool = False
        self._halvings = 0

    @property
    def active(self) -> int:
        """How many permits are in use."""
        return self._active

    @property
    def current(self) -> int:
        """The current limit."""
        return int(self._limit)

    @property
    def is_overfull(self) -> bool:
        """Whether more permits are in use than the current limit."""
        return self._active > self._limit

    @property
    def halvings(self) -> int:
        """How often the limit was halved; a request records it when it is sent."""
        return self._halvings

    async def acquire(self) -> bool:
        """Wait for a permit.

        Returns:
            Whether there is one: ``False`` once nothing new is started.
        """
        return not self.closed and (self._take() or await self._wait(reacquires=False))

    async def reacquire(self) -> None:
        """Wait for a permit to continue an operation."""
        if not self._take():
            await self._wait(reacquires=True)

    def _take(self) -> bool:
        free = not self._waiting and self._active + 1 <= self._limit
        self._active += free
        return free

    async def _wait(self, *, reacquires: bool) -> bool:
        waiter = _Waiter(reacquires)
        self._waiting.append(waiter)
        try:
            await waiter.woken.wait()
        except BaseException:
            if waiter.admitted:
                self.release()
            elif waiter in self._waiting:
                self._waiting.remove(waiter)
            raise
        return waiter.admitted

    def release(self) -> None:
        """Give a permit to the next worker that waits."""
        self._active -= 1
        self._admit()

    def widen(self) -> None:
        """Record a success: the limit grows by one after about as many successes as the limit."""
        if self._limit < self._most:
            self._limit = min(self._most, self._limit + 1 / self._limit)
            self._admit()

    def narrow(self, seen: int) -> None:
        """Record trouble.

        Args:
            seen: `halvings` when the request left. Requests that were in flight together fail
                together, and count once.
        """
        if seen == self._halvings:
            self._halvings += 1
            self._limit = max(1.0, self._limit / 2)

    def probe(self) -> None:
        """Reduce the limit to one."""
        self._halvings += 1
        self._limit = 1.0

    def close(self) -> None:
        """Give no more permits to new operations."""
        self.closed = True
        waiting, self._waiting = self._waiting, deque()
        for waiter in waiting:
            if waiter.reacquires:
                self._waiting.append(waiter)
            else:
                waiter.woken.set()

    def _admit(self) -> None:
        while self._waiting and self._active + 1 <= self._limit:
            self._active += 1
            waiter = self._waiting.popleft()
            waiter.admitted = True
            waiter.woken.set()


@define(eq=False)
class Permit:
    """A worker's permit; released while it backs off, so that others can use it.

    Attributes:
        limit: Where it comes from.
        held: Whether the worker has it.
    """

    limit: ConcurrencyLimit
    held: bool = False

    async def acquire(self) -> bool:
        """Wait for it; see `ConcurrencyLimit.acquire`."""
        self.held = await self.limit.acquire()
        return self.held

    async def reacquire(self) -> None:
        """Wait for it to continue an operation."""
        await self.limit.reacquire()
        self.held = True

    def release(self) -> None:
        """Give it back, if it is held."""
        if self.held:
            self.held = False
            self.limit.release()
