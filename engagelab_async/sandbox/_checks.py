"""Validators of what a program hands to the sandbox; the errors name the argument."""

from collections.abc import Callable
from typing import Any, TypeAlias

from attrs import Attribute

Check: TypeAlias = Callable[[object, "Attribute[Any]", Any], None]
"""A validator of attrs."""


def number(lowest: float, highest: float) -> Check:
    """Take a number between two others, or one of them."""

    def check(_: object, attribute: "Attribute[float]", value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _mistyped(attribute.name, "a number", value)
        if not lowest <= value <= highest:
            raise ValueError(
                f"{attribute.name}: must be from {lowest:g} to {highest:g}, got {value}"
            )

    return check


def whole(lowest: int, highest: int | None = None) -> Check:
    """Take a whole number, from one on or up to another."""

    def check(_: object, attribute: "Attribute[int]", value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _mistyped(attribute.name, "an int", value)
        if value < lowest or (highest is not None and value > highest):
            upper = "" if highest is None else f" and at most {highest}"
            raise ValueError(f"{attribute.name}: must be at least {lowest}{upper}, got {value}")

    return check


def text(_: object, attribute: "Attribute[str]", value: object) -> None:
    """Take a string that is not empty."""
    if not isinstance(value, str):
        raise _mistyped(attribute.name, "a str", value)
    if not value:
        raise ValueError(f"{attribute.name}: must not be empty")


def truth(_: object, attribute: "Attribute[bool]", value: object) -> None:
    """Take a bool."""
    if not isinstance(value, bool):
        raise _mistyped(attribute.name, "a bool", value)


def _mistyped(name: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"{name}: expected {wanted}, got {type(value).__name__}")
