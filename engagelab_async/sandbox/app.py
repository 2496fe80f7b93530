"""The HTTP around the platform: paths, credentials, JSON in, JSON out.

Whatever goes wrong is answered as the API does, with ``{"code": int, "message": string}``. Where
the API documents no code (an unknown path, a body of more than 1 MiB), the HTTP status is the code.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ._errors import RefusedError
from .outbox import Product
from .platform import Answer, Body, Platform

DEMO_CREDENTIALS: Final = ("sandbox_demo", "sandbox_secret")
"""Key and secret of the vendor's public OTP sandbox.

.. versionadded:: 0.1.0
"""

KeyPair: TypeAlias = tuple[str, str]
"""A key and its secret."""

_MAX_BODY: Final = 1024 * 1024

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def create_app(
    platform: Platform, credentials: Mapping[Product, KeyPair] | None = None
) -> Starlette:
    """Make the ASGI app that plays the API.

    Args:
        platform: What answers the calls.
        credentials: The key pair of each product, which is then the only one that it takes; or
            ``None`` to take any.

    Returns:
        The app, with the OTP product under ``/otp`` and the SMS product under ``/sms``.
    """

    def route(product: Product, path: str, call: Callable[[Body], Answer]) -> Route:
        def admits(pair: KeyPair | None) -> bool:
            return pair is not None and (credentials is None or pair == credentials.get(product))

        return Route(f"/{product}/v1/{path}", _endpoint(admits, call), methods=["POST"])

    app = Starlette(
        routes=[
            route("otp", "messages", platform.send_otp),
            route("otp", "codes", platform.send_code),
            route("otp", "verifications", platform.verify),
            route("otp", "custom-messages", platform.send_custom_message),
            route("sms", "messages", platform.send_sms),
        ],
        exception_handlers={RefusedError: _refused, HTTPException: _undocumented},
    )
    app.router.redirect_slashes = False  # the API has one spelling of each path
    return app


def _endpoint(
    admits: Callable[[KeyPair | None], bool], call: Callable[[Body], Answer]
) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        if not admits(_key_pair(request.headers.get("authorization", ""))):
            raise RefusedError(2001)
        return _json(call(_decoded(await _received(request))))

    return endpoint


def _key_pair(authorization: str) -> KeyPair | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # not base64, or not UTF-8
        return None
    return (key, secret) if key and secret else None


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


def _decoded(body: bytes) -> Body:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(3001, "the body is not JSON") from None
    if not isinstance(decoded, dict):
        raise RefusedError(3001, "the body is not a JSON object")
    return decoded


async def _refused(_: Request, error: Exception) -> Response:
    refusal = cast("RefusedError", error)
    return _json({"code": refusal.code, "message": refusal.message}, refusal.http_status)


async def _undocumented(_: Request, error: Exception) -> Response:
    failure = cast("HTTPException", error)
    answer = {"code": failure.status_code, "message": failure.detail}
    return _json(answer, failure.status_code, failure.headers)


def _json(
    answer: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    # Unlike Starlette's own, this one can echo half a surrogate pair, which JSON can hold.
    return Response(json.dumps(answer), status, headers, "application/json")
