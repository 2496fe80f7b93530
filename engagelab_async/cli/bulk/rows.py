"""What became of the rows, counted while they are sent.

A run counts requests; people count rows, and want to know which of them need their attention.
"""

import bisect
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from itertools import zip_longest
from typing import Final

from attrs import define, field, frozen

from engagelab_async import Accepted, EngageLabError, Plan, Skipped, Uncertain
from engagelab_async.bulk import Outcome
from engagelab_async.bulk.outcomes import SkipReason
from engagelab_async.bulk.report import error_key
from engagelab_async.bulk.stopping import may_be_tried_again
from engagelab_async.cli.options import message_of

_MOST_INTERVALS: Final = 120
_SHORTEST_INTERVAL: Final = 0.1  # seconds

LATENCIES: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Where one range of latencies ends and the next begins, in seconds."""


class RowStatus(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"  # the API accepted it
    DROPPED = "dropped"  # the API dropped the recipient of an accepted request
    REJECTED = "rejected"  # refused because of the row: correct it, or leave it
    UNCERTAIN = "uncertain"  # may have been sent: look it up before sending it again
    SUPPRESSED = "suppressed"  # the recipient must not be sent to
    EARLIER = "earlier"  # settled by an earlier run of the journal
    REJECTED_EARLIER = "rejected earlier"  # refused in an earlier run of the journal
    LEFT = "left"  # not sent, and not because of the row: the next run sends it


REFUSED: Final = (RowStatus.REJECTED, RowStatus.DROPPED, RowStatus.REJECTED_EARLIER)
"""The statuses of rows that need a correction."""

_SENT: Final = (RowStatus.ACCEPTED, RowStatus.DROPPED, RowStatus.REJECTED, RowStatus.UNCERTAIN)


@frozen
class RowResult:
    """What became of the rows of a request."""

    status: RowStatus
    code: str = ""
    reason: str = ""
    error: EngageLabError | None = None


_SKIPPED: Final[Mapping[SkipReason, RowResult]] = {
    "settled": RowResult(RowStatus.EARLIER),
    "refused": RowResult(RowStatus.REJECTED_EARLIER, reason="refused in an earlier run"),
    "duplicate": RowResult(RowStatus.EARLIER),
    "suppressed": RowResult(RowStatus.SUPPRESSED),
    "stopped": RowResult(RowStatus.LEFT),
}


def row_result(outcome: Outcome[object]) -> RowResult:
    """Return what an outcome means for its rows."""
    if isinstance(outcome, Accepted):
        result = outcome.result
        if isinstance(result, Plan) and not result.accepted_count:
            return RowResult(RowStatus.DROPPED, "dropped", "dropped by the platform as not valid")
        return RowResult(RowStatus.ACCEPTED)
    if isinstance(outcome, Skipped):
        return _SKIPPED[outcome.reason]
    error = outcome.error
    if isinstance(outcome, Uncertain):
        status = RowStatus.UNCERTAIN
    else:
        status = RowStatus.LEFT if may_be_tried_again(error) else RowStatus.REJECTED
    return RowResult(status, error_key(outcome), message_of(error), error)


@define(eq=False)
class ErrorGroup:
    """The rows with the same error."""

    error: EngageLabError
    rows: Counter[RowStatus] = field(factory=Counter)

    @property
    def text(self) -> str:
        """What the error says, without the code, which is shown beside it."""
        code = getattr(self.error, "code", None)
        return message_of(self.error).removeprefix(f"{code} ")


@define(eq=False)
class Timeline:
    """How many rows got which status when, in equal intervals, of which two may become one."""

    seconds: float = _SHORTEST_INTERVAL
    intervals: list[Counter[RowStatus]] = field(factory=list)

    def add(self, at: float, status: RowStatus, rows: int) -> None:
        """Count rows, some seconds after the beginning."""
        while at >= self.seconds * _MOST_INTERVALS:
            self._coarsen()
        interval = int(at / self.seconds)
        while len(self.intervals) <= interval:
            self.intervals.append(Counter())
        self.intervals[interval][status] += rows

    def _coarsen(self) -> None:
        pairs = zip_longest(
            self.intervals[::2], self.intervals[1::2], fillvalue=Counter[RowStatus]()
        )
        self.intervals = [first + second for first, second in pairs]
        self.seconds *= 2


@define(eq=False)
class RowCounts:
    """The counts of a run."""

    total: int
    rows: Counter[RowStatus] = field(factory=Counter)
    errors: dict[str, ErrorGroup] = field(factory=dict)
    timeline: Timeline = field(factory=Timeline)
    latencies: list[int] = field(factory=lambda: [0] * (len(LATENCIES) + 1))
    requests: int = 0

    @property
    def done(self) -> int:
        """How many rows have a status, be it that they are left."""
        return self.rows.total()

    @property
    def sent(self) -> int:
        """How many rows this run has sent, or tried to."""
        return sum(map(self.rows.__getitem__, _SENT))

    @property
    def left(self) -> int:
        """How many rows the next run would send."""
        return self.total - self.done + self.rows[RowStatus.LEFT]

    def add(self, outcome: Outcome[object], rows: int, at: float) -> RowResult:
        """Count an outcome."""
        result = row_result(outcome)
        # Some of its targets may have been dropped.
        dropped = min(rows, outcome.shortfall) if isinstance(outcome, Accepted) else 0
        for status, count in ((RowStatus.DROPPED, dropped), (result.status, rows - dropped)):
            self.rows[status] += count
            self.timeline.add(at, status, count)
        if result.error is not None:
            group = self.errors.setdefault(result.code, ErrorGroup(result.error))
            group.rows[result.status] += rows
        if outcome.attempts:
            self.requests += 1
            self.latencies[bisect.bisect_left(LATENCIES, outcome.elapsed)] += 1
        return result

    def worst_first(self) -> Mapping[str, ErrorGroup]:
        """Return the errors, that of most rows first."""
        return dict(sorted(self.errors.items(), key=lambda each: -each[1].rows.total()))
