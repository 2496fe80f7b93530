"""A clock that a test moves on, for event loops that wait for real sockets.

A timeout of half a second strikes before its time on a busy machine. By this clock it can be a
minute, and is over at once: as soon as the server has the request that it is to strike::

    clock = LeapingClock()

    async def main() -> None:
        with Hostile(hangs) as server:
            server.on_stall = partial(clock.leap, 60)
            ...                                         # send to server.url, with timeout=60

    backends.run("asyncio", main, clock)
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import trio.abc
import trio.lowlevel
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context


class LeapingClock:
    """A monotonic clock that goes on by itself, and in leaps."""

    def __init__(self) -> None:
        self.ahead: float = 0.0
        self.wake: Callable[[], object] = lambda: None

    def __call__(self) -> float:
        """Tell the time."""
        return time.monotonic() + self.ahead

    def leap(self, seconds: float) -> None:
        """Let time pass, from any thread; what is due by then happens in the event loop."""
        self.ahead += seconds
        self.wake()

    def options(self, backend: str) -> dict[str, Any]:
        """Return the options with which anyio runs a loop by this clock."""
        if backend == "trio":
            return {"clock": _Trio(self)}
        return {"loop_factory": partial(self._loop, backend)}

    def _loop(self, backend: str) -> _Asyncio | _UV:
        loop = _UV(self) if backend == "uvloop" else _Asyncio(self)
        self.wake = partial(loop.call_soon_threadsafe, loop.ring)
        return loop


def _have_a_turn() -> None:
    """Do nothing, in a turn of the event loop, which looks at its clock after it."""


class _Trio(trio.abc.Clock):
    def __init__(self, clock: LeapingClock) -> None:
        self._clock = clock

    def start_clock(self) -> None:
        token = trio.lowlevel.current_trio_token()
        self._clock.wake = partial(token.run_sync_soon, _have_a_turn)

    def current_time(self) -> float:
        return self._clock()

    def deadline_to_sleep_time(self, deadline: float) -> float:
        return deadline - self._clock()


class _Asyncio(asyncio.SelectorEventLoop):
    def __init__(self, clock: LeapingClock) -> None:
        super().__init__()
        self._leaping = clock

    def time(self) -> float:
        return self._leaping()

    @staticmethod
    def ring() -> None:
        _have_a_turn()


class _UV(uvloop.Loop):
    """Its timers are in C, and ring when a leap has passed them."""

    def __init__(self, clock: LeapingClock) -> None:
        super().__init__()
        self._leaping = clock
        self._timers: dict[asyncio.TimerHandle, asyncio.TimerHandle] = {}

    def time(self) -> float:
        return super().time() + self._leaping.ahead

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        delay = when - self.time()
        self._timers[handle] = super().call_later(delay, self._run, handle)
        return handle

    def ring(self) -> None:
        for handle in sorted(each for each in self._timers if each.when() <= self.time()):
            self._run(handle)

    def _run(self, handle: asyncio.TimerHandle) -> None:
        if not handle.cancelled():
            self._timers.pop(handle).cancel()
            handle._run()  # noqa: SLF001

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        if handle in self._timers:
            self._timers.pop(handle).cancel()
