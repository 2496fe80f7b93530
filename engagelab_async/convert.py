"""Convert attrs classes to and from JSON.

It is strict about kinds, unlike that of cattrs, and says where in the document something is wrong::

    $[3].status: expected an integer, got null
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, IntFlag, StrEnum
from types import NoneType
from typing import Annotated, Any, Final, TypeGuard, TypeVar, get_args, get_origin

from attrs import NOTHING, AttrsInstance, fields, has
from cattrs import ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from engagelab_async.arguments import ALWAYS, KEPT, WHOLE_BODY, is_integer
from engagelab_async.balance import Balance
from engagelab_async.operation import (
    IDENTIFIER,
    IN_PATH,
    Operation,
    Separator,
    query_fields,
    wire_name,
)

R = TypeVar("R")

_MOST_DIGITS: Final = 39
_DECIMAL: Final = re.compile(rf"-?[0-9]{{1,{_MOST_DIGITS}}}(\.[0-9]{{1,{_MOST_DIGITS}}})?")


class MismatchError(Exception):
    """A value is not of the documented kind; `address` is where it stands in the document."""

    def __init__(self, problem: str, address: str = "$") -> None:
        super().__init__(problem)
        self.address = address


class _ItemError(Exception):
    """An item of an array or an object is not of the documented kind; its cause says how."""


def mismatch(expected: str, value: object) -> MismatchError:
    """Make the error for a value of another kind."""
    return MismatchError(f"expected {expected}, got {json_kind(value)}")


def json_kind(value: object) -> str:
    """Name the kind of a value in the words of JSON."""
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")


# cattrs' own hooks coerce: null would become the string "None", and 5 the string "5".


def _string(value: object, _: object) -> str:
    if isinstance(value, str):
        return value
    raise mismatch("a string", value)


def _integer(value: object, _: object) -> int:
    if is_integer(value):
        return value
    raise mismatch("an integer", value)


def _boolean(value: object, _: object) -> bool:
    if isinstance(value, bool):
        return value
    raise mismatch("a boolean", value)


def _identifier(kind: object) -> Callable[[object, object], str | int]:
    return _integer_id if get_args(kind)[0] is int else _string_id


def _integer_id(value: object, _: object) -> int:
    # Some APIs learn to send large numbers as strings, for the sake of JavaScript.
    return _number(value)


def _string_id(value: object, _: object) -> str:
    if isinstance(value, str):
        return value
    if is_integer(value):
        return int.__str__(value)
    raise mismatch("a string", value)


def _moment(value: object, _: object) -> datetime:
    seconds = _number(value)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise MismatchError("expected Unix seconds, got a number far off") from None


def _number(value: object) -> int:
    """Read a number; here, too, a string of digits is taken as well."""
    return int(value) if is_digits(value) else _integer(value, int)


def _balance(value: object, kind: type[Balance]) -> Balance:
    found = _json_object(value, kind)
    return kind(
        balance=_amount(found, "balance"),
        gift_balance=_amount(found, "gift_balance"),
        total_balance=_amount(found, "total_balance"),
        currency=_read_at(found, "currency", _string_or_none),
    )


def _amount(found: Mapping[str, Any], name: str) -> Decimal:
    """Read an amount of money, of the integer that counts ten-thousandths where there is one."""
    scaled = f"{name}10000"
    if found.get(scaled) is not None:
        return _read_at(found, scaled, _ten_thousandths)
    if name not in found:
        raise _ItemError(f".{name}") from KeyError(name)
    return _read_at(found, name, _decimal)


def _read_at(found: Mapping[str, Any], name: str, reader: Callable[[Any], R]) -> R:
    try:
        return reader(found.get(name))
    except MismatchError as error:
        raise _ItemError(f".{name}") from error


def _ten_thousandths(value: object) -> Decimal:
    # Written out, as arithmetic would round to the precision that the program has chosen.
    return Decimal(f"{_integer(value, int)}e-4")


def _decimal(value: object) -> Decimal:
    """Read a decimal, which is a string or a number; never by way of a float."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS:
        return value
    if is_integer(value):
        return Decimal(value)
    raise mismatch("a decimal", value)


def _string_or_none(value: object) -> str | None:
    return None if value is None else _string(value, str)


def _enum_member(value: object, kind: type[Enum]) -> object:
    return kind(_number(value) if issubclass(kind, int) else _string(value, str))


def _array(value: object, kind: object) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise mismatch("an array", value)
    return tuple(_item(item, get_args(kind)[0], f"[{place}]") for place, item in enumerate(value))


def _json_object(value: object, _: object) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise mismatch("an object", value)


def _item(value: object, kind: type[R], step: str) -> R:
    try:
        return _converter.structure(value, kind)
    except (MismatchError, ClassValidationError) as error:
        raise _ItemError(step) from error


def _separator(kind: object) -> Separator:
    return next(each for each in get_args(kind) if isinstance(each, Separator))


def _joined(value: object, kind: object) -> tuple[object, ...]:
    parts = [part.strip() for part in _string(value, str).split(_separator(kind))]
    item = get_args(get_args(kind)[0])[0]
    return tuple(_converter.structure(part, item) for part in parts if part)


def _joining(kind: object) -> Callable[[tuple[str, ...]], str]:
    return _separator(kind).join


def _is_joined(kind: object) -> bool:
    return get_origin(kind) is Annotated and any(
        isinstance(each, Separator) for each in get_args(kind)
    )


def _nothing(value: object, _: object) -> None:
    _json_object(value, dict)


def _is_nothing(kind: object) -> bool:
    return kind is NoneType


def is_array(kind: object) -> bool:
    """Return whether a class is that of an array."""
    return get_origin(kind) is tuple


def is_digits(value: object) -> TypeGuard[str]:
    """Return whether a string is a number."""
    # No number of the API is that long, and int() refuses to read thousands of digits.
    return isinstance(value, str) and bool(re.fullmatch(rf"[0-9]{{1,{_MOST_DIGITS}}}", value))


def _is_identifier(kind: object) -> bool:
    return get_origin(kind) is Annotated and IDENTIFIER in get_args(kind)


def _structure_hook(kind: type[AttrsInstance]) -> Callable[[Any, Any], Any]:
    """Reject non-objects with their own path; treat null as absent."""
    names: dict[str, Any] = {
        each.name: override(rename=wire_name(each))
        for each in fields(kind)
        if wire_name(each) != each.name
    }
    structure = make_dict_structure_fn(kind, _converter, **names)
    filled = {wire_name(each) for each in fields(kind) if each.default not in (NOTHING, None)}

    def hook(value: object, _: object) -> object:
        found = _json_object(value, kind)
        if filled:
            found = {
                name: each for name, each in found.items() if not (each is None and name in filled)
            }
        return structure(found, kind)

    return hook


def _is_json(kind: object) -> bool:
    return get_origin(kind) is Mapping and Any in get_args(kind)


def _outside_body(kind: type[AttrsInstance]) -> set[str]:
    """Return the fields of a class that are sent in the path or in the query."""
    if not issubclass(kind, Operation):
        return set()
    in_path = IN_PATH.findall(kind.endpoint.path)
    return {*in_path, *(each.name for each in query_fields(kind))}


def _unstructure_hook(kind: type[AttrsInstance]) -> Callable[[Any], Any]:
    """Omit fields that the caller omitted, and write each field under its key in the body."""
    elsewhere = _outside_body(kind)
    overrides: dict[str, Any] = {
        field.name: override(
            omit=field.name in elsewhere,
            omit_if_default=False if field.metadata.get(ALWAYS) else None,
            rename=wire_name(field),
            unstruct_hook=_keeping(kept) if (kept := field.metadata.get(KEPT)) else None,
        )
        for field in fields(kind)
    }
    write = make_dict_unstructure_fn(kind, _converter, _cattrs_omit_if_default=True, **overrides)
    whole = next((field.name for field in fields(kind) if field.metadata.get(WHOLE_BODY)), None)
    return write if whole is None else lambda value: write(value)[whole]


def _keeping(kept: tuple[str, ...]) -> Callable[[object], dict[str, Any]]:
    """Write the keys of a nested value that the API wants even if they are empty."""

    def hook(value: object) -> dict[str, Any]:
        written: dict[str, Any] = _converter.unstructure(value)
        return written | {name: getattr(value, name) for name in kept}

    return hook


def _make_converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(bool, _boolean)
    converter.register_structure_hook(datetime, _moment)
    converter.register_structure_hook(Balance, _balance)
    for kind in (IntEnum, IntFlag, StrEnum):
        converter.register_structure_hook(kind, _enum_member)
    converter.register_structure_hook_func(is_array, _array)
    converter.register_structure_hook_func(_is_json, _json_object)
    converter.register_structure_hook_factory(_is_identifier, _identifier)
    converter.register_structure_hook_func(_is_joined, _joined)
    converter.register_structure_hook_func(_is_nothing, _nothing)
    converter.register_unstructure_hook_factory(_is_joined, _joining)
    converter.register_structure_hook_factory(has, _structure_hook)
    converter.register_unstructure_hook_factory(has, _unstructure_hook)
    # The caller's own data came out of JSON: it is written as it is, at any depth.
    converter.register_unstructure_hook_func(_is_json, lambda value: value)
    return converter


_converter: Final = _make_converter()


def write(value: object, kind: object = None) -> Any:  # noqa: ANN401 - JSON
    """Convert a value to JSON values; its declared type counts if that says more than its class."""
    return _converter.unstructure(value, kind)


def read(document: object, kind: type[R]) -> R:
    """Convert JSON values to a value.

    Raises:
        MismatchError: The document is not what the API documents.
    """
    try:
        return _converter.structure(document, kind)
    except (MismatchError, _ItemError, ClassValidationError) as error:
        address, problem = _addressed(error)
        raise MismatchError(problem, address) from None


def _addressed(error: BaseException, address: str = "$") -> tuple[str, str]:
    """Find the first wrong field below an address, and say what is wrong with it."""
    if isinstance(error, ClassValidationError):
        found, note = error.group_exceptions()[0][0]
        return _addressed(found, f"{address}.{note.name}")
    if isinstance(error, _ItemError) and error.__cause__ is not None:
        return _addressed(error.__cause__, f"{address}{error}")
    if isinstance(error, KeyError):
        return address, "required field is missing"
    return address, str(error)
