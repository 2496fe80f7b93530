"""Rate limits: requests or targets per second."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol, runtime_checkable

import anyio
from attrs import frozen

from engagelab_async.arguments import is_number

Unit = Literal["requests", "targets"]

_NOTHING: Final = 1e-9
"""Seconds; too short to wait for."""


@runtime_checkable
class Limiter(Protocol):
    """Lets requests through at some rate; one shared between machines can be given to a run."""

    async def acquire(self, requests: int, targets: int) -> None:
        """Wait until a request may be sent.

        Args:
            requests: Always 1; what a limit on requests counts.
            targets: How many recipients the request has; what a limit on targets counts.
        """
        ...


@frozen
class Rate:
    """A rate for a run.

    Attributes:
        per_second: How many per second; more than 0.
        of: What is counted: ``requests``, or their ``targets``.
        burst: How many may be sent at once after a pause; ``None`` for 50 ms worth of them,
            and at least 2. A burst of 1 keeps them evenly apart, and every late wake-up costs.

    Raises:
        ValueError: A number is out of range.
    """

    per_second: float
    of: Unit = "requests"
    burst: float | None = None

    def __attrs_post_init__(self) -> None:
        if not (_is_finite(self.per_second) and self.per_second > 0):
            raise ValueError("rate: must be a finite number above 0")
        if self.burst is not None and not (_is_finite(self.burst) and self.burst >= 1):
            raise ValueError("burst: must be a finite number, 1 or more")
        interval = 1 / float(self.per_second)
        if not _is_finite(interval):
            raise ValueError("rate: too low, the time between two requests is not finite")
        if self.burst is not None and not _is_finite(self.burst * interval):
            raise ValueError("burst: too large for this rate, the time that it spans is not finite")
        if self.of not in ("requests", "targets"):
            raise ValueError("of: must be 'requests' or 'targets'")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        # An int that no float can be.
        return False


class RateLimit:
    """A generic cell rate algorithm: exact in the long run, bounded in every second.

    One number is kept, the time at which the next request would be due if all came evenly. A
    request may leave when it is early by no more than a burst. In any one second at most
    ``per_second + burst`` leave. A request with more targets than `burst` goes as a whole when
    all before it are made up for, and counts as the burst itself.

    Args:
        rate: The rate.
        clock: Monotonic seconds.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        rate: Rate,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._counts_targets = rate.of == "targets"
        self._interval = 1 / float(rate.per_second)
        # A late wake-up can be made up for only out of a burst of more than one.
        self._burst = max(2.0, rate.per_second / 20) if rate.burst is None else rate.burst
        self._clock = clock
        self._sleep = sleep
        # No burst in the beginning: over ten seconds it would show.
        self._due = clock() + (self._burst - 1) * self._interval
        # Only the first in the queue uses the clock.
        self._line = anyio.Lock(fast_acquire=True)

    async def acquire(self, requests: int, targets: int) -> None:
        """Wait until a request may be sent; see `Limiter`."""
        cost = targets if self._counts_targets else requests
        async with self._line:
            while (wait := self._wait_for(cost)) > _NOTHING:
                await self._sleep(wait)
            self._due = max(self._due, self._clock()) + cost * self._interval

    def _wait_for(self, cost: int) -> float:
        early = (self._burst - min(cost, self._burst)) * self._interval
        return self._due - early - self._clock()


def limiter_of(rate: float | Rate | Limiter | None, burst: float | None) -> Limiter | None:
    """Make the limiter for a caller's ``rate`` and ``burst``, which may be wrong."""
    if is_number(rate):
        return RateLimit(Rate(rate, burst=burst))
    if burst is not None:
        raise ValueError("burst: goes with a rate that is a number")
    if isinstance(rate, Rate):
        return RateLimit(rate)
    if rate is None or isinstance(rate, Limiter):
        return rate
    raise TypeError(f"rate: expected a number, a Rate or a Limiter, got {type(rate).__name__}")
