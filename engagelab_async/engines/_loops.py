"""Which event loop, and which process, connections belong to.

A connection serves the loop that opened it, in the process that opened it. A program may bring
others: ``asyncio.run`` twice, a loop in another thread, a fork. What an engine opened itself is
opened again for each of them (`PerLoop`); what the caller made cannot be, and is refused (`Owner`).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import anyio

from engagelab_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable


class Closable(Protocol):
    """What holds connections, or a timer."""

    async def aclose(self) -> None: ...


T = TypeVar("T", bound=Closable)

forks = 0
"""How many forks have led to this process, as far as the interpreter has seen them."""

_inherited: Final[list[object]] = []
"""What a forked process must neither use nor let go of: the sockets are still its parent's."""


def _count_fork() -> None:
    global forks  # noqa: PLW0603 - one for the process, as the fork is
    forks += 1


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows, which has no fork
    os.register_at_fork(after_in_child=_count_fork)


def current_loop() -> object:
    """Return the running event loop of asyncio, or the token of the running trio.

    Raises:
        ConfigurationError: Neither of them runs in this process; a forked one has to start its own.
    """
    # Where a library was never imported it does not run, and importing it here would take longer
    # than importing this package. Inside trio there is no asyncio task, even where trio is the
    # guest of an asyncio loop.
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    if asyncio is not None:
        loop: object = asyncio._get_running_loop()  # noqa: SLF001 - documented, does not raise
        if loop is not None and (trio is None or asyncio.current_task() is not None):
            return loop
    try:
        token: object = trio.lowlevel.current_trio_token() if trio else None
    except RuntimeError:
        token = None
    if token is None:
        raise ConfigurationError("no event loop of asyncio or trio runs here, and nothing was sent")
    return token


class PerLoop(Generic[T]):
    """What an engine opened, one for each event loop that uses it.

    It is closed when its loop ends: ``asyncio.run`` and trio finish the asynchronous generators
    that were begun in it, and one of those holds it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._forks = forks
        self._open: dict[object, tuple[T, AsyncGenerator[None, None]]] = {}

    def get(self) -> T:
        """Return what belongs to the running loop, and make it if there is none."""
        loop = current_loop()
        if self._forks != forks:
            _inherited.append(self._open)
            self._open = {}
            self._forks = forks
        found = self._open.get(loop)
        if found is None:
            self._forget_closed()
            found = (self._make(), self._closing_with(loop))
            self._open[loop] = found
            _begin(found[1])
        return found[0]

    def _forget_closed(self) -> None:
        # Of a loop that was closed without an end, as asyncio.run would have given it.
        for loop in tuple(self._open):
            is_closed = getattr(loop, "is_closed", None)
            if is_closed is not None and is_closed():
                # Another thread may have been quicker.
                self._open.pop(loop, None)

    async def _closing_with(self, loop: object) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            found = self._open.pop(loop, None)
            if found is not None and self._forks == forks:
                # trio finishes generators in a scope that is cancelled.
                with anyio.CancelScope(shield=True):
                    await found[0].aclose()

    async def aclose(self) -> None:
        """Close what belongs to the running loop; that of another is closed at its end."""
        found = self._open.get(current_loop())
        if found is not None and self._forks == forks:
            await found[1].aclose()


def _begin(generator: AsyncGenerator[None, None]) -> None:
    """Run a generator to its ``yield``, which takes no turn of the loop."""
    try:
        generator.asend(None).send(None)
    except StopIteration:
        return


class Owner:
    """The event loop and the process that something of the caller's belongs to.

    Args:
        name: What it is, for the error.
        loop: The loop; ``None`` for that of the first call.
    """

    def __init__(self, name: str, loop: object = None) -> None:
        self._name = name
        self._loop = loop
        self._forks = forks

    def check(self) -> None:
        """Belong to the loop of the first call, and refuse every other.

        Raises:
            ConfigurationError: Another loop runs, or another process.
        """
        loop = current_loop()
        if self._loop is None:
            self._loop, self._forks = loop, forks
        if loop is not self._loop or self._forks != forks:
            raise foreign(self._name)


def foreign(name: str) -> ConfigurationError:
    """Make the error for something that is used where it does not belong."""
    return ConfigurationError(
        f"{name} belongs to another event loop or process, and nothing was sent: "
        "make it where it is used"
    )
