"""The API in OpenAPI 3.1: one document for each product, made of what the sandbox declares.

The sandbox serves them under ``/otp/openapi.json`` and ``/sms/openapi.json``.
"""

import re
from collections.abc import Iterable
from inspect import cleandoc
from typing import Any, Final, TypeAlias

from msgspec.json import schema_components

from .balances import Balances
from .callback_rows import ROWS
from .operations import Error, Operation, operations_of
from .otp_configs import OTPConfigs
from .outbox import Product
from .platform import Platform
from .refusals import MEANINGS
from .sms_configs import SMSConfigs
from .webhook import Webhook

Schema: TypeAlias = dict[str, Any]
"""A JSON Schema, or any other object of a document."""

_TITLES: Final = {"otp": "EngageLab OTP", "sms": "EngageLab SMS"}
_BASE_URLS: Final = {
    "otp": "https://otp.api.engagelab.cc",
    "sms": "https://smsapi.engagelab.com",
}
_ABOUT: Final = """\
The API as the vendor's public pages document it. Of what they leave open, this says what the
sandbox does: `null` counts as left out, and a refusal without a documented code has the HTTP status
as its code. It is not the vendor's own document.
"""
_BY_STATUS: Final = "A refusal has the HTTP status as its code; `message` says what is wrong."
_REFERENCE: Final = "#/components/schemas/{name}"
_SIGNED: Final = (
    "timestamp=1701234567;nonce=abc123;username=shop;"
    "signature=26b90d8f2ac14b638fb2da51c09514e174d2e1a69f32f615617952d16ca33ff8"
)


def document(product: Product) -> dict[str, Any]:
    """Describe the API of a product in OpenAPI 3.1."""
    kinds = (Platform, OTPConfigs, SMSConfigs, Balances, Webhook)
    found = (each for kind in kinds for each in operations_of(kind).values())
    operations = [each for each in found if each.product == product]
    paths: dict[str, Schema] = {}
    for operation in operations:
        item = paths.setdefault(operation.path, _parameters(operation.path))
        item[operation.method.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLES[product], "version": "1", "description": _ABOUT},
        "servers": [
            {"url": f"/{product}", "description": "The sandbox that serves this."},
            {"url": _BASE_URLS[product], "description": "EngageLab."},
        ],
        "security": [{"keyPair": []}],
        "paths": paths,
        "webhooks": {"callback": {"post": _callback()}},
        "components": {
            "securitySchemes": {"keyPair": _key_pair(product)},
            "schemas": _components(operations),
        },
    }


def _components(operations: Iterable[Operation]) -> Schema:
    kinds: list[Any] = [Error, *ROWS]
    for each in operations:
        kinds += each.answers if isinstance(each.answers, tuple | list) else [each.answers]
        kinds += [] if each.body is None else [each.body]
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


def _parameters(path: str) -> Schema:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    return {"parameters": parameters} if parameters else {}


def _described(operation: Operation) -> Schema:
    described: Schema = {"operationId": operation.name, "summary": operation.summary}
    if operation.refuses_by_status:
        described["description"] = _BY_STATUS
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(_schema(operation.body))}
    described["responses"] = {
        "200": {"description": "Accepted.", "content": _json(_schema(operation.answers))},
        **{str(status): _refusal(codes) for status, codes in operation.codes.items()},
        # An unknown path or method, or a body that is too large; the code is the HTTP status.
        "4XX": {
            "description": "Refused before the call was looked at.",
            "content": _json(_schema(Error)),
        },
        # Gateways answer with pages of their own, which have no schema.
        "5XX": {"description": "The platform, or a gateway in front of it, failed."},
    }
    return described


def _refusal(codes: list[int]) -> Schema:
    listed = [f"- {code}: {MEANINGS.get(code, 'see the message')}" for code in codes]
    narrowed = {"properties": {"code": {"enum": codes}}}
    return {
        "description": "\n".join(["Refused.", "", *listed]),
        "content": _json({"allOf": [_schema(Error), narrowed]}),
    }


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
        "requestBody": {"content": _json({"anyOf": [rows, {"const": {}}]})},
        "responses": {"200": {"description": "Received; the body is ignored."}},
    }


def _schema(kind: Any) -> Schema:  # noqa: ANN401 - a class, a list of one, or several
    if isinstance(kind, tuple):
        return {"anyOf": [*map(_schema, kind)]}
    if isinstance(kind, list):
        return {"type": "array", "items": _schema(*kind)}
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _key_pair(product: Product) -> Schema:
    return {
        "type": "http",
        "scheme": "basic",
        "description": f"The dev_key and the dev_secret of the {product.upper()} product. "
        "Those of the other product are refused.",
    }
