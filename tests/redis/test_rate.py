"""A rate that several processes keep together."""

import time

import anyio
import pytest
from redis.asyncio import Redis

from engagelab_async.bulk.rate import Limiter, Rate
from engagelab_async.redis import RedisRate

pytestmark = pytest.mark.asyncio


async def test_all_together_keep_one_rate(redis: Redis, prefix: str) -> None:
    """Two workers share it: of 40 turns at 100 a second, the last is due after about 0.4 s."""
    workers = [RedisRate(redis, "sms", 100, prefix=prefix) for _ in range(2)]
    begun = time.monotonic()

    async def send(worker: RedisRate) -> None:
        for _ in range(20):
            await worker.acquire(1, 1)

    async with anyio.create_task_group() as tasks:
        for each in workers:
            tasks.start_soon(send, each)

    # At least: a loaded machine may be slower.
    assert time.monotonic() - begun >= 0.3
    assert isinstance(workers[0], Limiter)


async def test_targets_are_counted_if_the_rate_is_of_targets(redis: Redis, prefix: str) -> None:
    """A request takes as many turns as it has targets."""
    worker = RedisRate(redis, "sms", Rate(1000, of="targets"), prefix=prefix)
    begun = time.monotonic()
    await worker.acquire(1, 200)
    await worker.acquire(1, 1)

    assert time.monotonic() - begun >= 0.15


async def test_a_rate_that_nobody_uses_is_forgotten(redis: Redis, prefix: str) -> None:
    """Redis keeps the key until the last turn is due, and no longer."""
    await RedisRate(redis, "sms", 0.01, prefix=prefix).acquire(1, 1)

    assert 0 < await redis.pttl(prefix + "sms") <= 100_001
