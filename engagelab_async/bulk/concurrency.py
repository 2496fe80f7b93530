"""How many operations may be in flight, of one run or of several that share the limit.

The limit adapts as TCP's window does: one more after each round of successes, half after trouble
(additive increase, multiplicative decrease).
"""

from collections import deque

import anyio
from attrs import define, field


@define(eq=False)
class _Waiter:
    """A worker that waits for a permit; without an owner, to continue an operation."""

    owner: object
    admitted: bool = False
    woken: anyio.Event = field(factory=anyio.Event)


class ConcurrencyLimit:
    """Gives out permits, in the order in which they are asked for.

    Workers that continue an operation come first. One that starts operations keeps its permit until
    its run has nothing left to start: of several runs that share the limit, one is completed before
    the next.

    Attributes:
        most: The maximum, with which it begins.
        halvings: How often the limit was halved; a request records it when it is sent.
    """

    def __init__(self, most: int) -> None:
        self.most: int = most
        self._limit = float(most)
        self._active = 0
        self._continuing: deque[_Waiter] = deque()
        self._starting: deque[_Waiter] = deque()
        self.halvings: int = 0

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

    async def acquire(self, owner: object) -> bool:
        """Wait for a permit to start something new for a run; ``False`` if that is dismissed."""
        return self.take() or await self._wait(self._starting, owner)

    async def reacquire(self) -> None:
        """Wait for a permit to continue an operation."""
        if not self.take():
            await self._wait(self._continuing, None)

    def take(self) -> bool:
        """Take a permit, if there is one and no other worker waits for it."""
        waiting = self._continuing or self._starting
        free = not waiting and self._active + 1 <= self._limit
        self._active += free
        return free

    def keep(self) -> bool:
        """Keep a permit, unless it is needed to continue an operation or the limit was reduced."""
        if not self._continuing and self._active <= self._limit:
            return True
        self.release()
        return self.take()

    async def _wait(self, queue: deque[_Waiter], owner: object) -> bool:
        waiter = _Waiter(owner)
        queue.append(waiter)
        try:
            await waiter.woken.wait()
        except BaseException:
            if waiter.admitted:
                self.release()
            elif waiter in queue:
                queue.remove(waiter)
            raise
        return waiter.admitted

    def release(self) -> None:
        """Give a permit to the next worker that waits."""
        self._active -= 1
        self._admit()

    def widen(self) -> None:
        """Record a success: the limit grows by one after about as many successes as the limit."""
        if self._limit < self.most:
            self._limit = min(self.most, self._limit + 1 / self._limit)
            self._admit()

    def narrow(self, seen: int) -> None:
        """Record trouble of a request, and the `halvings` when it left.

        Requests that were in flight together fail together, and count once.
        """
        if seen == self.halvings:
            self.halvings += 1
            self._limit = max(1.0, self._limit / 2)

    def probe(self) -> None:
        """Reduce the limit to one."""
        self.halvings += 1
        self._limit = 1.0

    def dismiss(self, owner: object) -> None:
        """Wake the workers that wait to start something new for a run."""
        for _ in range(len(self._starting)):
            waiter = self._starting.popleft()
            if waiter.owner is owner:
                waiter.woken.set()
            else:
                self._starting.append(waiter)

    def _admit(self) -> None:
        while (queue := self._continuing or self._starting) and self._active + 1 <= self._limit:
            self._active += 1
            waiter = queue.popleft()
            waiter.admitted = True
            waiter.woken.set()


@define(eq=False)
class Permit:
    """A worker's permit; released while it backs off, so that others can use it."""

    limit: ConcurrencyLimit
    owner: object
    held: bool = False

    def keep(self) -> bool:
        """Keep it for the next operation, if `ConcurrencyLimit.keep` allows it."""
        self.held = self.limit.keep() if self.held else self.limit.take()
        return self.held

    async def acquire(self) -> bool:
        """Wait for it; see `ConcurrencyLimit.acquire`."""
        self.held = await self.limit.acquire(self.owner)
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
