"""Rates and limits, in a time that passes when somebody sleeps."""

import asyncio
import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async import Rate
from engagelab_async.bulk import Limiter, RateLimit
from engagelab_async.bulk.concurrency import ConcurrencyLimit, Permit
from engagelab_async.bulk.rate import limiter_of
from support.scripted_engine import FakeTime


async def departures(
    rate: Rate, costs: Sequence[int], *, late: float = 0.0, idle: Sequence[float] = ()
) -> list[tuple[float, int]]:
    """Send requests of so many targets each, and return when each left, and its cost.

    Args:
        rate: The rate.
        costs: How many targets each request has.
        late: By how much every sleep overshoots.
        idle: How long nobody asks before a request.
    """
    time = FakeTime(late=late)
    limit = RateLimit(rate, clock=time.clock, sleep=time.sleep)
    left = []
    for index, cost in enumerate(costs):
        time.now += idle[index % len(idle)] if idle else 0.0
        await limit.acquire(1, cost)
        left.append((time.now, cost if rate.of == "targets" else 1))
    return left


def busiest_second(left: Sequence[tuple[float, int]]) -> int:
    """Return the most that ever left within one second."""
    return max(
        sum(cost for moment, cost in left if start <= moment < start + 1 - 1e-6)
        for start, _ in left
    )


class TestRateLimit:
    """How fast requests are let through."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("per_second", [0.5, 1, 7, 50, 333.3, 5000])
    async def test_is_exact(self, per_second: float) -> None:
        """Over ten seconds as many leave as come due, within one percent or one request."""
        left = await departures(Rate(per_second), [1] * int(per_second * 11))
        start = left[0][0]
        count = sum(moment < start + 10 - 1e-6 for moment, _ in left)

        assert count == pytest.approx(per_second * 10, rel=0.01, abs=1)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("per_second", [10, 50, 333.3, 5000])
    async def test_makes_up_for_late_wake_ups(self, per_second: float) -> None:
        """A clock that wakes everybody 2 ms late does not make the run slower."""
        left = await departures(Rate(per_second), [1] * int(per_second * 11), late=0.002)
        start = left[0][0]
        count = sum(moment < start + 10 - 1e-6 for moment, _ in left)

        assert count == pytest.approx(per_second * 10, rel=0.01, abs=1)

    @given(
        per_second=st.floats(0.5, 200),
        burst=st.none() | st.floats(1, 50),
        late=st.floats(0, 0.1),
        idle=st.lists(st.floats(0, 0.2) | st.floats(0, 5), max_size=5),
    )
    def test_never_lets_more_through(
        self, per_second: float, burst: float | None, late: float, idle: list[float]
    ) -> None:
        """In no second do more leave than the rate and the burst, whatever came before."""

        async def main() -> None:
            rate = Rate(per_second, burst=burst)
            left = await departures(rate, [1] * 150, late=late, idle=idle)
            allowed = max(2.0, per_second / 20) if burst is None else burst

            assert busiest_second(left) <= per_second + allowed + 1e-6

        anyio.run(main)

    @given(
        per_second=st.floats(10, 2000),
        burst=st.none() | st.floats(1, 500),
        costs=st.lists(st.integers(1, 300), min_size=1, max_size=100),
    )
    def test_counts_targets(self, per_second: float, burst: float | None, costs: list[int]) -> None:
        """With targets, the largest request counts as the burst where it is larger."""

        async def main() -> None:
            left = await departures(Rate(per_second, of="targets", burst=burst), costs)
            allowed = max(2.0, per_second / 20) if burst is None else burst

            assert busiest_second(left) <= per_second + max(allowed, *costs, 1) + 1e-6

        anyio.run(main)

    @pytest.mark.asyncio
    async def test_lets_a_burst_through_after_a_quiet_time(self) -> None:
        """What was not used is there at once, up to the burst, but not in the beginning."""
        left = await departures(Rate(10, burst=5), [1] * 12, idle=[0.0] * 6 + [60.0] + [0.0] * 5)
        gaps = [later - sooner for (sooner, _), (later, _) in pairwise(left)]

        assert [0.1] * 5 == pytest.approx(gaps[:5])
        assert [60.0, 0, 0, 0, 0] == pytest.approx(gaps[5:10])
        assert 0.1 == pytest.approx(gaps[10])

    @pytest.mark.asyncio
    async def test_serves_in_order(self) -> None:
        """Who asks first leaves first; a request of many targets is not overtaken for ever."""
        time = FakeTime()
        limit = RateLimit(Rate(10, of="targets"), clock=time.clock, sleep=time.sleep)
        order: list[int] = []

        async def ask(number: int, targets: int) -> None:
            await limit.acquire(1, targets)
            order.append(number)

        async with anyio.create_task_group() as group:
            for index in range(20):
                group.start_soon(ask, index, 100 if index == 3 else 1)

        assert list(range(20)) == order


class TestRate:
    """What a rate may be."""

    @pytest.mark.parametrize("value", [5e-324, 1e-309, math.ulp(0.0)])
    def test_has_a_finite_interval(self, value: float) -> None:
        """No clock can wait for the second request."""
        for make in (Rate, partial(limiter_of, burst=None)):
            with pytest.raises(ValueError, match="rate: too low, the time between two requests"):
                make(value)

    def test_spans_a_finite_time(self) -> None:
        """Of a burst as well."""
        with pytest.raises(ValueError, match="burst: too large for this rate"):
            Rate(1e-200, burst=1e200)

    @pytest.mark.parametrize("value", [0, -1, math.inf, math.nan, 10**400])
    def test_is_above_zero(self, value: float) -> None:
        """A rate is a finite number above 0."""
        with pytest.raises(ValueError, match="rate: must be a finite number above 0"):
            Rate(value)

    @pytest.mark.parametrize("value", [0, 0.5, math.inf, 10**400])
    def test_burst_is_one_or_more(self, value: float) -> None:
        """Without a burst of 1, nothing could ever leave."""
        with pytest.raises(ValueError, match="burst: must be a finite number, 1 or more"):
            Rate(5, burst=value)

    def test_counts_requests_or_targets(self) -> None:
        """There is no third thing to count."""
        with pytest.raises(ValueError, match="of: must be 'requests' or 'targets'"):
            Rate(5, of="segments")  # type: ignore[arg-type]

    def test_becomes_a_limiter(self) -> None:
        """A number, a rate and a limiter of the caller's are all taken; nothing is no limit."""
        own = RateLimit(Rate(5))

        assert isinstance(limiter_of(5, None), RateLimit)
        assert isinstance(limiter_of(5.5, 3), RateLimit)
        assert isinstance(limiter_of(Rate(5), None), RateLimit)
        assert own is limiter_of(own, None)
        assert isinstance(own, Limiter)
        assert None is limiter_of(None, None)

    @pytest.mark.parametrize("value", [True, "5", object()])
    def test_is_nothing_else(self, value: object) -> None:
        """Anything else is refused by its type."""
        with pytest.raises(TypeError, match="rate: expected a number, a Rate or a Limiter"):
            limiter_of(value, None)  # type: ignore[arg-type]


class TestWidth:
    """How many operations may be under way."""

    @pytest.mark.asyncio
    async def test_is_halved_once_for_those_that_fail_together(self) -> None:
        """Requests that were under way together are one piece of news."""
        limit = ConcurrencyLimit(64)
        seen = limit.halvings
        for _ in range(10):
            limit.narrow(seen)

        assert 32 == limit.current

        limit.narrow(limit.halvings)

        assert 16 == limit.current

    @pytest.mark.asyncio
    async def test_grows_by_one_in_a_round(self) -> None:
        """After as many successes as it is wide, one more may be under way, up to the limit."""
        limit = ConcurrencyLimit(12)
        limit.narrow(limit.halvings)
        for _ in range(7):
            limit.widen()

        assert 7 == limit.current

        for _ in range(100):
            limit.widen()

        assert 12 == limit.current

    @pytest.mark.asyncio
    async def test_is_never_nothing(self) -> None:
        """One may always be under way."""
        limit = ConcurrencyLimit(2)
        for _ in range(5):
            limit.narrow(limit.halvings)

        assert 1 == limit.current

    @pytest.mark.asyncio
    async def test_holds_back_until_there_is_room(self) -> None:
        """Who finds no place waits for one, or for the end."""
        limit = ConcurrencyLimit(1)
        entered: list[bool] = []

        async def enter() -> None:
            entered.append(await limit.acquire(self))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(enter)
            await anyio.wait_all_tasks_blocked()

            assert ([True], 1) == (entered, limit.active)

            limit.release()
            await anyio.wait_all_tasks_blocked()

            assert [True, True] == entered

            limit.dismiss(self)

        assert [True, True, False] == entered

    @pytest.mark.asyncio
    @pytest.mark.parametrize("change", ["none", "release", "dismiss"])
    async def test_loses_no_place_with_those_who_give_up(self, change: str) -> None:
        """Whether they still wait, have just been let in, or have just been sent away."""
        limit = ConcurrencyLimit(1)
        await limit.acquire(self)
        task = asyncio.create_task(limit.acquire(self))
        await asyncio.sleep(0)
        if change == "release":
            limit.release()
        elif change == "dismiss":
            limit.dismiss(self)
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        assert (0 if change == "release" else 1) == limit.active

    @pytest.mark.asyncio
    async def test_lets_in_who_comes_back_though_it_is_closed(self) -> None:
        """What was begun may go on when nothing new is to be begun."""
        limit = ConcurrencyLimit(1)
        await limit.acquire(self)
        back: list[bool] = []

        async def come_back() -> None:
            await limit.reacquire()
            back.append(True)

        async with anyio.create_task_group() as group:
            group.start_soon(come_back)
            await anyio.wait_all_tasks_blocked()
            limit.dismiss(self)
            await anyio.wait_all_tasks_blocked()

            assert [] == back

            limit.release()

        assert [True] == back

    @pytest.mark.asyncio
    async def test_is_kept_while_others_wait_to_start(self) -> None:
        """Else each operation would wait for those of another run, and both would take longer."""
        limit = ConcurrencyLimit(1)
        permit = Permit(limit, self)
        await permit.acquire()
        async with anyio.create_task_group() as group:
            group.start_soon(limit.acquire, "another run")
            await anyio.wait_all_tasks_blocked()

            assert permit.keep()

            permit.release()

        assert 1 == limit.active

    @pytest.mark.asyncio
    async def test_goes_first_to_what_was_begun(self) -> None:
        """Whoever waits to start something, and however long."""
        limit = ConcurrencyLimit(1)
        permit = Permit(limit, self)
        await permit.acquire()
        order: list[str] = []

        async def start() -> None:
            await limit.acquire(self)
            order.append("started")

        async def go_on() -> None:
            await limit.reacquire()
            order.append("continued")

        async with anyio.create_task_group() as group:
            group.start_soon(start)
            await anyio.wait_all_tasks_blocked()
            group.start_soon(go_on)
            await anyio.wait_all_tasks_blocked()

            assert not permit.keep()

            await anyio.wait_all_tasks_blocked()

            assert ["continued"] == order

            limit.release()

        assert ["continued", "started"] == order

    @pytest.mark.asyncio
    async def test_is_first_come_first_served(self) -> None:
        """Who comes later does not overtake those who wait."""
        limit = ConcurrencyLimit(1)
        await limit.acquire(self)
        order: list[str] = []

        async def enter(name: str) -> None:
            await limit.acquire(self)
            order.append(name)

        async with anyio.create_task_group() as group:
            group.start_soon(enter, "first")
            await anyio.wait_all_tasks_blocked()
            limit.release()
            group.start_soon(enter, "second")
            await anyio.wait_all_tasks_blocked()

            assert ["first"] == order

            limit.release()

        assert ["first", "second"] == order
