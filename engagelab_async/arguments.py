"""What an argument must be, and how much of it a ``repr`` may show.

================================  =================================================================
``check_text(value, "name")``     returns the value, or raises
``text``, ``integer(1)``          the same as attrs validators
``identifier``, ``recipients``    converters: they return what is sent
``hidden``, ``masked_recipient``  what a ``repr`` shows
================================  =================================================================

Each raises ``TypeError`` or ``ValueError`` with a text that begins with the argument's name. It
quotes numbers that are out of bounds, and nothing else that was passed in: it may be personal.
"""

import inspect
import json
import math
import sys
import time
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeGuard, TypeVar

from attrs import Attribute

JSON_NAME: Final = "json_name"
"""Field metadata: the field's name on the wire, where it is not the attribute's."""

KEPT: Final = "kept"
"""Field metadata: the keys of a nested value that are sent even when they are empty."""

ALWAYS: Final = "always"
"""Field metadata: the field is sent even when it has its default."""

WHOLE_BODY: Final = "whole_body"
"""Field metadata: the field is not a part of the body, but all of it."""

PERSONAL: Final = "personal"
"""Field metadata: a recipient, a code or a text, which no exception may show."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

Validator: TypeAlias = Callable[[Any, "Attribute[Any]", Any], None]
"""A validator of attrs."""

_MIN_AHEAD: Final = 3 * 60
_MAX_AHEAD: Final = 30 * 24 * 60 * 60
_SHOWN_RECIPIENTS: Final = 3

# To compare with it, unlike math.isfinite, also works for an int that no float can hold.
_LARGEST_FLOAT: Final = sys.float_info.max


# ------------------------------------------------------------------------------- checks


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is an ``int`` and not a ``bool``, which is a subclass of it."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is an ``int`` or a ``float``, and not a ``bool``."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_integer(
    value: object, name: str, least: int | None = None, most: int | None = None
) -> int:
    """Return `value` if it is an ``int``, and within bounds if there are any."""
    if not is_integer(value):
        raise TypeError(f"{name}: expected an int, got {kind_of(value)}")
    if least is not None and (value < least or (most is not None and value > most)):
        upper = "" if most is None else f" and at most {most}"
        raise ValueError(f"{name}: must be at least {least}{upper}, got {value}")
    return value


def check_number(value: object, name: str, least: float, most: float) -> float:
    """Return `value` if it is a number from `least` to `most`."""
    number = _number(value, name, "a number")
    if not least <= number <= most:
        raise ValueError(f"{name}: must be from {least:g} to {most:g}, got {value}")
    return number


def check_timeout(value: object, name: str) -> float:
    """Return `value` if it is a number of seconds above 0; infinity stands for no limit."""
    seconds = _number(value, name, "seconds as a number")
    if not seconds > 0:
        raise ValueError(f"{name}: must be more than 0 seconds")
    # An int may be larger than any float that is not infinite.
    return seconds if seconds <= _LARGEST_FLOAT else math.inf


def check_seconds(value: object, name: str, *, or_zero: bool = False) -> float:
    """Return `value` if it is a finite number of seconds above 0, or 0 itself with `or_zero`."""
    seconds = _number(value, name, "seconds as a number")
    if not (seconds <= _LARGEST_FLOAT and (seconds >= 0 if or_zero else seconds > 0)):
        bound = "0 or more" if or_zero else "above 0"
        raise ValueError(f"{name}: must be a finite number of seconds, {bound}")
    return seconds


def _number(value: object, name: str, expected: str) -> float:
    if not is_number(value):
        raise TypeError(f"{name}: expected {expected}, got {kind_of(value)}")
    return value


def check_flag(value: object, name: str) -> bool:
    """Return `value` if it is a ``bool``."""
    # The string "false", read from a configuration file, would be true.
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected a bool, got {kind_of(value)}")
    return value


def check_instance(value: object, name: str, kind: type[T]) -> T:
    """Return `value` if it is of a class."""
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def check_container(value: Container[str], name: str) -> Container[str]:
    """Return `value` if it can be asked whether it contains a recipient."""
    # A string contains strings, too, but is the name of a file.
    if isinstance(value, str | bytes) or not isinstance(value, Container):
        kind = type(value).__name__
        raise TypeError(f"{name}: expected a container of recipients, got {kind}")
    return value


def check_function(value: F | None, name: str) -> F | None:
    """Return `value` if it is ``None``, or a function that need not be awaited."""
    call = getattr(value, "__call__", None)  # noqa: B004 - whether its __call__ is async
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(call):
        raise TypeError(f"{name}: expected a plain function, got a coroutine function")
    if value is not None and not callable(value):
        raise TypeError(f"{name}: expected a function, got {type(value).__name__}")
    return value


def check_text(value: object, name: str, hint: str = "") -> str:
    """Return `value` if it is a string with something in it; `hint` is for one of another type."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, got {kind_of(value)}{hint}")
    if not value.strip():
        raise ValueError(f"{name}: must not be empty")
    return value if value.isascii() else encodable(value, name)


def encodable(value: str, name: str) -> str:
    """Return `value` unless it holds half a surrogate pair, which no request can carry."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name}: holds a lone surrogate, which UTF-8 cannot carry") from None
    return value


# ------------------------------------------------------------------------------- validators


def validator(check: Callable[..., object], *bounds: object, **options: object) -> Validator:
    """Make a validator of a check, from what the check takes behind value and name."""

    def validate(_: object, attribute: "Attribute[Any]", value: object) -> None:
        check(value, attribute.name, *bounds, **options)

    return validate


def integer(least: int, most: int | None = None) -> Validator:
    """Make a validator of an ``int`` within bounds."""
    return validator(check_integer, least, most)


def number(least: float, most: float) -> Validator:
    """Make a validator of a number within bounds."""
    return validator(check_number, least, most)


seconds_or_zero: Final = validator(check_seconds, or_zero=True)
flag: Final = validator(check_flag)


def text(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Validate a string with something in it."""
    check_text(value, attribute.name)


def code(_: object, attribute: "Attribute[Any]", value: object) -> None:
    """Validate a code."""
    check_text(value, attribute.name, " (a number would lose its leading zeros)")


# ------------------------------------------------------------------------------- converters


def identifier(value: str | int, name: str) -> str:
    """Return an id as a string."""
    # The SMS console shows numeric ids, and one of the vendor's samples passes one as a number.
    return decimal(value) if is_integer(value) else check_text(value, name)


def recipients(value: str | Iterable[str]) -> tuple[str, ...]:
    """Take one target or many; a lone string is one target, never a sequence of characters."""
    if isinstance(value, str):
        return (check_text(value, "to"),)
    if not isinstance(value, Iterable) or isinstance(value, bytes | bytearray | Mapping):
        raise TypeError(f"to: expected a str or an iterable of str, got {kind_of(value)}")
    targets = tuple(value)
    if not targets:
        raise ValueError("to: must not be empty")
    for index, target in enumerate(targets):
        # Written out: a list may have 100,000 numbers, and two calls for each would show.
        if type(target) is not str or not target.isascii() or not target.strip():
            check_text(target, f"to[{index}]")
    return targets


def params(value: Mapping[str, str | int]) -> Mapping[str, str]:
    """Copy template variables; an ``int`` becomes its decimal string, as the API wants strings."""
    if not isinstance(value, Mapping):
        raise TypeError(f"params: expected a mapping, got {kind_of(value)}")
    return {_param_name(name): _param_value(name, item) for name, item in value.items()}


def _param_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"params: a variable's name must be a str, got {kind_of(name)}")
    if not name:
        raise ValueError("params: a variable's name must not be empty")
    return encodable(name, "params")


def _param_value(name: object, value: object) -> str:
    if isinstance(value, str):
        return encodable(value, f"params[{name!r}]")
    if not is_integer(value):
        raise TypeError(f"params[{name!r}]: expected a str or an int, got {kind_of(value)}")
    return decimal(value)


def decimal(value: int) -> str:
    """Write an ``int`` in decimal, also one whose class writes itself otherwise, as an enum's."""
    return int.__repr__(value)


def schedule(value: datetime | float | None) -> int | None:
    """Turn a moment into Unix seconds, refusing what the API refuses.

    The API takes whole seconds, at least 3 minutes and at most 30 days ahead; a fraction of a
    second is cut off.
    """
    if value is None:
        return None
    moment = _seconds(value)
    # In whole seconds, as the API counts, or exactly 3 minutes would always be too little.
    ahead = int(moment) - int(time.time())
    if ahead < _MIN_AHEAD:
        raise ValueError("schedule_time: must be at least 3 minutes ahead")
    if ahead > _MAX_AHEAD:
        hint = " (milliseconds?)" if ahead > _MAX_AHEAD * 100 else ""
        raise ValueError(f"schedule_time: must be at most 30 days ahead{hint}")
    return int(moment)


def _seconds(value: datetime | float) -> float:
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError("schedule_time: a datetime must be aware (have a time zone)")
        return value.timestamp()
    if not is_number(value):
        raise TypeError(f"schedule_time: expected a datetime or Unix seconds, got {kind_of(value)}")
    if not abs(value) <= _LARGEST_FLOAT:
        raise ValueError("schedule_time: must be a finite number")
    return value


def custom_args(value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Copy the caller's own data through JSON, so that it is what will be sent, and stays so."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"custom_args: expected a mapping, got {kind_of(value)}")
    try:
        # UTF-8 is checked here as well: json.dumps lets half a surrogate pair through.
        document = json.dumps(dict(value), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        # The built-in text may quote the value, so only its kind is kept.
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            "custom_args: must hold only what JSON can (str, int, float, bool, None, list, dict)"
        ) from None
    copy: dict[str, Any] = json.loads(document)
    return copy


# ------------------------------------------------------------------------------- reprs


def masked_recipient(value: str | tuple[str, ...]) -> str:
    """Show the last two digits of a recipient, or of the first few."""
    if isinstance(value, str):
        return f"'…{value[-2:]}'" if len(value) > 4 else "'…'"  # noqa: PLR2004 - short ones: all hidden
    shown = ", ".join(masked_recipient(target) for target in value[:_SHOWN_RECIPIENTS])
    more = len(value) - _SHOWN_RECIPIENTS
    return f"({shown}, and {more} more)" if more > 0 else f"({shown})"


def hidden(value: object) -> str:
    """Show that there is something, not what."""
    if value is None:
        return "None"
    return f"<{len(value)} hidden>" if isinstance(value, Mapping) else "<hidden>"


def length(value: str | None) -> str:
    """Show how long a template's text is: lists of templates would be unreadable otherwise."""
    return "None" if value is None else f"<{len(value)} characters>"


def kind_of(value: object) -> str:
    """Name the type of a value in an error's text."""
    return "None" if value is None else type(value).__name__
