"""A run: what it pulls, how wide it is, what comes out, and how it ends."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import Event, create_task_group
from anyio.lowlevel import checkpoint

from engagelab_async import (
    Accepted,
    ConfigurationError,
    ConnectionLostError,
    Credentials,
    EngageLab,
    InvalidRequestError,
    Operation,
    Rejected,
    Response,
    RetryPolicy,
    SendCustomMessage,
    SendSMS,
    Uncertain,
)
from support.bulk import (
    Platform,
    kinds,
    number,
    one_by_one,
    outcomes_of,
    plan,
    refusal,
    run_of,
    sends,
)


def alive() -> int:
    """Count the operations in memory."""
    return sum(type(each) is SendSMS for each in gc.get_objects())


class TestStream:
    """What comes out."""

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_has_an_outcome_for_each(self) -> None:
        """Every operation of an iterable has one outcome, with its place in the source."""
        platform = Platform()

        outcomes = await outcomes_of(run_of(platform, sends(100)))

        assert ["Accepted"] * 100 == kinds(outcomes)
        assert list(range(100)) == [outcome.index for outcome in outcomes]
        assert {1} == {outcome.attempts for outcome in outcomes}
        assert [number(index) for index in range(100)] == sorted(platform.numbers)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_takes_an_async_source(self) -> None:
        """Operations may come out of an async generator, which one worker at a time asks."""
        outcomes = await outcomes_of(run_of(Platform(), one_by_one(sends(100))))

        assert ["Accepted"] * 100 == kinds(outcomes)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_tells_apart_what_was_not_sent_and_what_may_have_been(self) -> None:
        """A refusal is rejected; a gateway's failure is uncertain."""

        async def behaviour(to: tuple[str, ...]) -> Response:
            return refusal(3002) if to == (number(1),) else refusal(None, 502)

        rejected, uncertain = await outcomes_of(run_of(Platform(behaviour), sends(2, start=1)))

        assert isinstance(rejected, Rejected)
        assert isinstance(rejected.error, InvalidRequestError)
        assert isinstance(uncertain, Uncertain)
        assert (1, 1) == (rejected.attempts, uncertain.attempts)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_counts_the_targets_that_were_dropped(self) -> None:
        """A plan that accepted fewer than it got is accepted, with a shortfall."""

        async def behaviour(to: tuple[str, ...]) -> Response:
            return plan(len(to), accepted=len(to) - 1)

        run = run_of(Platform(behaviour), [SendSMS(("+6591234567", "+659"), "1233")])
        (outcome,) = await outcomes_of(run)

        assert isinstance(outcome, Accepted)
        assert 1 == outcome.shortfall
        assert (2, 1) == (run.report.targets, run.report.shortfall)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_may_have_several_readers(self) -> None:
        """Tasks that read one run share its outcomes."""
        read: list[int] = []

        async def reader() -> None:
            async for outcome in run:
                read.append(outcome.index)
                await checkpoint()

        async with run_of(Platform(), sends(50)) as run, create_task_group() as readers:
            readers.start_soon(reader)
            readers.start_soon(reader)

        assert list(range(50)) == sorted(read)

    @pytest.mark.asyncio
    async def test_wants_to_be_entered(self) -> None:
        """Iterating without entering is told, not waited for."""
        with pytest.raises(RuntimeError, match=r"async with engagelab\.fan_out"):
            await anext(run_of(Platform(), sends(1)))

    @pytest.mark.asyncio
    async def test_is_entered_once(self) -> None:
        """A run has used up its source."""
        run = run_of(Platform(), sends(1))
        await outcomes_of(run)

        with pytest.raises(RuntimeError, match="entered once"):
            await outcomes_of(run)


class TestWidth:
    """How much is under way."""

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_is_never_above_the_limit(self) -> None:
        """No more requests are under way than asked for, and as many as that."""
        platform = Platform()

        run = run_of(platform, sends(100), max_in_flight=7)
        async with run:
            async for _ in run:
                assert run.in_flight <= 7
                assert 7 == run.concurrency

        assert (7, 0) == (platform.most, run.in_flight)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_pulls_no_faster_than_the_consumer(self) -> None:
        """A consumer that stands still stops the source, within twice the width."""
        pulled = 0

        def source() -> Iterator[SendSMS]:
            nonlocal pulled
            for operation in sends(1000):
                pulled += 1
                yield operation

        async with run_of(Platform(), source(), max_in_flight=5) as run:
            for _ in range(200):
                await checkpoint()

            assert 10 >= pulled
            assert 1000 == len([outcome async for outcome in run])

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_keeps_nothing_of_what_is_done(self) -> None:
        """Of a long run, no more operations are in memory than under way or ready."""
        most = 0
        before = alive()

        async with run_of(Platform(), sends(2000), max_in_flight=5) as run:
            async for outcome in run:
                if not outcome.index % 500:
                    most = max(most, alive() - before)

        assert most <= 20


@pytest.mark.anyio
@pytest.mark.usefixtures("tidy")
async def test_ends_though_its_source_has_nothing() -> None:
    """A run that is stopped while its source waits for more waits no longer for it."""

    async def source() -> AsyncIterator[SendSMS]:
        yield next(sends(1))
        await anyio.sleep_forever()

    async with run_of(Platform(), source()) as run:
        await anext(run)
        await anyio.wait_all_tasks_blocked()
        run.stop("on purpose")
        with anyio.fail_after(50):
            left = [outcome async for outcome in run]

        assert [] == left
        assert (1, "on purpose") == (run.report.total, run.report.stopped)


class TestSource:
    """What operations may come from."""

    @pytest.mark.parametrize("source", [sends, lambda count: one_by_one(sends(count))])
    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_may_be_empty(self, source: Callable[[int], Any]) -> None:
        """A run without operations ends at once."""
        run = run_of(Platform(), source(0))

        assert [] == await outcomes_of(run)
        assert (0, 0.0, None) == (run.report.total, run.report.p99, run.report.stopped)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_that_fails_ends_the_run(self) -> None:
        """What the source raises comes out after the outcomes of what was begun."""
        read: list[int] = []

        def source() -> Iterator[SendSMS]:
            yield from sends(3)
            raise OSError("the list cannot be read")

        run = run_of(Platform(), source(), stop_when=lambda each: read.append(each.index))
        with pytest.raises(OSError, match="the list cannot be read"):
            await outcomes_of(run)

        assert [0, 1, 2] == sorted(read)
        assert "a failure (OSError)" == run.report.stopped

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_that_yields_something_else_ends_the_run(self) -> None:
        """What is no operation is named by its place and type."""
        run = run_of(Platform(), [*sends(2), "+6591234567"])
        with pytest.raises(TypeError, match=r"operations\[2\]: expected an Operation, got str"):
            await outcomes_of(run)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_that_is_async_is_closed(self) -> None:
        """An async generator that is left early runs its ``finally`` before the block ends."""
        closed = False

        async def source() -> AsyncIterator[Operation[Any]]:
            nonlocal closed
            try:
                for operation in sends(1000):
                    yield operation
            finally:
                await checkpoint()
                closed = True

        async with run_of(Platform(), source()) as run:
            await anext(run)

        assert closed

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_that_never_yields_does_not_hold_up_the_end(self) -> None:
        """Leaving ends a source that waits for something."""

        async def source() -> AsyncIterator[Operation[Any]]:
            yield next(sends(1))
            await Event().wait()

        async with run_of(Platform(), source()) as run:
            await anext(run)

        assert "the consumer left" == run.report.stopped


class TestFailure:
    """What is no outcome is raised where the consumer is."""

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_of_an_engine_leaves_doubt(self) -> None:
        """What an engine raises beside its documented errors may come after the delivery."""

        async def behaviour(to: tuple[str, ...]) -> Response:
            raise LookupError("a mistake in an engine")

        run = run_of(Platform(behaviour), sends(1))
        (outcome,) = await outcomes_of(run)

        assert isinstance(outcome, Uncertain)
        assert isinstance(outcome.error, ConnectionLostError)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_that_nobody_waited_for_is_raised_at_the_end(self) -> None:
        """A block that looks at nothing learns of a failure when it ends."""
        run = run_of(Platform(), [None])

        async def look_away() -> None:
            async with run:
                for _ in range(20):
                    await checkpoint()

        with pytest.raises(TypeError, match="expected an Operation"):
            await look_away()

        assert 0 == run.report.total

    @pytest.mark.parametrize("raised", [KeyboardInterrupt, SystemExit, BaseException])
    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_to_end_the_program_is_raised(self, raised: type[BaseException]) -> None:
        """Ctrl-C while a worker runs comes out as it is, and leaves nothing running."""
        platform = Platform()

        def source() -> Iterator[SendSMS]:
            yield from sends(2)
            raise raised

        run = run_of(platform, source())
        with pytest.raises(raised):
            await outcomes_of(run)

        assert 0 == platform.in_flight
        assert f"a failure ({raised.__name__})" == run.report.stopped


class TestStopWhen:
    """The caller's own rule."""

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_ends_the_run_with_its_reason(self) -> None:
        """Nothing new is begun once the rule gives a reason; the rest is not touched."""
        platform = Platform()

        run = run_of(
            platform,
            sends(1000),
            stop_when=lambda outcome: "that will do" if outcome.index >= 9 else None,
        )
        outcomes = await outcomes_of(run)

        assert "that will do" == run.report.stopped
        assert len(outcomes) == run.report.total < 20
        assert len(platform.received) == run.report.accepted

    @pytest.mark.parametrize("with_journal", [False, True])
    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_that_fails_ends_the_run(self, with_journal: bool, journal: Path) -> None:
        """What the rule raises comes out, with a journal as well."""

        def rule(_: object) -> str | None:
            raise ZeroDivisionError

        run = run_of(
            Platform(), sends(9), stop_when=rule, journal=journal if with_journal else None
        )
        with pytest.raises(ZeroDivisionError):
            await outcomes_of(run)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("raised", [StopIteration, StopAsyncIteration])
    async def test_that_fails_as_an_iterator_ends_is_raised(self, raised: type[Exception]) -> None:
        """It does not pass for the end of the stream, with the rest of the operations lost."""

        def rule(_: object) -> None:
            raise raised

        run = run_of(Platform(), sends(50), stop_when=rule)
        with pytest.raises(RuntimeError, match=rf"the run failed \({raised.__name__}\)"):
            await outcomes_of(run)

    @pytest.mark.asyncio
    async def test_that_is_no_rule_ends_the_run(self) -> None:
        """A coroutine function, say, would seem to give a reason each time."""
        run = run_of(Platform(), sends(9), stop_when=lambda _: True)

        with pytest.raises(TypeError, match="stop_when: expected str, got bool"):
            await outcomes_of(run)

    @pytest.mark.anyio
    @pytest.mark.usefixtures("tidy")
    async def test_may_come_from_outside(self) -> None:
        """`stop` ends the stream after what is under way."""
        async with run_of(Platform(), sends(1000)) as run:
            await anext(run)
            run.stop("enough")
            run.stop("too late")
            async for _ in run:
                pass

            assert "enough" == run.report.stopped
            assert run.report.total < 20

        run.stop("later still")

        assert "enough" == run.report.stopped


class TestClient:
    """The client's own methods."""

    @pytest.mark.asyncio
    async def test_fan_out(self) -> None:
        """`fan_out` streams outcomes over the client's engine."""
        platform = Platform()
        async with (
            EngageLab(sms=Credentials("key", "secret"), http=platform) as engagelab,
            engagelab.fan_out(sends(3), max_in_flight=2) as outcomes,
        ):
            assert ["Accepted"] * 3 == kinds([outcome async for outcome in outcomes])

        assert 2 == platform.most

    @pytest.mark.asyncio
    async def test_send_all(self) -> None:
        """`send_all` waits for the end and reports."""
        async with EngageLab(sms=Credentials("key", "secret"), http=Platform()) as engagelab:
            report = await engagelab.send_all(sends(1000))

        assert (1000, 1000, None) == (report.accepted, report.targets, report.stopped)
        assert report.rate > 0
        assert 0 < report.p50 <= report.p99

    @pytest.mark.asyncio
    async def test_send_all_raises_what_the_source_does(self) -> None:
        """There is no report of a run that failed."""
        async with EngageLab(sms=Credentials("key", "secret"), http=Platform()) as engagelab:
            with pytest.raises(TypeError, match="expected an Operation"):
                await engagelab.send_all([None])  # type: ignore[list-item]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("options", "error", "text"),
        [
            ({"max_in_flight": 0}, ValueError, "max_in_flight: must be at least 1"),
            ({"max_in_flight": True}, TypeError, "max_in_flight: expected an int, got bool"),
            ({"retry": 3}, TypeError, "retry: expected RetryPolicy, got int"),
            (
                {"resend_uncertain": "false"},
                TypeError,
                "resend_uncertain: expected a bool, got str",
            ),
            ({"split_rejected": 1}, TypeError, "split_rejected: expected a bool, got int"),
            ({"reference": None}, TypeError, "reference: expected a bool, got None"),
            ({"timeout": 0}, ValueError, "timeout: must be more than 0 seconds"),
            ({"deadline": "9"}, TypeError, "deadline: expected seconds as a number, got str"),
            ({"rate": "9"}, TypeError, "rate: expected a number, a Rate or a Limiter, got str"),
            ({"burst": 9}, ValueError, "burst: goes with a rate that is a number"),
        ],
    )
    async def test_refuses_wrong_arguments(
        self, options: Mapping[str, Any], error: type[Exception], text: str
    ) -> None:
        """They are refused at once, by name."""
        async with EngageLab(http=Platform()) as engagelab:
            with pytest.raises(error, match=text):
                engagelab.fan_out(sends(1), **options)

    @pytest.mark.asyncio
    async def test_refuses_what_is_no_source(self) -> None:
        """Operations come from an iterable or an async iterable."""
        async with EngageLab(http=Platform()) as engagelab:
            with pytest.raises(TypeError, match="operations: expected an iterable or async"):
                engagelab.fan_out(5)  # type: ignore[arg-type]

    @pytest.mark.asyncio
    async def test_obeys_the_limits_of_a_run(self) -> None:
        """`timeout`, `deadline` and `retry` of a run hold for each of its operations."""
        platform = Platform()
        async with EngageLab(sms=Credentials("key", "secret"), http=platform) as engagelab:
            report = await engagelab.send_all(
                sends(5), timeout=1.0, deadline=2.0, retry=RetryPolicy(attempts=1), rate=1000.0
            )

        assert 5 == report.accepted

    @pytest.mark.asyncio
    async def test_missing_key_pair_stops_the_run(self) -> None:
        """What no request can be made without is met once by each worker."""
        async with EngageLab(http=Platform()) as engagelab:
            report = await engagelab.send_all(
                (SendCustomMessage(number(index), "order") for index in range(1000)),
                max_in_flight=3,
            )

        assert "the key pair is not accepted" == report.stopped
        assert report.total <= 3
        assert {"ConfigurationError": report.rejected} == report.errors


@pytest.mark.asyncio
async def test_stays_in_its_event_loop() -> None:
    """A run that is carried into another loop raises there, and goes on in its own."""

    async def go_on() -> None:
        with pytest.raises(ConfigurationError, match="a bulk run belongs to another event loop"):
            await anext(run)
        with pytest.raises(ConfigurationError, match="a bulk run belongs to another event loop"):
            await run.wait()

    async with run_of(Platform(), sends(3)) as run:
        await asyncio.to_thread(asyncio.run, go_on())

        assert ["Accepted"] * 3 == kinds([outcome async for outcome in run])
