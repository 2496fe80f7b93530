"""The API and the control API in OpenAPI 3.1, made of what the sandbox declares.

The sandbox serves them under ``/otp/openapi.json``, ``/sms/openapi.json`` and
``/sandbox/v1/openapi.json``.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from inspect import cleandoc
from typing import Any, Final, TypeAlias

from msgspec.json import schema_components

from .callback_rows import ROWS
from .operations import Error, Operation
from .outbox import Product
from .refusals import MEANINGS, OTP_ONLY, RefusedError

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or any other object of a document."""

_BASE_URLS: Final = {
    "otp": "https://otp.api.engagelab.cc",
    "sms": "https://smsapi.engagelab.com",
}
_ABOUT: Final = """\
The API as the vendor's public pages document it. Of what they leave open, this says what the
sandbox does: `null` counts as left out, and a refusal without a documented code has the HTTP status
as its code. It is not the vendor's own document.
"""
_ABOUT_CONTROL: Final = """\
Controls a sandbox of the EngageLab API: what was sent, codes included, manual changes, and faults.
Times are Unix seconds. If the sandbox requires a token, send it as `Authorization: Bearer …`.
"""
_BY_STATUS: Final = "A refusal has the HTTP status as its code; `message` says what is wrong."
_REFERENCE: Final = "#/components/schemas/{name}"
_SIGNED: Final = (
    "timestamp=1701234567;nonce=abc123;username=shop;"
    "signature=26b90d8f2ac14b638fb2da51c09514e174d2e1a69f32f615617952d16ca33ff8"
)


def document(product: Product, operations: Iterable[Operation]) -> Schema:
    """Describe the API of a product."""
    described = _document(
        f"EngageLab {product.upper()}",
        _ABOUT,
        (each for each in operations if each.product == product),
        _refusals,
        ROWS,
    )
    described["servers"] = [
        {"url": f"/{product}", "description": "The sandbox that serves this."},
        {"url": _BASE_URLS[product], "description": "EngageLab."},
    ]
    described["security"] = [{"keyPair": []}]
    described["webhooks"] = {"callback": {"post": _callback()}}
    described["components"]["securitySchemes"] = {"keyPair": _key_pair(product)}
    return described


def control_document(operations: Iterable[Operation]) -> Schema:
    """Describe the control API."""
    refused = {"4XX": _content("Refused.", Error)}
    described = _document("EngageLab sandbox", _ABOUT_CONTROL, operations, lambda _: refused)
    described["servers"] = [{"url": "/sandbox/v1"}]
    described["security"] = [{}, {"token": []}]
    described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return described


def _document(
    title: str,
    about: str,
    operations: Iterable[Operation],
    refusals: Callable[[Operation], Schema],
    kinds: Iterable[Any] = (),
) -> Schema:
    paths: dict[str, Schema] = {}
    kinds = [Error, *kinds]
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _described(each, refusals(each))
        for kind in filter(None, map(each.documented, ("body", "return"))):
            kinds += kind if isinstance(kind, tuple | list) else [kind]
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": about},
        "paths": paths,
        "components": {"schemas": _components(kinds)},
    }


def _components(kinds: Iterable[Any]) -> Schema:
    components = schema_components(kinds, ref_template=_REFERENCE)[1]
    for schema in components.values():
        _describe(schema)
    return components


def _describe(schema: Schema) -> None:
    """Move the descriptions of properties from a docstring to where they belong."""
    schema["description"], _, attributes = cleandoc(schema["description"]).partition(
        "\n\nAttributes:\n"
    )
    for name, text in re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", attributes, re.MULTILINE):
        schema["properties"][name]["description"] = " ".join(text.split())


def _described(operation: Operation, refusals: Schema) -> Schema:
    answers, body = operation.documented("return"), operation.documented("body")
    success = _content("OK.", answers, operation.media_type)
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_parameters(operation)],
        "responses": {str(operation.status if answers else 204): success, **refusals},
    }
    if _refuses_by_status(operation):
        described["description"] = _BY_STATUS
    if body:
        described["requestBody"] = {"required": True, **_content("The body.", body)}
    return described


def _parameters(operation: Operation) -> Iterator[Schema]:
    [schema] = schema_components([operation.parameters])[1].values()
    for name, each in schema["properties"].items():
        is_in_path = f"{{{name}}}" in operation.path
        yield {
            "name": name,
            "in": "path" if is_in_path else "query",
            "required": is_in_path,
            "description": each.pop("description", "Its id."),
            "schema": each,
        }


def _refuses_by_status(operation: Operation) -> bool:
    return operation.name.startswith(("sms.templates.", "sms.signatures."))


def _refusals(operation: Operation) -> Schema:
    """Describe the refusals of the API, by HTTP status."""
    codes: dict[int, list[int]] = {400: [400], 500: [500]} if _refuses_by_status(operation) else {}
    for code in MEANINGS:
        if operation.product == "otp" or code not in OTP_ONLY:
            codes.setdefault(RefusedError(code).http_status, []).append(code)
    return {
        **{str(status): _refusal(codes[status]) for status in sorted(codes)},
        # An unknown path or method, or a body that is too large; the code is the HTTP status.
        "4XX": _content("Refused before the call was looked at.", Error),
        # Gateways answer with pages of their own, which have no schema.
        "5XX": {"description": "The platform, or a gateway in front of it, failed."},
    }


def _refusal(codes: list[int]) -> Schema:
    listed = [f"- {code}: {MEANINGS.get(code, 'see the message')}" for code in codes]
    narrowed = {"properties": {"code": {"enum": codes}}}
    return _content("\n".join(["Refused.", "", *listed]), {"allOf": [_schema(Error), narrowed]})


def _callback() -> Schema:
    rows = {
        "type": "object",
        "properties": {
            "total": {"type": "integer", "minimum": 0},
            # Rows of other kinds will come one day.
            "rows": {
                "type": "array",
                "items": {"anyOf": [*map(_schema, ROWS), {"type": "object"}]},
            },
        },
        "required": ["total", "rows"],
    }
    return {
        "operationId": "callback",
        "summary": "Report what became of messages, and of the account",
        "description": "When the URL is saved, the body is empty (OTP) or `{}` (SMS). "
        "A callback that is not answered with a 200 within 3 seconds has failed.",
        "parameters": [
            {
                "name": "X-CALLBACK-ID",
                "in": "header",
                "description": "`signature` is `hex(hmac_sha256(secret, timestamp + nonce + "
                "username))`. It does not cover the body.",
                "schema": {
                    "type": "string",
                    "pattern": "^timestamp=[^;]*;nonce=[^;]*;username=[^;]*;"
                    "signature=[0-9a-f]{64}$",
                    "examples": [_SIGNED],
                },
            }
        ],
        "security": [{}],
        "requestBody": _content("Rows.", {"anyOf": [rows, {"const": {}}]}),
        "responses": {"200": {"description": "Received; the body is ignored."}},
    }


def _content(
    description: str,
    kind: Any,  # noqa: ANN401 - as `_schema` takes
    media_type: str = "application/json",
) -> Schema:
    if kind is None:
        return {"description": description}
    return {"description": description, "content": {media_type: {"schema": _schema(kind)}}}


def _schema(kind: Any) -> Schema:  # noqa: ANN401 - a class, a list of one, several, or a schema
    if isinstance(kind, dict):
        return kind
    if isinstance(kind, tuple):
        return {"anyOf": [*map(_schema, kind)]}
    if isinstance(kind, list):
        return {"type": "array", "items": _schema(*kind)}
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


def _key_pair(product: Product) -> Schema:
    return {
        "type": "http",
        "scheme": "basic",
        "description": f"The dev_key and the dev_secret of the {product.upper()} product. "
        "Those of the other product are refused.",
    }
