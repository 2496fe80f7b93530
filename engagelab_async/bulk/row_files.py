"""Rows of a list that were not sent, written as a list: to be corrected, and sent again.

::

    phone,name,error_code,error_reason,error_line
    +6591234567,Ada,3002,invalid parameters,7

The file has the form of the list, and three columns or keys more. A row that it holds already is
known by the number of its line in the list, and not written again.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal, TextIO

from attrs import define

from .lists import BadRow, PeopleList, Row

ADDED_COLUMNS: Final = ("error_code", "error_reason", "error_line")
"""What the file has besides the columns of its list."""

_CODE, _REASON, _LINE = ADDED_COLUMNS
_SOURCE: Final = "error_source"
"""The key of a record that is not a JSON object."""


def open_private(path: Path, mode: Literal["a", "w", "x"], *, buffering: int = -1) -> TextIO:
    """Open a text file for writing; a new one can be read by its owner alone."""
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
    """Writes rows as they are in the list, with what happened to them.

    Attributes:
        size: How many bytes of the file are whole rows.
    """

    _file: TextIO
    _form: "_CSVForm | _JSONForm"
    _known: Mapping[int, list[str]]
    size: int

    def write(self, row: Row | BadRow, code: str, reason: str) -> None:
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
    """Open a file for the rows of a list; `OtherFormatError` if it has other columns."""
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
    """Rows of CSV: each without the columns of a former failure, and with those of this one."""

    def __init__(self, people: PeopleList) -> None:
        self._delimiter = people.delimiter
        self._kept = [i for i, name in enumerate(people.header) if name not in ADDED_COLUMNS]
        self._width = len(people.header)
        # With the byte order mark that spreadsheets need, if the list has one.
        mark = "\ufeff" if people.encoding in ("utf-8-sig", "utf-16") else ""
        kept = [people.header[i] for i in self._kept]
        self.head = mark + self._joined([*kept, *ADDED_COLUMNS]) + "\n"

    def texts(self, row: Row | BadRow, code: str, reason: str) -> Iterator[tuple[int, str, str]]:
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

    def texts(self, row: Row | BadRow, code: str, reason: str) -> Iterator[tuple[int, str, str]]:
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
