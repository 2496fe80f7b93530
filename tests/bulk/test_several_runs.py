"""What the runs of one process can share, and what a program that starts many gives them."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import anyio
import pytest

from engagelab_async import ConnectError, ConnectionLostError, Response, RetryPolicy
from engagelab_async.bulk.flow import LONGEST_PAUSE, FlowControl
from engagelab_async.bulk.identity import digest
from engagelab_async.bulk.journal import MemoryJournal, Record, SendIntent, Settlement, State
from engagelab_async.bulk.stream import LEFT
from support.bulk import Platform, accept, kinds, number, outcomes_of, refusal, run_of, sends
from support.scripted_engine import FakeTime

pytestmark = pytest.mark.anyio


def flow_in(time: FakeTime, max_in_flight: int = 4) -> FlowControl:
    """Make a flow control that several runs share."""
    return FlowControl(max_in_flight, None, clock=time.clock, sleep=time.sleep)


class TestSharedFlow:
    """Runs with one flow control."""

    async def test_has_one_limit(self) -> None:
        """Together they have no more in flight than one would, and no less."""
        time = FakeTime()
        flow, platform = flow_in(time), Platform()
        full = anyio.Event()

        async def answer(to: tuple[str, ...]) -> Response:
            if platform.in_flight == 4:
                full.set()
            await full.wait()
            return await accept(to)

        platform.behaviour = answer
        async with anyio.create_task_group() as group:
            for start in (0, 30, 60):
                run = run_of(platform, sends(3, start), flow=flow, time=time)
                group.start_soon(outcomes_of, run)

        assert 4 == platform.most
        assert 9 == len(platform.received)

    async def test_ends_one_run_and_not_the_others(self) -> None:
        """A run whose source ends, or that is stopped, leaves the others waiting for permits."""
        time = FakeTime()
        flow, ready = flow_in(time, 1), anyio.Event()

        async def answer(to: tuple[str, ...]) -> Response:
            await ready.wait()
            return await accept(to)

        platform = Platform(answer)
        one = run_of(platform, sends(1), flow=flow, time=time)
        two = run_of(platform, sends(2, 10), flow=flow, time=time)
        three = run_of(platform, sends(2, 20), flow=flow, time=time)
        async with AsyncExitStack() as runs:
            for run in (one, two, three):
                await runs.enter_async_context(run)
                await anyio.wait_all_tasks_blocked()  # the first has the permit
            two.stop("on purpose")
            ready.set()

            assert 0 == (await two.wait()).total
            assert 1 == (await one.wait()).accepted
            assert 2 == (await three.wait()).accepted

        assert [number(0), number(20), number(21)] == platform.numbers

    async def test_has_one_pause(self) -> None:
        """A 429 to one of them delays all."""
        time = FakeTime()
        flow = flow_in(time, 1)
        answers = iter([refusal(None, 429, Retry_After="7")])

        async def answer(to: tuple[str, ...]) -> Response:
            for each in answers:
                return each
            return await accept(to)

        platform = Platform(answer, time.clock)
        one = run_of(platform, sends(1), flow=flow, time=time)
        async with one:
            await anext(one)
            refused = platform.came[0]
        await outcomes_of(run_of(platform, sends(1, 10), flow=flow, time=time))

        assert all(moment >= refused + 7.0 for moment in platform.came[1:])

    async def test_has_one_outage(self) -> None:
        """What one of them has waited for the others need not wait for again."""
        time = FakeTime()
        flow = flow_in(time, 1)

        async def refuse(_: tuple[str, ...]) -> Response:
            raise ConnectError("refused")

        platform = Platform(refuse)
        one = run_of(platform, sends(99), flow=flow, time=time)
        await outcomes_of(one)
        requests = len(platform.received)
        two = run_of(platform, sends(99), flow=flow, time=time)
        await outcomes_of(two)

        assert "an outage (ConnectError)" == one.report.stopped == two.report.stopped
        assert requests + 1 == len(platform.received)


class TestOnStop:
    """A hook that learns why a run is stopped."""

    async def test_is_called_once(self) -> None:
        """With the first reason."""
        reasons: list[str] = []

        async def refuse(_: tuple[str, ...]) -> Response:
            return refusal(2001, 401)

        await outcomes_of(run_of(Platform(refuse), sends(99), on_stop=reasons.append))

        assert ["the key pair is not accepted"] == reasons

    async def test_is_not_called_at_the_end(self) -> None:
        """A run that reaches the end of its source is not stopped."""
        reasons: list[str] = []
        await outcomes_of(run_of(Platform(), sends(9), on_stop=reasons.append))

        assert [] == reasons

    async def test_is_called_when_the_block_is_left(self) -> None:
        """With a reason of its own, by which a shutdown can be distinguished."""
        reasons: list[str] = []
        async with run_of(Platform(), sends(99), on_stop=reasons.append) as run:
            await anext(run)

        assert [LEFT] == reasons

    @pytest.mark.parametrize(("seconds", "stopped"), [(LONGEST_PAUSE, 0), (LONGEST_PAUSE + 1, 1)])
    async def test_is_called_for_a_pause_that_is_too_long(
        self, seconds: float, stopped: int
    ) -> None:
        """The longest pause is waited for; a longer one ends the run."""
        reasons: list[str] = []
        answers = iter([refusal(None, 429, Retry_After=f"{seconds:.0f}")])

        async def answer(to: tuple[str, ...]) -> Response:
            for each in answers:
                return each
            return await accept(to)

        await outcomes_of(
            run_of(Platform(answer), sends(2), max_in_flight=1, on_stop=reasons.append)
        )

        assert stopped == len(reasons)


class Suspended(MemoryJournal):
    """A journal of a process that is suspended for a while when it has written an intent."""

    def __init__(self, time: FakeTime, seconds: float) -> None:
        super().__init__()
        self.written: list[State] = []
        self._time = time
        self._seconds = seconds

    async def write(
        self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write, and let the time pass."""
        known = await super().write(settlements, intents)
        self.written += [settlement.state for settlement in settlements]
        if intents:
            self.written += [State.SENDING] * len(intents)
            self._time.now += self._seconds
            self._seconds = 0.0
        return known


class TestIntentLifetime:
    """An intent that is too old when its request could leave."""

    @pytest.mark.parametrize(
        ("suspended", "written"),
        [
            (30.0, [State.SENDING, State.ACCEPTED]),
            (30.1, [State.SENDING, State.UNSENT, State.SENDING, State.ACCEPTED]),
        ],
    )
    async def test_is_limited(self, suspended: float, written: list[State]) -> None:
        """It is withdrawn, and written again: another process may take it for that of a dead one.

        The deadline of the operation does not count that time.
        """
        time, platform = FakeTime(), Platform()
        store = Suspended(time, suspended)
        run = run_of(
            platform, sends(1), journal=store, time=time, intent_lifetime=30.0, deadline=20.0
        )

        assert ["Accepted"] == kinds(await outcomes_of(run))
        assert 1 == len(platform.received)
        assert written == store.written

    async def test_ends_for_a_record_that_has_changed_meanwhile(self) -> None:
        """What another run has recorded by then counts."""
        time, platform = FakeTime(), Platform()

        class Overtaken(Suspended):
            async def write(
                self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
            ) -> Mapping[str, Record]:
                known = await super().write(settlements, intents)
                if State.UNSENT in [settlement.state for settlement in settlements]:
                    self.records = {name: Record(State.ACCEPTED, 7) for name in self.records}
                    return {intent.digest: self.records[intent.digest] for intent in intents}
                return known

        run = run_of(
            platform, sends(1), journal=Overtaken(time, 31.0), time=time, intent_lifetime=30.0
        )

        assert ["settled"] == kinds(await outcomes_of(run))
        assert [] == platform.received


async def test_identities_can_come_with_the_operations() -> None:
    """They are made once, by whoever divides the list among several runs."""
    store = MemoryJournal()
    digests = [digest(name) for name in (b"one", b"two", b"one")]
    run = run_of(Platform(), sends(3), journal=store, digests=digests, max_in_flight=1)

    assert ["Accepted", "Accepted", "duplicate"] == kinds(await outcomes_of(run))
    assert set(digests) == store.records.keys()


async def test_a_lost_answer_is_recorded_in_any_store() -> None:
    """What may have been sent is uncertain to the next run."""
    records: dict[str, Record] = {}

    async def lose(_: tuple[str, ...]) -> Response:
        raise ConnectionLostError("lost")

    retry = RetryPolicy(attempts=1)
    await outcomes_of(run_of(Platform(lose), sends(1), journal=MemoryJournal(records), retry=retry))
    again = run_of(Platform(), sends(1), journal=MemoryJournal(records, run=2))

    assert ["Uncertain"] == kinds(await outcomes_of(again))
