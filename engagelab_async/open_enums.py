"""Enums of the platform's values, which accept unknown values.

A platform learns new values sooner than its clients do. One that this version does not know becomes
a member for itself, with the value that came and the name ``UNKNOWN_…``; the known ones stay what
they are, so ``is`` keeps working for them.
"""

from enum import Enum, IntEnum, StrEnum
from typing import Any, Self, cast


class OpenEnum:
    """Shared by the enums: JSON Schema, and pickling."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: object) -> dict[str, Any]:
        known = [member.value for member in cast("type[Enum]", cls)]
        return {"type": "integer" if issubclass(cls, int) else "string", "examples": known}

    def __reduce_ex__(self, _: object) -> tuple[type[Self], tuple[object]]:
        # Before 3.11.4 an enum is pickled and copied by its name, which finds known members only.
        return type(self), (cast("Enum", self).value,)

    @classmethod
    def _unknown(cls, kind: Any, value: object) -> Self | None:  # noqa: ANN401 - int, or str
        if not isinstance(value, kind):
            return None
        member = kind.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return cast("Self", member)


class OpenInt(OpenEnum, IntEnum):
    """Numbers."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls._unknown(int, value)


class OpenStr(OpenEnum, StrEnum):
    """Words."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls._unknown(str, value)
