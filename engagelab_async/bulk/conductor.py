"""What holds the requests of a run back: its rate, its width, and pauses that concern everybody.

::

    wait ──> is there a pause? ──> the limiter ──> send ──┬─ succeeded: wider, no outage
      ↑                                                   └─ failed: narrower, a pause, the end
      └──────────────────────── repeats ─────────────────────────────────┘
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import anyio

from engagelab_async.errors import (
    APIError,
    EngageLabError,
    RateLimitError,
    ResponseTimeoutError,
    ServerError,
)

from .pacing import Place, Width
from .stopping import Outage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .pacing import Limiter

LONGEST_PAUSE: Final = 600.0
"""A server that asks for a longer one, in seconds, ends the run."""

UNASKED_PAUSE: Final = 1.0
"""Seconds to wait where nobody says how many."""

_OF_TROUBLE: Final = (RateLimitError, ServerError, ResponseTimeoutError)

Mark = tuple[int, int]
"""What a request knew when it left; news that is older than the last conclusion draws none."""


class Conductor:
    """Holds requests back, and draws conclusions for all of them from what becomes of one.

    Args:
        limit: How many operations may be under way at most.
        limiter: How fast they may go.
        clock: Monotonic seconds.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        limit: int,
        limiter: Limiter | None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self.width: Width = Width(limit)
        self._limiter = limiter
        self._clock = clock
        self._sleep = sleep
        self._outage = Outage()
        self._paused_until = -math.inf
        self._pauses = 0
        self._released = False
        self._sleepers: set[anyio.CancelScope] = set()

    @property
    def paused(self) -> bool:
        """Whether everybody waits."""
        return self._paused_until > self._clock()

    @property
    def holding(self) -> bool:
        """Whether `wait` may take its time."""
        return self._limiter is not None or self.paused

    @property
    def mark(self) -> Mark:
        """What a request takes along."""
        return self.width.halvings, self._pauses

    async def wait(self, targets: int) -> None:
        """Wait until a request may leave.

        Args:
            targets: How many recipients it has.
        """
        with self._interruptible():
            while not self._released:
                while self.paused:
                    await self._sleep(self._paused_until - self._clock())
                if self._limiter is not None:
                    await self._limiter.acquire(1, targets)
                # In the limiter's queue, a pause may have begun.
                if not self.paused:
                    return

    async def rest(self, seconds: float) -> None:
        """Wait before a repeat."""
        with self._interruptible():
            await self._sleep(seconds)

    async def come_back(self, place: Place) -> None:
        """Wait for a place for a repeat."""
        with self._interruptible():
            await place.come_back()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        with anyio.CancelScope() as scope:
            if self._released:
                scope.cancel()
            self._sleepers.add(scope)
            try:
                yield
            finally:
                self._sleepers.discard(scope)

    def release(self) -> None:
        """Hold nobody back any longer: the run is over."""
        self._released = True
        for scope in self._sleepers:
            scope.cancel()

    def succeeded(self) -> None:
        """Take note of an answer."""
        self.width.widen()
        self._outage.succeeded()

    def failed(self, error: EngageLabError, mark: Mark, delay: float | None) -> str | None:
        """Take note of a failure.

        Args:
            error: What it was.
            mark: `mark`, when the request left.
            delay: After how many seconds it is repeated, or ``None``.

        Returns:
            Why the run has to end, or ``None``.
        """
        halvings, pauses = mark
        if isinstance(error, APIError) and not isinstance(error, _OF_TROUBLE):
            # It answers, if only to refuse a row.
            self.succeeded()
        if isinstance(error, _OF_TROUBLE):
            self.width.narrow(halvings)
        asked = error.retry_after if isinstance(error, APIError) else None
        if asked is not None and asked > LONGEST_PAUSE:
            return f"the API asks for a pause of {asked:.0f} seconds"
        if isinstance(error, RateLimitError) or asked is not None:
            self._pause((delay or UNASKED_PAUSE) if asked is None else asked)
        # What was under way when the last pause began says nothing about the time after it.
        return self._consider_outage(error) if pauses == self._pauses else None

    def _consider_outage(self, error: EngageLabError) -> str | None:
        pause = self._outage.failed(error)
        if pause is None:
            return None
        if pause == math.inf:
            return f"an outage ({type(error).__name__})"
        self._pauses += 1
        self.width.probe()
        self._pause(pause)
        return None

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self._clock() + seconds)
