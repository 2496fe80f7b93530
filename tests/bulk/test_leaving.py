"""Leaving a run before its end: early, by an exception, by a cancellation, by Ctrl-C, or twice."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio
import pytest
from anyio import Event, create_task_group
from anyio.lowlevel import checkpoint

from engagelab_async import Response, SendSMS
from engagelab_async.bulk import FanOut
from engagelab_async.bulk.outcomes import AnyOutcome
from support.bulk import Platform, accept, kinds, number, outcomes_of, run_of, sends


class Held:
    """A platform whose answers wait for a word, but for those to one number."""

    def __init__(self, free: str = "") -> None:
        self.platform = Platform(self._answer)
        self.answering = Event()
        self.full = Event()
        self._free = free

    async def _answer(self, to: tuple[str, ...]) -> Response:
        if to != (self._free,):
            if self.platform.in_flight == 4:
                self.full.set()
            await self.answering.wait()
        return await accept(to)


async def rest_of(run: FanOut) -> list[AnyOutcome]:
    """Return the outcomes that came too late for the block."""
    return [outcome async for outcome in run]


class TestEarly:
    """The block is left while there is more to do."""

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_begins_nothing_new(self) -> None:
        """What was under way is the last, and is seen to its end."""
        platform = Platform()

        async with run_of(platform, sends(1000)) as run:
            await anext(run)

        assert 0 == platform.in_flight
        assert run.report.accepted == len(platform.received) < 20
        assert "the consumer left" == run.report.stopped

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_leaves_what_came_late_to_be_read(self) -> None:
        """Outcomes that the block did not take can be iterated over after it."""
        platform = Platform()

        async with run_of(platform, sends(1000)) as run:
            first = await anext(run)
        late = await rest_of(run)

        assert len(platform.received) == len([first, *late])

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_sends_nothing_if_aborted_before_it_began(self) -> None:
        """It is entered all the same, and ends."""
        platform = Platform()
        run = run_of(platform, sends(2))
        run.abort("enough")
        async with run:
            report = await run.wait()

        assert (0, "enough") == (report.total, report.stopped)
        assert [] == platform.received

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_aborting_waits_for_nothing(self) -> None:
        """The stream ends with what is cut off, which is uncertain."""
        held = Held(free=number(0))

        async with run_of(held.platform, sends(1000)) as run:
            first = await anext(run)
            await held.full.wait()
            run.abort("enough")
            cut_off = [outcome async for outcome in run]

        assert ["Accepted"] == kinds([first])
        assert ["Uncertain"] * 4 == kinds(cut_off)
        assert (0, "enough") == (held.platform.in_flight, run.report.stopped)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_waits_for_what_is_under_way_for_a_bounded_time(self) -> None:
        """What is not answered in the time of grace is uncertain, and nothing is left running."""
        held = Held(free=number(0))

        async with run_of(held.platform, sends(1000), grace=0.01) as run:
            await anext(run)
            await held.full.wait()
        late = await rest_of(run)

        assert 0 == held.platform.in_flight == run.in_flight
        assert ["Uncertain"] * 4 == kinds(late)
        assert 5 == run.report.total == len(held.platform.received)
        assert "ConnectionLostError" in run.report.errors

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_does_not_wait_for_a_turn_in_the_pace(self) -> None:
        """What waits for its turn is left untouched at once, for whatever it waits."""
        platform = Platform()

        class Never:
            async def acquire(self, requests: int, targets: int) -> None:
                await Event().wait()

        async with run_of(platform, sends(1000), limiter=Never()) as run:
            for _ in range(20):
                await checkpoint()
        late = await rest_of(run)

        assert ["stopped"] * 4 == kinds(late)
        assert [] == platform.received


class TestException:
    """The consumer raises."""

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_comes_out_as_it_is(self) -> None:
        """It is in no exception group, and what was under way is seen to its end."""
        platform = Platform()

        run = run_of(platform, sends(1000))

        async def fail() -> None:
            async with run:
                await anext(run)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()

        assert 0 == platform.in_flight
        assert run.report.accepted == len(platform.received) < 20

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_is_not_replaced_by_a_failure_of_the_run(self) -> None:
        """When both fail, the consumer's exception is the one that counts."""

        async def fail() -> None:
            async with run_of(Platform(), [None]):
                for _ in range(20):
                    await checkpoint()
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail()


class TestCancellation:
    """The consumer is cancelled."""

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_by_a_scope_lets_requests_be_answered(self, journal: Path) -> None:
        """Cancelling what is around the run does not cut off what is under way."""
        held = Held()

        run = run_of(held.platform, sends(1000), journal=journal)

        async def consume() -> None:
            async with run:
                async for _ in run:
                    pass

        async with create_task_group() as group:
            group.start_soon(consume)
            await held.full.wait()
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                for _ in range(20):
                    await checkpoint()

                assert 4 == held.platform.in_flight

                held.answering.set()

        assert ["Accepted"] * 4 == kinds(await rest_of(run))
        assert 0 == held.platform.in_flight

        again = await outcomes_of(run_of(Platform(), sends(6), journal=journal))

        assert ["settled"] * 4 + ["Accepted"] * 2 == kinds(again)

    @pytest.mark.asyncio
    async def test_of_a_task_lets_requests_be_answered(self) -> None:
        """The same for asyncio's own cancellation, which comes out as such."""
        held = Held()
        run = run_of(held.platform, sends(1000))
        task = asyncio.create_task(outcomes_of(run))
        await held.full.wait()
        task.cancel()
        for _ in range(20):
            await checkpoint()

        assert 4 == held.platform.in_flight

        held.answering.set()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert 4 == run.report.accepted

    @pytest.mark.asyncio
    async def test_twice_does_not_wait(self, journal: Path) -> None:
        """A second cancellation ends the wait, and what was under way is uncertain."""
        held = Held()
        run = run_of(held.platform, sends(1000), journal=journal)
        task = asyncio.create_task(outcomes_of(run))
        await held.full.wait()
        task.cancel()
        await checkpoint()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert 0 == held.platform.in_flight
        assert ["Uncertain"] * 4 == kinds(await rest_of(run))

        again = await outcomes_of(run_of(Platform(), sends(6), journal=journal))

        assert ["Uncertain"] * 4 + ["Accepted"] * 2 == kinds(again)

    @pytest.mark.asyncio
    async def test_leaves_timeouts_around_it_alone(self) -> None:
        """``asyncio.timeout()`` around a run raises ``TimeoutError``, as around anything else."""
        held = Held()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await outcomes_of(run_of(held.platform, sends(1000), grace=0.01))

        assert 0 == held.platform.in_flight
        assert 0 == asyncio.current_task().cancelling()  # type: ignore[union-attr]

    def test_of_the_whole_loop_leaves_a_journal_that_can_be_used(self, journal: Path) -> None:
        """A loop that cancels all its tasks at once, as it does in the end, loses nobody."""
        held = Held()

        async def main() -> None:
            run = run_of(held.platform, sends(1000), journal=journal)
            consumer = asyncio.create_task(outcomes_of(run))
            await held.full.wait()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

            assert consumer.cancelled()

        asyncio.run(main())
        again = asyncio.run(outcomes_of(run_of(Platform(), sends(6), journal=journal)))

        assert ["Uncertain"] * 4 + ["Accepted"] * 2 == kinds(again)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_while_an_intent_is_written_sends_nothing(self, journal: Path) -> None:
        """What was intended and not sent is sent by the next run."""
        platform = Platform()

        async with run_of(platform, sends(8), journal=journal, grace=0.0):
            # The workers are cancelled as soon as they have begun.
            for _ in range(3):
                await checkpoint()
        sent = platform.numbers
        again = await outcomes_of(run_of(platform, sends(8), journal=journal))

        assert "Uncertain" not in kinds(again)[len(sent) :]
        assert {number(index) for index in range(8)} == set(platform.numbers)
        assert 8 == len(platform.numbers)


class TestSource:
    """Where the operations come from."""

    @pytest.mark.asyncio
    async def test_that_is_cancelled_is_a_failure(self) -> None:
        """What is under way is answered, and the consumer is told; its own task goes on."""
        held = Held()

        async def source() -> AsyncIterator[SendSMS]:
            for operation in sends(4):
                yield operation
            await held.full.wait()
            given_up = asyncio.get_running_loop().create_future()
            given_up.cancel()
            held.answering.set()
            await given_up

        run = run_of(held.platform, source(), max_in_flight=5)
        with pytest.raises(RuntimeError, match="operations: what it iterates over was cancelled"):
            await outcomes_of(run)
        late = await rest_of(run)

        assert {"Accepted"} >= set(kinds(late))
        assert (4, 0) == (run.report.accepted, run.in_flight)


class TestCtrlC:
    """SIGINT in a program that runs on asyncio."""

    def test_once_finishes_what_is_under_way(self, journal: Path) -> None:
        """The run ends in an orderly way, and the program by ``KeyboardInterrupt``."""
        import signal

        platform = Platform()

        async def main() -> None:
            async with run_of(platform, sends(1000), journal=journal) as run:
                async for outcome in run:
                    if outcome.index == 50:
                        signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            asyncio.run(main())

        assert 0 == platform.in_flight
        assert len(platform.received) < 100

        resume = partial(outcomes_of, run_of(platform, sends(1000), journal=journal))
        outcomes = kinds(asyncio.run(resume()))

        assert {"settled", "Accepted"} == set(outcomes)
        assert sorted(number(index) for index in range(1000)) == sorted(platform.numbers)
