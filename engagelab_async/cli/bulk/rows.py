"""What became of the rows: counted while they are sent, and written down if they were not.

A run counts requests; people count rows, and want to know which of them need their attention::

    accepted           the API accepted it
    dropped            the API accepted the request, and dropped the recipient without an error
    rejected           refused because of the row itself: correct it, or leave it
    uncertain          it may have been sent: look it up before sending it again
    earlier            settled by an earlier run of the journal: accepted, or dropped as invalid
    rejected earlier   refused in an earlier run of the journal
    left               not sent, and not refused because of the row: the next run sends it
"""

import bisect
import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Literal, TextIO

from attrs import define, field, frozen

from engagelab_async import Accepted, EngageLabError, Plan, Skipped, Uncertain
from engagelab_async.bulk import Outcome
from engagelab_async.bulk.outcomes import SkipReason
from engagelab_async.bulk.report import error_key
from engagelab_async.bulk.stopping import may_be_tried_again
from engagelab_async.cli.options import message_of

from .lists import BadRow, PeopleList
from .requests import ADDED_COLUMNS, Item

_MOST_INTERVALS: Final = 240
_SHORTEST_INTERVAL: Final = 0.1  # seconds
_CODE, _REASON, _LINE = ADDED_COLUMNS
_SOURCE: Final = "error_source"
"""The key of a record that is not a JSON object."""

LATENCIES: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Where one range of latencies ends and the next begins, in seconds."""


class RowStatus(StrEnum):
    """What became of a row."""

    ACCEPTED = "accepted"
    DROPPED = "dropped"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    EARLIER = "earlier"
    REJECTED_EARLIER = "rejected earlier"
    LEFT = "left"


REFUSED: Final = (RowStatus.REJECTED, RowStatus.DROPPED, RowStatus.REJECTED_EARLIER)
"""The statuses of rows that need a correction."""

_NOT_SENT_NOW: Final = (RowStatus.EARLIER, RowStatus.REJECTED_EARLIER, RowStatus.LEFT)


@frozen
class RowResult:
    """What became of the rows of a request.

    Attributes:
        status: Their status.
        code: The API's code, or the class of the error; empty without one.
        reason: What happened, in one line; quotes no recipient.
        error: The error, or ``None``.
    """

    status: RowStatus
    code: str = ""
    reason: str = ""
    error: EngageLabError | None = None


_SKIPPED: Final[Mapping[SkipReason, RowResult]] = {
    "settled": RowResult(RowStatus.EARLIER),
    "refused": RowResult(RowStatus.REJECTED_EARLIER, reason="refused in an earlier run"),
    "duplicate": RowResult(RowStatus.EARLIER),
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


# ------------------------------------------------------------------------------- counts


@define(eq=False)
class ErrorGroup:
    """The rows with the same error.

    Attributes:
        error: The first of its kind.
        rows: How many rows have it, by their status.
    """

    error: EngageLabError
    rows: Counter[RowStatus] = field(factory=Counter)

    @property
    def text(self) -> str:
        """What the error says, without the code, which is shown beside it."""
        code = getattr(self.error, "code", None)
        return message_of(self.error).removeprefix(f"{code} ")


@define(eq=False)
class Timeline:
    """How many rows got which status when, in intervals of equal length.

    When there are too many intervals, two become one: a run of any length fits in.
    """

    seconds: float = _SHORTEST_INTERVAL
    intervals: list[Counter[RowStatus]] = field(factory=list)

    def add(self, at: float, status: RowStatus, rows: int) -> None:
        """Count rows, some seconds after the beginning."""
        while at >= self.seconds * _MOST_INTERVALS:
            self.coarsen()
        interval = int(at / self.seconds)
        while len(self.intervals) <= interval:
            self.intervals.append(Counter())
        self.intervals[interval][status] += rows

    def coarsen(self) -> None:
        """Make two intervals one."""
        pairs = zip_longest(
            self.intervals[::2], self.intervals[1::2], fillvalue=Counter[RowStatus]()
        )
        self.intervals = [first + second for first, second in pairs]
        self.seconds *= 2


@define(eq=False)
class RowCounts:
    """The counts of a run.

    Attributes:
        total: How many rows there are to send.
        rows: How many have which status so far.
        errors: The errors, by code, or by class without one.
        timeline: When they got their status.
        latencies: How many requests took how long, by the ranges of `LATENCIES`.
        requests: How many requests were sent.
    """

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
        return self.done - sum(map(self.rows.__getitem__, _NOT_SENT_NOW))

    @property
    def left(self) -> int:
        """How many rows the next run would send."""
        return self.total - self.done + self.rows[RowStatus.LEFT]

    def add(self, outcome: Outcome[object], rows: int, at: float) -> RowResult:
        """Count an outcome.

        Args:
            outcome: What became of a request.
            rows: How many rows it was made of.
            at: Seconds since the run began.
        """
        result = row_result(outcome)
        for status, count in _divided(outcome, result, rows):
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


def _divided(
    outcome: Outcome[object], result: RowResult, rows: int
) -> Iterator[tuple[RowStatus, int]]:
    """Divide a request's rows: some of its targets may have been dropped."""
    dropped = min(rows, outcome.shortfall) if isinstance(outcome, Accepted) else 0
    if result.status is not RowStatus.DROPPED and dropped:
        yield RowStatus.DROPPED, dropped
        yield result.status, rows - dropped
    else:
        yield result.status, rows


# ------------------------------------------------------------------------------- files


def open_private(path: Path, mode: Literal["a", "w", "x"], *, buffering: int = -1) -> TextIO:
    """Open a text file for writing; a new one can be read by its owner alone.

    An existing one keeps its permissions.

    Args:
        path: The file.
        mode: As of ``open``.
        buffering: As of ``open``.

    Raises:
        OSError: It cannot be opened, or exists although it is to be made.
    """
    return open(
        path,
        mode,
        buffering,
        encoding="utf-8",
        errors="surrogateescape",
        newline="",
        # From its first moment on: to change the mode afterwards would leave a gap.
        opener=lambda name, flags: os.open(name, flags, 0o600),
    )


class OtherFormatError(Exception):
    """An existing file does not have the columns that would be written."""


@define(eq=False)
class RowWriter:
    """Writes rows that were not sent, as they are in the list, to be corrected and sent again.

    The file is a list of the same form, with `ADDED_COLUMNS`. A row that it holds already is known
    by the number of its line, and not written again.

    Attributes:
        size: How many bytes of the file are whole rows.
    """

    _file: TextIO
    _form: "_CSVForm | _JSONForm"
    _known: Mapping[int, list[str]]
    size: int

    def write(self, row: Item | BadRow, code: str, reason: str) -> None:
        """Write a row."""
        for line, own, end in self._form.texts(row, code, _inert(reason)):
            # The number alone could be that of another row, in a list that was changed meanwhile.
            last = own.rpartition("\n")[2]
            if not any(text.startswith(last) for text in self._known.get(line, ())):
                self.put(own + end)

    def put(self, text: str) -> None:
        """Write a text."""
        self._file.write(text)
        self.size = os.fstat(self._file.fileno()).st_size


def _inert(reason: str) -> str:
    """Keep a spreadsheet from reading a reason, which quotes the API, as a formula.

    The row itself stays as it is, to be sent again.
    """
    return f"'{reason}" if reason.startswith(("=", "+", "-", "@")) else reason


@contextmanager
def row_writer(path: Path, people: PeopleList) -> Iterator[RowWriter]:
    """Open a file for the rows of a list.

    Raises:
        OSError: It cannot be written.
        OtherFormatError: It exists, and has other columns.
    """
    form = _CSVForm(people) if people.form == "csv" else _JSONForm()
    is_new = not path.exists()
    is_empty = is_new or (path.is_file() and not path.stat().st_size)
    known = {} if is_empty or not path.is_file() else _known_rows(path, form)
    # Line by line, so that it is whole whatever happens to this process.
    file = open_private(path, "x" if is_new else "a", buffering=1)
    writer = RowWriter(file, form, known, os.fstat(file.fileno()).st_size)
    try:
        if is_empty:
            writer.put(form.head)
        yield writer
    finally:
        try:
            file.close()
        except OSError:
            # That it could not be written was reported then. Half a row would be another row.
            with suppress(OSError):
                os.truncate(path, writer.size)


def _known_rows(path: Path, form: "_CSVForm | _JSONForm") -> dict[int, list[str]]:
    """Read the lines of a file, by the number of the line in the list that each is a copy of."""
    known: dict[int, list[str]] = {}
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        if form.head and file.readline().rstrip("\r\n") != form.head.strip("\ufeff\n"):
            raise OtherFormatError
        for text in (line.rstrip("\r\n") for line in file):
            known.setdefault(form.number(text), []).append(text)
    return known


class _CSVForm:
    """Rows of CSV: each without the columns of a former failure, and with those of this one.

    ::

        +6591234567,Ada,3002,invalid parameters,7
    """

    def __init__(self, people: PeopleList) -> None:
        self._delimiter = people.delimiter
        self._kept = [i for i, name in enumerate(people.header) if name not in ADDED_COLUMNS]
        self._width = len(people.header)
        # With the byte order mark that spreadsheets need, if the list has one.
        mark = "\ufeff" if people.encoding in ("utf-8-sig", "utf-16") else ""
        kept = [people.header[i] for i in self._kept]
        self.head = mark + self._joined([*kept, *ADDED_COLUMNS]) + "\n"

    def texts(self, row: Item | BadRow, code: str, reason: str) -> Iterator[tuple[int, str, str]]:
        """Yield what is written for a row: the number of its line, its own text, and the rest."""
        if isinstance(row, BadRow) and row.rows > 1:
            lines = row.source.replace("\r\n", "\n").split("\n")
            sources = list(enumerate(lines, row.line))
        else:
            sources = [(row.line, self._own(row.source))]
        for line, source in sources:
            if source.isspace() or not source:
                continue
            if len(sources) > 1 and len(self._kept) < self._width:
                # It has the columns of a former failure, and cannot be taken apart.
                yield self.number(source), source, "\n"
            else:
                end = self._joined([code, reason, str(line)])
                yield line, source + self._delimiter, f"{end}\n"

    def number(self, text: str) -> int:
        """Return the number at the end of a line, or 0."""
        last = text.rpartition(self._delimiter)[2]
        return int(last) if last.isascii() and last.isdecimal() else 0

    def _own(self, source: str) -> str:
        """Return a row as it is, or without columns that its header does not have."""
        reader = csv.reader(
            io.StringIO(source), delimiter=self._delimiter, skipinitialspace=True, strict=True
        )
        try:
            fields = next(reader)
        except (csv.Error, StopIteration):
            return source
        extra = any(field.strip() for field in fields[self._width :])
        if len(fields) < self._width or extra or len(fields) == len(self._kept):
            return source
        return self._joined([fields[i] for i in self._kept])

    def _joined(self, fields: Iterable[str]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter, lineterminator="\n").writerow(fields)
        return text.getvalue().removesuffix("\n")


class _JSONForm:
    """JSON lines, whether the list is that or an array."""

    head: Final = ""

    def texts(self, row: Item | BadRow, code: str, reason: str) -> Iterator[tuple[int, str, str]]:
        """Yield what is written for a row: the number of its line, its own text, and the rest."""
        own = json.dumps(self._own(row.source)).removesuffix("}")
        added = json.dumps({_CODE: code, _REASON: reason, _LINE: row.line}).removeprefix("{")
        yield row.line, own if own == "{" else f"{own}, ", f"{added}\n"

    def number(self, text: str) -> int:
        """Return the number in a line, or 0."""
        try:
            number = json.loads(text).get(_LINE)
        except (ValueError, RecursionError, AttributeError):
            return 0
        return number if isinstance(number, int) else 0

    def _own(self, source: str) -> dict[str, Any]:
        try:
            document = json.loads(source)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            return {_SOURCE: source}
        # An earlier version wrote a record that is not an object there.
        if isinstance(document.get(_LINE), str):
            document.setdefault(_SOURCE, document[_LINE])
        return {name: document[name] for name in document if name not in ADDED_COLUMNS}
