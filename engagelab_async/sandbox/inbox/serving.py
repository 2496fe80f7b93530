"""Serves the operations of the control API.

An operation answers what it returns, or 204 for ``None``. Errors are answered as by the API, with
``{"code": int, "message": string}``.
"""

import json
from inspect import isawaitable
from typing import Annotated, Any, Final, get_origin

import msgspec
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engagelab_async.sandbox.app import read_body
from engagelab_async.sandbox.bodies import read
from engagelab_async.sandbox.operations import Operation, View, operations_of

NO_STORE: Final = {"cache-control": "no-store"}


class _Number(IntegerConvertor):
    """A number in a path; Python refuses to convert longer ones."""

    regex = "[0-9]{1,19}"


register_url_convertor("number", _Number())


def operation_routes(views: object) -> list[Route]:
    """Route to the operations that an object has as methods, and to their document."""
    operations = operations_of([views])

    def route(operation: Operation, view: View) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _answer(operation, view, request)

        path = operation.path.replace("{number}", "{number:number}")
        return Route(f"/sandbox/v1{path}", endpoint, methods=[operation.method])

    async def described(_: Request) -> Response:
        # Rarely asked for, and slow to import.
        from engagelab_async.sandbox.openapi import control_document

        document = control_document(operation for operation, _ in operations)
        return Response(encoded(document), 200, NO_STORE, "application/json")

    return [
        Route("/sandbox/v1/openapi.json", described, methods=["GET"]),
        *(route(operation, view) for operation, view in operations),
    ]


def encoded(answer: object) -> str:
    """Write a document as JSON."""
    # Unlike msgspec's own, this one can hold half a surrogate pair, which a text can.
    return json.dumps(msgspec.to_builtins(answer))


async def _answer(operation: Operation, view: View, request: Request) -> Response:
    arguments = _arguments(operation, request)
    if "body" in operation.types:
        arguments["body"] = await _body(operation.types["body"], request)
    if "request" in operation.types:
        arguments["request"] = request
    answer = view(**arguments)
    if isawaitable(answer):
        answer = await answer
    if answer is None:
        return Response(status_code=204)
    if isinstance(answer, Response):
        return answer
    return Response(encoded(answer), operation.status, NO_STORE, operation.media_type)


def _arguments(operation: Operation, request: Request) -> dict[str, Any]:
    given = {**request.query_params, **request.path_params}
    try:
        return msgspec.structs.asdict(msgspec.convert(given, operation.parameters, strict=False))
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`")
        if name in request.path_params:
            raise HTTPException(404) from None
        raise HTTPException(400, f"{name} must be a whole number") from None


async def _body(kind: Any, request: Request) -> object:  # noqa: ANN401 - an annotation
    length = request.headers.get("content-length", "0")
    has_body = length != "0" or "transfer-encoding" in request.headers
    body = await read_body(request) if has_body else {}
    return body if get_origin(kind) is Annotated else read(kind, body)
