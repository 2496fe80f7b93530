"""Keeps the calls up to date with what happens to their messages, once something reads them.

A sandbox whose inbox is not open does no work for it.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain, islice
from typing import Final

from engagelab_async.sandbox.lifecycle import Plan
from engagelab_async.sandbox.platform import Platform

from .calls import Calls

_AT_ONCE: Final = 200
"""How many messages to look at before other tasks of the event loop may run."""


class Watch:
    """Reads calls, in the event loop that owns the state.

    Args:
        calls: The calls.
        platform: Has their messages, and what became of those.
    """

    def __init__(self, calls: Calls, platform: Platform) -> None:
        self._calls = calls
        self._platform = platform
        self._is_open = False
        self._changed: dict[int, None] = {}
        self._news = asyncio.Event()

    def calls(self) -> Calls:
        """Return the calls as they are now."""
        self._open()
        self._see(len(self._changed))
        return self._calls

    async def catch_up(self) -> None:
        """Look at what has changed, and let other tasks of the event loop run in between."""
        self._open()
        while len(self._changed) > _AT_ONCE:
            self._see(_AT_ONCE)
            await asyncio.sleep(0)

    def _see(self, count: int) -> None:
        for number in list(islice(self._changed, count)):
            del self._changed[number]
            message = self._platform.outbox.get(number)
            self._calls.see(number, state_of(self._platform.simulation.history(message)))

    async def wait(self, seconds: float) -> None:
        """Wait until something happens, but not longer than some seconds."""
        self._open()
        news, revision = self._news, self._calls.revision
        await self.catch_up()
        if self.calls().revision == revision:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await news.wait()

    def _open(self) -> None:
        if not self._is_open:
            self._is_open = True
            self._calls.on_change = self._on_change
            self._platform.simulation.observe(lambda number, _: self._on_change((number,)))
            oldest_first = reversed(list(self._calls))
            self._on_change(chain.from_iterable(call.messages for call in oldest_first))

    def _on_change(self, messages: Iterable[int]) -> None:
        self._changed.update(dict.fromkeys(messages))
        self._news.set()
        # Every waiter has the one that was set; a new one belongs to no event loop yet.
        self._news = asyncio.Event()


def state_of(history: Plan) -> str:
    """Return the state that a message is in: the last status that it has reached.

    Except that a code which was verified before its message was delivered remains so.
    """
    statuses = [change.status for change in history]
    return "verified" if "verified" in statuses else statuses[-1]
