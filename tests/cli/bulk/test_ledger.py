"""What became of the rows."""

import pytest

from engagelab_async import (
    Accepted,
    BlacklistedError,
    ConnectError,
    EngageLabError,
    Plan,
    Rejected,
    ResponseTimeoutError,
    SendSMS,
    Sent,
    Skipped,
    Uncertain,
)
from engagelab_async.bulk import Outcome
from engagelab_async.bulk.outcomes import SkipReason
from engagelab_async.cli.bulk.ledger import LATENCIES, Fate, Ledger, Timeline

OPERATION = SendSMS(["+6591234567", "+6591234568"], "7")
BLACKLISTED = BlacklistedError("5013 number is blacklisted", code=5013)
SENT = Plan("1", 2, 2)


def accepted(result: Plan | Sent = SENT, elapsed: float = 0.1) -> Outcome[object]:
    """Make an outcome."""
    return Accepted(OPERATION, result, index=0, attempts=1, elapsed=elapsed)


def skipped(reason: SkipReason) -> Outcome[object]:
    """Make one of an operation that was not sent."""
    return Skipped(OPERATION, reason, index=0)


def rejected(error: EngageLabError) -> Outcome[object]:
    """Make one of a refusal."""
    return Rejected(OPERATION, error, index=0, attempts=1)


@pytest.mark.parametrize(
    ("outcome", "fates"),
    [
        (accepted(), {Fate.ACCEPTED: 2}),
        (accepted(Sent("1", "sms")), {Fate.ACCEPTED: 2}),
        (accepted(Plan("1", 2, 1)), {Fate.ACCEPTED: 1, Fate.DROPPED: 1}),
        (accepted(Plan("1", 2, 0)), {Fate.DROPPED: 2}),
        (rejected(BLACKLISTED), {Fate.REJECTED: 2}),
        (rejected(ConnectError("refused")), {Fate.LEFT: 2}),
        (Uncertain(OPERATION, ResponseTimeoutError("late"), index=0), {Fate.UNCERTAIN: 2}),
        (skipped("settled"), {Fate.EARLIER: 2}),
        (skipped("refused"), {Fate.REJECTED_EARLIER: 2}),
        (skipped("duplicate"), {Fate.EARLIER: 2}),
        (skipped("stopped"), {Fate.LEFT: 2}),
    ],
)
def test_outcomes_are_counted_in_rows(outcome: Outcome[object], fates: dict[Fate, int]) -> None:
    """What a later run sends is left, whatever it was that kept it from being sent."""
    ledger = Ledger(5)

    ledger.add(outcome, 2, at=0.0)

    assert fates == {fate: count for fate, count in ledger.rows.items() if count}
    assert 2 == ledger.done
    assert 3 + fates.get(Fate.LEFT, 0) == ledger.left
    unsent = (Fate.LEFT, Fate.EARLIER, Fate.REJECTED_EARLIER)
    assert sum(count for fate, count in fates.items() if fate not in unsent) == ledger.sent


def test_verdicts_tell_why() -> None:
    """A code or a class, and a line; the platform's silence has words as well."""
    ledger = Ledger(9)

    found = [
        ledger.add(outcome, 1, at=0.0)
        for outcome in (
            rejected(BLACKLISTED),
            rejected(ConnectError("refused")),
            accepted(Plan("1", 1, 0)),
            skipped("refused"),
        )
    ]

    assert [
        ("5013", "5013 number is blacklisted"),
        ("ConnectError", "refused"),
        ("dropped", "dropped by the platform as not valid"),
        ("", "refused in an earlier run"),
    ] == [(verdict.code, verdict.reason) for verdict in found]


def test_troubles_are_told_worst_first() -> None:
    """By the rows that they cost, with the text but without the code."""
    ledger = Ledger(9)
    ledger.add(rejected(ConnectError("refused")), 1, at=0.0)
    ledger.add(rejected(BLACKLISTED), 2, at=0.0)

    assert [("5013", "number is blacklisted"), ("ConnectError", "refused")] == [
        (code, trouble.text) for code, trouble in ledger.worst_first().items()
    ]


def test_latencies_are_counted_in_ranges() -> None:
    """A range holds its upper end; what took no request has no latency."""
    ledger = Ledger(9)
    for elapsed in (0.001, LATENCIES[0], 0.021, 11.0):
        ledger.add(accepted(elapsed=elapsed), 1, at=0.0)
    ledger.add(skipped("settled"), 1, at=0.0)

    assert [2, 1, 0, 0, 0, 0, 0, 0, 0, 1] == ledger.latencies


def test_a_timeline_keeps_its_length() -> None:
    """However long a run is, its columns are few, and nothing is lost."""
    timeline = Timeline()
    for second in range(10_000):
        timeline.add(float(second), Fate.ACCEPTED, 1)

    assert len(timeline.columns) <= 240
    assert 10_000 == sum(column[Fate.ACCEPTED] for column in timeline.columns)
    assert {51, 52} >= {column[Fate.ACCEPTED] for column in timeline.columns[:-1]}


def test_an_odd_timeline_is_made_coarser() -> None:
    """A column without a neighbour stays alone."""
    timeline = Timeline()
    for at in (0.05, 0.15, 0.25):
        timeline.add(at, Fate.REJECTED, 1)

    timeline.coarsen()

    assert [2, 1] == [column[Fate.REJECTED] for column in timeline.columns]
