"""The event loop that owns a sandbox's state.

While the server runs, only its event loop reads and changes the state, so no part needs a lock.
Other threads call in through a portal. A sandbox that is not running belongs to its caller::

    the server's loop:  requests, statuses, callbacks ──────┐
    other threads ──> StateLoop.call ──> anyio's portal ────┴──> the state
    not running:    ──> StateLoop.call ─────────────────────────> the state
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from itertools import islice
from threading import get_ident
from typing import Generic, ParamSpec, Self, TypeVar

from anyio.from_thread import BlockingPortal
from anyio.lowlevel import checkpoint

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class InSteps(Generic[T]):
    """Some items at a time, as there may be thousands; other tasks run in between.

    No generator: one that its reader leaves early would have to be closed.

    Args:
        items: The items.
        at_once: How many at a time.
    """

    def __init__(self, items: Iterable[T], at_once: int) -> None:
        self._remaining = iter(items)
        self._at_once = at_once
        self._has_begun = False

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> list[T]:
        """Return the next items."""
        some = list(islice(self._remaining, self._at_once))
        if not some:
            raise StopAsyncIteration
        if self._has_begun:
            await checkpoint()
        self._has_begun = True
        return some


class StateLoop:
    """Calls functions where the state is theirs to read and change."""

    def __init__(self) -> None:
        self._portal: BlockingPortal | None = None
        self._thread = 0

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function in the loop that owns the state, and return its result."""
        portal = self._portal
        if portal is None or get_ident() == self._thread:
            return function(*args, **kwargs)
        outcome: list[R] = []
        try:
            portal.call(lambda: outcome.append(function(*args, **kwargs)))
        except RuntimeError:
            # The sandbox may have stopped since the portal was looked up: then nothing was called.
            if self._portal is portal or outcome:
                raise
            return function(*args, **kwargs)
        return outcome[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Own the state, in the event loop that enters this."""
        async with BlockingPortal() as portal:
            self._portal, self._thread = portal, get_ident()
            try:
                yield
            finally:
                self._portal = None


class Wakeup:
    """Wakes one task of the event loop; several calls of `set` wake it once.

    It may be set while nothing waits: then the next wait ends at once.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the task that waits, or the next that does."""
        self._event.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Wait until it is set, but not longer than some seconds."""
        await asyncio.sleep(0)  # a task that is woken all the time still lets others run
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._event.wait()
        finally:
            # A new one each time: it belongs to one event loop, and a restart has another.
            self._event = asyncio.Event()
