"""Time limits that share a timer."""

import asyncio

import anyio
import pytest
import pytest_asyncio

from engagelab_async.engines._limits import Limit, Limits
from engagelab_async.engines._loops import PerLoop


@pytest_asyncio.fixture
async def limits() -> Limits:
    """No limits yet."""
    return Limits()


async def forever(limits: Limits, seconds: float | None) -> None:
    """Do within a limit what never ends."""
    with limits.limit(seconds):
        await asyncio.Event().wait()


async def entered(limits: Limits, seconds: float | None) -> asyncio.Task[None]:
    """Make a task that is within a limit."""
    task = asyncio.create_task(forever(limits, seconds))
    await asyncio.sleep(0)
    return task


def timers() -> int:
    """Count the timers of the event loop that have not been cancelled."""
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]  # noqa: SLF001
    return sum(not timer.cancelled() for timer in scheduled)


@pytest.mark.asyncio
@pytest.mark.parametrize("seconds", [0.001, 0, -1])
async def test_what_takes_too_long_is_ended(limits: Limits, seconds: float) -> None:
    """With the built-in error; a limit that has passed is one, too."""
    with pytest.raises(TimeoutError):
        await forever(limits, seconds)


@pytest.mark.asyncio
async def test_what_is_in_time_goes_on(limits: Limits) -> None:
    """The shortest limit ends nobody else, whenever it was set."""
    patient = await entered(limits, 60)
    hasty = [await entered(limits, seconds) for seconds in (0.002, 0.001, 0.003)]
    endless = await entered(limits, None)

    await asyncio.wait(hasty)

    assert {TimeoutError} == {type(task.exception()) for task in hasty}
    for task in (patient, endless):
        assert not task.done()
        task.cancel()


@pytest.mark.asyncio
async def test_one_timer_is_enough(limits: Limits) -> None:
    """However many limits there are, and whichever comes first; and none when it is closed."""
    before = timers()
    tasks = [await entered(limits, seconds) for seconds in (50, 60, 40, 30, None)]

    assert 1 == timers() - before

    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await limits.aclose()

    assert before == timers()


@pytest.mark.asyncio
async def test_a_timer_that_rings_for_nothing_is_not_set_again(limits: Limits) -> None:
    """What it was set for has come to its end meanwhile."""
    before = timers()
    with limits.limit(0.001):
        pass
    await asyncio.sleep(0.002)

    assert before == timers()


@pytest.mark.asyncio
@pytest.mark.parametrize("expired", [False, True])
async def test_a_cancellation_from_outside_is_one(limits: Limits, expired: bool) -> None:
    """Also when time runs out at the same moment."""
    task = await entered(limits, 60)
    if expired:
        (limit,) = limits.running
        limit.expire()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.asyncio
async def test_limits_stand_within_limits(limits: Limits) -> None:
    """The outer one ends what the inner one would let go on, and nothing is left cancelled."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await forever(limits, 60)
    with anyio.move_on_after(0.001) as scope:
        await forever(limits, 60)
    with pytest.raises(TimeoutError):
        with anyio.fail_after(60):
            await forever(limits, 0.001)

    assert scope.cancelled_caught
    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()


@pytest.mark.asyncio
async def test_what_fails_in_time_fails_as_it_does(limits: Limits) -> None:
    """So does what fails because it is ended."""

    async def give_up() -> None:
        with limits.limit(0.001):
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError

    with pytest.raises(KeyError):
        await give_up()
    with pytest.raises(LookupError), limits.limit(60):
        raise LookupError


def test_another_loop_has_a_timer_of_its_own() -> None:
    """An engine that outlives its event loop does not wait for the timer of that one."""
    per_loop = PerLoop(Limits)

    async def leave_one_behind() -> Limit:
        with per_loop.get().limit(60) as limit:
            return limit

    async def run_out() -> None:
        await forever(per_loop.get(), 0.001)

    asyncio.run(leave_one_behind())

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(run_out(), 50))
