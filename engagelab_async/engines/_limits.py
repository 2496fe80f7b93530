"""Time limits of asyncio that share one timer.

A timer for each request would be scheduled and cancelled thousands of times per second, and hardly
one would ever fire. Here a single timer fires at the earliest limit that was known when it was
scheduled, ends the requests that are late, and is scheduled again for the earliest of the others.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from types import TracebackType


class Limits:
    """The time limits of one engine's requests in one event loop."""

    def __init__(self) -> None:
        """Begin without a timer."""
        self._running: set[Limit] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._fires_at = math.inf

    def limit(self, seconds: float | None) -> Limit:
        """Make a context manager that raises ``TimeoutError`` when time runs out in it.

        Args:
            seconds: How long it may take; ``None`` for as long as it takes.
        """
        if seconds is None:
            return Limit(self, math.inf)
        return Limit(self, asyncio.get_running_loop().time() + seconds)

    def add(self, limit: Limit) -> None:
        """Watch a limit."""
        self._running.add(limit)
        if limit.ends < self._fires_at:
            self._schedule(limit.ends)

    def discard(self, limit: Limit) -> None:
        """Stop watching a limit; the timer may then fire for nothing."""
        self._running.discard(limit)

    async def aclose(self) -> None:
        """Stop the timer."""
        self._stop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fires_at = math.inf

    def _schedule(self, moment: float) -> None:
        self._stop()
        self._fires_at = moment
        self._timer = asyncio.get_running_loop().call_at(moment, self._fire)

    def _fire(self) -> None:
        now = self._fires_at
        for limit in [limit for limit in self._running if limit.ends <= now]:
            limit.expire()
        self._stop()
        if self._running:
            self._schedule(min(limit.ends for limit in self._running))


class Limit:
    """One limit; the rules of cancellation are those of `asyncio.Timeout`.

    Args:
        limits: The limits that it belongs to.
        ends: When time runs out, on the clock of the event loop.
    """

    __slots__ = ("_cancelling", "_expired", "_limits", "_task", "ends")

    def __init__(self, limits: Limits, ends: float) -> None:
        """Wait to be entered."""
        self._limits = limits
        self._expired = False
        self.ends: float = ends

    def __enter__(self) -> Self:
        """Start the limit."""
        # It is used in coroutines, and those run in tasks.
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._cancelling = self._task.cancelling()
        if self.ends < math.inf:
            self._limits.add(self)
        return self

    def expire(self) -> None:
        """Cancel the task."""
        self._limits.discard(self)
        self._expired = True
        self._task.cancel()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End, and raise `TimeoutError` if the limit caused the cancellation."""
        if not self._expired:
            self._limits.discard(self)
        # If the task was also cancelled from outside, the caller must see that cancellation.
        elif self._task.uncancel() <= self._cancelling and exc_type is asyncio.CancelledError:
            raise TimeoutError from exc_value
