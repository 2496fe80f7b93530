"""A rate that any number of processes share: turns, taken from the fleet's store in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from engagelab_async.arguments import check_instance, is_number
from engagelab_async.bulk.rate import Rate

if TYPE_CHECKING:
    from .fleet import Fleet

_BLOCK: Final = 0.05
"""Seconds between two visits to the store, whatever the rate."""

_STALE: Final = 1.0
"""Seconds after which a turn that was not used is lost."""

_NOTHING: Final = 1e-4
"""Seconds; too short to wait for."""


class SharedRate:
    """A rate limit that several processes keep together: a `Limiter`.

    In any second, all together send at most the rate and one block of 50 ms for each process. A
    process that is killed wastes at most its block. Give it to `Fleet.fan_out`, so that several
    campaigns share it, or to `EngageLab.fan_out`.

    Args:
        fleet: Where it is kept.
        name: What all that share it call it.
        rate: Requests a second, or a `Rate`, which can count targets; its ``burst`` does not
            count. All that share it have to give the same.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: `name` is empty, or the rate is out of range.

    .. versionadded:: 0.1.0
    """

    def __init__(self, fleet: Fleet, name: str, rate: float | Rate) -> None:
        """Reserve nothing yet."""
        if not check_instance(name, "name", str):
            raise ValueError("name: must not be empty")
        self.name: str = name
        self.rate: Rate = rate_of(rate)
        self._turns = Turns(fleet, name, self.rate)

    async def acquire(self, requests: int, targets: int) -> None:
        """Wait until a request may be sent; see `Limiter`.

        Raises:
            JournalError: The store cannot be reached.
        """
        await self._turns.acquire(requests, targets)


def rate_of(rate: object) -> Rate:
    """Make a `Rate` of a caller's argument.

    Raises:
        TypeError: It is neither a number nor a `Rate`.
        ValueError: It is out of range.
    """
    if is_number(rate):
        return Rate(rate)
    if isinstance(rate, Rate):
        return rate
    raise TypeError(f"rate: expected a number or a Rate, got {type(rate).__name__}")


class Turns:
    """The turns that a process has reserved.

    Args:
        fleet: Where they are kept.
        name: The name of the rate.
        rate: The rate.
    """

    def __init__(self, fleet: Fleet, name: str, rate: Rate) -> None:
        self._store = fleet.store
        self._name = name
        self._per_second = float(rate.per_second)
        self._counts_targets = rate.of == "targets"
        self._block = max(1.0, self._per_second * _BLOCK)
        self._clock = fleet.clock
        self._sleep = fleet.sleep
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
        wait = await self._store.take_turns(self._name, turns, self._per_second)
        # What is left of the block before is used with this one, no earlier than it was due.
        due = self._clock() + wait - self._left / self._per_second
        self._next = max(self._next, due)
        self._left += turns
