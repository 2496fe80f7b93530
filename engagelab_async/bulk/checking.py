"""What can be sent of a list: which column fills which variable, and what is wrong with which row.

::

    Row ── CheckedList ──> Item: a row, its recipient, and the values of its variables
                └────────> BadRow

A list is read once to be checked and once to be sent, so that one of any length needs little
memory. Texts of problems name columns, and never quote what is in them.
"""

import hashlib
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from attrs import define, evolve, field, frozen

from .lists import BadRow, PeopleList, Row, shown
from .numbers import recipient_key
from .row_files import ADDED_COLUMNS

SHOWN: Final = 20  # problems, of a list

# Why a record is left out, besides the number of the line that it repeats.
_BAD, _REPEATED_PERSON = 0, -1
_ALL_BITS: Final = 2**64 - 1
_VARIABLE: Final = re.compile(r"[\w.-]+")

Normalizer: TypeAlias = Callable[[str, str | None], str]
"""Returns the one spelling of a recipient, of a country; raises ``ValueError`` with the reason."""


@frozen
class Variables:
    """What fills the variables of a template: columns and constants, by variable."""

    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(factory=dict)
    missing: tuple[str, ...] = ()
    may_be_empty: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that are sent."""
        return (*self.columns, *self.constants)


def fill(
    names: Iterable[str] | None,
    presets: Iterable[str],
    people: PeopleList,
    to_column: str,
    given: Variables,
) -> Variables:
    """Find out what fills the variables of a template.

    What is given comes first, and then a column fills the variable of its name. If the template's
    text is not known and nothing is given, every column may be needed, and all of them are sent.
    """
    columns = {name: people.require(column) for name, column in given.columns.items()}
    if names is None:
        if given.names:
            return evolve(given, columns=columns)
        others = (each for each in people.columns if each not in (to_column, *ADDED_COLUMNS))
        return Variables({n: n for n in others if _VARIABLE.fullmatch(n)}, may_be_empty=True)
    missing = []
    for name in names:
        if name in given.names:
            continue
        column = people.find(name)
        if column is not None:
            columns[name] = column
        elif name not in presets:
            missing.append(name)
    return evolve(given, columns=columns, missing=tuple(missing))


@frozen
class Item:
    """A row that can be sent."""

    row: Row
    to: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)


@define(eq=False)
class CheckedList:
    """A list of which it is known what can be sent.

    Attributes:
        rows: How many rows there are.
        bad: How many of them cannot be sent.
        problems: The first few of those.
        people: How many recipients there are.
        people_repeated: How many of them get several messages.
        repeated: How many rows are left out for `once_per_person`.
    """

    people_list: PeopleList
    to_column: str
    variables: Variables
    normalize: Normalizer
    country: str | None = None
    once_per_person: bool = False
    rows: int = field(init=False, default=0)
    bad: int = field(init=False, default=0)
    problems: list[BadRow] = field(init=False, factory=list)
    people: int = field(init=False, default=0)
    people_repeated: int = field(init=False, default=0)
    repeated: int = field(init=False, default=0)
    # Which records are left out, in their order, and why.
    _records: "array[int]" = field(init=False, factory=lambda: array("Q"))
    _reasons: "array[int]" = field(init=False, factory=lambda: array("q"))

    def __attrs_post_init__(self) -> None:
        """Check the whole list."""
        seen = _Seen()
        for record, row in enumerate(self.people_list):
            found = self._item(row)
            if isinstance(found, BadRow):
                self._leave_out(record, _BAD)
            elif first := seen.first_line(found, anyhow=self.once_per_person):
                self._leave_out(record, _REPEATED_PERSON if self.once_per_person else first)
                found = found if self.once_per_person else _repeated(row, first)
            self._count(found)
        self.people, self.people_repeated = len(seen.first), len(seen.repeated)

    @property
    def good(self) -> int:
        """How many rows can be sent."""
        return self.rows - self.bad - self.repeated

    @property
    def hidden(self) -> int:
        """How many rows cannot be sent and are not among the first few."""
        return self.bad - sum(problem.rows for problem in self.problems)

    def items(self) -> Iterator[Item]:
        """Read the list again for what can be sent; raise `ListError` if it was changed."""
        return (found for found in self._again() if isinstance(found, Item))

    def bad_rows(self) -> Iterator[BadRow]:
        """Read the list again for what cannot be sent; raise `ListError` if it was changed."""
        if not self.hidden:
            return iter(self.problems)
        return (found for found in self._again() if isinstance(found, BadRow))

    def _count(self, found: Item | BadRow) -> None:
        if not isinstance(found, BadRow):
            self.rows += 1
            return
        self.rows += found.rows
        self.bad += found.rows
        if len(self.problems) < SHOWN:
            self.problems.append(found)

    def _leave_out(self, record: int, reason: int) -> None:
        self._records.append(record)
        self._reasons.append(reason)
        self.repeated += reason == _REPEATED_PERSON

    def _again(self) -> Iterator[Item | BadRow]:
        # In the order of the list, so one look ahead is enough.
        left_out = zip(self._records, self._reasons, strict=True)
        next_record, reason = next(left_out, (-1, _BAD))
        for record, row in enumerate(self.people_list):
            if record != next_record:
                yield self._item(row)
                continue
            if reason >= _BAD:
                yield self._item(row) if reason == _BAD else _repeated(row, reason)
            next_record, reason = next(left_out, (-1, _BAD))

    def _item(self, row: Row | BadRow) -> Item | BadRow:
        if isinstance(row, BadRow):
            return row
        columns = self.variables.columns
        needed: Iterable[str] = columns.values()
        if self.variables.may_be_empty:
            needed = filter(row.values.get, needed)
        picked = row.pick(self.to_column, *needed)
        if isinstance(picked, BadRow):
            return picked
        try:
            to = self.normalize(picked[self.to_column], self.country)
        except ValueError as error:
            return row.bad(f"{shown(self.to_column)}: {error}")
        params = {name: picked.get(column, "") for name, column in columns.items()}
        return Item(row, to, {**params, **self.variables.constants})


def _repeated(row: Row | BadRow, line: int) -> BadRow:
    return BadRow(row.line, f"the same as line {line}", row.source)


class _Seen:
    """The people that were seen, and what is said to them: in few bytes, there may be millions."""

    def __init__(self) -> None:
        # The line and the digest of a person's first row, in one number.
        self.first: dict[int, int] = {}
        self.repeated: set[int] = set()
        self._further: dict[int, int] = {}

    def first_line(self, item: Item, *, anyhow: bool) -> int:
        """Return the line of an equal row, or with `anyhow` of the person's first; 0 if none."""
        key, line = recipient_key(item.to), item.row.line
        person, message = _digest(key), _digest(repr((key, *item.params.values())))
        known = self.first.get(person)
        if known is None:
            self.first[person] = line << 64 | message
            return 0
        if anyhow or known & _ALL_BITS == message:
            return known >> 64
        self.repeated.add(person)
        first = self._further.setdefault(message, line)
        return 0 if first == line else first


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
