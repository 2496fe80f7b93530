"""The HTTP around the platform: paths, credentials, JSON in, JSON out.

Whatever goes wrong is answered as the API does, with ``{"code": int, "message": string}``. Where
the API documents no code (an unknown path, a body of more than 1 MiB), the HTTP status is the code.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeAlias, cast
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from ._fields import Answer, Body, Fields
from .callbacks import Callbacks
from .outbox import Product
from .platform import Platform
from .refusals import RefusedError

KeyPair: TypeAlias = tuple[str, str]
"""A key and its secret."""

DEMO_CREDENTIALS: Final = ("sandbox_demo", "sandbox_secret")
"""Key and secret of the vendor's public OTP sandbox.

.. versionadded:: 0.1.0
"""

# The vendor's pages differ about the names, so whoever takes one pair takes the other.
_DEMO_PAIRS: Final = (DEMO_CREDENTIALS, ("engagelab_sandbox_demo", "engagelab_sandbox_secret"))
_WEBHOOK_USERNAME: Final = "sandbox_demo"
_WEBHOOK_SECRET: Final = "sandbox_webhook_secret"  # noqa: S105 - the vendor's pages tell it

_MAX_BODY: Final = 1024 * 1024
_CALLS: Final = ("/otp/v1/", "/sms/v1/")


class _Segment(StringConvertor):
    """An id in a path, which may hold slashes and, unlike the framework's paths, line breaks."""

    regex = "(?s:.*)"


register_url_convertor("segment", _Segment())

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
_Document: TypeAlias = Answer | list[Answer]
_BodyCall: TypeAlias = Callable[[Body], Answer]
_Call: TypeAlias = Callable[[Request], Awaitable[_Document]]
_Recorder: TypeAlias = Callable[[Product, str, _BodyCall], _BodyCall]
_SetCallbacks: TypeAlias = Callable[[Callbacks], object]


def _unrecorded(_product: Product, _path: str, call: _BodyCall) -> _BodyCall:
    return call


def create_app(
    platform: Platform,
    credentials: Mapping[Product, KeyPair] | None = None,
    *,
    recorded: _Recorder = _unrecorded,
    set_callbacks: _SetCallbacks | None = None,
    further_routes: Iterable[BaseRoute] = (),
) -> Starlette:
    """Make the ASGI app that plays the API.

    Args:
        platform: What answers the calls.
        credentials: The key pair of each product, which is then the only one that it takes; or
            ``None`` to take any.
        recorded: Makes each send, given with its product and path, one that is recorded too.
        set_callbacks: Called by those who say where callbacks are to go; ``None`` refuses them.
        further_routes: What is served beside the API.

    Returns:
        The app, with the OTP product under ``/otp`` and the SMS product under ``/sms``.
    """

    def route(product: Product, method: str, path: str, call: _Call) -> Route:
        def admits(pair: KeyPair | None) -> bool:
            if pair is None or credentials is None:
                return pair is not None
            own = credentials.get(product)
            return pair == own or {pair, own} <= {*_DEMO_PAIRS}

        return Route(f"/{product}/v1/{path}", _endpoint(admits, call), methods=[method])

    app = Starlette(
        routes=[
            *(route(*each) for each in _calls(platform, recorded)),
            route("otp", "PUT", "sandbox/webhook", _with_body(_webhook_setter(set_callbacks))),
            *_documents(),
            *further_routes,
        ],
        exception_handlers={RefusedError: _refused, HTTPException: _undocumented},
    )
    app.router.redirect_slashes = False  # the API has one spelling of each path
    return app


def is_call(app: Starlette, scope: Scope) -> bool:
    """Tell whether a request is for one of the API's calls, however that will be answered."""
    return scope["path"].startswith(_CALLS) and any(
        route.matches(scope)[0] is Match.FULL for route in app.routes
    )


def _documents() -> list[Route]:
    """Route to the OpenAPI documents, which need no key."""
    return [
        Route(f"/{product}/openapi.json", partial(_document, product), methods=["GET"])
        for product in ("otp", "sms")
    ]


async def _document(product: Product, _: Request) -> Response:
    # Few ask for it, and it takes a moment to make.
    from .openapi import document

    return _json(document(product))


def _calls(platform: Platform, recorded: _Recorder) -> list[tuple[Product, str, str, _Call]]:
    """Say which method and path lead to which call."""
    sms, otp = platform.sms, platform.otp
    sends: list[tuple[Product, str, _BodyCall]] = [
        ("otp", "messages", platform.send_otp),
        ("otp", "codes", platform.send_code),
        ("otp", "custom-messages", platform.send_custom_message),
        ("sms", "messages", platform.send_sms),
    ]
    return [
        *(
            (product, "POST", path, _with_body(recorded(product, f"/{product}/v1/{path}", call)))
            for product, path, call in sends
        ),
        ("otp", "POST", "verifications", _with_body(platform.verify)),
        ("otp", "GET", "balance", _alone(platform.balances.otp)),
        ("sms", "GET", "balance", _alone(platform.balances.sms)),
        ("sms", "GET", "template-configs", _alone(sms.list_templates)),
        ("sms", "POST", "template-configs", _with_body(sms.create_template)),
        ("sms", "GET", "template-configs/{id:segment}", _with_id(sms.get_template)),
        ("sms", "PUT", "template-configs/{id:segment}", _with_both(sms.update_template)),
        ("sms", "DELETE", "template-configs/{id:segment}", _with_id(sms.delete_template)),
        ("sms", "GET", "sign-configs", _alone(sms.list_signatures)),
        ("sms", "POST", "sign-configs", _with_body(sms.create_signature)),
        ("sms", "GET", "sign-configs/{id:segment}", _with_id(sms.get_signature)),
        ("sms", "PUT", "sign-configs/{id:segment}", _with_both(sms.update_signature)),
        ("sms", "DELETE", "sign-configs/{id:segment}", _with_id(sms.delete_signature)),
        ("otp", "GET", "template-configs", _alone(otp.list_templates)),
        ("otp", "POST", "template-configs", _with_body(otp.create_template)),
        ("otp", "GET", "template-configs/{id:segment}", _with_id(otp.get_template)),
        ("otp", "DELETE", "template-configs/{id:segment}", _with_id(otp.delete_template)),
    ]


def _webhook_setter(set_callbacks: _SetCallbacks | None) -> _BodyCall:
    """Make the call of the vendor's sandbox that says where callbacks are to go."""

    def set_webhook(body: Body) -> Answer:
        if set_callbacks is None:
            raise RefusedError(2004)
        request = Fields(body)
        username, secret = (request.optional_text(name) for name in ("username", "secret"))
        try:
            callbacks = Callbacks(
                request.text("url"),
                username=username or _WEBHOOK_USERNAME,
                secret=secret or _WEBHOOK_SECRET,
            )
        except ValueError as error:
            raise RefusedError(3002, str(error)) from None
        set_callbacks(callbacks)
        return {"code": 0, "message": "success"}

    return set_webhook


def _endpoint(admits: Callable[[KeyPair | None], bool], call: _Call) -> _Endpoint:
    async def endpoint(request: Request) -> Response:
        if not admits(_key_pair(request.headers.get("authorization", ""))):
            raise RefusedError(2001)
        return _json(await call(request))

    return endpoint


def _alone(call: Callable[[], _Document]) -> _Call:
    async def called(_: Request) -> _Document:
        return call()

    return called


def _with_body(call: _BodyCall) -> _Call:
    async def called(request: Request) -> _Document:
        return call(await read_body(request))

    return called


def _with_id(call: Callable[[str], Answer]) -> _Call:
    async def called(request: Request) -> _Document:
        return call(_id(request))

    return called


def _with_both(call: Callable[[str, Body], Answer]) -> _Call:
    async def called(request: Request) -> _Document:
        return call(_id(request), await read_body(request))

    return called


def _id(request: Request) -> str:
    """Return the id in the path: one segment, whatever percent-encoded characters it holds."""
    # By now the framework has decoded the path, slashes of the id included.
    segment = request.scope["raw_path"].decode("ascii").rpartition("/")[2]
    if unquote(segment) != request.path_params["id"]:
        raise HTTPException(404)
    return unquote(segment)


def _key_pair(authorization: str) -> KeyPair | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # not base64, or not UTF-8
        return None
    return (key, secret) if key and secret else None


async def read_body(request: Request) -> Body:
    """Return the JSON object that a request brings.

    Raises:
        RefusedError: 3001, it is none.
        HTTPException: 413, it is too long.
    """
    return _decoded(await _received(request))


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


def _json(
    answer: _Document, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    # Unlike Starlette's own, this one can echo half a surrogate pair, which JSON can hold.
    return Response(json.dumps(answer), status, headers, "application/json")
