"""The feed of what happens, and the bell that wakes those who watch it."""

import asyncio
import threading

import pytest

from engagelab_async.sandbox.bell import Bell
from engagelab_async.sandbox.feed import Feed, FeedEvent


@pytest.fixture
def feed() -> Feed:
    """An open feed that keeps three events."""
    feed = Feed(kept=3)
    feed.open()
    return feed


def test_a_closed_feed_keeps_nothing() -> None:
    """Until somebody watches, nothing is published."""
    feed = Feed()
    feed.publish("status", 1)
    before = (feed.is_open, feed.last)
    feed.open()
    feed.publish("status", 2)

    assert (False, 0) == before
    assert (FeedEvent(1, "status", 2),) == feed.after(0)


def test_a_watcher_reads_on_from_where_it_was(feed: Feed) -> None:
    """Events are numbered, and those behind a number can be read at any time."""
    feed.publish("status", 7)
    feed.publish("callback", 1)
    feed.publish("reply", 7)

    assert [(2, "callback", 1), (3, "reply", 7)] == [
        (event.number, event.kind, event.subject) for event in feed.after(1)
    ]
    assert () == feed.after(3)


@pytest.mark.parametrize("number", [0, 5, -1])
def test_a_watcher_that_fell_behind_is_told(feed: Feed, number: int) -> None:
    """A number whose events are gone, or that is of another feed, is refused."""
    for subject in range(4):
        feed.publish("status", subject)

    assert 3 == len(feed.after(1))
    with pytest.raises(LookupError, match=r"^the feed keeps the events from 2 to 4$"):
        feed.after(number)


@pytest.mark.asyncio
async def test_a_watcher_waits_for_the_next(feed: Feed) -> None:
    """It is woken by an event of another thread, and does not wait for one that is there."""
    waiting = asyncio.create_task(feed.wait(0))
    await asyncio.sleep(0)
    threading.Thread(target=feed.publish, args=("status", 1)).start()
    await waiting
    await feed.wait(0)

    assert (FeedEvent(1, "status", 1),) == feed.after(0)


@pytest.mark.asyncio
async def test_a_watcher_need_not_wait_for_ever(feed: Feed) -> None:
    """After some seconds without an event it goes on."""
    await feed.wait(0, seconds=0)

    assert 0 == feed.last


class TestBell:
    """A bell."""

    @pytest.mark.asyncio
    async def test_a_ring_is_heard_later(self) -> None:
        """Rings that nobody heard yet are heard as one."""
        bell = Bell()
        bell.ring()
        bell.ring()
        await bell.wait(None)
        heard = asyncio.create_task(bell.wait(None))
        await asyncio.sleep(0)

        assert not heard.done()
        bell.ring()
        await heard

    @pytest.mark.asyncio
    async def test_whoever_is_always_woken_lets_others_go_on(self) -> None:
        """Hearing a ring gives other tasks their turn."""
        bell = Bell()
        turns = 0

        async def take_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        other = asyncio.create_task(take_turns())
        for _ in range(5):
            bell.ring()
            await bell.wait(None)
        other.cancel()

        assert turns >= 5

    def test_a_ring_for_a_loop_that_is_gone_does_no_harm(self) -> None:
        """A loop that was closed in the middle of a wait hears nothing any longer."""
        bell = Bell()
        loop = asyncio.new_event_loop()
        waiting = loop.create_task(bell.wait(None))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        bell.ring()

        assert not waiting.done()
        waiting.get_coro().close()
