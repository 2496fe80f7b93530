"""Turns of a shared rate are taken in blocks, and used one by one."""

import pytest

from engagelab_async.bulk import Limiter, Rate
from engagelab_async.distributed import Fleet, SharedRate
from support.scripted_engine import FakeTime

pytestmark = pytest.mark.asyncio


@pytest.fixture
def time() -> FakeTime:
    """A time that passes when somebody sleeps."""
    return FakeTime()


@pytest.fixture
def fleet(time: FakeTime) -> Fleet:
    """A fleet in that time."""
    return Fleet.in_memory(clock=time.clock, sleep=time.sleep)


async def test_is_a_limiter(fleet: Fleet) -> None:
    """`EngageLab.fan_out` takes it, too."""
    assert isinstance(SharedRate(fleet, "sms", 5), Limiter)


@pytest.mark.parametrize("per_second", [0.5, 1, 7, 30, 200, 5000])
async def test_keeps_the_rate(fleet: Fleet, time: FakeTime, per_second: float) -> None:
    """Over many requests, whatever the block."""
    rate = SharedRate(fleet, "sms", per_second)
    came = []
    for _ in range(200):
        await rate.acquire(1, 3)
        came.append(time.now)

    assert 199 / per_second == pytest.approx(came[-1] - came[0], rel=0.02)


async def test_counts_targets(fleet: Fleet, time: FakeTime) -> None:
    """A request that is larger than a block takes what it needs at once."""
    rate = SharedRate(fleet, "sms", Rate(20, of="targets"))
    came = []
    for _ in range(50):
        await rate.acquire(1, 7)
        came.append(time.now)

    assert 49 * 7 / 20 == pytest.approx(came[-1] - came[0], rel=0.02)


async def test_two_share_it(fleet: Fleet, time: FakeTime) -> None:
    """Each gets what the other leaves."""
    rates = [SharedRate(fleet, "sms", 100), SharedRate(fleet, "sms", 100)]
    for index in range(300):
        await rates[index // 5 % 2].acquire(1, 1)

    assert 2.9 <= time.now - 1000 <= 3.1


async def test_names_are_rates_of_their_own(fleet: Fleet, time: FakeTime) -> None:
    """Nothing is shared under another name."""
    for name in "abcdefghij":
        await SharedRate(fleet, name, 1).acquire(1, 1)

    assert 1000 == time.now


async def test_old_turns_are_lost(fleet: Fleet, time: FakeTime) -> None:
    """After a quiet time, nothing is made up for."""
    rate = SharedRate(fleet, "sms", 100)
    await rate.acquire(1, 1)
    await time.sleep(5)
    before = time.now
    for _ in range(100):
        await rate.acquire(1, 1)

    assert 0.94 <= time.now - before <= 1


@pytest.mark.parametrize(
    ("name", "rate", "problem"),
    [
        ("", 5, "name: expected 1 to 200 printable"),
        (5, 5, "name: expected str, got int"),
        ("sms", 0, "rate: must be a finite number above 0"),
        ("sms", -1, "rate: must be a finite number above 0"),
        ("sms", "5", "rate: expected a number or a Rate, got str"),
        ("sms", True, "rate: expected a number or a Rate, got bool"),
    ],
)
async def test_refuses_bad_arguments(fleet: Fleet, name: str, rate: float, problem: str) -> None:
    """With the argument's name."""
    with pytest.raises((ValueError, TypeError), match=f"^{problem}"):
        SharedRate(fleet, name, rate)
