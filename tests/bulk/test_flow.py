"""What one failure means for the whole run: pauses, a smaller width, patience, and the end."""

from collections.abc import Callable

import anyio
import pytest
from anyio.lowlevel import checkpoint

from engagelab_async import (
    ConfigurationError,
    ConnectError,
    EngageLabError,
    RateLimitError,
    Rejected,
    Response,
    ResponseTimeoutError,
    RetryPolicy,
    SendFailedError,
    SendSMS,
    Uncertain,
)
from engagelab_async.bulk.flow import OUTAGE_PAUSES, FlowControl
from engagelab_async.bulk.stopping import RunState
from support.bulk import Platform, accept, kinds, number, outcomes_of, plan, refusal, run_of, sends
from support.scripted_engine import FakeTime

pytestmark = pytest.mark.anyio

Fault = Callable[[], Response]


def raising(error: type[EngageLabError]) -> Fault:
    """Make a fault below HTTP."""

    def fault() -> Response:
        raise error("on purpose")

    return fault


def too_many() -> Response:
    """Answer 429."""
    return refusal(None, 429)


class Faulty:
    """A platform that fails the first so many requests."""

    def __init__(self, fault: Fault, times: float, time: FakeTime) -> None:
        self.platform = Platform(self._answer, time.clock)
        self.came = self.platform.came
        self._fault = fault
        self._left = times

    async def _answer(self, to: tuple[str, ...]) -> Response:
        self._left -= 1
        return self._fault() if self._left >= 0 else await accept(to)


class TestPause:
    """A 429 or a ``Retry-After`` concerns everybody."""

    async def test_holds_everybody_for_as_long_as_asked(self) -> None:
        """After one ``Retry-After`` no request leaves before its time, of whichever worker."""
        time = FakeTime()
        it = Faulty(lambda: refusal(None, 429, Retry_After="7"), 1, time)

        run = run_of(it.platform, sends(40), time=time, max_in_flight=8)

        assert ["Accepted"] * 40 == kinds(await outcomes_of(run))
        # Eight were under way when the first of them was refused.
        assert {1000.0} == set(it.came[:8])
        assert all(moment >= 1007.0 for moment in it.came[8:])
        assert 1 == run.report.repeats

    async def test_comes_with_a_503_as_well(self) -> None:
        """A server that fails and asks for time is given it; its request is uncertain."""
        time = FakeTime()
        it = Faulty(lambda: refusal(None, 503, Retry_After="5"), 1, time)

        outcomes = await outcomes_of(run_of(it.platform, sends(9), time=time, max_in_flight=1))

        assert ["Uncertain"] + ["Accepted"] * 8 == kinds(outcomes)
        assert all(moment >= 1005.0 for moment in it.came[1:])

    async def test_does_not_use_up_the_deadline(self) -> None:
        """A pause that is longer than the deadline of a call does not end it."""
        time = FakeTime()
        it = Faulty(lambda: refusal(None, 429, Retry_After="120"), 1, time)

        outcomes = await outcomes_of(run_of(it.platform, sends(2), time=time, max_in_flight=1))

        assert ["Accepted"] * 2 == kinds(outcomes)
        assert [1000.0] == [moment for moment in it.came if moment < 1120.0]
        assert [10.0] * 3 == it.platform.timeouts

    async def test_of_an_hour_ends_the_run(self) -> None:
        """Nobody watches a program that does nothing for so long; a journal resumes it later."""
        time = FakeTime()
        it = Faulty(lambda: refusal(None, 429, Retry_After="3600"), 1, time)

        run = run_of(it.platform, sends(99), time=time, max_in_flight=1)
        outcomes = await outcomes_of(run)

        assert ["Rejected"] == kinds(outcomes)
        assert "the API asks for a pause of 3600 seconds" == run.report.stopped

    async def test_that_begins_while_others_queue_holds_them_too(self) -> None:
        """Who comes out of the limiter's queue into a pause waits for its end, and queues again."""
        time = FakeTime()
        acquired: list[float] = []

        class Slow:
            async def acquire(self, requests: int, targets: int) -> None:
                acquired.append(time.now)
                if len(acquired) == 1:
                    flow.failed(too_many_error, flow.mark, 9.0)

        too_many_error = RateLimitError("slow down", http_status=429)
        flow = FlowControl(4, Slow(), clock=time.clock, sleep=time.sleep)

        await flow.wait(1)

        assert [1000.0, 1009.0] == acquired


class TestPatience:
    """What never left is not given up while the run lasts."""

    @pytest.mark.parametrize("fault", [too_many, raising(ConnectError)])
    async def test_outlasts_the_attempts(self, fault: Fault) -> None:
        """More refusals than a call has attempts do not reject it."""
        time = FakeTime()
        it = Faulty(fault, 6, time)

        run = run_of(it.platform, sends(3), time=time, max_in_flight=1)

        assert ["Accepted"] * 3 == kinds(await outcomes_of(run))
        assert 6 == run.report.repeats

    async def test_is_not_for_those_who_want_no_repeats(self) -> None:
        """With a single attempt, the first refusal is the outcome."""
        time = FakeTime()
        it = Faulty(too_many, 1, time)

        run = run_of(it.platform, sends(2), time=time, retry=RetryPolicy(attempts=1))

        assert ["Rejected", "Accepted"] == sorted(kinds(await outcomes_of(run)), reverse=True)

    @pytest.mark.parametrize("code", [5001, 5016])
    async def test_is_not_for_failed_sends(self, code: int) -> None:
        """A send that failed is tried as often as the policy says, and is no outage."""
        time = FakeTime()
        platform = Faulty(lambda: refusal(code), float("inf"), time).platform

        run = run_of(platform, sends(50), time=time, max_in_flight=1)

        assert {("Rejected", 3)} == {
            (type(outcome).__name__, outcome.attempts) for outcome in await outcomes_of(run)
        }
        assert run.report.stopped is None

    async def test_ends_with_the_deadline(self) -> None:
        """A request that takes its time not to connect uses up the call's deadline."""
        time = FakeTime()

        async def no_route(to: tuple[str, ...]) -> Response:
            if to == (number(0),):
                time.now += 9.0
                raise ConnectError("no route")
            return plan(1)

        first, second = await outcomes_of(run_of(Platform(no_route), sends(2), time=time))

        assert ["Rejected", "Accepted"] == kinds([first, second])
        assert 4 >= first.attempts


class TestWidth:
    """Trouble makes the run narrower."""

    @pytest.mark.parametrize(
        "fault", [too_many, lambda: refusal(None, 502), raising(ResponseTimeoutError)]
    )
    async def test_is_halved_by_trouble(self, fault: Fault) -> None:
        """After a 429, a 5xx or a timeout, half as many are under way; successes widen it."""
        time = FakeTime()
        it = Faulty(fault, 1, time)
        widths: list[int] = []

        def note_width(_: object) -> None:
            widths.append(run.concurrency)

        run = run_of(it.platform, sends(200), time=time, max_in_flight=8, stop_when=note_width)
        await outcomes_of(run)

        assert 4 == min(widths)
        assert 8 == widths[-1]

    async def test_is_for_repeats_as_well(self) -> None:
        """Down to a single request that looks whether an outage is over, however many wait."""
        time = FakeTime()
        seen: list[tuple[int, int]] = []

        full = anyio.Event()

        async def answer(to: tuple[str, ...]) -> Response:
            if len(platform.received) == 12:
                full.set()
            await full.wait()
            if all(width > 1 for _, width in seen):
                raise ConnectError("on purpose")
            for _ in range(20):
                await checkpoint()
            return await accept(to)

        def note() -> float:
            seen.append((platform.in_flight + 1, run.concurrency))
            return 0.0

        platform = Platform(answer, note)
        run = run_of(platform, sends(40), time=time, max_in_flight=12)
        await outcomes_of(run)

        assert 40 == run.report.accepted
        assert [] == [(beside, width) for beside, width in seen if beside > width]
        assert (1, 1) in seen[12:]


class TestOutage:
    """The API is down."""

    async def test_is_not_what_refusals_are(self) -> None:
        """Between them there may be as many failures as there will: the API answers."""
        time = FakeTime()
        count = 0

        async def answer(_: tuple[str, ...]) -> Response:
            nonlocal count
            count += 1
            return raising(ResponseTimeoutError)() if count % 3 == 0 else refusal(5011)

        run = run_of(Platform(answer), sends(300), time=time)
        await outcomes_of(run)

        assert (None, 200, 100) == (
            run.report.stopped,
            run.report.rejected,
            run.report.uncertain,
        )

    def test_counts_from_the_last_answer(self) -> None:
        """A send that failed was answered, though it is transient: it is not the first of ten."""
        time = FakeTime()
        flow = FlowControl(4, None, clock=time.clock, sleep=time.sleep)
        flow.failed(SendFailedError("send fail", code=5001), flow.mark, None)
        paused = []
        for _ in range(10):
            flow.failed(ConnectError("refused"), flow.mark, None)
            paused.append(flow.paused)

        assert [False] * 9 + [True] == paused

    @pytest.mark.parametrize(
        ("fault", "name"),
        [
            (raising(ConnectError), "ConnectError"),
            (raising(ResponseTimeoutError), "ResponseTimeoutError"),
            (lambda: refusal(None, 502), "ServerError"),
            (too_many, "RateLimitError"),
            (lambda: Response(200, {}, b"<html>"), "InvalidResponseError"),
        ],
    )
    async def test_pauses_longer_and_longer_and_ends_the_run(self, fault: Fault, name: str) -> None:
        """It burns a handful of the list, waits half a minute, and leaves the rest alone."""
        time = FakeTime()
        it = Faulty(fault, float("inf"), time)

        run = run_of(it.platform, sends(10_000), time=time)
        await outcomes_of(run)

        assert f"an outage ({name})" == run.report.stopped
        assert run.report.total < 40
        assert sum(OUTAGE_PAUSES) <= time.now - 1000.0 < 3 * sum(OUTAGE_PAUSES)

    async def test_that_ends_is_waited_out(self) -> None:
        """When the API comes back during the pauses, everybody is sent to."""
        time = FakeTime()

        async def down(to: tuple[str, ...]) -> Response:
            if 1000.0 <= time.now < 1010.0:
                raise ConnectError("refused")
            return await accept(to)

        run = run_of(Platform(down), sends(100), time=time)

        assert ["Accepted"] * 100 == kinds(await outcomes_of(run))
        assert None is run.report.stopped

    async def test_is_not_what_single_failures_are(self) -> None:
        """Failures with successes in between pause nobody."""
        time = FakeTime()
        platform = Platform()

        async def sometimes(to: tuple[str, ...]) -> Response:
            return refusal(None, 502) if len(platform.received) % 2 else await accept(to)

        platform.behaviour = sometimes

        run = run_of(platform, sends(100), time=time, max_in_flight=1)
        await outcomes_of(run)

        assert (50, 50, None) == (
            run.report.accepted,
            run.report.uncertain,
            run.report.stopped,
        )
        assert [] == time.sleeps


class TestEnd:
    """The run ends while operations wait."""

    async def test_in_a_rest_between_attempts(self) -> None:
        """Who rests before a repeat ends with the error of the last attempt."""
        fatal = refusal(2001, 401)

        async def behaviour(to: tuple[str, ...]) -> Response:
            if to == (number(0),):
                raise ConnectError("refused")
            return fatal

        time = FakeTime()
        run = run_of(Platform(behaviour), sends(2), time=time, max_in_flight=2)
        waiting, refused = await outcomes_of(run)

        assert isinstance(waiting, Rejected)
        assert isinstance(waiting.error, ConnectError)
        assert ["Rejected", "Rejected"] == kinds([waiting, refused])

    async def test_ends_every_wait(self) -> None:
        """A run that is stopped waits for nothing, not even for what it begins to wait for then."""
        time = FakeTime()
        flow = FlowControl(4, None, clock=time.clock, sleep=anyio.sleep)
        flow.failed(RateLimitError("slow down", http_status=429), flow.mark, 600.0)
        state = RunState(flow.limit)

        async def wait() -> None:
            with state.interruptible():
                await flow.wait(1)

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            state.stop("on purpose")
        await wait()

        assert flow.paused

    async def test_repeats_are_paced_too(self) -> None:
        """Each attempt asks the limiter, not only the first of an operation."""
        time = FakeTime()
        it = Faulty(raising(ConnectError), 2, time)
        acquired = 0

        class Counting:
            async def acquire(self, requests: int, targets: int) -> None:
                nonlocal acquired
                acquired += requests

        await outcomes_of(
            run_of(it.platform, sends(1), time=time, limiter=Counting(), max_in_flight=1)
        )

        assert 3 == acquired

    async def test_targets_are_what_the_limiter_is_told(self) -> None:
        """A limiter learns how many recipients each request has."""
        told: list[int] = []

        class Noting:
            async def acquire(self, requests: int, targets: int) -> None:
                told.append(targets)

        operations = [SendSMS(("+6591234567", "+6591234568"), "1"), SendSMS("+659", "1")]
        await outcomes_of(run_of(Platform(), operations, limiter=Noting(), max_in_flight=1))

        assert [2, 1] == told


@pytest.mark.parametrize(
    ("error", "kind"), [(ConnectError, "Rejected"), (ResponseTimeoutError, "Uncertain")]
)
async def test_failure_of_a_limiter_is_no_attempt(error: type[EngageLabError], kind: str) -> None:
    """It ends the operation; but an earlier attempt may have gone through."""
    acquired: list[int] = []

    class Failing:
        async def acquire(self, requests: int, targets: int) -> None:
            acquired.append(requests)
            if len(acquired) > 1:
                raise ConfigurationError("no limiter")

    time = FakeTime()
    it = Faulty(raising(error), 1, time)
    retry = RetryPolicy(base=0.0, repeat_uncertain=True)
    (outcome,) = await outcomes_of(
        run_of(it.platform, sends(1), time=time, limiter=Failing(), retry=retry)
    )

    assert (kind, 1) == (type(outcome).__name__, outcome.attempts)
    assert isinstance(outcome, Rejected | Uncertain)
    assert isinstance(outcome.error, ConfigurationError)
