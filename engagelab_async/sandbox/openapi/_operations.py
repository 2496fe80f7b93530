"""One operation of a document: what it takes, what it answers, and how it refuses."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final

from engagelab_async.sandbox.outbox import Product
from engagelab_async.sandbox.refusals import MEANINGS, OTP_ONLY, RefusedError

from ._schemas import Schema, answer, any_text, integer, reference, text

CONFIG_CODES: Final = (400, 500)
"""Calls about SMS templates and signatures have the HTTP status as their code."""

DONE: Final = answer(
    {"code": integer("Always 0.", const=0), "message": any_text(examples=["success"])},
    description="It went well.",
)
"""The answer that says no more than that."""

_MEDIA_TYPE: Final = "application/json"


def operation(
    operation_id: str,
    summary: str,
    *,
    answers: Schema,
    body: Schema | None = None,
    description: str = "",
    refuses_by_status: bool = False,
) -> Schema:
    """Describe an operation.

    Args:
        operation_id: Its name, as the library has it.
        summary: What it does.
        answers: The schema of a 200.
        body: The schema of its body, or ``None``.
        description: What there is to know.
        refuses_by_status: Whether refusals have the HTTP status as their code.
    """
    product: Product = "otp" if operation_id.startswith("otp.") else "sms"
    codes = {*codes_of(product), *(CONFIG_CODES if refuses_by_status else ())}
    described: Schema = {"operationId": operation_id, "summary": summary}
    if description:
        described["description"] = description
    if body is not None:
        described["requestBody"] = {"required": True, "content": _json(body)}
    return described | {"responses": _responses(answers, codes)}


def with_id(name: str, operations: Mapping[str, Schema], *, description: str) -> Schema:
    """Describe the operations on one thing, by HTTP method.

    Args:
        name: The name of the id in the path.
        operations: The operations.
        description: What the id is.
    """
    parameter = {"name": name, "in": "path", "required": True, "schema": text(description)}
    return {"parameters": [parameter], **operations}


def codes_of(product: Product) -> list[int]:
    """Return the error codes of a product."""
    return [code for code in MEANINGS if product == "otp" or code not in OTP_ONLY]


def error_components() -> dict[str, Any]:
    """Describe what all refusals have in common."""
    fields = {"code": integer("The error code."), "message": any_text("What is wrong.")}
    return {"Error": answer(fields, description="A refusal.")}


def _responses(answers: Schema, codes: Iterable[int]) -> Schema:
    by_status = groupby(sorted(codes, key=_status_of), key=_status_of)
    return {
        "200": {"description": "Accepted.", "content": _json(answers)},
        **{str(status): _refusal(list(group)) for status, group in by_status},
        # An unknown path or method, or a body that is too large; the code is the HTTP status.
        "4XX": _response("Refused before the call was looked at.", reference("Error")),
        # Gateways answer with pages of their own, which have no schema.
        "5XX": {"description": "The platform, or a gateway in front of it, failed."},
    }


def _status_of(code: int) -> int:
    return code if code in CONFIG_CODES else RefusedError(code, "").http_status


def _refusal(codes: list[int]) -> Schema:
    listed = [f"- {code}: {MEANINGS.get(code, 'see the message')}" for code in codes]
    narrowed = {"properties": {"code": {"enum": codes}}}
    schema = {"allOf": [reference("Error"), narrowed]}
    return _response("\n".join(["Refused.", "", *listed]), schema)


def _response(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": _json(schema)}


def _json(schema: Schema) -> Schema:
    return {_MEDIA_TYPE: {"schema": schema}}
