"""The fields of a decoded body: there, and of their type, or error 3002."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeVar

from attrs import frozen

from .refusals import RefusedError

Body: TypeAlias = Mapping[str, object]
"""The JSON object of a request."""

Answer: TypeAlias = dict[str, object]
"""The JSON object of an HTTP 200."""

T = TypeVar("T", str, int)


@frozen
class Fields:
    """One JSON object of a request.

    ``null`` counts as left out. So does an empty string, except among params: no other field of
    the five calls has a use for one.

    Attributes:
        values: The object.
        path: Where it stands in the body, with a dot behind it; the errors name it.
        code: The code of the errors.
    """

    values: Mapping[str, object]
    path: str = ""
    code: int = 3002

    def text(self, name: str) -> str:
        """Return a required string."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value:
            raise self.refusal(name, "must be a non-empty string")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a string, or None."""
        return None if self.values.get(name) is None else self.text(name)

    def short_text(self, name: str, lengths: range) -> str:
        """Return a required string of some length."""
        value = self.text(name)
        if len(value) not in lengths:
            raise self.refusal(name, f"must have {lengths[0]} to {lengths[-1]} characters")
        return value

    def optional_short_text(self, name: str, lengths: range) -> str | None:
        """Return a string of some length, or None."""
        return None if self.values.get(name) is None else self.short_text(name, lengths)

    def optional_string(self, name: str, *, longest: int | None = None) -> str | None:
        """Return a string, which may be empty, or None."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.refusal(name, "must be a string")
        if value and longest is not None and len(value) > longest:
            raise self.refusal(name, f"must have at most {longest} characters")
        return value

    def check_without(self, name: str, forbidden: Sequence[str]) -> None:
        """Refuse a string that holds what is forbidden."""
        if any(each in self.text(name) for each in forbidden):
            raise self.refusal(name, f"must not hold {' '.join(forbidden)}")

    def one_of(self, name: str, values: Sequence[T]) -> T:
        """Return a required value that is one of some."""
        given = self.values.get(name)
        for value in values:
            # To Python, true is 1.
            if given == value and not isinstance(given, bool):
                return value
        raise self.refusal(name, f"must be one of {' '.join(map(str, values))}")

    def optional_one_of(self, name: str, values: Sequence[T]) -> T | None:
        """Return a value that is one of some, or None."""
        return None if self.values.get(name) is None else self.one_of(name, values)

    def identifier(self, name: str) -> str:
        """Return a required string that may come as an integer."""
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(name)

    def optional_identifier(self, name: str) -> str | None:
        """Return a string that may come as an integer, or None."""
        return None if self.values.get(name) is None else self.identifier(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a required array of strings; a bare string is an array of one."""
        value = self.values.get(name)
        items = value if isinstance(value, list) else [value]
        texts = tuple(item for item in items if isinstance(item, str) and item)
        if not texts or len(texts) < len(items):
            raise self.refusal(name, "must be a non-empty array of non-empty strings")
        return texts

    def optional_integer(self, name: str) -> int | None:
        """Return an integer, or None."""
        value = self.values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.refusal(name, "must be an integer")
        return value

    def number(self, name: str, allowed: range) -> int:
        """Return a required integer of a range."""
        value = self.optional_integer(name)
        if value is None or value not in allowed:
            raise self.refusal(name, f"must be {allowed[0]} to {allowed[-1]}")
        return value

    def optional_boolean(self, name: str) -> bool:
        """Return a boolean, false when it was left out."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.refusal(name, "must be a boolean")
        return bool(value)

    def inner(self, name: str) -> "Fields":
        """Return a required object."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise self.refusal(name, "must be an object")
        return Fields(value, f"{self.path}{name}.", self.code)

    def optional_inner(self, name: str) -> "Fields":
        """Return an object, empty when it was left out."""
        if self.values.get(name) is None:
            return Fields({}, f"{self.path}{name}.", self.code)
        return self.inner(name)

    def optional_inners(self, name: str) -> "list[Fields]":
        """Return an array of objects, empty when it was left out."""
        items = self.values.get(name)
        if items is None:
            return []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.refusal(name, "must be an array of objects")
        return [
            Fields(item, f"{self.path}{name}[{place}].", self.code)
            for place, item in enumerate(items)
        ]

    def all_texts(self) -> Mapping[str, str]:
        """Return every field; all must be strings, which may be empty."""
        texts: dict[str, str] = {}
        for name, value in self.values.items():
            if not isinstance(value, str):
                raise self.refusal(name, "must be a string")
            texts[name] = value
        return texts

    def refusal(self, name: str, demand: str) -> RefusedError:
        """Make the error that names a field and what it must be."""
        return RefusedError(self.code, f"{self.path}{name} {demand}")
