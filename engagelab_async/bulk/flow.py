"""Flow control: rate, concurrency limit, pauses, and outages, of one run or of several.

::

    wait ──> is there a pause? ──> the limiter ──> send ──┬─ succeeded: wider, no outage
      ↑                                                   └─ failed: narrower, a pause, the end
      └──────────────────────── retries ─────────────────────────────────┘
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

import anyio

from engagelab_async.errors import (
    APIError,
    EngageLabError,
    RateLimitError,
    ResponseTimeoutError,
    ServerError,
)

from .concurrency import ConcurrencyLimit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .rate import Limiter

LONGEST_PAUSE: Final = 600.0
"""In seconds; a server that asks for a longer one ends the run."""

DEFAULT_PAUSE: Final = 1.0
"""Seconds to wait if the server does not say how many."""

OUTAGE_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""How long a run waits in an outage, in seconds, before it gives up."""

_STREAK: Final = 10
_SLOW_DOWN: Final = (RateLimitError, ServerError, ResponseTimeoutError)

Mark = tuple[int, int]
"""The state when a request was sent; answers to requests from before the last pause are ignored."""


class FlowControl:
    """Rate limit, concurrency limit and backoff. The runs of a process may share one.

    Attributes:
        holding: Whether `wait` may have to wait.
    """

    def __init__(
        self,
        max_in_flight: int,
        limiter: Limiter | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self.limit: ConcurrencyLimit = ConcurrencyLimit(max_in_flight)
        self.clock = clock
        self.sleep = sleep
        self._limiter = limiter
        self.holding: bool = limiter is not None
        self._breaker = CircuitBreaker()
        self._paused_until = 0.0
        self._pauses = 0

    @property
    def paused(self) -> bool:
        """Whether all requests wait."""
        return self.holding and self._paused_until > self.clock()

    @property
    def mark(self) -> Mark:
        """The state that a request is sent with."""
        return self.limit.halvings, self._pauses

    async def wait(self, targets: int) -> None:
        """Wait until a request to so many targets may be sent."""
        while True:
            while self.paused:
                await self.sleep(self._paused_until - self.clock())
            if self._limiter is not None:
                await self._limiter.acquire(1, targets)
            # In the limiter's queue, a pause may have begun.
            if not self.paused:
                self.holding = self._limiter is not None
                return

    def succeeded(self) -> None:
        """Record an answer."""
        self.limit.widen()
        self._breaker.succeeded()

    def failed(self, error: EngageLabError, mark: Mark, delay: float | None) -> str | None:
        """Record a failure of a request that left at `mark`, and is retried after `delay` seconds.

        Returns:
            Why the run has to end, or ``None``.
        """
        halvings, pauses = mark
        answers = isinstance(error, APIError) and not isinstance(error, _SLOW_DOWN)
        if answers:
            # Even if it refuses a row.
            self.succeeded()
        if isinstance(error, _SLOW_DOWN):
            self.limit.narrow(halvings)
        asked = error.retry_after if isinstance(error, APIError) else None
        if asked is not None and asked > LONGEST_PAUSE:
            return f"the API asks for a pause of {asked:.0f} seconds"
        if isinstance(error, RateLimitError) or asked is not None:
            self._pause((delay or DEFAULT_PAUSE) if asked is None else asked)
        # Requests sent before the last pause say nothing about the time after it.
        return None if answers or pauses != self._pauses else self._consider_outage(error)

    def _consider_outage(self, error: EngageLabError) -> str | None:
        pause = self._breaker.failed(error)
        if pause is None:
            return None
        if pause == math.inf:
            return f"an outage ({type(error).__name__})"
        self._pauses += 1
        self.limit.probe()
        self._pause(pause)
        return None

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self.clock() + seconds)
        self.holding = True


class CircuitBreaker:
    """Distinguishes an outage from single failures.

    ::

        fine ── 10 failures in a row ──> pause ── over ──> fine, on probation
          ↑                                ↑  └── no pause left ──> the run ends
          └──────── success ───────────────┴── 1 failure on probation
    """

    def __init__(self, pauses: tuple[float, ...] = OUTAGE_PAUSES) -> None:
        self._pauses = pauses
        self._taken = 0
        self._streak = 0

    def succeeded(self) -> None:
        """Record that the API answers."""
        self._streak = 0
        self._taken = 0

    def failed(self, error: EngageLabError) -> float | None:
        """Record a failure, and return how many seconds all workers wait: infinity to give up."""
        if not error.transient:
            return None
        self._streak += 1
        if self._streak < (1 if self._taken else _STREAK):
            return None
        if self._taken == len(self._pauses):
            return float("inf")
        self._streak = 0
        self._taken += 1
        return self._pauses[self._taken - 1]
