"""What the wording of templates and signatures must be, by the platform's documentation.

Like `arguments`, but for what an operator writes once and not for what a program sends: nothing
here is personal.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeVar, cast

from engagelab_async import arguments
from engagelab_async.open_enums import OpenInt, OpenStr
from engagelab_async.operation import Separator
from engagelab_async.placeholders import variables

E = TypeVar("E", bound=OpenInt | OpenStr)

CountryCodes = Annotated[tuple[str, ...], Separator(",")]
"""Countries; one string on the wire, such as ``CN,US``."""

_COUNTRY_CODE: Final = 2


def template_id(value: str | int) -> str:
    """Convert a template's id."""
    return arguments.identifier(value, "template_id")


def sign_id(value: str | int) -> str:
    """Convert a signature's id."""
    return arguments.identifier(value, "sign_id")


def characters(shortest: int, longest: int | None = None) -> arguments.Validator:
    """Make a validator of a text's length."""
    return arguments.validator(check_length, shortest, longest)


def check_length(value: str, name: str, shortest: int, longest: int | None) -> None:
    """Refuse a text that is too short or too long."""
    arguments.check_text(value, name)
    if len(value) < shortest or (longest is not None and len(value) > longest):
        raise ValueError(f"{name}: must have {shortest} to {longest} characters, has {len(value)}")


def without(*forbidden: str) -> arguments.Validator:
    """Make a validator that refuses a text with certain characters or words in it."""
    return arguments.validator(_check_without, forbidden)


def _check_without(value: str, name: str, forbidden: tuple[str, ...]) -> None:
    found = [each for each in forbidden if each in value]
    if found:
        raise ValueError(f"{name}: must not hold {' '.join(found)}, which the platform forbids")


def or_none(kind: type[object]) -> arguments.Validator:
    """Make a validator for a class, or ``None``."""
    return arguments.validator(_check_or_none, kind)


def _check_or_none(value: object, name: str, kind: type[object]) -> None:
    if value is not None and not isinstance(value, kind):
        found = arguments.kind_of(value)
        raise TypeError(f"{name}: expected {kind.__name__} or None, got {found}")


def holds_code(content: str) -> bool:
    """Return whether a text has a place for a code."""
    return "code" in variables(content)


def check_place_for_code(content: str, name: str) -> None:
    """Refuse the text of an authentication template that has no place for the code."""
    if not holds_code(content):
        raise ValueError(f"{name}: must hold {{{{code}}}}, as the template is for authentication")


def country_codes(value: str | Iterable[str]) -> tuple[str, ...]:
    """Convert country codes: ``CN,US``, or one string for each."""
    if not isinstance(value, Iterable):
        raise TypeError(
            f"country_codes: expected a str or an iterable of str, got {arguments.kind_of(value)}"
        )
    codes = tuple(_country_code(code) for code in split(value, ","))
    if not codes:
        raise ValueError("country_codes: must not be empty")
    return codes


def split(value: str | Iterable[str], separator: str) -> tuple[str, ...]:
    """Split a string that is joined on the wire; anything else is unchanged."""
    if not isinstance(value, str):
        return tuple(value)
    return tuple(part.strip() for part in value.split(separator) if part.strip())


def _country_code(value: str) -> str:
    code = arguments.check_text(value, "country_codes").strip().upper()
    if len(code) != _COUNTRY_CODE or not (code.isascii() and code.isalpha()):
        raise ValueError("country_codes: expected codes of two letters, such as CN or US")
    return code


def member(kind: type[E], value: E | str | int, name: str) -> E:
    """Return a member of an enum, and refuse a typo.

    A member for a value that is not known yet passes: it came from the platform.
    """
    if isinstance(value, kind):
        return value
    if isinstance(value, bool) or not isinstance(value, int if issubclass(kind, int) else str):
        raise TypeError(f"{name}: expected a {kind.__name__}, got {arguments.kind_of(value)}")
    found = kind(cast("Any", value))
    if found.name not in kind.__members__:
        raise ValueError(f"{name}: expected one of {', '.join(str(each.value) for each in kind)}")
    return found
