"""The numbers of a run."""

import math

import pytest

from engagelab_async import (
    Accepted,
    ConnectionLostError,
    Plan,
    Rejected,
    Response,
    SendCode,
    SendCustomMessage,
    SendSMS,
    Sent,
    Uncertain,
)
from engagelab_async.bulk.report import Tally, targets_of
from engagelab_async.errors import APIError, InvalidResponseError
from support.bulk import Platform, accept, number, outcomes_of, refusal, run_of, sends

pytestmark = pytest.mark.anyio

OPERATION = SendSMS("+6591234567", "1")


def accepted(elapsed: float = 0.1, attempts: int = 1) -> Accepted[Plan]:
    """Make an outcome."""
    return Accepted(OPERATION, Plan("1", 1, 1), index=0, attempts=attempts, elapsed=elapsed)


class TestReport:
    """What is counted."""

    async def test_has_every_outcome(self) -> None:
        """Outcomes, errors by code or class, and targets add up."""

        async def behaviour(to: tuple[str, ...]) -> Response:
            if to[0] == number(1):
                return refusal(5011)
            if to[0] == number(2):
                raise ConnectionLostError("lost")
            return await accept(to)

        run = run_of(Platform(behaviour), sends(10))
        await outcomes_of(run)
        report = run.report

        assert (8, 1, 1, 0, 10) == (
            report.accepted,
            report.rejected,
            report.uncertain,
            report.skipped,
            report.total,
        )
        assert {"5011": 1, "ConnectionLostError": 1} == report.errors
        assert (8, 1, 1, 0) == (
            report.targets,
            report.rejected_targets,
            report.uncertain_targets,
            report.skipped_targets,
        )

    async def test_can_be_read_at_any_moment(self) -> None:
        """Before the beginning it is empty, then it grows, and in the end it stands still."""
        run = run_of(Platform(), sends(10))

        assert (0, 0.0) == (run.report.total, run.report.elapsed)

        async with run:
            await anext(run)

            assert run.report.total >= 1

            async for _ in run:
                pass

        assert run.report == run.report

    @pytest.mark.parametrize("seconds", [1e-9, 0.004, 0.25, 3.0, 120.0])
    def test_latencies_are_exact_within_two_percent(self, seconds: float) -> None:
        """Half of the operations took no longer than p50, 99 of 100 no longer than p99."""
        tally = Tally()
        for _ in range(90):
            tally.add(accepted(seconds))
        for _ in range(10):
            tally.add(accepted(seconds * 2))
        report = tally.report(elapsed=10.0, stopped=None)

        assert max(seconds, 1e-6) == pytest.approx(report.p50, rel=0.02)
        assert max(seconds * 2, 1e-6) == pytest.approx(report.p99, rel=0.02)
        assert 10.0 == report.rate

    def test_repeats_are_attempts_beyond_the_first(self) -> None:
        """Three attempts are two repeats."""
        tally = Tally()
        tally.add(accepted(attempts=3))
        tally.add(accepted())

        assert 2 == tally.report(elapsed=1.0, stopped=None).repeats

    def test_names_errors(self) -> None:
        """By the API's code; by the class where there is none."""
        tally = Tally()
        for error in (APIError("x", code=3003), APIError("x"), InvalidResponseError("x")):
            tally.add(Rejected(OPERATION, error, index=0))
        tally.add(Uncertain(OPERATION, APIError("x", code=3003), index=0))

        assert {"3003": 2, "APIError": 1, "InvalidResponseError": 1} == tally.report(
            elapsed=1.0, stopped=None
        ).errors

    def test_of_nothing_is_nothing(self) -> None:
        """No rate, no latency."""
        report = Tally().report(elapsed=0.0, stopped=None)

        assert (0, 0.0, 0.0, 0.0) == (report.total, report.rate, report.p50, report.p99)
        assert not math.isnan(report.rate)


class TestOutcome:
    """One outcome."""

    def test_has_a_shortfall_only_if_it_is_a_plan(self) -> None:
        """What answers a single recipient drops nobody."""
        code = SendCode("+6591234567", "039487", "login")

        assert 0 == Accepted(code, Sent("1", "sms"), index=0).shortfall

    def test_shows_nothing_personal(self) -> None:
        """Its ``repr`` hides what the operation's does."""
        assert "9123456" not in repr(accepted())

    @pytest.mark.parametrize(
        ("operation", "count"),
        [
            (SendSMS(("+6591234567", "+6591234568"), "1"), 2),
            (SendCustomMessage(("+6591234567", "+6591234568", "ada@example.com"), "1"), 3),
            (SendCustomMessage("+6591234567", "1"), 1),
            (SendCode("+6591234567", "0", "1"), 1),
            (object(), 1),
        ],
    )
    def test_has_targets(self, operation: object, count: int) -> None:
        """What has no recipients counts as one."""
        assert count == targets_of(operation)
