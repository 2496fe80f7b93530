"""Counts the turns of the event loop, in the place of time, which tests do not measure."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """How often other tasks could run.

    Attributes:
        count: How often so far.
    """

    def __init__(self) -> None:
        self.count: int = 0

    async def take(self) -> None:
        """Take every turn that there is."""
        while True:
            self.count += 1
            await asyncio.sleep(0)


@contextmanager
def counting_turns() -> Iterator[Turns]:
    """Count the turns that are left to others inside the block."""
    turns = Turns()
    task = asyncio.create_task(turns.take())
    try:
        yield turns
    finally:
        task.cancel()
