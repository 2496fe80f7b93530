"""Rows that were not sent, as they were, with what happened to them: to be corrected and sent.

The file has the form of the list: CSV with the same separator and two columns more, or JSON lines
with two keys more. A later run of the same list adds what is not there yet.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol, TextIO

from attrs import define, frozen

from .private import open_private
from .rows import CSV, JSONLines, Row, Sheet, is_text

CODE: Final = "error_code"
REASON: Final = "error_reason"
LINE: Final = "error_line"
"""The key of a line that was no JSON object."""


class Form(Protocol):
    """How rows are written."""

    @property
    def head(self) -> str:
        """What a new file begins with."""
        ...

    def text(self, row: Row, code: str, reason: str) -> str:
        """Write a row, to its last line end."""
        ...

    def without_reason(self, line: str) -> str:
        """Take code and reason out of a line, to know it again with others."""
        ...


@define(eq=False)
class Writer:
    """Takes rows that were not sent, and leaves out those that an earlier run has written.

    Attributes:
        size: How many bytes of the file are whole rows.
    """

    _file: TextIO
    _form: Form
    _there: frozenset[str]
    size: int = 0

    def write(self, row: Row, code: str, reason: str) -> None:
        """Write a row down."""
        text = self._form.text(row, code, _inert(reason))
        # Not by splitlines(), which knows line ends that are none here.
        if not (self._there and self._there.issuperset(_known(io.StringIO(text), self._form))):
            self.put(text)

    def put(self, text: str) -> None:
        """Write a text."""
        self._file.write(text)
        self.size = os.fstat(self._file.fileno()).st_size


def _inert(reason: str) -> str:
    """Keep a spreadsheet from taking a reason, which quotes the API, for a formula.

    What stands in the row itself stays as it is, for it to be sent again.
    """
    return f"'{reason}" if reason.startswith(("=", "+", "-", "@")) else reason


@contextmanager
def writing(path: Path, sheet: Sheet) -> Iterator[Writer]:
    """Open a file for the rows of a list.

    Raises:
        OSError: It cannot be written.
    """
    form = _JSONForm() if isinstance(sheet, JSONLines) else _CSVForm(sheet)
    is_new = not path.exists()
    there = _written(path, form) if path.is_file() else frozenset()
    # Line by line, so that it is whole whatever becomes of this process.
    file = open_private(path, "x" if is_new else "a", buffering=1)
    writer = Writer(file, form, there, os.fstat(file.fileno()).st_size)
    try:
        if is_new:
            writer.put(form.head)
        yield writer
    finally:
        try:
            file.close()
        except OSError:
            # What could not be written was said when it could not. Half a row would be another.
            with suppress(OSError):
                os.truncate(path, writer.size)


def _written(path: Path, form: Form) -> frozenset[str]:
    """Read what an earlier run has written, by lines; a row of a CSV may have several."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as file:
        return frozenset(_known(file, form))


def _known(lines: Iterable[str], form: Form) -> Iterator[str]:
    return (form.without_reason(line.removesuffix("\n")) for line in lines)


@frozen
class _JSONForm:
    head: str = ""

    def text(self, row: Row, code: str, reason: str) -> str:
        # The values of a line that is no object are not known.
        values = row.values if row.problem is None else {LINE: row.raw[0]}
        document = {**values, CODE: code, REASON: reason}
        line = json.dumps(document, ensure_ascii=False)
        # Half a character is in no file, but JSON has an escape for it.
        return f"{line if is_text(line) else json.dumps(document)}\n"

    def without_reason(self, line: str) -> str:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return line
        if not isinstance(document, dict):
            return line
        return json.dumps({**document, CODE: None, REASON: None})


class _CSVForm:
    def __init__(self, sheet: CSV) -> None:
        self._columns = sheet.columns
        self._delimiter = sheet.delimiter
        # A list that is itself such a file gets no third and fourth column.
        self._kept = [i for i, name in enumerate(sheet.columns) if name not in (CODE, REASON)]
        field = rf'{re.escape(sheet.delimiter)}(?:[^"{sheet.delimiter}]*|"(?:[^"]|"")*")'
        self._last_two = re.compile(rf"{field}{field}$")
        mark = "\ufeff" if sheet.source.has_bom else ""
        self.head = mark + self._joined([*(sheet.columns[i] for i in self._kept), CODE, REASON])

    def _joined(self, fields: Iterable[str]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter, lineterminator="\n").writerow(fields)
        return text.getvalue()

    def text(self, row: Row, code: str, reason: str) -> str:
        if not row.raw:
            tail = self._tail(code, reason)
            return "".join(line.rstrip("\r\n") + tail for line in row.lines if not line.isspace())
        # A row with too few or too many fields stays as it is, for a person to look at.
        if len(row.raw) == len(self._columns):
            fields = [row.raw[i] for i in self._kept]
        else:
            fields = list(row.raw)
        return self._joined([*fields, code, reason])

    def without_reason(self, line: str) -> str:
        # A line is not always a row: what a row has before them may hold half a quoted text.
        return self._last_two.sub("", line)

    def _tail(self, code: str, reason: str) -> str:
        """Make the last two fields of lines that are rows once their quotes are put right."""
        has_them = len(self._kept) < len(self._columns)
        return "\n" if has_them else self._delimiter + self._joined([code, reason])
