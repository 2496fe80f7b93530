"""Words for JSON Schemas, so that the documents read as the tables of the vendor's pages do."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or any other object of a document."""

_NULL: Final[Schema] = {"type": "null"}


def text(description: str = "", **rules: object) -> Schema:
    """Describe a string with something in it."""
    return _described("string", description, {"minLength": 1, **rules})


def any_text(description: str = "", **rules: object) -> Schema:
    """Describe a string, which may be empty."""
    return _described("string", description, rules)


def integer(description: str = "", **rules: object) -> Schema:
    """Describe a whole number."""
    return _described("integer", description, rules)


def number(description: str = "", **rules: object) -> Schema:
    """Describe a number."""
    return _described("number", description, rules)


def boolean(description: str = "", **rules: object) -> Schema:
    """Describe a truth value."""
    return _described("boolean", description, rules)


def array(items: Schema, description: str = "", **rules: object) -> Schema:
    """Describe an array."""
    return _described("array", description, {"items": items, **rules})


def mapping(values: Schema, description: str = "", **rules: object) -> Schema:
    """Describe an object with any keys."""
    return _described("object", description, {"additionalProperties": values, **rules})


def answer(
    required: Mapping[str, Schema],
    optional: Mapping[str, Schema] | None = None,
    *,
    description: str = "",
) -> Schema:
    """Describe an object that the platform sends; more keys may come one day."""
    properties = {**required, **(optional or {})}
    rules = {"required": list(required)} if required else {}
    return _described("object", description, {"properties": properties, **rules})


def body(
    required: Mapping[str, Schema],
    optional: Mapping[str, Schema] | None = None,
    *,
    description: str = "",
) -> Schema:
    """Describe an object that the platform is sent; ``null`` counts as left out."""
    nullable = {name: _or_null(schema) for name, schema in (optional or {}).items()}
    return answer(required, nullable, description=description)


def either(*schemas: Schema, description: str = "") -> Schema:
    """Describe what can be one thing or another."""
    return {"anyOf": list(schemas)} | ({"description": description} if description else {})


def reference(name: str, kind: str = "schemas") -> Schema:
    """Refer to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def _or_null(schema: Schema) -> Schema:
    if "enum" in schema:
        schema = schema | {"enum": [*schema["enum"], None]}
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], _NULL]}
    return schema | {"type": [schema["type"], "null"]}


def _described(kind: str, description: str, rules: Mapping[str, object]) -> Schema:
    return {"type": kind} | ({"description": description} if description else {}) | {**rules}
