"""From the rows of a list to operations.

::

    Row ── Checker ──> Item ── Grouping ──> Request: an operation, and the items it is made of
               └─────> BadRow                   └── InFlight: the items, until the outcome is known

A list is read once to be checked and once to be sent, so that one of any length needs little
memory. Texts of problems name columns, and never quote what is in them.
"""

import hashlib
import re
from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from attrs import define, evolve, field, frozen

from engagelab_async import Operation, SendSMS
from engagelab_async.bulk.identity import Key, identity
from engagelab_async.bulk.numbers import recipient_key
from engagelab_async.cli.options import spelled

from .lists import BadRow, ListError, PeopleList, Row, column_name, shown

SHOWN: Final = 20
"""How many problems are kept to be shown."""

ADDED_COLUMNS: Final = ("error_code", "error_reason", "error_line")
"""What a file of failed rows has besides the columns of its list."""

_BAD: Final = 0
_REPEATED_PERSON: Final = -1
_SUPPRESSED: Final = -2
_VARIABLE: Final = re.compile(r"[\w.-]+")
_ALL_BITS: Final = 2**64 - 1

Maker: TypeAlias = Callable[[tuple[str, ...], Mapping[str, str]], Operation[Any]]
"""Makes an operation of recipients and variables."""

Normalizer: TypeAlias = Callable[[str, str | None], str]
"""Returns the one spelling of a recipient, of a country; raises ``ValueError`` with the reason."""


@frozen
class Kind:
    """What is sent to a list.

    Attributes:
        make: Makes an operation of recipients and variables.
        normalize: Returns the one spelling of a recipient.
        targets_per_request: How many recipients an operation has at most.
    """

    make: Maker
    normalize: Normalizer
    targets_per_request: int = 1


# ------------------------------------------------------------------------------- variables


@frozen
class Variables:
    """What fills the variables of a template.

    Attributes:
        columns: The columns that fill variables, by variable.
        constants: The values that are the same in all rows, by variable.
        missing: The variables that nothing fills.
        may_be_empty: Whether a row may have nothing in those columns: which of them the template
            uses is not known.
    """

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

    Args:
        names: The variables of the template's text, or ``None`` if the text is not known.
        presets: Those that the platform fills if nothing else does.
        people: The list.
        to_column: The column of the recipients.
        given: What ``--param`` and ``--set`` say.

    Raises:
        ListError: There is no such column.
    """
    columns = {name: existing_column(column, people) for name, column in given.columns.items()}
    if names is None:
        if given.names:
            return evolve(given, columns=columns)
        others = (each for each in people.columns if each not in (to_column, *ADDED_COLUMNS))
        return Variables({n: n for n in others if _VARIABLE.fullmatch(n)}, may_be_empty=True)
    unfilled = []
    for name in names:
        if name in given.names:
            continue
        column = find_column(name, people.columns)
        if column is not None:
            columns[name] = column
        elif name not in presets:
            unfilled.append(name)
    return evolve(given, columns=columns, missing=tuple(unfilled))


def find_column(name: str, columns: Iterable[str]) -> str | None:
    """Return the column with a name; one that differs only in case will do if it is the only one.

    Example:
        >>> find_column("name", ["Phone", "Name"])
        'Name'
    """
    name = column_name(name)
    found = [column for column in columns if column.casefold() == name.casefold()]
    if name in found:
        return name
    return found[0] if len(found) == 1 else None


def existing_column(column: str, people: PeopleList) -> str:
    """Return the name of a column as the list has it.

    Raises:
        ListError: There is no such column.
    """
    return find_column(column, people.columns) or people.require(column)[0]


# ------------------------------------------------------------------------------- checking


@frozen
class Item:
    """A row that can be sent.

    Attributes:
        line: The number of its first line.
        source: The row as it is in the list.
        to: Its recipient.
        params: Its variables.
    """

    line: int
    source: str = field(repr=False)
    to: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)


@define(eq=False)
class Checked:
    """What is in a list.

    Attributes:
        rows: How many rows there are, those left out on request included.
        bad: How many of them cannot be sent.
        problems: The first few of those.
        people: How many recipients the others have.
        people_repeated: How many of these are in several rows with different variables.
        repeated: How many rows were left out because an earlier one has the same recipient.
        suppressed: How many rows were left out because their recipient must not be sent to.
    """

    rows: int = 0
    bad: int = 0
    problems: list[BadRow] = field(factory=list)
    people: int = 0
    people_repeated: int = 0
    repeated: int = 0
    suppressed: int = 0
    # Which records are left out, in their order, and why: the line that a row repeats, or a reason.
    _records: "array[int]" = field(factory=lambda: array("Q"))
    _reasons: "array[int]" = field(factory=lambda: array("q"))

    @property
    def good(self) -> int:
        """How many rows can be sent."""
        return self.rows - self.bad - self.repeated - self.suppressed

    @property
    def hidden(self) -> int:
        """How many rows cannot be sent and are not among the first few."""
        return self.bad - sum(problem.rows for problem in self.problems)

    def add(self, found: "Item | BadRow") -> None:
        """Count a row."""
        count = found.rows if isinstance(found, BadRow) else 1
        self.rows += count
        if isinstance(found, BadRow):
            self.bad += count
            if len(self.problems) < SHOWN:
                self.problems.append(found)

    def leave_out(self, record: int, reason: int) -> None:
        """Remember a record that is not sent."""
        self._records.append(record)
        self._reasons.append(reason)

    def left_out(self) -> Iterator[tuple[int, int]]:
        """Return the records that are not sent, in their order, with the reasons."""
        return zip(self._records, self._reasons, strict=True)


@frozen
class Checker:
    """Makes an item of a row, or finds what is wrong with it.

    Attributes:
        people: The list.
        to_column: The column of the recipients.
        variables: What fills the variables.
        normalize: Returns the one spelling of a recipient.
        country: The country of local numbers, or ``None``.
        once_per_person: Whether the second row of a recipient is left out.
        suppression: The recipients that must not be sent to.
    """

    people: PeopleList
    to_column: str
    variables: Variables
    normalize: Normalizer
    country: str | None = None
    once_per_person: bool = False
    suppression: Container[str] = frozenset()

    def check(self) -> Checked:
        """Check the whole list.

        Raises:
            ListError: It cannot be read to its end.
        """
        checked = Checked()
        seen = _Seen()
        for record, row in enumerate(self.people):
            found = self._item(row)
            if isinstance(found, BadRow):
                checked.leave_out(record, _BAD)
            elif found.to in self.suppression:
                checked.leave_out(record, _SUPPRESSED)
                checked.suppressed += 1
            elif first := seen.first_line(found, anyhow=self.once_per_person):
                checked.leave_out(record, _REPEATED_PERSON if self.once_per_person else first)
                checked.repeated += self.once_per_person
                found = found if self.once_per_person else _repeated(row, first)
            checked.add(found)
        checked.people, checked.people_repeated = seen.people, seen.people_repeated
        return checked

    def items(self, checked: Checked) -> Iterator[Item]:
        """Read a list again for what can be sent.

        Raises:
            ListError: It is no longer what it was.
        """
        return (found for found in self._again(checked) if isinstance(found, Item))

    def bad_rows(self, checked: Checked) -> Iterator[BadRow]:
        """Read a list again for what cannot be sent.

        Raises:
            ListError: It is no longer what it was.
        """
        if not checked.hidden:
            return iter(checked.problems)
        return (found for found in self._again(checked) if isinstance(found, BadRow))

    def _again(self, checked: Checked) -> Iterator[Item | BadRow]:
        left_out = checked.left_out()
        # In the order of the list, so one look ahead is enough.
        next_record, reason = next(left_out, (-1, _BAD))
        for record, row in enumerate(self.people):
            found = self._item(row)
            if record == next_record:
                if isinstance(found, Item) and reason > _BAD:
                    found = _repeated(row, reason)
                is_shown = isinstance(found, BadRow)
                next_record, reason = next(left_out, (-1, _BAD))
                if is_shown:
                    yield found
            else:
                yield found

    def _item(self, row: Row | BadRow) -> Item | BadRow:
        if isinstance(row, BadRow):
            return row
        picked = row.pick(self.to_column, *self._columns(row))
        if isinstance(picked, BadRow):
            return picked
        try:
            to = self.normalize(picked[self.to_column], self.country)
        except ValueError as error:
            return row.bad(f"{shown(self.to_column)}: {error}")
        columns = self.variables.columns
        params = {name: picked.get(column, "") for name, column in columns.items()}
        return Item(row.line, row.source, to, {**params, **self.variables.constants})

    def _columns(self, row: Row) -> Iterable[str]:
        columns = self.variables.columns.values()
        return filter(row.values.get, columns) if self.variables.may_be_empty else columns


def _repeated(row: Row | BadRow, line: int) -> BadRow:
    return BadRow(row.line, f"the same as line {line}", row.source)


class _Seen:
    """The people that were seen, and what is said to them: in few bytes, there may be millions."""

    def __init__(self) -> None:
        # The line and the digest of a person's first row, in one number.
        self._first: dict[int, int] = {}
        self._further: dict[int, int] = {}
        self._repeated: set[int] = set()

    @property
    def people(self) -> int:
        return len(self._first)

    @property
    def people_repeated(self) -> int:
        return len(self._repeated)

    def first_line(self, item: Item, *, anyhow: bool) -> int:
        """Return the line of an equal row, or with `anyhow` of the person's first; 0 if none."""
        key = recipient_key(item.to)
        person, message = _digest(key), _digest(repr((key, *item.params.values())))
        known = self._first.get(person)
        if known is None:
            self._first[person] = item.line << 64 | message
            return 0
        if anyhow or known & _ALL_BITS == message:
            return known >> 64
        self._repeated.add(person)
        first = self._further.setdefault(message, item.line)
        return 0 if first == item.line else first


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


# ------------------------------------------------------------------------------- operations


@frozen
class Request:
    """An operation, and the items that it is made of."""

    operation: Operation[Any]
    items: tuple[Item, ...]


@frozen
class Grouping:
    """How items become requests.

    The same rows become the same requests every time: that is how a journal knows them.

    Attributes:
        make: Makes an operation.
        size: How many recipients a request has at most.
        most_waiting: How many items may wait for others with the same variables.

    Raises:
        ValueError: The size is not even 1.
    """

    make: Maker
    size: int = 1
    most_waiting: int = 10_000

    def __attrs_post_init__(self) -> None:
        """Refuse a size that no request can have."""
        if self.size < 1:
            raise ValueError("--targets-per-request: must be at least 1")

    def requests(self, items: Iterable[Item]) -> Iterator[Request]:
        """Make requests, of items with equal variables in the order of the list.

        Raises:
            ListError: They can no longer be made, as after the time that they are scheduled for.
        """
        groups: dict[tuple[str, ...], list[Item]] = {}
        waiting = 0
        for item in items:
            values = tuple(item.params.values())
            group = groups.setdefault(values, [])
            group.append(item)
            waiting += 1
            if len(group) == self.size or waiting > self.most_waiting:
                values = values if len(group) == self.size else next(iter(groups))
                waiting -= len(groups[values])
                yield self._request(groups.pop(values))
        for group in groups.values():
            yield self._request(group)

    def _request(self, items: list[Item]) -> Request:
        to = tuple(item.to for item in items)
        try:
            return Request(self.make(to, items[0].params), tuple(items))
        except ValueError as error:
            raise ListError(spelled(str(error))) from None


def journal_key(sample: Operation[Any]) -> Key | None:
    """Return what makes a journal's identity of operations; ``None`` for the default.

    That of a scheduled SMS leaves out the time: a run that goes on may need a later one.
    """
    is_scheduled = isinstance(sample, SendSMS) and sample.schedule_time is not None
    return (lambda operation: identity(at_once(operation), None)) if is_scheduled else None


def at_once(operation: Operation[Any]) -> Operation[Any]:
    """Return the same operation without a time that it is sent at."""
    return evolve(operation, schedule_time=None) if isinstance(operation, SendSMS) else operation


@define(eq=False)
class InFlight:
    """Remembers the items of the requests that a run has taken and that have no outcome yet.

    An outcome has the index of its operation in the run's source, which is counted here.
    """

    _requests: Iterable[Request]
    _items: dict[int, tuple[Item, ...]] = field(factory=dict)

    def operations(self) -> Iterator[Operation[Any]]:
        """Yield the operations."""
        for index, request in enumerate(self._requests):
            self._items[index] = request.items
            yield request.operation

    def pop(self, index: int, operation: Operation[Any]) -> tuple[Item, ...]:
        """Return the items of an operation, or of a part of one, that has an outcome."""
        items = self._items.pop(index)
        to = getattr(operation, "to", None)
        if not isinstance(to, tuple) or len(to) == len(items):
            return items
        reached = set(to)
        self._items[index] = tuple(item for item in items if item.to not in reached)
        return tuple(item for item in items if item.to in reached)
