"""What became of the rows, counted while they are sent.

A run counts requests; people count rows, and want to know which of them to look at again::

    accepted           the API took it
    dropped            the API took the request, and dropped the recipient without a word
    rejected           refused for its own sake: correct it, or leave it
    uncertain          it may have been sent: look it up before sending it again
    earlier            the API took it, or took it and dropped it, in an earlier run of the journal
    rejected earlier   an earlier run of the journal was refused it
    left               not sent, and not refused for its own sake: the next run sends it
"""

import bisect
from collections import Counter
from collections.abc import Iterator, Mapping
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

_COLUMNS: Final = 240
_FINEST: Final = 0.1  # seconds

LATENCIES: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Where one range of latencies ends and the next begins, in seconds."""


class Fate(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    EARLIER = "earlier"
    REJECTED_EARLIER = "rejected earlier"
    LEFT = "left"


REFUSED: Final = (Fate.REJECTED, Fate.DROPPED, Fate.REJECTED_EARLIER)
"""What became of rows that are to be corrected."""

_UNTRIED: Final = (Fate.EARLIER, Fate.REJECTED_EARLIER, Fate.LEFT)


@frozen
class Verdict:
    """What became of a request, for the rows that it was made of.

    Attributes:
        fate: The fate of its rows.
        code: The API's code, or the class of the error; empty without one.
        reason: What happened, in one line; it quotes no recipient.
        error: The error, or ``None``.
    """

    fate: Fate
    code: str = ""
    reason: str = ""
    error: EngageLabError | None = None


_SKIPPED: Final[Mapping[SkipReason, Verdict]] = {
    "settled": Verdict(Fate.EARLIER),
    "refused": Verdict(Fate.REJECTED_EARLIER, reason="refused in an earlier run"),
    "duplicate": Verdict(Fate.EARLIER),
    "stopped": Verdict(Fate.LEFT),
}


def verdict(outcome: Outcome[object]) -> Verdict:
    """Judge an outcome."""
    if isinstance(outcome, Accepted):
        reached = outcome.result
        if isinstance(reached, Plan) and not reached.accepted_count:
            return Verdict(Fate.DROPPED, "dropped", "dropped by the platform as not valid")
        return Verdict(Fate.ACCEPTED)
    if isinstance(outcome, Skipped):
        return _SKIPPED[outcome.reason]
    error = outcome.error
    if isinstance(outcome, Uncertain):
        fate = Fate.UNCERTAIN
    else:
        fate = Fate.LEFT if may_be_tried_again(error) else Fate.REJECTED
    return Verdict(fate, error_key(outcome), message_of(error), error)


@define(eq=False)
class Trouble:
    """An error that rows met.

    Attributes:
        error: The first of its kind.
        rows: How many rows met it, by what became of them.
    """

    error: EngageLabError
    rows: Counter[Fate] = field(factory=Counter)

    @property
    def text(self) -> str:
        """What the error says, without the code, which is told beside it."""
        code = getattr(self.error, "code", None)
        return message_of(self.error).removeprefix(f"{code} ")


@define(eq=False)
class Timeline:
    """How many rows came to which end, and when, in columns of equal width.

    It begins fine, and every time that it gets too long, two columns become one: a run of any
    length fits in.
    """

    width: float = _FINEST
    columns: list[Counter[Fate]] = field(factory=list)

    def add(self, at: float, fate: Fate, rows: int) -> None:
        """Count rows that came to their end some seconds after the beginning."""
        while at >= self.width * _COLUMNS:
            self.coarsen()
        column = int(at / self.width)
        while len(self.columns) <= column:
            self.columns.append(Counter())
        self.columns[column][fate] += rows

    def coarsen(self) -> None:
        """Make two columns one."""
        pairs = zip_longest(self.columns[::2], self.columns[1::2], fillvalue=Counter[Fate]())
        self.columns = [first + second for first, second in pairs]
        self.width *= 2


@define(eq=False)
class Ledger:
    """The count of a run.

    Attributes:
        total: How many rows there are to send.
        rows: How many came to which end so far.
        troubles: The errors that they met, by code, or by class without one.
        timeline: When they came to their ends.
        latencies: How many requests took how long, by the ranges of `LATENCIES`.
    """

    total: int
    rows: Counter[Fate] = field(factory=Counter)
    troubles: dict[str, Trouble] = field(factory=dict)
    timeline: Timeline = field(factory=Timeline)
    latencies: list[int] = field(factory=lambda: [0] * (len(LATENCIES) + 1))

    @property
    def done(self) -> int:
        """How many rows came to an end, though it may be that they are left."""
        return self.rows.total()

    @property
    def sent(self) -> int:
        """How many rows this run has sent, or tried to."""
        return self.done - sum(map(self.rows.__getitem__, _UNTRIED))

    @property
    def left(self) -> int:
        """How many rows the next run would send."""
        return self.total - self.done + self.rows[Fate.LEFT]

    def add(self, outcome: Outcome[object], rows: int, at: float) -> Verdict:
        """Count an outcome.

        Args:
            outcome: What became of a request.
            rows: How many rows it was made of.
            at: Seconds since the run began.
        """
        found = verdict(outcome)
        for fate, count in _shares(outcome, found, rows):
            self.rows[fate] += count
            self.timeline.add(at, fate, count)
        if found.error is not None:
            trouble = self.troubles.setdefault(found.code, Trouble(found.error))
            trouble.rows[found.fate] += rows
        if outcome.attempts:
            self.latencies[bisect.bisect_left(LATENCIES, outcome.elapsed)] += 1
        return found

    def worst_first(self) -> Mapping[str, Trouble]:
        """Give the troubles, that of most rows first."""
        by_rows = sorted(self.troubles.items(), key=lambda each: -each[1].rows.total())
        return dict(by_rows)


def _shares(outcome: Outcome[object], found: Verdict, rows: int) -> Iterator[tuple[Fate, int]]:
    """Divide a request's rows: of those it reached, some may have been dropped."""
    dropped = min(rows, outcome.shortfall) if isinstance(outcome, Accepted) else 0
    if found.fate is not Fate.DROPPED and dropped:
        yield Fate.DROPPED, dropped
        yield found.fate, rows - dropped
    else:
        yield found.fate, rows
