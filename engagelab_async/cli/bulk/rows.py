r"""The rows of a list, with their line numbers: CSV with a header, or JSON lines.

::

    phone,name            {"phone": "+6591234567", "name": "Ada"}
    +6591234567,Ada       {"phone": "+6591234568", "name": "Bob"}
    +6591234568,Bob

CSV is separated by commas, semicolons or tabs, whichever the header has most of. Rows that are
empty are left out. A row that cannot be taken apart is there all the same, with what is wrong.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import define, evolve, field, frozen

from .source import Source, SourceError

if TYPE_CHECKING:
    from _csv import Reader

_QUOTED: Final = re.compile(r'"[^"]*"')
# Words such as order_id, Order-ID or "phone (mobile)", and no number, address or sentence.
_NAME: Final = re.compile(r"\(?[^\W\d]\w*\)?(?:[ ._/-]{1,2}\(?\w+\)?){0,3}[.:*?]?")
_LONGEST_NAME: Final = 40
_MOST_DIGITS: Final = 2


@frozen
class Row:
    """A row of a list.

    Attributes:
        line: The line it begins in, counted from 1.
        values: What stands in it, by column.
        raw: What it was made of: its fields, or the whole line of JSON; nothing, if it cannot be
            taken apart.
        problem: Why it cannot be used, or ``None``.
        lines: The lines that it was read from, as they are, if quotes made them one row or it
            cannot be taken apart.
    """

    line: int
    values: Mapping[str, Any] = field(repr=False)
    raw: tuple[str, ...] = field(repr=False)
    problem: str | None = None
    lines: tuple[str, ...] = field(default=(), repr=False)

    @property
    def span(self) -> str:
        """The lines that it was read from, named."""
        return f"lines {self.line} to {self.line + len(self.lines) - 1}"

    @property
    def count(self) -> int:
        """How many rows it is: each line may be one if it cannot be taken apart."""
        return 1 if self.raw else sum(not line.isspace() for line in self.lines)


def sheet(source: Source) -> "Sheet":
    """Find out what form a list has.

    Raises:
        SourceError: It is empty, or its header cannot be used.
    """
    with closing(source.lines()) as lines:
        first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise SourceError(f"{source.name}: it is empty")
    return JSONLines(source) if first.lstrip().startswith("{") else _csv(source, first)


def shown(*columns: str) -> str:
    """Name columns, unless one looks like somebody's data: then that is no header, but a row."""
    if all(map(_is_name, columns)):
        return ", ".join(columns)
    return ", ".join("…" for _ in columns)


def _is_name(column: str) -> bool:
    digits = sum(map(str.isdigit, column))
    return len(column) <= _LONGEST_NAME and digits <= _MOST_DIGITS and bool(_NAME.fullmatch(column))


def _csv(source: Source, first: str) -> "CSV":
    delimiter = max(",;\t", key=_QUOTED.sub("", first).count)
    with closing(source.lines()) as lines:
        columns = tuple(name.strip() for name in _header(source, _reader(lines, delimiter)))
    if len(set(columns)) < len(columns):
        raise SourceError(f"{source.name}: two columns have one name: {shown(*columns)}")
    return CSV(source, delimiter, columns)


def _header(source: Source, reader: "Reader") -> list[str]:
    try:
        return next(filter(_is_filled, reader))
    except (csv.Error, StopIteration):
        raise SourceError(f"{source.name}: its first line is no header") from None


def _reader(lines: Iterable[str], delimiter: str) -> "Reader":
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _is_filled(fields: Sequence[str]) -> bool:
    return any(text and not text.isspace() for text in fields)


@define(eq=False)
class CSV:
    """A list as spreadsheets save it.

    Attributes:
        source: Where it is read from.
        delimiter: What separates its fields.
        columns: The names in its header.
    """

    source: Source
    delimiter: str
    columns: tuple[str, ...]

    def rows(self) -> Iterator[Row]:
        """Read all rows, from the first."""
        read: list[str] = []
        reader = _reader(_noted(self.source.lines(), read), self.delimiter)
        _header(self.source, reader)
        while True:
            line = reader.line_num + 1
            read.clear()
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield _torn(line, tuple(read))
                continue
            if _is_filled(fields):
                yield self._row(line, tuple(fields), tuple(read) if len(read) > 1 else ())

    def _row(self, line: int, fields: tuple[str, ...], lines: tuple[str, ...]) -> Row:
        if len(fields) != len(self.columns):
            problem = f"{len(fields)} fields instead of {len(self.columns)}"
            return Row(line, {}, fields, problem, lines)
        if not is_text("".join(fields)):
            return Row(line, {}, fields, "not UTF-8", lines)
        return Row(line, dict(zip(self.columns, fields, strict=True)), fields, None, lines)


def _noted(lines: Iterable[str], read: list[str]) -> Iterator[str]:
    """Pass lines on, and take note of each."""
    for line in lines:
        read.append(line)
        yield line


def _torn(line: int, lines: tuple[str, ...]) -> Row:
    """Make a row of what cannot be taken apart: a quote may have swallowed the rows below it."""
    row = Row(line, {}, (), "its quotes do not close where they should", lines)
    return row if len(lines) == 1 else evolve(row, problem=f"{row.problem}: {row.span} are one row")


@define(eq=False)
class JSONLines:
    """A list as programs write it: a JSON object in each line.

    Attributes:
        source: Where it is read from.
    """

    source: Source

    def rows(self) -> Iterator[Row]:
        """Read all rows, from the first."""
        for number, text in enumerate(self.source.lines(), start=1):
            line = text.strip()
            if line:
                yield self._row(number, line)

    def _row(self, number: int, line: str) -> Row:
        if not is_text(line):
            return Row(number, {}, (line,), "not UTF-8")
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return Row(number, {}, (line,), "not JSON")
        if not isinstance(document, dict):
            return Row(number, {}, (line,), "not a JSON object")
        return Row(number, document, (line,))


Sheet: TypeAlias = CSV | JSONLines
"""A list of either form."""


def is_text(text: str) -> bool:
    """Tell whether all of it was UTF-8; what was not is there as lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
