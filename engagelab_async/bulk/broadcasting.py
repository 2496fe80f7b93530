"""One text to many people: numbers in, `SendSMS` operations of many targets out.

::

    numbers ── written alike, each once ──> groups of equal params ── full ──> SendSMS
                                              (a bounded number)
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, overload

from attrs import field, frozen

from engagelab_async.arguments import check_function, check_integer, kind_of
from engagelab_async.frames import clears_frames
from engagelab_async.sms.messages import SendSMS
from engagelab_async.template import Template

from .numbers import check_country, normalize_number

if TYPE_CHECKING:
    from datetime import datetime

Params = Mapping[str, str | int]
Recipient = str | tuple[str, Params]
"""A phone number, alone or with params of its own."""

_MOST_GROUPS: Final = 1000
"""How many groups may wait to be filled; the oldest is sent as it is."""


@frozen
class InvalidRecipient:
    """A recipient that cannot be sent to.

    Attributes:
        index: Its position, counted from 0.
        reason: What is wrong with it; does not quote it.
        recipient: What was passed. A ``repr`` does not show it.
    """

    index: int
    reason: str
    recipient: object = field(repr=False)


@frozen
class RecipientCheck:
    """What `check_recipients` found.

    Attributes:
        valid: How many can be sent to.
        duplicates: How many more were the same as an earlier one.
        invalid: The others.
    """

    valid: int
    duplicates: int
    invalid: tuple[InvalidRecipient, ...]


@overload
def broadcast(
    recipients: Iterable[Recipient],
    template: str | int | Template,
    *,
    params: Params | None = ...,
    country: str | None = ...,
    on_invalid: Callable[[InvalidRecipient], object] | None = ...,
    targets_per_request: int = ...,
    group_by_params: bool = ...,
    plan_name: str | None = ...,
    schedule_time: datetime | float | None = ...,
    custom_args: Mapping[str, Any] | None = ...,
) -> Iterator[SendSMS]: ...


@overload
def broadcast(
    recipients: AsyncIterable[Recipient],
    template: str | int | Template,
    *,
    params: Params | None = ...,
    country: str | None = ...,
    on_invalid: Callable[[InvalidRecipient], object] | None = ...,
    targets_per_request: int = ...,
    group_by_params: bool = ...,
    plan_name: str | None = ...,
    schedule_time: datetime | float | None = ...,
    custom_args: Mapping[str, Any] | None = ...,
) -> AsyncIterator[SendSMS]: ...


@clears_frames
def broadcast(
    recipients: Iterable[Recipient] | AsyncIterable[Recipient],
    template: str | int | Template,
    *,
    params: Params | None = None,
    country: str | None = None,
    on_invalid: Callable[[InvalidRecipient], object] | None = None,
    targets_per_request: int = 200,
    group_by_params: bool = True,
    plan_name: str | None = None,
    schedule_time: datetime | float | None = None,
    custom_args: Mapping[str, Any] | None = None,
) -> Iterator[SendSMS] | AsyncIterator[SendSMS]:
    """Make the operations that send one SMS template to many phones.

    Numbers may be written with blanks, dashes, dots and brackets, and are sent as ``+6591234567``;
    `engagelab_async.bulk.normalize_number` describes what is read and what is refused. Duplicates
    with equal params are removed. For that, the numbers so far are kept in memory, about 70 bytes
    each.

    Args:
        recipients: Any iterable or async iterable of phone numbers, or of pairs of a number and
            its own params.
        template: The template, or its id.
        params: Values of the template's variables; those of a recipient override them.
        country: The country of numbers without ``+`` or ``00``, as its ISO 3166 code, such as
            ``SG``; needs the extra ``numbers``. By default, all need their country code.
        on_invalid: A plain function, called with each recipient that cannot be sent to, such as
            ``bad.append``; it is left out. By default, it raises.
        targets_per_request: How many numbers one operation has at most.
        group_by_params: Group recipients with equal params, wherever they are in the list. If
            not, only neighbours share an operation, and the list's order is kept.
        plan_name: As in `SendSMS`.
        schedule_time: As in `SendSMS`.
        custom_args: As in `SendSMS`.

    Returns:
        An iterator of operations for `EngageLab.fan_out` or `EngageLab.send_all`; an async one if
        `recipients` is async. The same list gives the same operations, as a journal needs.

    Raises:
        TypeError: An argument is of the wrong type; for a recipient, when it is reached.
        ValueError: A number is out of range, or a recipient is not a phone number. The text names
            its position, counted from 0, and never the number.
        ConfigurationError: `country` needs an extra that is not installed.

    Example:
        >>> for operation in broadcast(["+65 9123-4567", "6591234568"], "1233"):
        ...     print(operation.to)
        ('+6591234567', '+6591234568')
    """
    _check_iterable(recipients, Iterable | AsyncIterable, "an iterable or async iterable")
    shared = Template.of(template) if params is None else Template.of(template, params=params)
    grouping = _Grouping(
        _Reader(shared, country, on_invalid),
        check_integer(targets_per_request, "targets_per_request", 1),
        _MOST_GROUPS if group_by_params else 1,
        {"plan_name": plan_name, "schedule_time": schedule_time, "custom_args": custom_args},
    )
    if isinstance(recipients, AsyncIterable):
        return _broadcast_async(recipients, grouping)
    return _broadcast(iter(recipients), grouping)


@clears_frames
def check_recipients(
    recipients: Iterable[Recipient], *, country: str | None = None
) -> RecipientCheck:
    """Look at recipients as `broadcast` does, before anything is sent.

    Args:
        recipients: Phone numbers, or pairs of a number and its own params.
        country: As for `broadcast`.

    Raises:
        TypeError: `recipients` is not an iterable.
        ValueError: There is no such country.
        ConfigurationError: `country` needs an extra that is not installed.

    Example:
        >>> found = check_recipients(["+6591234567", "65 9123 4567", "nobody"])
        >>> found.valid, found.duplicates, found.invalid[0].reason
        (1, 1, 'not a phone number with its country code')
    """
    _check_iterable(recipients, Iterable, "an iterable")
    invalid: list[InvalidRecipient] = []
    reader = _Reader(Template("1"), country, invalid.append)
    valid = 0
    for recipient in recipients:
        valid += reader.read(recipient) is not None
    return RecipientCheck(valid, reader.count - valid - len(invalid), tuple(invalid))


def _check_iterable(recipients: object, kinds: type | UnionType, expected: str) -> None:
    kind = type(recipients).__name__
    if hasattr(recipients, "columns"):
        raise TypeError(
            f"recipients: expected {expected} of phone numbers, got {kind}; pass one of its "
            "columns, or its rows as pairs of a number and params"
        )
    if isinstance(recipients, str | bytes | Mapping):
        raise TypeError(f"recipients: expected an iterable of phone numbers, got {kind}")
    if not isinstance(recipients, kinds):
        raise TypeError(f"recipients: expected {expected}, got {kind}")


def _broadcast(recipients: Iterator[Recipient], grouping: _Grouping) -> Iterator[SendSMS]:
    for recipient in recipients:
        try:
            grouping.add(recipient)
        finally:
            # Tools that record the variables of an exception's frames do not find it.
            del recipient
        if grouping.full:
            yield from grouping.taken()
    grouping.close()
    yield from grouping.taken()


async def _broadcast_async(
    recipients: AsyncIterable[Recipient], grouping: _Grouping
) -> AsyncIterator[SendSMS]:
    async for recipient in recipients:
        try:
            grouping.add(recipient)
        finally:
            del recipient
        for operation in grouping.taken():
            yield operation
    grouping.close()
    for operation in grouping.taken():
        yield operation


_Group = tuple[tuple[str, str], ...]
"""What the numbers of a group share: the names and values of their params, in order of the names.

The order is not that of a set, which is another one in each process: a journal would take the
operations of a second run for new ones.
"""


class _Reader:
    """Reads recipients, each once."""

    def __init__(
        self,
        template: Template,
        country: str | None,
        on_invalid: Callable[[InvalidRecipient], object] | None,
    ) -> None:
        self.template = template
        self.shared = _group_of(template.params)
        self._country = None if country is None else check_country(country)
        self._on_invalid = check_function(on_invalid, "on_invalid")
        self.count = 0
        # There may be millions: a number is kept as an int, one with its own params as a digest.
        self._seen: set[int | bytes] = set()

    def read(self, recipient: Recipient) -> tuple[str, _Group] | None:
        """Return a recipient's number and group, or ``None`` if it is not to be sent to."""
        group = self.shared
        try:
            if isinstance(recipient, str):
                number = recipient
            else:
                number, group = self._parts(recipient)
            number = normalize_number(number, self._country)
        except (TypeError, ValueError) as error:
            if self._on_invalid is None:
                raise type(error)(f"recipients[{self.count}]: {error}") from None
            self.count += 1
            self._on_invalid(InvalidRecipient(self.count - 1, str(error), recipient))
            return None
        self.count += 1
        known = int(number) if group is self.shared else _digest(number, group)
        if known in self._seen:
            return None
        self._seen.add(known)
        return number, group

    def _parts(self, recipient: tuple[str, Params]) -> tuple[str, _Group]:
        if not isinstance(recipient, tuple) or len(recipient) != 2:  # noqa: PLR2004 - a pair
            is_tuple = isinstance(recipient, tuple)
            found = f"a tuple of {len(recipient)}" if is_tuple else kind_of(recipient)
            raise TypeError(
                f"expected a phone number, or a pair of a number and its params, got {found}"
            )
        number, params = recipient
        own = Template(self.template.id, params=params).params
        group = _group_of({**self.template.params, **own})
        return number, self.shared if group == self.shared else group


class _Grouping:
    """Numbers that wait until there are enough for an operation."""

    def __init__(
        self, reader: _Reader, size: int, most_groups: int, options: Mapping[str, Any]
    ) -> None:
        # One is made in any case: what is wrong with the options shows before the first is sent.
        SendSMS("+6591234567", reader.template, **options)
        self._reader = reader
        self._size = size
        self._most_groups = most_groups
        self._options = options
        self._waiting: dict[_Group, list[str]] = {}
        self.full: list[SendSMS] = []

    @clears_frames
    def add(self, recipient: Recipient) -> None:
        found = self._reader.read(recipient)
        if found is not None:
            self._put(*found)

    def _put(self, number: str, group: _Group) -> None:
        numbers = self._waiting.get(group)
        if numbers is None:
            if len(self._waiting) == self._most_groups:
                self._finish(next(iter(self._waiting)))
            numbers = self._waiting[group] = []
        numbers.append(number)
        if len(numbers) == self._size:
            self._finish(group)

    def _finish(self, group: _Group) -> None:
        template = self._reader.template
        if group is not self._reader.shared:
            template = Template(template.id, params=dict(group))
        self.full.append(SendSMS(self._waiting.pop(group), template, **self._options))

    def taken(self) -> list[SendSMS]:
        """Hand over the operations that are complete."""
        full, self.full = self.full, []
        return full

    def close(self) -> None:
        """Complete what waits, oldest first."""
        for group in tuple(self._waiting):
            self._finish(group)


def _group_of(params: Mapping[str, str]) -> _Group:
    return tuple(sorted(params.items()))


def _digest(number: str, group: _Group) -> bytes:
    return blake2b(repr((number, group)).encode(), digest_size=16).digest()
