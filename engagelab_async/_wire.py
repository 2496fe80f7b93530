"""The wire: an operation becomes bytes; status, headers and body become a result or an error.

::

    operation ── encode ──> body
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
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Final, TypeGuard, TypeVar, get_args, get_origin

from attrs import AttrsInstance, fields, has
from cattrs import ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

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
    InvalidNumberError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RegionForbiddenError,
    SendFailedError,
    ServerError,
    UnreachableError,
    UnregisteredNumberError,
    UnsubscribedError,
)
from .operations import Operation
from .operations._arguments import JSON_NAME, KEPT, PERSONAL
from .operations._operation import IDENTIFIER

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
_SEND_FAILURES: Final = range(5000, 6000)
_SMS_CONFIG_REFUSAL: Final = 400
_FREQUENCY_LIMIT: Final = 3004
_TOO_MANY_REQUESTS: Final = 429
_SHOWN_CHARACTERS: Final = 500
# Digits with the usual separators, up to the last two; or what stands before an @.
_LIKE_A_RECIPIENT: Final = re.compile(
    r"\+?\d(?:[ ().-]{0,2}\d){4,}(?=[ ().-]{0,2}\d[ ().-]?\d)|[^\s@<>\"']+(?=@)"
)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FIRST_REDIRECT, _FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 300, 400, 500


# ------------------------------------------------------------------------------- the converter


class _MismatchError(Exception):
    """A value is not of the documented kind."""

    def __init__(self, problem: str, address: str = "") -> None:
        super().__init__(problem)
        self.address = address


def _mismatch(expected: str, value: object) -> _MismatchError:
    return _MismatchError(f"expected {expected}, got {_json_kind(value)}")


def _json_kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")


# cattrs' own hooks coerce: null would become the string "None", and 5 the string "5".


def _string(value: object, _: object) -> str:
    if isinstance(value, str):
        return value
    raise _mismatch("a string", value)


def _integer(value: object, _: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _mismatch("an integer", value)


def _boolean(value: object, _: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _mismatch("a boolean", value)


def _identifier(value: object, kind: object) -> str | int:
    if get_args(kind)[0] is int:
        # Some APIs learn to send large numbers as strings, for the sake of JavaScript.
        return int(value) if _is_digits(value) else _integer(value, int)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__str__(value)
    return _string(value, str)


def _is_digits(value: object) -> TypeGuard[str]:
    # No number of the API is that long, and int() refuses to read thousands of digits.
    return isinstance(value, str) and bool(re.fullmatch("[0-9]{1,39}", value))


def _is_identifier(kind: object) -> bool:
    return get_origin(kind) is Annotated and IDENTIFIER in get_args(kind)


def _structure_hook(kind: type[AttrsInstance]) -> Callable[[Any, Any], Any]:
    """Refuse what is no object by its own address, not by that of a field in it."""
    structure = make_dict_structure_fn(kind, _converter)

    def hook(value: object, _: object) -> object:
        if not isinstance(value, dict):
            raise _mismatch("an object", value)
        return structure(value, kind)

    return hook


def _is_json(kind: object) -> bool:
    return get_origin(kind) is Mapping and Any in get_args(kind)


def _unstructure_hook(kind: type[AttrsInstance]) -> Callable[[Any], dict[str, Any]]:
    """Leave out what the caller left out, and write each field under its key in the body."""
    overrides: dict[str, Any] = {
        field.name: override(
            rename=field.metadata.get(JSON_NAME),
            unstruct_hook=_keeping(kept) if (kept := field.metadata.get(KEPT)) else None,
        )
        for field in fields(kind)
    }
    return make_dict_unstructure_fn(kind, _converter, _cattrs_omit_if_default=True, **overrides)


def _keeping(kept: tuple[str, ...]) -> Callable[[object], dict[str, Any]]:
    """Write the keys of a nested value that the API wants even if they are empty."""

    def hook(value: object) -> dict[str, Any]:
        written: dict[str, Any] = _converter.unstructure(value)
        return written | {name: getattr(value, name) for name in kept}

    return hook


def _make_converter() -> Converter:
    converter = Converter()
    converter.register_structure_hook(str, _string)
    converter.register_structure_hook(int, _integer)
    converter.register_structure_hook(bool, _boolean)
    converter.register_structure_hook_func(_is_identifier, _identifier)
    converter.register_structure_hook_factory(has, _structure_hook)
    converter.register_unstructure_hook_factory(has, _unstructure_hook)
    # The caller's own data came out of JSON: it is written as it is, at any depth.
    converter.register_unstructure_hook_func(_is_json, lambda value: value)
    return converter


_converter: Final = _make_converter()
# json.loads would look for UTF-16 and UTF-32 first, which RFC 8259 does not allow on the wire.
_from_json: Final = json.JSONDecoder().decode
_to_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


# ------------------------------------------------------------------------------- sending


def encode(operation: Operation[object]) -> bytes:
    """Write the body of an operation's request: compact JSON in UTF-8."""
    return _to_json(_converter.unstructure(operation)).encode()


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
        document = _object_if_any(body, headers)
        raise _refusal(operation, status, headers, document, now)
    try:
        document = _object(body, headers)
        if not _error_code(document):
            result: R = _converter.structure(document, operation.endpoint.result)
            return result
    except (_MismatchError, ClassValidationError) as error:
        address, problem = _addressed(error)
        text = f"{address}: {problem}"
        raise InvalidResponseError(text, http_status=status) from None
    raise _refusal(operation, status, headers, document, now)


def _object_if_any(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Read the body of a refusal, which may be a gateway's page, or nothing."""
    try:
        return _object(body, headers)
    except _MismatchError:
        return {}


def _object(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    if len(body) > MAX_BODY_BYTES:
        msg = f"expected an object, got more than {MAX_BODY_BYTES} bytes"
        raise _MismatchError(msg)
    try:
        document = _parsed(body, headers)
    # A ValueError also for bytes that are no text and for numbers of over 4,300 digits.
    except (ValueError, RecursionError):
        found = f"{len(body)} bytes that are not JSON" if body else "an empty body"
        msg = f"expected an object, got {found}"
        raise _MismatchError(msg) from None
    if not isinstance(document, dict):
        raise _mismatch("an object", document)
    return document


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
    if _is_digits(code):
        return int(code)
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    raise _MismatchError(f"expected an integer, got {_json_kind(code)}", "$.code")


def _error_code_if_any(document: Mapping[str, Any]) -> int | None:
    try:
        return _error_code(document)
    except _MismatchError:
        return None


def _addressed(error: BaseException, address: str = "$") -> tuple[str, str]:
    """Find the first wrong field below an address, and say what is wrong with it."""
    if isinstance(error, ClassValidationError):
        found, note = error.group_exceptions()[0][0]
        return _addressed(found, f"{address}.{note.name}")
    if isinstance(error, KeyError):
        return address, "required field is missing"
    return getattr(error, "address", "") or address, str(error)


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
    if status >= _FIRST_SERVER_ERROR and kind is not NotFoundError and code not in ERRORS_BY_CODE:
        error.may_have_been_sent = True
    return error


def _error_class(status: int, code: int | None, message: str) -> type[APIError]:
    # A gateway's 429 is about the caller's rate; 3004 is about one person, whatever its status.
    if status == _TOO_MANY_REQUESTS and code != _FREQUENCY_LIMIT:
        return RateLimitError
    if code is not None and code in ERRORS_BY_CODE:
        return ERRORS_BY_CODE[code]
    # Without a code it is a gateway that misses something, its own upstream perhaps.
    if "not exist" in message and (code is not None or status < _FIRST_SERVER_ERROR):
        return NotFoundError
    if status >= _FIRST_SERVER_ERROR and code not in _SEND_FAILURES:
        return ServerError
    return _class_of_unknown(status, code)


def _class_of_unknown(status: int, code: int | None) -> type[APIError]:
    # The SMS template and signature calls use the status as the code and tell by the message.
    if code == _SMS_CONFIG_REFUSAL:
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
    # Cut before the pattern, whose time grows with the square of a word's length; in one line
    # and printable, so that no message can forge a line of a log.
    line = " ".join(_UNPRINTABLE.sub(" ", message[:_SHOWN_CHARACTERS]).split())
    return _LIKE_A_RECIPIENT.sub("…", line)


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
