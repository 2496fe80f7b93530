"""Waiting in one worker for what another is told."""

import asyncio
import logging
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import pytest
from fastapi import HTTPException
from redis.asyncio import Redis

from engagelab_async import NotDeliveredError
from engagelab_async.redis import RedisTracker
from engagelab_async.webhooks import MessageStatus, Notification
from redis import RedisError
from support import services

pytestmark = pytest.mark.asyncio

SOON = 30  # seconds; only a test that fails waits for them


def status(status: str, **more: Any) -> MessageStatus:  # noqa: ANN401
    """Make an event."""
    return MessageStatus(message_id="7", status=status, **more)


@pytest.mark.parametrize("first", [True, False])
async def test_the_worker_that_waits_need_not_be_called_back(
    redis: Redis, prefix: str, first: bool
) -> None:
    """Nor need it wait when the callback comes: it may have come before."""
    here, there = (RedisTracker(redis, prefix=prefix) for _ in range(2))
    event = status(
        "delivered",
        to="+6591234567",
        msg_time=datetime(2026, 1, 2, tzinfo=UTC),
        custom_args={"order": 7},
        raw={"a": [1]},
    )
    got = []

    async def wait() -> None:
        got.append(await here.wait_for("7", timeout=SOON))

    async with here.listening(), there.listening(), anyio.create_task_group() as tasks:
        if first:
            await there(event)
        tasks.start_soon(wait)
        if not first:
            while not here.awaited():
                await anyio.lowlevel.checkpoint()
            await there(event)

    assert [event] == got
    assert event.to_dict() == got[0].to_dict()


async def test_a_failure_is_told_as_well(redis: Redis, prefix: str) -> None:
    """A wait ends with an error in any worker."""
    here, there = (RedisTracker(redis, prefix=prefix) for _ in range(2))
    async with here.listening():
        await there(status("delivered_failed", server="sms", error_code=5011))

        with pytest.raises(NotDeliveredError, match="5011"):
            await here.wait_for("7", timeout=SOON)


async def test_what_cannot_be_waited_for_is_not_kept(redis: Redis, prefix: str) -> None:
    """Redis holds no more than it has to, and for no longer."""
    tracker = RedisTracker(redis, prefix=prefix, keep=60)
    await tracker(Notification(event="x"))
    await tracker(status("plan"))
    before = await redis.keys(f"{prefix}*")
    for _ in range(2):
        await tracker(status("sent"))

    assert [] == before
    assert 1 == await redis.hlen(prefix + "7")
    assert 0 < await redis.ttl(prefix + "7") <= 60


async def test_a_tracker_has_to_listen(redis: Redis, prefix: str) -> None:
    """Once, before it waits."""
    tracker = RedisTracker(redis, prefix=prefix)
    with pytest.raises(RuntimeError, match="does not listen"):
        await tracker.wait_for("7")
    async with tracker.listening():
        with pytest.raises(RuntimeError, match="listens already"):
            async with tracker.listening():
                pass
    with pytest.raises(RuntimeError, match="does not listen"):
        await tracker.wait_for("7")


async def test_an_unreachable_redis_is_known_at_the_start(prefix: str) -> None:
    """And not when the first callback comes."""
    tracker = RedisTracker(Redis(port=1), prefix=prefix)
    for _ in range(2):
        with pytest.raises(RedisError):
            async with tracker.listening():
                pass


@pytest.mark.parametrize("error", [KeyError("x"), HTTPException(404), asyncio.CancelledError()])
async def test_what_is_raised_within_the_block_leaves_it(
    redis: Redis, prefix: str, error: BaseException
) -> None:
    """As itself, and the tracker may listen again."""
    tracker = RedisTracker(redis, prefix=prefix)
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            async with tracker.listening():
                raise error

        assert error is caught.value


async def test_it_may_be_cancelled(redis: Redis, prefix: str) -> None:
    """By a scope around it, or while it begins."""
    tracker = RedisTracker(redis, prefix=prefix)
    with anyio.CancelScope() as scope:
        async with tracker.listening():
            scope.cancel()
            await anyio.sleep_forever()
    with anyio.CancelScope() as before:
        before.cancel()
        async with tracker.listening():
            pass

    assert scope.cancelled_caught
    assert before.cancelled_caught
    async with tracker.listening():
        pass


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"type": "x", "itime": 7}'])
async def test_what_cannot_be_read_does_not_stop_the_others(
    redis: Redis, prefix: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As what a worker of another version publishes."""
    tracker = RedisTracker(redis, prefix=prefix)
    await redis.hset(prefix + "7", "other", text)
    async with tracker.listening(), anyio.create_task_group() as tasks:
        tasks.start_soon(partial(tracker.wait_for, "7", timeout=SOON))
        while not tracker.awaited():
            await anyio.lowlevel.checkpoint()
        await redis.publish(prefix, text)
        await tracker(status("delivered"))

    assert "an event in Redis cannot be read" in caplog.text
    assert "lost the subscription" not in caplog.text


async def test_resp3(server: services.Redis, prefix: str) -> None:
    """The newer protocol does as well."""
    async with Redis.from_url(server.url, protocol=3) as redis:
        here, there = (RedisTracker(redis, prefix=prefix) for _ in range(2))
        async with here.listening(), anyio.create_task_group() as tasks:
            tasks.start_soon(partial(here.wait_for, "7", timeout=SOON))
            while not here.awaited():
                await anyio.lowlevel.checkpoint()
            await there(status("delivered"))


async def test_a_lost_subscription_is_renewed(
    server: services.Redis, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What came in between is not lost: what is waited for is read again."""
    got = []
    async with Redis.from_url(server.url) as redis, Redis.from_url(server.url) as other:
        here, there = RedisTracker(redis, prefix=prefix), RedisTracker(other, prefix=prefix)

        async def wait() -> None:
            got.append(await here.wait_for("7", timeout=SOON))

        with caplog.at_level(logging.WARNING, "engagelab_async"):
            async with here.listening(), anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                while not here.awaited():
                    await anyio.lowlevel.checkpoint()
                await other.client_kill_filter(_type="pubsub")
                while not caplog.records:
                    await anyio.lowlevel.checkpoint()
                await there(status("delivered"))

    assert [status("delivered")] == got
    assert "lost the subscription to Redis: ConnectionError" in caplog.text
