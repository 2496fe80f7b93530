"""Ctrl-C during a run: once to end it in an orderly way, twice to end it at once."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heard(once: Callable[[], object], twice: Callable[[], object]) -> Iterator[None]:
    """Listen for Ctrl-C within the block, in the running event loop.

    Args:
        once: Called at the first.
        twice: Called at the second, and at each after it.
    """
    loop = asyncio.get_running_loop()
    reactions = [once]

    def react(_: int, __: FrameType | None) -> None:
        # Between any two instructions, so it only leaves word.
        loop.call_soon_threadsafe(reactions.pop() if reactions else twice)

    before = signal.getsignal(signal.SIGINT)
    # A script's background job does not hear it, and is not to begin to.
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, react)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
