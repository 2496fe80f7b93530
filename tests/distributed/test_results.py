"""An outcome is kept in a row, and comes back."""

from typing import Any

import pytest
from attrs import evolve

from engagelab_async import (
    Accepted,
    APIError,
    ConnectError,
    EngageLabError,
    Plan,
    Rejected,
    ResponseTimeoutError,
    SendOTP,
    SendSMS,
    Sent,
    Skipped,
    Uncertain,
)
from engagelab_async.bulk.journal import State
from engagelab_async.distributed.results import detail_of, outcome_of
from engagelab_async.distributed.store import Operation
from engagelab_async.errors import InvalidNumberError
from support.bulk import TEMPLATE, number

SMS = SendSMS((number(1), number(2)), TEMPLATE)
OTP = SendOTP(number(1), "login")
ROW = Operation("0" * 32, 5, State.ACCEPTED, run=1, submission=1)


@pytest.mark.parametrize(
    ("operation", "result", "usual"),
    [
        (SMS, Plan("7", 2, 2), True),
        (SMS, Plan("7", 2, 1), False),
        (SMS, Plan("7", 2, 2, message_id="8"), False),
        (OTP, Sent("7", "sms"), True),
        (OTP, Sent("7", "voice"), False),
    ],
)
def test_keeps_a_result(operation: SendSMS | SendOTP, result: object, usual: bool) -> None:
    """Of one that says nothing but its id, only that."""
    outcome = Accepted(operation, result, index=5, attempts=2, elapsed=0.25)
    detail = detail_of(outcome)

    assert outcome == outcome_of(evolve(ROW, id="7", detail=detail), operation, 5)
    assert usual is ("[2,0.2500]" == detail)


def test_knows_a_result_without_its_detail() -> None:
    """As when a callback has settled it."""
    assert Accepted(SMS, Plan("7", 2, 2), index=5) == outcome_of(evolve(ROW, id="7"), SMS, 5)


@pytest.mark.parametrize(
    ("state", "kind", "error"),
    [
        (State.REFUSED, Rejected, InvalidNumberError("5011 no", code=5011, http_status=200)),
        (State.REFUSED, Rejected, APIError("400 no", code=9, retry_after=2.5, plan_id="7")),
        (State.UNSENT, Rejected, ConnectError("refused")),
        (State.UNCERTAIN, Uncertain, ResponseTimeoutError("no answer")),
        (State.UNCERTAIN, Uncertain, InvalidNumberError("5011 no", code=5011)),
    ],
)
def test_keeps_an_error(
    state: State, kind: type[Rejected[Any] | Uncertain[Any]], error: EngageLabError
) -> None:
    """Its class, text and facts; but not the platform's own words, which may quote a number."""
    error.operation = SMS
    error.attempts = 3
    error.may_have_been_sent = kind is Uncertain
    row = evolve(ROW, state=state, error=type(error).__name__, code=getattr(error, "code", None))
    given = kind(SMS, error, index=5, attempts=3, elapsed=1.5)
    outcome = outcome_of(evolve(row, detail=detail_of(given)), SMS, 5)

    assert type(outcome) is kind
    assert isinstance(outcome, Rejected | Uncertain)
    assert (type(error), str(error)) == (type(outcome.error), str(outcome.error))
    for name in ("code", "http_status", "retry_after", "plan_id", "may_have_been_sent", "attempts"):
        assert getattr(error, name, None) == getattr(outcome.error, name, None)
    assert (5, 3, 1.5, SMS) == (outcome.index, outcome.attempts, outcome.elapsed, outcome.operation)


def test_a_worker_that_died_left_no_error() -> None:
    """What it had in flight says so itself."""
    outcome = outcome_of(evolve(ROW, state=State.SENDING), SMS, 5)

    assert isinstance(outcome, Uncertain)
    assert "its worker ended before the answer came" in str(outcome.error)
    assert outcome.error.may_have_been_sent


def test_a_status_of_a_callback_is_no_class() -> None:
    """What a callback proved to be unsent."""
    row = evolve(ROW, state=State.UNSENT, error="sent_failed", code=5012)

    assert isinstance(outcome_of(row, SMS, 5), Rejected)


def test_what_was_not_sent_has_no_detail() -> None:
    """Nor an error."""
    assert detail_of(Skipped(SMS, "stopped", index=5)) is None
    assert Skipped(SMS, "stopped", index=5) == outcome_of(evolve(ROW, state=State.UNSENT), SMS, 5)
