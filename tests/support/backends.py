"""The event loops that the tests run on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio

_LOOPS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "asyncio": ("asyncio", {}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}

Run = Callable[[Callable[[], Awaitable[object]]], None]

ASYNCIO: Final = ("asyncio", "uvloop")
EVERY: Final = tuple(_LOOPS)


def run(backend: str, main: Callable[[], Awaitable[object]]) -> None:
    """Run a coroutine function on an event loop of its own, where it must leave no task behind."""

    async def tidy() -> None:
        await main()

        # Trio's nurseries would not have ended with a task inside.
        assert backend == "trio" or set() == asyncio.all_tasks() - {asyncio.current_task()}

    loop, options = _LOOPS[backend]
    anyio.run(tidy, backend=loop, backend_options=options)
