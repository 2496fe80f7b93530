"""A rate that several processes keep together: turns, reserved in blocks where all can see them."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from engagelab_async.arguments import is_number

from .rate import Rate

_BLOCK: Final = 0.05
"""Seconds between two visits to the store, whatever the rate."""

_STALE: Final = 1.0
"""Seconds after which a turn that was not used is lost."""

_NOTHING: Final = 1e-4
"""Seconds; too short to wait for."""


def rate_of(rate: object) -> Rate:
    """Make a `Rate` of a caller's argument, which may be wrong."""
    if is_number(rate):
        return Rate(rate)
    if isinstance(rate, Rate):
        return rate
    raise TypeError(f"rate: expected a number or a Rate, got {type(rate).__name__}")


class Turns:
    """The turns that a process has reserved.

    `take` reserves a number of turns for all processes, a float, and returns the seconds until the
    first of them.
    """

    def __init__(
        self,
        take: Callable[[float], Awaitable[float]],
        rate: Rate,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._take = take
        self._per_second = float(rate.per_second)
        self._counts_targets = rate.of == "targets"
        self._block = max(1.0, self._per_second * _BLOCK)
        self._clock = clock
        self._sleep = sleep
        self._left = 0.0
        self._next = 0.0
        self._line = anyio.Lock(fast_acquire=True)

    async def acquire(self, requests: int, targets: int) -> None:
        """Wait until a request may be sent; see `Limiter`."""
        cost = targets if self._counts_targets else requests
        async with self._line:
            if self._next < self._clock() - _STALE:
                self._left = 0.0
            if self._left < cost:
                await self._reserve(cost)
            while (wait := self._next - self._clock()) > _NOTHING:
                await self._sleep(wait)
            self._next += cost / self._per_second
            self._left -= cost

    async def _reserve(self, cost: float) -> None:
        """Reserve a block, or what a larger request lacks."""
        turns = max(self._block, cost - self._left)
        wait = await self._take(turns)
        # What is left of the block before is used with this one, no earlier than it was due.
        due = self._clock() + wait - self._left / self._per_second
        self._next = max(self._next, due)
        self._left += turns
