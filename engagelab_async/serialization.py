"""Conversion of results, outcomes and events to JSON.

::

    to_dict()                         for json.dumps, aiohttp, logs, databases
    vars()                            what FastAPI asks for, if a handler names no return type
    __get_pydantic_core_schema__()    what pydantic asks for, and FastAPI if a handler names one
"""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from inspect import formatannotation
from typing import Any, ClassVar, Final, Self, get_args

from attrs import fields, has

compact_json: Final = json.JSONEncoder(separators=(",", ":")).encode
"""Writes JSON without blanks; `json.dumps` would make an encoder for each document."""


class Serializable:
    """A base of attrs classes whose values JSON can hold.

    FastAPI handlers return such values as they are, alone or within lists, dicts and pydantic
    models, with and without a return annotation.

    .. versionadded:: 0.1.0
    """

    __slots__ = ()
    __attrs_attrs__: ClassVar[tuple[Any, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dict of JSON values.

        A ``Decimal`` becomes a string, so that no float touches money; a ``datetime`` becomes ISO
        8601; an enum its value. What a ``repr`` hides, the dict holds.
        """
        return _members(self)

    # FastAPI makes JSON of what it does not know by vars(), and a class with slots has none.
    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        return self.to_dict()

    # pydantic asks for this if a field is annotated as Any.
    @property
    def __pydantic_serializer__(self) -> Any:  # noqa: ANN401 - pydantic's
        if "pydantic_core" not in sys.modules:
            raise AttributeError("__pydantic_serializer__")
        from pydantic_core import SchemaSerializer, core_schema

        return SchemaSerializer(core_schema.any_schema(serialization=_pydantic_serialization()))

    @classmethod
    def _json_types(cls, _source: object) -> dict[str, Any]:
        """Return the type of each member of `to_dict`, as pydantic reads types."""
        return {each.name: each.type for each in fields(cls)}

    @classmethod
    def _from_members(cls, members: dict[str, Any]) -> Self:
        """Make the value that `to_dict` wrote, from members that pydantic has validated."""
        return cls(**{each.name: members[each.name] for each in fields(cls)})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:  # noqa: ANN401 - pydantic's
        # pydantic calls this, so it is installed.
        from pydantic_core import core_schema

        arguments = ",".join(map(formatannotation, get_args(source)))
        document = core_schema.typed_dict_schema(
            {
                name: core_schema.typed_dict_field(handler.generate_schema(kind))
                for name, kind in cls._json_types(source).items()
            }
        )
        read = core_schema.no_info_after_validator_function(cls._from_members, document)
        return core_schema.json_or_python_schema(
            read,
            core_schema.union_schema([core_schema.is_instance_schema(cls), read]),
            serialization=_pydantic_serialization(),
            # OpenAPI makes a name of it: Sent, or Accepted_Sent_.
            ref=f"{formatannotation(cls)}:{id(cls)}[{arguments}]".replace("[]", ""),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:  # noqa: ANN401 - pydantic's
        made = handler(schema)
        handler.resolve_ref_schema(made)["title"] = cls.__name__
        return made


def _pydantic_serialization() -> Any:  # noqa: ANN401 - pydantic's
    from pydantic_core import core_schema

    return core_schema.plain_serializer_function_ser_schema(_serialize, info_arg=True)


def plain(value: Any) -> Any:  # noqa: ANN401 - any value, and JSON
    """Convert a value to JSON values, at any depth."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Serializable):
        return value.to_dict()
    return _members(value) if has(type(value)) else _scalar(value)


def _scalar(value: Any) -> Any:  # noqa: ANN401 - any value, and JSON
    match value:
        case Enum():
            return value.value
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
        case _:
            return value


def _members(value: Any) -> dict[str, Any]:  # noqa: ANN401 - an instance of any attrs class
    return {each.name: plain(getattr(value, each.name)) for each in fields(type(value))}


def _serialize(value: Serializable, info: Any) -> Any:  # noqa: ANN401 - pydantic's, and JSON
    made = value.to_dict()
    left_out = {*made} - {*(made if info.include is None else info.include)}
    left_out |= {*(info.exclude or ())}
    shown = {name: item for name, item in made.items() if name not in left_out}
    return _without_nulls(shown) if info.exclude_none else shown


def _without_nulls(document: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(document, dict):
        found = document.items()
        return {name: _without_nulls(item) for name, item in found if item is not None}
    if isinstance(document, list):
        return [_without_nulls(item) for item in document]
    return document
