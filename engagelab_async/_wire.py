"""The wire: an operation becomes bytes; status, headers and body become a result or an error.

::

    operation ── path, encode ──> path, body
    result    <── decode ── status, headers, body
    or an error of the tree

No I/O happens here, and every trap of the API's format is here: errors that arrive with HTTP 200,
gateways that answer HTML, ids above 2**53, ``null`` where a string is documented.
"""

from __future__ import annotations

import json
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import NoneType
from typing import Any, Final, TypeVar
from urllib.parse import quote

from attrs import evolve, fields, has

from ._convert import IN_PATH, MismatchError, is_array, is_digits, json_kind, read, write
from .errors import (
    APIError,
    AuthenticationError,
    BlacklistedError,
    BusinessRuleError,
    ContentRejectedError,
    FrequencyLimitError,
    HandsetError,
    InterceptedError,
    InternalSendError,
    InUseError,
    InvalidNumberError,
    InvalidRequestError,
    InvalidResponseError,
    NameTakenError,
    NotFoundError,
    PendingReviewError,
    PermissionDeniedError,
    RateLimitError,
    RegionForbiddenError,
    SendFailedError,
    ServerError,
    UnreachableError,
    UnregisteredNumberError,
    UnsubscribedError,
)
from .operations import Operation, SendSMS
from .operations._arguments import PERSONAL

R = TypeVar("R")

MAX_BODY_BYTES: Final = 1024 * 1024
"""The largest answer that is read, in bytes; real ones have a few hundred."""

ERRORS_BY_CODE: Final[Mapping[int, type[APIError]]] = {
    1000: ServerError,
    2001: AuthenticationError,
    2002: AuthenticationError,
    2004: PermissionDeniedError,
    3001: InvalidRequestError,
    3002: InvalidRequestError,
    3003: BusinessRuleError,
    3004: FrequencyLimitError,
    4001: NotFoundError,
    5001: SendFailedError,
    5011: InvalidNumberError,
    5012: UnreachableError,
    5013: BlacklistedError,
    5014: ContentRejectedError,
    5015: InterceptedError,
    5016: InternalSendError,
    5017: RegionForbiddenError,
    5018: HandsetError,
    5019: UnsubscribedError,
    5020: UnregisteredNumberError,
}
"""The documented codes."""

_ERRORS_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
}
_ERRORS_BY_WORDS: Final[Mapping[str, type[APIError]]] = {
    "not exist": NotFoundError,
    "already exist": NameTakenError,
    "pending status": PendingReviewError,
    "using current": InUseError,
    "can not use": BusinessRuleError,
}
"""What tells the refusals of templates and signatures apart, in the order of looking."""

_TOLD_BY_WORDS: Final = frozenset(_ERRORS_BY_WORDS.values())
_SEND_FAILURES: Final = range(5000, 6000)
# The SMS template and signature calls use the status as the code and tell by the message.
_CONFIG_REFUSALS: Final = (400, 500)
_BAD_CONFIG: Final = 400
_FREQUENCY_LIMIT: Final = 3004
_TOO_MANY_REQUESTS: Final = 429
_SHOWN_CHARACTERS: Final = 500
# Digits with the usual separators, up to the last two; or what stands before an @.
_LIKE_A_RECIPIENT: Final = re.compile(
    r"\+?\d(?:[ ().-]{0,2}\d){4,}(?=[ ().-]{0,2}\d[ ().-]?\d)|[^\s@<>\"']+(?=@)"
)
_FIRST_REDIRECT, _FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 300, 400, 500


# json.loads would look for UTF-16 and UTF-32 first, which RFC 8259 does not allow on the wire.
_from_json: Final = json.JSONDecoder().decode
_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


# ------------------------------------------------------------------------------- sending


_WITHOUT_BODY: Final = frozenset({"GET", "DELETE"})


def path(operation: Operation[object]) -> str:
    """Write the path of an operation's request, each id in it being one segment."""
    template = operation.endpoint.path
    if "{" not in template:
        return template
    return IN_PATH.sub(lambda match: _segment(str(getattr(operation, match[1]))), template)


def _segment(text: str) -> str:
    # HTTP libraries, and servers, take "." and ".." for steps through the path.
    return quote(text, safe="") if text.strip(".") else "%2E" * len(text)


def encode(operation: Operation[object]) -> bytes:
    """Write the body of an operation's request: compact JSON in UTF-8, or nothing."""
    if operation.endpoint.method in _WITHOUT_BODY:
        return b""
    return _to_json(write(operation)).encode()


def with_custom_arg(operation: SendSMS, body: bytes, name: str, value: str) -> bytes:
    """Write a body once more, with a custom argument beside the caller's.

    Args:
        operation: What the body was written of.
        body: That body.
        name: The argument.
        value: Its value.
    """
    given = operation.custom_args
    if given is None:
        # Writing all of it again would take as long as it took to write it.
        return body[:-1] + f',"custom_args":{_to_json({name: value})}}}'.encode()
    return encode(evolve(operation, custom_args={**given, name: value}))


# ------------------------------------------------------------------------------- receiving


def decode(
    operation: Operation[R],
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
) -> R:
    """Read an answer.

    Args:
        operation: What was asked.
        status: The HTTP status.
        headers: The response headers; names in any case.
        body: The body as it came, at most a little more than `MAX_BODY_BYTES` of it.
        now: Unix seconds, to make a duration of a ``Retry-After`` that is a date.

    Returns:
        The operation's result.

    Raises:
        APIError: The API, or a gateway in front of it, refused.
        InvalidResponseError: A 2xx has a body that is not what the API documents.
    """
    if status >= _FIRST_REDIRECT:
        raise _refusal(operation, status, headers, _object_if_any(body, headers), now)
    result = operation.endpoint.result
    if result is NoneType and not body:
        # An answer that has nothing to say need not say it.
        body = b"{}"
    try:
        document = _document(body, headers, result)
        if not isinstance(document, dict) or not _error_code(document):
            decoded: R = read(document, result)
            return decoded
    except MismatchError as error:
        text = f"{error.address}: {error}"
        raise InvalidResponseError(text, http_status=status) from None
    raise _refusal(operation, status, headers, document, now)


def _object_if_any(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Read the body of a refusal, which may be a gateway's page, or nothing."""
    try:
        document = _document(body, headers, dict)
    except MismatchError:
        return {}
    return document if isinstance(document, dict) else {}


def _document(body: bytes, headers: Mapping[str, str], kind: object) -> object:
    found = f"more than {MAX_BODY_BYTES} bytes"
    if len(body) <= MAX_BODY_BYTES:
        try:
            return _parsed(body, headers)
        # A ValueError also for bytes that are no text and for numbers of over 4,300 digits.
        except (ValueError, RecursionError):
            found = f"{len(body)} bytes that are not JSON" if body else "an empty body"
    raise MismatchError(f"expected {'an array' if is_array(kind) else 'an object'}, got {found}")


def _parsed(body: bytes, headers: Mapping[str, str]) -> object:
    try:
        return _from_json(body.removeprefix(BOM_UTF8).decode())
    except ValueError:
        # Engines ask for no compression, yet some proxies add one, and others undo it without
        # taking away the header: so what parses is taken as it is.
        if _header(headers, "content-encoding").lower() not in ("gzip", "deflate"):
            raise
    return _from_json(_decompressed(body).decode())


def _decompressed(body: bytes) -> bytes:
    try:
        # 32 added to the window's bits: tell gzip and zlib apart by their first bytes.
        return zlib.decompressobj(32 + zlib.MAX_WBITS).decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise ValueError from error


def _error_code(document: Mapping[str, Any]) -> int | None:
    code = document.get("code")
    if code is None:
        return None
    if is_digits(code):
        return int(code)
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    raise MismatchError(f"expected an integer, got {json_kind(code)}", "$.code")


def _error_code_if_any(document: Mapping[str, Any]) -> int | None:
    try:
        return _error_code(document)
    except MismatchError:
        return None


# ------------------------------------------------------------------------------- refusals


def _refusal(
    operation: Operation[object],
    status: int,
    headers: Mapping[str, str],
    document: Mapping[str, Any],
    now: float,
) -> APIError:
    code = _error_code_if_any(document)
    said = document.get("message")
    message = said if isinstance(said, str) else ""
    plan_id = document.get("plan_id")
    has_plan = isinstance(plan_id, str | int) and not isinstance(plan_id, bool)
    kind = _error_class(status, code, message)
    error = kind(
        f"{_described(code, status, message, operation)} (HTTP {status})",
        code=code,
        http_status=status,
        retry_after=_retry_after(headers, now),
        plan_id=str(plan_id) if has_plan else None,
        message=message,
    )
    # A documented code says what became of the send; any other 5xx leaves it open.
    if status >= _FIRST_SERVER_ERROR and kind not in _TOLD_BY_WORDS and code not in ERRORS_BY_CODE:
        error.may_have_been_sent = True
    return error


def _error_class(status: int, code: int | None, message: str) -> type[APIError]:
    # A gateway's 429 is about the caller's rate; 3004 is about one person, whatever its status.
    if status == _TOO_MANY_REQUESTS and code != _FREQUENCY_LIMIT:
        return RateLimitError
    known = None if code is None else ERRORS_BY_CODE.get(code)
    if known is BusinessRuleError:
        return _told_by(message, BusinessRuleError) or known
    if known is not None:
        return known
    # Without a code it is a gateway that misses something, its own upstream perhaps.
    if code is not None or status < _FIRST_SERVER_ERROR:
        told = _told_by(message, APIError if code in _CONFIG_REFUSALS else NotFoundError)
        if told is not None:
            return told
    if status >= _FIRST_SERVER_ERROR and code not in _SEND_FAILURES:
        return ServerError
    return _class_of_unknown(status, code)


def _told_by(message: str, root: type[APIError]) -> type[APIError] | None:
    """Find what a message says, among the classes below a root."""
    return next(
        (
            kind
            for words, kind in _ERRORS_BY_WORDS.items()
            if words in message and issubclass(kind, root)
        ),
        None,
    )


def _class_of_unknown(status: int, code: int | None) -> type[APIError]:
    if code == _BAD_CONFIG:
        return InvalidRequestError
    if code in _SEND_FAILURES:
        return SendFailedError
    return _ERRORS_BY_STATUS.get(status, APIError)


def _described(code: int | None, status: int, message: str, operation: Operation[object]) -> str:
    if code is not None or message:
        return f"{'no code' if code is None else code} {_masked(message, operation)}".rstrip()
    if status < _FIRST_CLIENT_ERROR:
        return "a redirect, which is not followed; is the base URL right?"
    return "no error of the API's own, perhaps a gateway's"


def _masked(message: str, operation: Operation[object]) -> str:
    """Mask what the API may have repeated: what was sent, and whatever looks like a recipient."""
    # Wherever they stand: Chinese puts no space around a code.
    repeated = {value for value in _personal(operation) if value in message}
    for value in sorted(repeated, key=len, reverse=True):
        message = message.replace(value, "…")
    # Cut before the pattern, whose time grows with the square of a word's length.
    return _LIKE_A_RECIPIENT.sub("…", one_line(message))


def one_line(text: str) -> str:
    """Make of the platform's words one printable line, which cannot forge another in a log.

    Control and format characters become spaces: those that end a line, command a terminal, or turn
    the direction of a text (Unicode categories Cc, Cf, Zl and Zp, and lone surrogates).
    """
    cut = text[:_SHOWN_CHARACTERS]
    if not cut.isprintable():
        cut = "".join(char if char.isprintable() else " " for char in cut)
    return " ".join(cut.split())


def _personal(operation: Operation[object]) -> Iterator[str]:
    for field in fields(type(operation)):
        value = getattr(operation, field.name)
        if has(type(value)):
            yield from _personal(value)
        elif field.metadata.get(PERSONAL):
            yield from _strings(value)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        # Masking every "a" of a message would leave nothing to read.
        yield from [value] if len(value) > 2 else []  # noqa: PLR2004
    elif isinstance(value, Mapping):
        yield from _strings(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _strings(item)


# ------------------------------------------------------------------------------- headers


def _header(headers: Mapping[str, str], name: str) -> str:
    found = next((value for key, value in headers.items() if key.lower() == name), "")
    return found.strip()


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read ``Retry-After``: whole seconds, or an HTTP date (RFC 9110, section 10.2.3)."""
    value = _header(headers, "retry-after")
    # Fractions are against the RFC, but they are sent, and ignoring one would mean not to wait.
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return float(value)
    at = _http_date(value)
    if at is None:
        return None
    # The date is by the server's clock, so it is compared with that one where it is told.
    server_now = _http_date(_header(headers, "date"))
    return max(0.0, at - (now if server_now is None else server_now))


def _http_date(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # RFC 9110's oldest format names no time zone; all three are in GMT.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
