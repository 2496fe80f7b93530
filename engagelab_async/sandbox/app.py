"""The HTTP around the platform: paths, credentials, JSON in, JSON out.

Errors are answered as the API does, with ``{"code": int, "message": string}``. Where
the API documents no code (an unknown path, a body of more than 1 MiB), the HTTP status is the code.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import isawaitable
from typing import Any, Final, TypeAlias, cast
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from .bodies import Answer, Body, read
from .callbacks import Callbacks
from .keys import Credentials, KeyRing
from .operations import DONE, OPERATIONS, Operation
from .otp_api import WebhookRequest
from .outbox import Product
from .platform import Platform
from .quotas import Quota, Usage
from .refusals import RefusedError

_WEBHOOK_USERNAME: Final = "sandbox_demo"
_WEBHOOK_SECRET: Final = "sandbox_webhook_secret"  # noqa: S105 - the vendor's pages have it

_MAX_BODY: Final = 1024 * 1024
_CALLS: Final = ("/otp/v1/", "/sms/v1/")


class _Segment(StringConvertor):
    """An id in a path, which may hold slashes and, unlike the framework's paths, line breaks."""

    regex = "(?s:.*)"


register_url_convertor("segment", _Segment())

_Document: TypeAlias = Answer | list[Answer]
_Call: TypeAlias = Callable[..., Any]
_Recorder: TypeAlias = Callable[[Product, str, _Call], _Call]
_SetCallbacks: TypeAlias = Callable[[Callbacks], object]


def create_app(
    platform: Platform,
    credentials: Credentials | None = None,
    *,
    quota: Quota | None = None,
    clock: Callable[[], float] = time.time,
    recorded: _Recorder = lambda _product, _path, call: call,
    set_callbacks: _SetCallbacks | None = None,
    further_routes: Iterable[BaseRoute] = (),
) -> Starlette:
    """Make the ASGI app that plays the API: OTP under ``/otp``, SMS under ``/sms``.

    Args:
        platform: What answers the calls.
        credentials: The keys of each product; ``None`` accepts any.
        quota: How many requests each key may make, or ``None``.
        clock: Returns the time in Unix seconds, for expired keys and for the quota.
        recorded: Makes each send, given with its product and path, one that is recorded too.
        set_callbacks: Called by those who say where callbacks are to go; ``None`` refuses them.
        further_routes: What is served beside the API.
    """
    keys, usage = KeyRing(credentials, clock), Usage(quota, clock)
    calls = _calls(platform, set_callbacks)

    def route(operation: Operation) -> Route:
        product, call = operation.product, calls[operation.name]
        path = f"/{product}{operation.path}"
        if operation.effect == "send":
            call = recorded(product, path, call)

        async def endpoint(request: Request) -> Response:
            authorization = request.headers.get("authorization", "")
            host = request.client.host if request.client else None
            usage.count((product, keys.check(product, authorization, operation.effect, host)))
            arguments: list[object] = [_id(request)] if request.path_params else []
            if operation.body is not None:
                arguments.append(await read_body(request))
            answer = call(*arguments)
            return _json(await answer if isawaitable(answer) else answer)

        spelled = re.sub(r"\{\w+\}", "{id:segment}", path)
        return Route(spelled, endpoint, methods=[operation.method])

    app = Starlette(
        routes=[*map(route, OPERATIONS), *_documents(), *further_routes],
        exception_handlers={RefusedError: _refused, HTTPException: _undocumented},
    )
    app.router.redirect_slashes = False  # the API has one spelling of each path
    return app


def is_call(app: Starlette, scope: Scope) -> bool:
    """Return whether a request is for an operation of the API, however it will be answered."""
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
    # Rarely asked for, and slow to import.
    from .openapi import document

    return _json(document(product))


def _calls(platform: Platform, set_callbacks: _SetCallbacks | None) -> dict[str, _Call]:
    """Return what carries out each operation: a function of the id and of the body that it has."""
    sms, otp = platform.sms, platform.otp
    return {
        "otp.send": platform.send_otp,
        "otp.send_code": platform.send_code,
        "otp.send_custom_message": platform.send_custom_message,
        "otp.verify": platform.verify,
        "otp.balance": platform.balances.otp,
        "otp.sandbox.webhook": partial(_set_webhook, set_callbacks),
        "otp.templates.list": otp.list_templates,
        "otp.templates.create": otp.create_template,
        "otp.templates.get": otp.get_template,
        "otp.templates.delete": otp.delete_template,
        "sms.send": platform.send_sms,
        "sms.balance": platform.balances.sms,
        "sms.templates.list": sms.list_templates,
        "sms.templates.create": sms.create_template,
        "sms.templates.get": sms.get_template,
        "sms.templates.update": sms.update_template,
        "sms.templates.delete": sms.delete_template,
        "sms.signatures.list": sms.list_signatures,
        "sms.signatures.create": sms.create_signature,
        "sms.signatures.get": sms.get_signature,
        "sms.signatures.update": sms.update_signature,
        "sms.signatures.delete": sms.delete_signature,
    }


def _set_webhook(set_callbacks: _SetCallbacks | None, body: Body) -> Answer:
    """Set where callbacks go: the call that the vendor's sandbox adds."""
    if set_callbacks is None:
        raise RefusedError(2004)
    wanted = read(WebhookRequest, body)
    try:
        callbacks = Callbacks(
            wanted.url,
            username=wanted.username or _WEBHOOK_USERNAME,
            secret=wanted.secret or _WEBHOOK_SECRET,
        )
    except ValueError as error:
        raise RefusedError(3002, str(error)) from None
    set_callbacks(callbacks)
    return {**DONE}


def _id(request: Request) -> str:
    """Return the id in the path: one segment, whatever percent-encoded characters it holds."""
    # By now the framework has decoded the path, slashes of the id included.
    segment = request.scope["raw_path"].decode("ascii").rpartition("/")[2]
    if unquote(segment) != request.path_params["id"]:
        raise HTTPException(404)
    return unquote(segment)


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
