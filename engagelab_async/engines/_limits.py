"""Time limits of asyncio that share one timer.

A timer for each request would be scheduled and cancelled thousands of times per second, and hardly
one would ever fire. Here a single timer fires at the earliest limit that was known when it was
scheduled, ends the requests that are late, and is scheduled again for the earliest of the others.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


class Limits:
    """The time limits of one engine's requests, in the event loop that runs when they are made."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.running: set[Limit] = set()
        self.fires_at: float = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def limit(self, seconds: float | None) -> Limit:
        """Make a context manager that raises ``TimeoutError`` when time runs out in it."""
        return Limit(self, math.inf if seconds is None else self.loop.time() + seconds)

    async def aclose(self) -> None:
        self._stop()

    def schedule(self, moment: float) -> None:
        """Let the timer fire at this moment, and not at another."""
        self._stop()
        self.fires_at = moment
        self._timer = self.loop.call_at(moment, self._fire)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.fires_at = math.inf

    def _fire(self) -> None:
        now = self.fires_at
        for limit in [limit for limit in self.running if limit.ends <= now]:
            limit.expire()
        self._stop()
        if self.running:
            self.schedule(min(limit.ends for limit in self.running))


class Limit:
    """One limit; the rules of cancellation are those of `asyncio.Timeout`."""

    __slots__ = ("_cancelling", "_expired", "_limits", "_task", "ends")

    def __init__(self, limits: Limits, ends: float) -> None:
        self._limits = limits
        self._expired = False
        self.ends: float = ends

    def __enter__(self) -> Self:
        limits = self._limits
        # It is used in coroutines, and those run in tasks.
        task: asyncio.Task[Any] = asyncio.current_task(limits.loop)  # type: ignore[assignment]
        self._task = task
        self._cancelling = task.cancelling()
        if self.ends < math.inf:
            limits.running.add(self)
            if self.ends < limits.fires_at:
                limits.schedule(self.ends)
        return self

    def expire(self) -> None:
        self._limits.running.discard(self)
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
            self._limits.running.discard(self)
        # If the task was also cancelled from outside, the caller must see that cancellation.
        elif self._task.uncancel() <= self._cancelling and exc_type is asyncio.CancelledError:
            raise TimeoutError from exc_value
