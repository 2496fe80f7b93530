"""The HTTP around the platform: paths, credentials, JSON in, JSON out.

Errors are answered as the API does, with ``{"code": int, "message": string}``. Where
the API documents no code (an unknown path, a body of more than 1 MiB), the HTTP status is the code.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from inspect import isawaitable
from typing import Final, TypeAlias, cast
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Message, Receive, Scope

from .bodies import Answer, Body
from .keys import Credentials, KeyRing
from .operations import Operation, View, operations_of
from .outbox import Product
from .platform import Platform
from .quotas import Quota, Usage
from .refusals import RefusedError

_MAX_BODY: Final = 1024 * 1024
_CALLS: Final = ("/otp/v1/", "/sms/v1/")


class _Segment(StringConvertor):
    """An id in a path, which may hold slashes and, unlike the framework's paths, line breaks."""

    regex = "(?s:.*)"


register_url_convertor("segment", _Segment())

_Recorder: TypeAlias = Callable[[Product, str, View], View]


def create_app(
    platform: Platform,
    credentials: Credentials | None = None,
    *,
    quota: Quota | None = None,
    clock: Callable[[], float] = time.time,
    recorded: _Recorder = lambda _product, _path, call: call,
    further_routes: Iterable[BaseRoute] = (),
) -> Starlette:
    """Make the ASGI app that plays the API: OTP under ``/otp``, SMS under ``/sms``.

    ``recorded`` makes each send, given with its product and path, one that is recorded too.
    """
    keys, usage = KeyRing(credentials, clock), Usage(quota, clock)

    def route(operation: Operation, call: View) -> Route:
        product, path = operation.product, f"/{operation.product}{operation.path}"
        if operation.effect == "send":
            call = recorded(product, path, call)

        async def endpoint(request: Request) -> Response:
            authorization = request.headers.get("authorization", "")
            host = request.client.host if request.client else None
            usage.count((product, keys.check(product, authorization, operation.effect, host)))
            arguments: list[object] = [_id(request)] if request.path_params else []
            if "body" in operation.types:
                arguments.append(await read_body(request))
            answer = call(*arguments)
            return _json(await answer if isawaitable(answer) else answer)

        spelled = re.sub(r"\{\w+\}", "{id:segment}", path)
        return Route(spelled, endpoint, methods=[operation.method])

    operations = operations_of(platform.parts)

    async def described(request: Request) -> Response:
        # Rarely asked for, and slow to import. It needs no key.
        from .openapi import document

        product: Product = "otp" if request.url.path.startswith("/otp/") else "sms"
        return _json(document(product, (operation for operation, _ in operations)))

    routes = [
        *(route(operation, call) for operation, call in operations),
        Route("/otp/openapi.json", described, methods=["GET"]),
        Route("/sms/openapi.json", described, methods=["GET"]),
        *further_routes,
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={RefusedError: _refused, HTTPException: _undocumented},
    )
    app.router.redirect_slashes = False  # the API has one spelling of each path
    return app


def is_call(app: Starlette, scope: Scope) -> bool:
    """Return whether a request is for an operation of the API, however it will be answered."""
    return scope["path"].startswith(_CALLS) and any(
        route.matches(scope)[0] is Match.FULL for route in app.routes
    )


def _id(request: Request) -> str:
    """Return the id in the path: one segment, whatever percent-encoded characters it holds."""
    # By now the framework has decoded the path, slashes of the id included.
    segment = request.scope["raw_path"].decode("ascii").rpartition("/")[2]
    if unquote(segment) != request.path_params["id"]:
        raise HTTPException(404)
    return unquote(segment)


async def read_body(request: Request) -> Body:
    """Return the JSON object that a request brings; else 3001, or 413 if it is too long."""
    try:
        decoded = json.loads(await _received(request))
    except (ValueError, RecursionError):
        raise RefusedError(3001, "the body is not JSON") from None
    if not isinstance(decoded, dict):
        raise RefusedError(3001, "the body is not a JSON object")
    return decoded


async def read_ahead(receive: Receive) -> tuple[bytes, bool, Receive]:
    """Read the body of a request, but no longer than the API would.

    Returns:
        What was read, whether that is all, and what receives the same again, and then the rest.
    """
    messages, body, more = list[Message](), b"", True
    while more and len(body) <= _MAX_BODY:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        more = message.get("more_body", False)

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body, not more, again


async def _received(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RefusedError(3001, "the Content-Type must be application/json")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                # What is still to come will not be read, so the connection has no future.
                raise HTTPException(413, headers={"connection": "close"})
    except ClientDisconnect:
        raise RefusedError(3001, "the body was cut short") from None
    return bytes(body)


async def _refused(_: Request, error: Exception) -> Response:
    refusal = cast("RefusedError", error)
    return _json(refusal.answer, refusal.http_status)


async def _undocumented(request: Request, error: Exception) -> Response:
    failure = cast("HTTPException", error)
    answer: Answer = {"code": failure.status_code, "message": failure.detail}
    headers = {**(failure.headers or {})}
    if "Allow" in headers:
        # The framework only knows the methods of the first route with this path.
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return _json(answer, failure.status_code, headers)


def _methods(request: Request) -> set[str]:
    """Return the methods that a path takes."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0].value]
    return {method for route in routes for method in route.methods}


def _json(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    # Unlike Starlette's own, this one can echo half a surrogate pair, which JSON can hold.
    return Response(json.dumps(answer), status, headers, "application/json")
