"""Convert errors to the responses that cause them.

=====================================  =========================================================
a `TransportError`                     is raised by the engine: there was no answer
`InvalidResponseError`                 HTTP 200 with a page of HTML
any other `APIError`                   its status, code and words, in JSON
everything else                        cannot be the result of a request: ``TypeError``
=====================================  =========================================================
"""

import json
from collections.abc import Mapping
from typing import Final, TypeAlias

from engagelab_async.engines import Response
from engagelab_async.errors import (
    APIError,
    EngageLabError,
    InUseError,
    InvalidResponseError,
    NameTakenError,
    PendingReviewError,
    RateLimitError,
    TransportError,
)
from engagelab_async.sandbox.refusals import RefusedError
from engagelab_async.wire import ERRORS_BY_CODE

Failure: TypeAlias = TransportError | InvalidResponseError | APIError
"""An error that a request can end in."""

_DEFAULT_STATUS: Final = 400
_TOO_MANY_REQUESTS: Final = 429
_MESSAGES: Final[Mapping[type[APIError], str]] = {
    InUseError: "there are pending or running plans using current template, can not update",
    NameTakenError: "sign_name already exist",
    PendingReviewError: "can not update pending status template",
}
_CODES: Final[Mapping[type[APIError], int]] = {
    # Of several codes the first one stays.
    kind: code
    for code, kind in reversed(list(ERRORS_BY_CODE.items()))
} | dict.fromkeys(_MESSAGES, 400)


def made(error: type[EngageLabError] | EngageLabError) -> Failure:
    """Take an error or its class.

    Raises:
        TypeError: It cannot be the result of a request.
    """
    made = error() if isinstance(error, type) and issubclass(error, TransportError) else error
    if isinstance(made, type) and issubclass(made, InvalidResponseError | APIError):
        made = made("")
    if isinstance(made, TransportError | InvalidResponseError | APIError):
        return made
    name = getattr(error, "__name__", type(error).__name__)
    raise TypeError(
        f"error: expected an APIError, a TransportError or an InvalidResponseError, got {name}"
    )


def answer_with(error: InvalidResponseError | APIError) -> Response:
    """Make the response that causes an error in the client."""
    if isinstance(error, InvalidResponseError):
        return Response(error.http_status, {}, b"<html>It works!</html>")
    code = _CODES.get(type(error)) if error.code is None else error.code
    headers = {} if error.retry_after is None else {"retry-after": f"{error.retry_after:g}"}
    document = {"code": code, "message": _words(error, code), "plan_id": error.plan_id}
    body = {name: value for name, value in document.items() if value is not None}
    return Response(_status(error, code), headers, json.dumps(body).encode())


def _status(error: APIError, code: int | None) -> int:
    if error.http_status != _DEFAULT_STATUS:
        return error.http_status
    if isinstance(error, RateLimitError):
        return _TOO_MANY_REQUESTS
    documented = _documented(code)
    return _DEFAULT_STATUS if documented is None else documented.http_status


def _words(error: APIError, code: int | None) -> str:
    """Return the message that the test has set, or the platform's."""
    said = error.api_message or str(error.args[0]) or _MESSAGES.get(type(error))
    documented = _documented(code)
    return said or ("refused" if documented is None else documented.message)


def _documented(code: int | None) -> RefusedError | None:
    return RefusedError(code) if code is not None and code in ERRORS_BY_CODE else None
