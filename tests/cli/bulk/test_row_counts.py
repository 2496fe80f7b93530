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
from engagelab_async.cli.bulk.rows import LATENCIES, RowCounts, RowStatus, Timeline

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
    ("outcome", "statuses"),
    [
        (accepted(), {RowStatus.ACCEPTED: 2}),
        (accepted(Sent("1", "sms")), {RowStatus.ACCEPTED: 2}),
        (accepted(Plan("1", 2, 1)), {RowStatus.ACCEPTED: 1, RowStatus.DROPPED: 1}),
        (accepted(Plan("1", 2, 0)), {RowStatus.DROPPED: 2}),
        (rejected(BLACKLISTED), {RowStatus.REJECTED: 2}),
        (rejected(ConnectError("refused")), {RowStatus.LEFT: 2}),
        (Uncertain(OPERATION, ResponseTimeoutError("late"), index=0), {RowStatus.UNCERTAIN: 2}),
        (skipped("settled"), {RowStatus.EARLIER: 2}),
        (skipped("refused"), {RowStatus.REJECTED_EARLIER: 2}),
        (skipped("duplicate"), {RowStatus.EARLIER: 2}),
        (skipped("stopped"), {RowStatus.LEFT: 2}),
    ],
)
def test_outcomes_are_counted_in_rows(
    outcome: Outcome[object], statuses: dict[RowStatus, int]
) -> None:
    """What a later run sends is left, whatever it was that kept it from being sent."""
    counts = RowCounts(5)

    counts.add(outcome, 2, at=0.0)

    assert statuses == {status: count for status, count in counts.rows.items() if count}
    assert 2 == counts.done
    assert 3 + statuses.get(RowStatus.LEFT, 0) == counts.left
    unsent = (RowStatus.LEFT, RowStatus.EARLIER, RowStatus.REJECTED_EARLIER)
    assert sum(count for status, count in statuses.items() if status not in unsent) == counts.sent


def test_results_have_a_reason() -> None:
    """A code or a class, and a line; the platform's silence has a reason as well."""
    counts = RowCounts(9)

    found = [
        counts.add(outcome, 1, at=0.0)
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
    ] == [(result.code, result.reason) for result in found]


def test_errors_come_worst_first() -> None:
    """By the rows that they cost, with the text but without the code."""
    counts = RowCounts(9)
    counts.add(rejected(ConnectError("refused")), 1, at=0.0)
    counts.add(rejected(BLACKLISTED), 2, at=0.0)

    assert [("5013", "number is blacklisted"), ("ConnectError", "refused")] == [
        (code, group.text) for code, group in counts.worst_first().items()
    ]


def test_latencies_are_counted_in_ranges() -> None:
    """A range holds its upper end; what took no request has no latency."""
    counts = RowCounts(9)
    for elapsed in (0.001, LATENCIES[0], 0.021, 11.0):
        counts.add(accepted(elapsed=elapsed), 1, at=0.0)
    counts.add(skipped("settled"), 1, at=0.0)

    assert [2, 1, 0, 0, 0, 0, 0, 0, 0, 1] == counts.latencies


def test_a_timeline_keeps_its_length() -> None:
    """However long a run is, its intervals are few, and nothing is lost."""
    timeline = Timeline()
    for second in range(10_000):
        timeline.add(float(second), RowStatus.ACCEPTED, 1)

    assert len(timeline.intervals) <= 120
    assert 10_000 == sum(rows[RowStatus.ACCEPTED] for rows in timeline.intervals)
    assert {102, 103} >= {rows[RowStatus.ACCEPTED] for rows in timeline.intervals[:-1]}


def test_an_odd_timeline_is_made_coarser() -> None:
    """An interval without a neighbour stays alone."""
    timeline = Timeline()
    for at in (0.05, 0.15, 0.25, 12.0):
        timeline.add(at, RowStatus.REJECTED, 1)

    assert [2, 1] == [rows[RowStatus.REJECTED] for rows in timeline.intervals[:2]]
    assert 61 == len(timeline.intervals)
