"""Events that several workers remember."""

from typing import Any, cast

import pytest
from redis.asyncio import Redis

from engagelab_async.redis import RedisNonces, RedisRate, RedisSeenStore, RedisTracker
from engagelab_async.webhooks import REPEAT_WINDOW
from redis import Redis as BlockingRedis
from support import services

pytestmark = pytest.mark.asyncio


async def test_an_event_is_new_once(redis: Redis, prefix: str) -> None:
    """Whichever worker asks."""
    here, there = (RedisSeenStore(redis, prefix=prefix) for _ in range(2))
    found = [await here.begin("a", "1"), await there.begin("a", "2")]
    await here.commit("a")
    found += [await there.begin("a", "2"), await there.begin("b", "2")]

    assert ["new", "in_flight", "handled", "new"] == found


async def test_what_is_abandoned_is_new_again(redis: Redis, prefix: str) -> None:
    """If its owner abandons it, and if it is not handled by then."""
    store = RedisSeenStore(redis, prefix=prefix)
    for identity in ("a", "b", "handled"):
        await store.begin(identity, "mine")
    await store.commit("handled")
    await store.abandon("a", "mine")
    await store.abandon("b", "another's")
    await store.abandon("handled", "mine")
    await store.abandon("unknown", "mine")

    assert ["new", "in_flight", "handled"] == [
        await store.begin(each, "next") for each in ("a", "b", "handled")
    ]


async def test_a_lease_ends(redis: Redis, prefix: str) -> None:
    """What a killed worker had begun is new to the next one."""
    store = RedisSeenStore(redis, prefix=prefix, lease=0.001)
    await store.begin("a", "killed")
    while await redis.exists(prefix + "a"):
        pass

    assert "new" == await store.begin("a", "next")


async def test_what_was_handled_is_kept_as_long_as_it_may_be_repeated(
    redis: Redis, prefix: str
) -> None:
    """And what is in flight as long as its lease."""
    store = RedisSeenStore(redis, prefix=prefix, lease=60)
    await store.begin("a", "1")
    before = await redis.ttl(prefix + "a")
    await store.commit("a")

    assert 0 < before <= 60
    assert REPEAT_WINDOW - 60 < await redis.ttl(prefix + "a") <= REPEAT_WINDOW


async def test_a_lease_that_ends_while_it_is_asked_for(prefix: str) -> None:
    """The event is taken."""

    class Ending(Redis):
        """A Redis where the key expires between two commands."""

        answers = iter([None, None, True])

        async def execute_command(self, *command: Any, **_: Any) -> Any:  # noqa: ANN401
            """Answer."""
            return next(self.answers)

    assert "new" == await RedisSeenStore(Ending(), prefix=prefix).begin("a", "1")


async def test_a_command_may_be_repeated_by_the_client(server: services.Redis, prefix: str) -> None:
    """When its answer was lost: the event is new, and another delivery of it is not."""

    class Repeating(Redis):
        """A Redis whose first answer is always lost."""

        async def execute_command(self, *command: Any, **options: Any) -> Any:  # noqa: ANN401
            """Execute it twice."""
            execute: Any = super().execute_command
            await execute(*command, **options)
            return await execute(*command, **options)

    async with Repeating.from_url(server.url) as redis:
        store = RedisSeenStore(redis, prefix=prefix)
        found = [await store.begin("a", "mine") for _ in range(2)]
        await store.abandon("a", "min")
        found.append(await store.begin("a", "mine"))
        await store.abandon("a", "mine")
        found.append(await store.begin("a", "mine"))

    assert ["new", "in_flight", "in_flight", "new"] == found


@pytest.mark.parametrize(
    ("make", "error", "name"),
    [
        (lambda redis: RedisSeenStore(redis, lease=0), ValueError, "lease"),
        (lambda redis: RedisSeenStore(redis, prefix=""), ValueError, "prefix"),
        (lambda redis: RedisNonces(redis, prefix=cast("Any", 7)), TypeError, "prefix"),
        (lambda redis: RedisTracker(redis, keep=-1), ValueError, "keep"),
        (lambda redis: RedisTracker(redis, grace=-1), ValueError, "grace"),
        (lambda redis: RedisRate(redis, "", 5), ValueError, "name"),
        (lambda redis: RedisRate(redis, "sms", 0), ValueError, "rate"),
        (lambda redis: RedisRate(redis, "sms", cast("Any", "5")), TypeError, "rate"),
        (lambda _: RedisSeenStore(cast("Any", BlockingRedis())), TypeError, "redis"),
        (lambda _: RedisNonces(cast("Any", "redis://")), TypeError, "redis"),
    ],
)
async def test_what_can_never_be_right(make: Any, error: type[Exception], name: str) -> None:  # noqa: ANN401
    """The argument is named, before Redis is asked."""
    with pytest.raises(error, match=f"^{name}: "):
        make(Redis())
