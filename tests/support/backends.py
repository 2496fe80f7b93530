"""The event loops that the tests run on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import trio.testing

from support.clocks import LeapingClock

_LOOPS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "asyncio": ("asyncio", {}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}

Run = Callable[[Callable[[], Awaitable[object]]], None]

ASYNCIO: Final = ("asyncio", "uvloop")
EVERY: Final = tuple(_LOOPS)


def run(
    backend: str, main: Callable[[], Awaitable[object]], clock: LeapingClock | None = None
) -> None:
    """Run a coroutine function on an event loop of its own, where it must leave no task behind."""

    async def tidy() -> None:
        await main()

        # Trio's nurseries would not have ended with a task inside.
        assert backend == "trio" or set() == asyncio.all_tasks() - {asyncio.current_task()}

    loop, options = _LOOPS[backend]
    options = options if clock is None else clock.options(backend)
    anyio.run(tidy, backend=loop, backend_options=options)


def jumping_clock() -> tuple[str, dict[str, object]]:
    """Return an ``anyio_backend``: trio, with a clock that jumps to whatever is waited for.

    Time passes only while no task can do anything, so that no timeout strikes on a busy machine
    before its time.
    """
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}
