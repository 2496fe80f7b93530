"""Enums of the platform's values, which take values that are not known yet.

A platform learns new values sooner than its clients do. One that this version does not know becomes
a member for itself, with the value that came and the name ``UNKNOWN_…``; the known ones stay what
they are, so ``is`` keeps working for them.
"""

from enum import IntEnum, StrEnum
from typing import Self


class OpenInt(IntEnum):
    """Numbers."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member


class OpenStr(StrEnum):
    """Words."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member
