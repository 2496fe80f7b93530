"""The operations of the control API: declared as methods, served, and described in OpenAPI 3.1.

::

    @Operation("POST", "messages/{number}/reply")
    def reply(self, number: Number, body: ReplyText) -> None:
        '''Reply to a message as its recipient.'''

The signature says what an operation takes: parameters of the path and of the query, a ``body``, or
the whole ``request``. It answers what it returns, or 204 for ``None``. Where another class than
that of an annotation is to be described, the annotation is ``Annotated`` with it. Errors are
answered as by the API, with ``{"code": int, "message": string}``.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from inspect import Parameter, isawaitable, signature
from types import NoneType
from typing import Annotated, Any, Final, Self, TypeAlias, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct, defstruct
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engagelab_async.sandbox.app import read_body
from engagelab_async.sandbox.bodies import read

from .documents import Error

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or any other object of the document."""

NO_STORE: Final = {"cache-control": "no-store"}

_REFERENCE: Final = "#/components/schemas/{name}"
_PLAIN: Final = str.maketrans("/.", "__", "{}")
_ABOUT: Final = """\
Controls a sandbox of the EngageLab API: what was sent, codes included, manual changes, and faults.
Times are Unix seconds. If the sandbox requires a token, send it as `Authorization: Bearer …`.
"""


class _Number(IntegerConvertor):
    """A number in a path; Python refuses to convert longer ones."""

    regex = "[0-9]{1,19}"


register_url_convertor("number", _Number())


class Operation:
    """Declares a method as an operation of the control API.

    Args:
        method: The HTTP method.
        path: The path below ``/sandbox/v1/``, with ``{number}`` for a number.
        status: The HTTP status of its answer, if there is one.
        media_type: That of its answer.
    """

    view: Callable[..., Any]
    types: dict[str, Any]
    parameters: type[Struct]

    def __init__(
        self, method: str, path: str, *, status: int = 200, media_type: str = "application/json"
    ) -> None:
        self.method: str = method
        self.path: str = path
        self.status: int = status
        self.media_type: str = media_type

    def __call__(self, view: Callable[..., Any]) -> Self:
        """Take the method that answers, and its types: of what it takes, and of its return."""
        self.view = view
        self.types = get_type_hints(view, include_extras=True)
        fields = [
            (name, self.types[name], *({each.default} - {Parameter.empty}))
            for name, each in signature(view).parameters.items()
            if name not in {"self", "body", "request"}
        ]
        self.parameters = defstruct("Parameters", fields)
        return self

    def documented(self, name: str) -> Any:  # noqa: ANN401 - any class
        """Return the class that describes the ``body`` or the ``return``, or ``None``."""
        hint = self.types.get(name, NoneType)
        kind = get_args(hint)[1] if get_origin(hint) is Annotated else hint
        return None if kind is NoneType else kind

    async def answer(self, views: object, request: Request) -> Response:
        """Answer a request by the view, which is a method of an object."""
        arguments = self._arguments(request)
        if "body" in self.types:
            arguments["body"] = await self._body(request)
        if "request" in self.types:
            arguments["request"] = request
        answer = self.view(views, **arguments)
        if isawaitable(answer):
            answer = await answer
        if answer is None:
            return Response(status_code=204)
        if isinstance(answer, Response):
            return answer
        return Response(encoded(answer), self.status, NO_STORE, self.media_type)

    def _arguments(self, request: Request) -> dict[str, Any]:
        given = {**request.query_params, **request.path_params}
        try:
            return msgspec.structs.asdict(msgspec.convert(given, self.parameters, strict=False))
        except msgspec.ValidationError as error:
            name = str(error).rpartition("$.")[2].rstrip("`")
            if name in request.path_params:
                raise HTTPException(404) from None
            raise HTTPException(400, f"{name} must be a whole number") from None

    async def _body(self, request: Request) -> object:
        length = request.headers.get("content-length", "0")
        has_body = length != "0" or "transfer-encoding" in request.headers
        body, kind = await read_body(request) if has_body else {}, self.types["body"]
        return body if get_origin(kind) is Annotated else read(kind, body)


def encoded(answer: object) -> str:
    """Write a document as JSON."""
    # Unlike msgspec's own, this one can hold half a surrogate pair, which a text can.
    return json.dumps(msgspec.to_builtins(answer))


def routes(views: object) -> list[Route]:
    """Route to the operations that an object has as methods, and to their document."""
    operations = [each for each in vars(type(views)).values() if isinstance(each, Operation)]

    def route(each: Operation) -> Route:
        async def endpoint(request: Request) -> Response:
            return await each.answer(views, request)

        path = each.path.replace("{number}", "{number:number}")
        return Route(f"/sandbox/v1/{path}", endpoint, methods=[each.method])

    async def described(_: Request) -> Response:
        return Response(encoded(document(operations)), 200, NO_STORE, "application/json")

    return [Route("/sandbox/v1/openapi.json", described, methods=["GET"]), *map(route, operations)]


def document(operations: Iterable[Operation]) -> Schema:
    """Describe operations in OpenAPI 3.1."""
    paths: dict[str, Schema] = {}
    kinds: list[Any] = [Error]
    for each in operations:
        paths.setdefault(f"/{each.path}", {})[each.method.lower()] = _described(each)
        kinds += filter(None, map(each.documented, ("body", "return")))
    return {
        "openapi": "3.1.0",
        "info": {"title": "EngageLab sandbox", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/sandbox/v1"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": msgspec.json.schema_components(kinds, ref_template=_REFERENCE)[1],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _described(operation: Operation) -> Schema:
    answers = operation.documented("return")
    success = {
        str(operation.status if answers else 204): _content("OK.", answers, operation.media_type)
    }
    described: Schema = {
        "operationId": f"{operation.method.lower()}_{operation.path}".translate(_PLAIN),
        "summary": (operation.view.__doc__ or "").partition("\n")[0],
        "parameters": [*_parameters(operation)],
        "responses": {**success, "4XX": _content("Refused.", Error)},
    }
    if body := operation.documented("body"):
        described["requestBody"] = {"required": True, **_content("What to do.", body)}
    return described


def _parameters(operation: Operation) -> Iterator[Schema]:
    [schema] = msgspec.json.schema_components([operation.parameters])[1].values()
    for name, each in schema["properties"].items():
        is_in_path = f"{{{name}}}" in operation.path
        yield {
            "name": name,
            "in": "path" if is_in_path else "query",
            "required": is_in_path,
            "description": each.pop("description"),
            "schema": each,
        }


def _content(description: str, kind: Any, media_type: str = "application/json") -> Schema:  # noqa: ANN401 - any class
    if kind is None:
        return {"description": description}
    schema = {"$ref": _REFERENCE.format(name=kind.__name__)}
    return {"description": description, "content": {media_type: {"schema": schema}}}
