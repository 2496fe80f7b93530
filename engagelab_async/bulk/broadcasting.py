"""One text to many people: numbers in, `SendSMS` operations of many targets out.

::

    numbers ── written alike, each once ──> groups of equal params ── full ──> SendSMS
                                              (a bounded number)
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, overload

from engagelab_async.arguments import check_integer
from engagelab_async.frames import clears_frames
from engagelab_async.sms.messages import SendSMS
from engagelab_async.template import Template

if TYPE_CHECKING:
    from datetime import datetime

_NO_NUMBER: Final = "not a phone number with its country code"

Params = Mapping[str, str | int]
Recipient = str | tuple[str, Params]
"""A phone number, alone or with params of its own."""

_MOST_GROUPS: Final = 1000
"""How many groups may wait to be filled; the oldest is sent as it is."""

_LEAST_DIGITS: Final = 7
_MOST_DIGITS: Final = 15
# Blanks, and what address books put around a number: marks for the direction of writing, and the
# byte order mark.
_BLANKS: Final = dict.fromkeys(map(ord, " \t\u00a0\u00ad\u2007\u2009\u202f")) | dict.fromkeys(
    [0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, 0xFEFF]
)
_MARKS: Final = dict.fromkeys(map(ord, "-.()\u2010\u2011\u2012\u2013\u2014\u2212"))

_FRACTION: Final = re.compile(r"\+?[0-9]+[.,]0+")
_LAST_DIGIT_ALONE: Final = re.compile(r".*[-.(\u2010-\u2014\u2212][0-9]\)?")


@overload
def broadcast(
    recipients: Iterable[Recipient],
    template: str | int | Template,
    *,
    params: Params | None = ...,
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
    targets_per_request: int = 200,
    group_by_params: bool = True,
    plan_name: str | None = None,
    schedule_time: datetime | float | None = None,
    custom_args: Mapping[str, Any] | None = None,
) -> Iterator[SendSMS] | AsyncIterator[SendSMS]:
    """Make the operations that send one SMS template to many phones.

    Numbers begin with their country code, with ``+`` or ``00`` before it or neither. They may be
    written with spaces, dashes, dots and parentheses, and are sent as ``+6591234567``. A national
    number cannot always be recognized; it is refused if it begins with a zero or is too short. So
    are entries that could be read as a different number: with a slash, as a decimal fraction
    (``6591234567.0``), and with a last digit that stands alone, as in an extension or a range
    (``+65 9123 4567-8``). Duplicates with equal params are removed. For that, the numbers so far
    are kept in memory, about 70 bytes each.

    Args:
        recipients: Any iterable or async iterable of phone numbers, or of pairs of a number and
            its own params.
        template: The template, or its id.
        params: Values of the template's variables; those of a recipient override them.
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

    Example:
        >>> for operation in broadcast(["+65 9123-4567", "6591234568"], "1233"):
        ...     print(operation.to)
        ('+6591234567', '+6591234568')
    """
    if isinstance(recipients, str | bytes | Mapping):
        kind = type(recipients).__name__
        raise TypeError(f"recipients: expected an iterable of phone numbers, got {kind}")
    grouping = _Grouping(
        Template.of(template) if params is None else Template.of(template, params=params),
        check_integer(targets_per_request, "targets_per_request", 1),
        _MOST_GROUPS if group_by_params else 1,
        {"plan_name": plan_name, "schedule_time": schedule_time, "custom_args": custom_args},
    )
    if isinstance(recipients, AsyncIterable):
        return _broadcast_async(recipients, grouping)
    if isinstance(recipients, Iterable):
        return _broadcast(iter(recipients), grouping)
    kind = type(recipients).__name__
    raise TypeError(f"recipients: expected an iterable or async iterable, got {kind}")


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


class _Grouping:
    """Numbers that wait until there are enough for an operation.

    Args:
        template: With the params that all recipients share.
        size: How many numbers an operation has at most.
        most_groups: How many groups may wait.
        options: What all operations have besides.
    """

    def __init__(
        self, template: Template, size: int, most_groups: int, options: Mapping[str, Any]
    ) -> None:
        # One is made in any case: what is wrong with the options shows before the first is sent.
        SendSMS("+6591234567", template, **options)
        self._size = size
        self._most_groups = most_groups
        self._options = options
        self._template = template
        self._shared = _group_of(template.params)
        self._waiting: dict[_Group, list[str]] = {}
        self._taken_in = 0
        # There may be millions: a number is kept as an int, one with its own params as a digest.
        self._seen: set[int | bytes] = set()
        self.full: list[SendSMS] = []

    @clears_frames
    def add(self, recipient: Recipient) -> None:
        """Take in a recipient."""
        group = self._shared
        try:
            if not isinstance(recipient, str):
                recipient, group = self._parts(recipient)
            number = phone_number(recipient)
        except (TypeError, ValueError) as error:
            raise type(error)(f"recipients[{self._taken_in}]: {error}") from None
        self._taken_in += 1
        known = int(number) if group is self._shared else _digest(number, group)
        if known not in self._seen:
            self._seen.add(known)
            self._put(number, group)

    def _parts(self, recipient: tuple[str, Params]) -> tuple[str, _Group]:
        if not isinstance(recipient, tuple) or len(recipient) != 2:  # noqa: PLR2004 - a pair
            raise TypeError("expected a phone number, or a pair of a number and its params")
        number, params = recipient
        if not isinstance(number, str):
            raise TypeError(f"expected a phone number as a str, got {type(number).__name__}")
        own = Template(self._template.id, params=params).params
        group = _group_of({**self._template.params, **own})
        return number, self._shared if group == self._shared else group

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
        template = self._template
        if group is not self._shared:
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


def phone_number(text: str) -> str:
    """Write a phone number in the one way in which it is sent: ``+``, country code, number.

    Args:
        text: The number as it was written; see `broadcast`.

    Raises:
        ValueError: It is no phone number with a country code. The text does not quote it.

    Example:
        >>> phone_number("0065 (9123) 4567")
        '+6591234567'
    """
    bare = text if text.removeprefix("+").isdecimal() else _bare(text)
    digits = bare[1:] if bare.startswith("+") else bare.removeprefix("00")
    if not (_LEAST_DIGITS <= len(digits) <= _MOST_DIGITS and digits.isdecimal()):
        raise ValueError(_NO_NUMBER)
    if not digits.isascii():
        raise ValueError(_NO_NUMBER)
    if digits[0] == "0":
        raise ValueError("begins with 0; write + and the country code")
    return f"+{digits}"


def _bare(text: str) -> str:
    """Remove separators, unless that would result in a different number."""
    written = text.translate(_BLANKS)
    if _FRACTION.fullmatch(written):
        raise ValueError("a decimal fraction; keep numbers as text, where they come from")
    # Dialled at home and left out abroad.
    if "(0)" in written:
        raise ValueError("leave out the (0), which is not dialled from abroad")
    # An extension, or the end of a range: 4567-8 is 4567 and 4568.
    if _LAST_DIGIT_ALONE.fullmatch(written):
        raise ValueError("ends in a single digit; leave it out, or write it with the others")
    return written.translate(_MARKS)


def _group_of(params: Mapping[str, str]) -> _Group:
    return tuple(sorted(params.items()))


def _digest(number: str, group: _Group) -> bytes:
    return blake2b(repr((number, group)).encode(), digest_size=16).digest()
