"""What is in a list: recipients and variables, or what is wrong, found before anything is sent.

::

    Columns   which column holds what, as the options say
    Checker   a row -> an Item that can be sent, or a Problem
    check     the whole list -> Findings, with a few problems to show and the lines of all

Texts of problems name columns, and never quote what stands in them.
"""

import hashlib
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from attrs import define, evolve, field, frozen

from engagelab_async.arguments import is_integer
from engagelab_async.bulk.numbers import normalize_number

from .rows import CSV, Row, Sheet, is_text, shown
from .source import SourceError

SHOWN: Final = 20
"""How many problems are kept to be shown."""

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_BREAK: Final = re.compile(r"[\r\n]")
_ROUNDED: Final = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
Normaliser: TypeAlias = Callable[[str], str]
"""Gives a recipient its one spelling; raises ``ValueError`` saying what is wrong with it."""


def phone(text: str) -> str:
    """Give a phone number its one spelling: ``+`` and digits.

    Raises:
        ValueError: It is none.

    Example:
        >>> phone("65 9123-4567")
        '+6591234567'
    """
    if _ROUNDED.fullmatch(text.strip()):
        raise ValueError("a spreadsheet has rounded the number; make the column text there")
    return normalize_number(text)


def phone_or_email(text: str) -> str:
    """Give a phone number or an email address its one spelling.

    Raises:
        ValueError: It is neither.
    """
    if "@" not in text:
        return phone(text)
    if not _EMAIL.fullmatch(text.strip()):
        raise ValueError("not an email address")
    return text.strip()


@frozen
class Columns:
    """Which column holds what.

    Attributes:
        to: The column of the recipients.
        params: The columns of the template's variables, by variable.
    """

    to: str
    params: Mapping[str, str]

    def require_in(self, sheet: Sheet) -> None:
        """Insist on columns that a CSV's header has to name.

        Raises:
            SourceError: One is not there.
        """
        if not isinstance(sheet, CSV):
            return
        for column in (self.to, *self.params.values()):
            if column not in sheet.columns:
                raise SourceError(
                    f"{sheet.source.name}: it has no column {shown(column)!r}, but "
                    f"{shown(*sheet.columns)}; see --to-column and --param"
                )


@frozen
class Item:
    """A row that can be sent.

    Attributes:
        row: The row.
        to: Its recipient.
        params: Its variables.
    """

    row: Row
    to: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)


@frozen
class Problem:
    """A row that cannot be sent.

    Attributes:
        row: The row; one that was not meant to be one row is not taken apart.
        text: What is wrong with it.
    """

    row: Row
    text: str


@frozen
class Checker:
    """Makes an item of a row.

    Attributes:
        columns: Which column holds what.
        normalised: Gives recipients their one spelling.
    """

    columns: Columns
    normalised: Normaliser

    def check(self, row: Row) -> Item | Problem:
        """Find a row's recipient and variables, or what is wrong with it."""
        if row.problem is not None:
            return Problem(row, row.problem)
        for column in (self.columns.to, *self.columns.params.values()):
            if row.lines and _BREAK.search(str(row.values.get(column))):
                # A quote that one row opens and another closes makes the latter part of a text.
                return Problem(evolve(row, raw=()), f"{shown(column)}: spans {row.span}")
        try:
            return self._item(row)
        except ValueError as error:
            return Problem(row, str(error))

    def _item(self, row: Row) -> Item:
        written = _text(row, self.columns.to)
        try:
            to = self.normalised(written)
        except ValueError as error:
            raise ValueError(f"{shown(self.columns.to)}: {error}") from None
        params = {name: _text(row, column) for name, column in self.columns.params.items()}
        return Item(row, to, params)


def _text(row: Row, column: str) -> str:
    value: Any = row.values.get(column)
    if is_integer(value):
        return str(value)
    problem = _problem(value)
    if problem is None:
        text: str = value
        return text
    raise ValueError(f"{shown(column)}: {problem}")


def _problem(value: object) -> str | None:
    if isinstance(value, str):
        if not value or value.isspace():
            return "empty"
        return None if is_text(value) else "holds half a character"
    return "missing" if value is None else "neither a string nor an integer"


@define(eq=False)
class Findings:
    """What a list holds.

    Attributes:
        rows: How many rows it has.
        bad: How many of them cannot be sent.
        problems: The first few problems with those.
        bad_lines: Where each row begins that cannot be sent.
    """

    rows: int = 0
    bad: int = 0
    problems: list[Problem] = field(factory=list)
    bad_lines: "array[int]" = field(factory=lambda: array("Q"))

    @property
    def good(self) -> int:
        """How many rows can be sent."""
        return self.rows - self.bad

    @property
    def hidden(self) -> int:
        """How many rows cannot be sent and are not among the first few."""
        return self.bad - sum(problem.row.count for problem in self.problems)

    def add(self, found: Item | Problem) -> None:
        """Count a row, or the rows that seem to be one."""
        self.rows += found.row.count
        if isinstance(found, Problem):
            self.bad += found.row.count
            self.bad_lines.append(found.row.line)
            if len(self.problems) < SHOWN:
                self.problems.append(found)


def check(sheet: Sheet, checker: Checker) -> Findings:
    """Look at a whole list.

    Raises:
        SourceError: It cannot be read to its end.
    """
    findings = Findings()
    # A line number for each recipient and what is told to it: a row said twice is sent once.
    seen: dict[int, int] = {}
    for row in sheet.rows():
        found = checker.check(row)
        if isinstance(found, Item):
            first = seen.setdefault(_digest(found), row.line)
            if first != row.line:
                found = Problem(row, f"the same as line {first}")
        findings.add(found)
    return findings


def sendable(sheet: Sheet, checker: Checker, findings: Findings) -> Iterator[Item]:
    """Read a list again, leaving out what `check` found to be bad.

    Raises:
        SourceError: It is no longer what it was.
    """
    for found in _again(sheet, checker, findings):
        if isinstance(found, Item):
            yield found


def unsendable(sheet: Sheet, checker: Checker, findings: Findings) -> Iterator[Problem]:
    """Read a list again for all that `check` found to be bad.

    Raises:
        SourceError: It is no longer what it was.
    """
    if not findings.hidden:
        yield from findings.problems
        return
    for found in _again(sheet, checker, findings):
        if isinstance(found, Problem):
            yield found


def _again(sheet: Sheet, checker: Checker, findings: Findings) -> Iterator[Item | Problem]:
    # Bad lines come in the order of the list, so one look ahead is enough.
    lines = iter(findings.bad_lines)
    bad = next(lines, None)
    for row in sheet.rows():
        found = checker.check(row)
        if row.line == bad:
            bad = next(lines, None)
            yield found if isinstance(found, Problem) else Problem(row, "the same as another row")
        elif isinstance(found, Problem):
            raise SourceError(f"{sheet.source.name}: it was changed meanwhile")
        else:
            yield found


def _digest(item: Item) -> int:
    told = repr((item.to, *item.params.values()))
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest())
