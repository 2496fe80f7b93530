"""When a run ends before its source does."""

from pathlib import Path

import pytest

from engagelab_async import Accepted, Plan, Response, SendSMS, Skipped
from engagelab_async.bulk import stop_on_fatal_error
from engagelab_async.bulk.flow import OUTAGE_PAUSES, CircuitBreaker
from engagelab_async.errors import ConnectError, InvalidNumberError
from support.bulk import Platform, kinds, outcomes_of, refusal, run_of, sends

pytestmark = pytest.mark.anyio

OPERATION = SendSMS("+6591234567", "1")
GATEWAY = "<html>the load balancer has no balance of healthy servers</html>"


class TestHopeless:
    """What all operations would meet ends a run at once."""

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (refusal(2001, 401), "the key pair is not accepted"),
            (refusal(2002, 401), "the key pair is not accepted"),
            (refusal(2004, 403), "the key pair has no permission"),
            (refusal(4001), "the template does not exist"),
            (refusal(3003, message="Insufficient balance"), "the balance is exhausted"),
            (refusal(5001, message="account BALANCE not enough"), "the balance is exhausted"),
        ],
    )
    async def test_ends_the_run(self, journal: Path, answer: Response, reason: str) -> None:
        """Only what was under way is spent, and all of it can be sent later."""
        platform = Platform()

        async def behaviour(to: tuple[str, ...]) -> Response:
            return answer

        platform.behaviour = behaviour
        run = run_of(platform, sends(1000), journal=journal)
        await outcomes_of(run)

        assert reason == run.report.stopped
        assert len(platform.received) < 30

        again = await outcomes_of(run_of(Platform(), sends(20), journal=journal))

        assert ["Accepted"] * 20 == kinds(again)

    @pytest.mark.parametrize(
        "answer",
        [
            refusal(3003, message="the load balancer is balanced"),
            refusal(5011),
            refusal(3002),
            Response(502, {}, GATEWAY.encode()),
            Response(502, {}, b'{"code": 500, "message": "upstream node not exist"}'),
        ],
    )
    async def test_is_not_what_concerns_one(self, answer: Response) -> None:
        """A bad number, or the page of a load balancer, ends nothing."""
        platform = Platform()

        async def behaviour(to: tuple[str, ...]) -> Response:
            return answer if len(platform.received) % 2 else Response(200, {}, PLAN)

        platform.behaviour = behaviour
        run = run_of(platform, sends(20), max_in_flight=1)
        await outcomes_of(run)

        assert (20, None) == (run.report.total, run.report.stopped)

    def test_is_not_an_outcome_without_an_error(self) -> None:
        """What was accepted or skipped is no reason."""
        accepted = Accepted(OPERATION, Plan("1", 1, 1), index=0)

        assert None is stop_on_fatal_error(accepted)
        assert None is stop_on_fatal_error(Skipped(OPERATION, "settled", index=0))

    async def test_may_be_left_out(self) -> None:
        """The caller's rule holds instead of it."""

        async def behaviour(to: tuple[str, ...]) -> Response:
            return refusal(4001)

        run = run_of(Platform(behaviour), sends(50), stop_when=lambda _: None)
        await outcomes_of(run)

        assert (50, None) == (run.report.rejected, run.report.stopped)


PLAN = b'{"plan_id": "1", "total_count": 1, "accepted_count": 1}'


class TestOutage:
    """Failures in a row."""

    def test_takes_ten_at_first_and_then_one(self) -> None:
        """After a pause a single failure is enough for the next, longer one."""
        outage = CircuitBreaker()
        error = ConnectError("refused")

        assert [None] * 9 + [OUTAGE_PAUSES[0]] == [outage.failed(error) for _ in range(10)]
        assert [*OUTAGE_PAUSES[1:], float("inf")] == [
            outage.failed(error) for _ in range(len(OUTAGE_PAUSES))
        ]

    def test_is_over_with_a_success(self) -> None:
        """One answer, and the count begins anew."""
        outage = CircuitBreaker()
        error = ConnectError("refused")
        for _ in range(11):
            outage.failed(error)
        outage.succeeded()

        assert [None] * 9 + [OUTAGE_PAUSES[0]] == [outage.failed(error) for _ in range(10)]

    def test_does_not_count_answers_about_a_number(self) -> None:
        """An API that refuses a number is not down."""
        outage = CircuitBreaker()

        assert {None} == {outage.failed(InvalidNumberError("5011")) for _ in range(50)}
