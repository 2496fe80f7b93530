"""Numbers that limit something, checked when they are configured."""

import math


def positive(name: str, value: float) -> float:
    """Return a number that is more than 0 and less than infinity.

    Raises:
        TypeError: It is no number.
        ValueError: It is out of range.
    """
    if not 0 < _number(name, value) < math.inf:
        raise ValueError(f"{name}: must be more than 0")
    return value


def not_negative(name: str, value: float) -> float:
    """Return a number that is 0 or more, and less than infinity.

    Raises:
        TypeError: It is no number.
        ValueError: It is out of range.
    """
    if not 0 <= _number(name, value) < math.inf:
        raise ValueError(f"{name}: must be 0 or more, and finite")
    return value


def _number(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {type(value).__name__}")
    return value


def whole(name: str, value: int) -> int:
    """Return a whole number that is more than 0.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is out of range.
    """
    if not isinstance(value, int):
        raise TypeError(f"{name}: expected an int, got {type(value).__name__}")
    return int(positive(name, value))
