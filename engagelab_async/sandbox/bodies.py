"""The bodies of requests: decoded as a class declares them, or refused with the field's name.

The classes are in `otp_api` and `sms_api`; the OpenAPI documents are made of the same ones.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeGuard, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct, inspect

from engagelab_async.arguments import is_integer

from .refusals import RefusedError

Body: TypeAlias = Mapping[str, object]
"""The JSON object of a request."""

Answer: TypeAlias = dict[str, object]
"""The JSON object of an HTTP 200."""

Text: TypeAlias = Annotated[str, Meta(min_length=1)]
"""A string that is not empty."""

Status: TypeAlias = Annotated[
    Literal[1, 2, 3], Meta(description="1 pending review, 2 approved, 3 rejected.")
]
"""That of a review."""

Moment: TypeAlias = Annotated[int, Meta(description="Unix seconds.")]
"""A time in an answer."""

S = TypeVar("S", bound=Struct)

_DEMAND: Final = "demand"
_KINDS: Final[Mapping[type[inspect.Type], str]] = {
    inspect.BoolType: "must be a boolean",
    inspect.DictType: "must be an object",
    inspect.IntType: "must be an integer",
    inspect.ListType: "must be a non-empty array of non-empty strings",
    inspect.StructType: "must be an object",
}


def answer(
    name: str,
    description: str,
    required: Mapping[str, Any],
    optional: Mapping[str, Any] = MappingProxyType({}),
) -> type[Struct]:
    """Declare an answer, for the documents; an underscore behind a field's name is left out."""
    fields = [(each, kind | UnsetType, UNSET) for each, kind in optional.items()]
    return defstruct(
        name,
        [*required.items(), *fields],
        rename=lambda each: each.removesuffix("_"),
        namespace={"__doc__": description},
    )


def one_of(*values: str) -> Meta:
    """Constrain a string to some values."""
    return Meta(
        pattern=f"^({'|'.join(values)})$",
        extra={_DEMAND: f"must be one of {' '.join(values)}"},
        extra_json_schema={"enum": list(values)},
    )


def without(*forbidden: str) -> Meta:
    """Constrain a string not to hold what is forbidden."""
    pattern = "|".join(each.replace("[", r"\[").replace("]", r"\]") for each in forbidden)
    # Means the same to Python and to ECMAScript, whose expressions JSON Schema has.
    demand = {_DEMAND: f"must not hold {' '.join(forbidden)}"}
    return Meta(pattern=rf"^((?!{pattern})[\s\S])*$", extra=demand)


def read(kind: type[S], body: Body, code: int = 3002) -> S:
    """Decode the body of a request, or refuse it by the first field that is wrong, in their order.

    ``null`` counts as left out, for a field that may be. Fields that are not declared are ignored.
    """
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError:
        raise RefusedError(code, _complaint(kind, body)) from None
    except UnicodeEncodeError:
        raise RefusedError(3001, "a name in the body is no Unicode text") from None


def _complaint(kind: type[Struct], body: Mapping[str, Any], path: str = "") -> str:
    """Say which field is wrong, and what it must be."""
    name, value, expected = next(
        (field.name, body.get(field.name), inspect.type_info(field.type))
        for field in msgspec.structs.fields(kind)
        if _is_wrong(body.get(field.name), field.type)
    )
    return _demand(expected, value, f"{path}{name}")


def _is_wrong(value: object, kind: Any) -> bool:  # noqa: ANN401 - whatever an annotation is
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return True
    return False


def _demand(expected: inspect.Type, value: object, path: str, demand: str = "") -> str:
    match expected:
        case inspect.Metadata(type=inner, extra=extra):
            return _demand(inner, value, path, (extra or {}).get(_DEMAND, ""))
        case inspect.UnionType(types=(first, *_)):  # the others are further spellings, or null
            return _demand(first, value, path, demand)
        case inspect.StructType(cls=kind) if isinstance(value, dict):
            return _complaint(kind, value, f"{path}.")
        case inspect.ListType(item_type=inspect.StructType(cls=kind)) if _are_objects(value):
            place = next(place for place, item in enumerate(value) if _is_wrong(item, kind))
            return _complaint(kind, value[place], f"{path}[{place}].")
        case inspect.DictType() if isinstance(value, dict):
            name = next(key for key, each in value.items() if not isinstance(each, str))
            return f"{path}.{name} must be a string"
        case _:
            return f"{path} {_words(expected, value, demand)}"


def _words(expected: inspect.Type, value: object, demand: str) -> str:
    match expected:
        case inspect.StrType():
            return _words_for_text(expected, value, demand)
        case inspect.LiteralType(values=values):
            return f"must be one of {' '.join(map(str, values))}"
        case inspect.IntType(ge=int(least), le=most) if value is None or is_integer(value):
            return f"must be {least} to {most}"
        case inspect.ListType(item_type=inspect.StructType()):
            return "must be an array of objects"
        case _:
            return _KINDS[type(expected)]


def _words_for_text(expected: inspect.StrType, value: object, demand: str) -> str:
    least, most = expected.min_length or 0, expected.max_length
    if demand and not least:
        return demand
    if not isinstance(value, str) or len(value) < min(least, 1):
        return "must be a non-empty string" if least else "must be a string"
    if most is None or least <= len(value) <= most:
        return demand
    return (
        f"must have {least} to {most} characters"
        if least
        else f"must have at most {most} characters"
    )


def _are_objects(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
