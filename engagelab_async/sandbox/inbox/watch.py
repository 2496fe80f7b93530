"""Keeps the calls up to date with what happens to their messages, from when somebody looks.

A sandbox that nobody looks at has no work of it: the feed is opened by the first who does.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from engagelab_async.sandbox.aftermath import Aftermath
from engagelab_async.sandbox.feed import Feed, FeedEvent
from engagelab_async.sandbox.lifecycle import Plan
from engagelab_async.sandbox.platform import Platform

from .calls import Calls


class Watch:
    """Looks at calls; in the server's thread alone.

    Args:
        calls: The calls.
        platform: Has their messages, and what became of those.
        aftermath: Publishes it.
    """

    def __init__(self, calls: Calls, platform: Platform, aftermath: Aftermath) -> None:
        self._calls = calls
        self._platform = platform
        self._aftermath = aftermath
        self._feed: Feed | None = None
        self._read = 0

    def calls(self) -> Calls:
        """Return the calls as they are now."""
        feed = self._opened()
        try:
            events = feed.after(self._read)
        except LookupError:  # more has happened than the feed keeps
            self._see_all(feed)
            return self._calls
        if events:
            self._read = events[-1].number
            self._see(dict.fromkeys(self._subjects(events)))
        return self._calls

    async def wait(self, seconds: float) -> None:
        """Wait until something happens, but not longer than some seconds."""
        await self._opened().wait(self._read, seconds)

    def _opened(self) -> Feed:
        if self._feed is None:
            self._feed = feed = self._aftermath.watch()
            self._calls.on_change = lambda number: feed.publish("call", number)
            self._see_all(feed)
        return self._feed

    def _see_all(self, feed: Feed) -> None:
        self._read = feed.last
        oldest_first = reversed(list(self._calls))
        self._see(chain.from_iterable(call.messages for call in oldest_first))

    def _see(self, messages: Iterable[int]) -> None:
        for number in messages:
            message = self._platform.outbox.get(number)
            self._calls.see(number, state_of(self._platform.progress.history(message)))

    def _subjects(self, events: Iterable[FeedEvent]) -> Iterator[int]:
        """Yield the messages that events have to do with."""
        tried = {event.subject for event in events if event.kind == "callback"}
        for delivery in self._aftermath.deliveries if tried else ():
            if delivery.number in tried:
                yield from delivery.messages
        for event in events:
            if event.kind == "call":
                yield from self._calls.messages_of(event.subject)
            elif event.kind != "callback":
                yield event.subject


def state_of(history: Plan) -> str:
    """Name the state that a message is in, which is the last status that it has reached.

    Except that a code which was verified before its message was delivered remains so.
    """
    statuses = [change.status for change in history]
    return "verified" if "verified" in statuses else statuses[-1]
