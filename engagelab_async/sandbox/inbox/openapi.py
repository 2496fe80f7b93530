"""The OpenAPI 3.1 document of the control API, made of the operations that are served."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from attrs import Factory, field, frozen
from starlette.requests import Request
from starlette.responses import Response

from .schemas import Error

View: TypeAlias = Callable[[Request], Awaitable[Response]]
"""Answers requests."""

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or any other object of the document."""

_INTEGER: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 10**19 - 1}
_PLAIN: Final = str.maketrans("/.", "__", "{}")
_ABOUT: Final = """\
Controls a sandbox of the EngageLab API: what was sent, codes included, manual changes, and faults.
Times are Unix seconds. If the sandbox requires a token, send it as `Authorization: Bearer …`.
"""


@frozen
class Parameter:
    """A parameter of the query.

    Attributes:
        name: Its name.
        description: What it does.
        default: What it is when it is left out. One with an integer takes integers from 0.
    """

    name: str
    description: str
    default: int | None = None


@frozen
class Operation:
    """One operation of the control API.

    Attributes:
        method: The HTTP method.
        path: The path below ``/sandbox/v1/``, with ``{number}`` for a number.
        view: Answers it; ``None`` if it is served elsewhere.
        summary: What it does; defaults to the first line of the view's docstring.
        query: The parameters of its query.
        body: The type of the JSON object that it takes.
        answers: The type of the JSON object that it answers with; ``None`` for a 204.
        status: The HTTP status of its answer, if there is a body.
        media_type: That of its answer.
    """

    method: str
    path: str
    view: View | None = None
    summary: str = field(
        default=Factory(lambda self: (self.view.__doc__ or "").partition("\n")[0], takes_self=True),
        kw_only=True,
    )
    query: Sequence[Parameter] = field(default=(), kw_only=True)
    body: object = field(default=None, kw_only=True)
    answers: object = field(default=None, kw_only=True)
    status: int = field(default=200, kw_only=True)
    media_type: str = field(default="application/json", kw_only=True)


def document(operations: Sequence[Operation]) -> Schema:
    """Describe operations in OpenAPI 3.1."""
    types = [kind for each in operations for kind in (each.body, each.answers) if kind is not None]
    _, components = msgspec.json.schema_components(
        [*types, Error], ref_template="#/components/schemas/{name}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "EngageLab sandbox", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/sandbox/v1"}],
        "security": [{}, {"token": []}],
        "paths": _paths(operations),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths(operations: Iterable[Operation]) -> dict[str, Schema]:
    paths: dict[str, Schema] = {}
    for each in operations:
        paths.setdefault(f"/{each.path}", {})[each.method.lower()] = _described(each)
    return paths


def _described(operation: Operation) -> Schema:
    parameters = [_in_query(each) for each in operation.query]
    if "{number}" in operation.path:
        number = {"name": "number", "in": "path", "required": True, "schema": _INTEGER}
        parameters.append(number)
    described = {
        "operationId": f"{operation.method.lower()}_{operation.path}".translate(_PLAIN),
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            **_success(operation),
            "4XX": {"description": "Refused.", **_content(Error, "application/json")},
        },
    }
    if operation.body is not None:
        body = {"required": True, **_content(operation.body, "application/json")}
        described["requestBody"] = body
    return described


def _in_query(parameter: Parameter) -> Schema:
    has_default = {**_INTEGER, "default": parameter.default}
    schema = {"type": "string"} if parameter.default is None else has_default
    described = {"name": parameter.name, "in": "query", "description": parameter.description}
    return described | {"schema": schema}


def _success(operation: Operation) -> Schema:
    if operation.answers is None:
        return {"204": {"description": "Done."}}
    answer = {"description": "OK.", **_content(operation.answers, operation.media_type)}
    return {str(operation.status): answer}


def _content(kind: Any, media_type: str) -> Schema:  # noqa: ANN401 - any type
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"content": {media_type: {"schema": schema}}}
