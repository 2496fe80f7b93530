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
import math
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from types import NoneType
from typing import Any, Final, TypeVar, get_type_hints
from urllib.parse import quote

from engagelab_async import errors
from engagelab_async.arguments import encodable, is_integer
from engagelab_async.balance import Balance
from engagelab_async.convert import (
    MismatchError,
    is_array,
    is_digits,
    json_kind,
    read,
    write,
)
from engagelab_async.errors import APIError, InvalidResponseError
from engagelab_async.masking import SHOWN, masked
from engagelab_async.operation import IN_PATH, Operation, query_fields, wire_name

R = TypeVar("R")

MAX_BODY_BYTES: Final = 1024 * 1024
"""The largest answer that is read, in bytes; real ones have a few hundred."""

ERRORS_BY_CODE: Final[Mapping[int, type[APIError]]] = {
    1000: errors.ServerError,
    2001: errors.AuthenticationError,
    2002: errors.AuthenticationError,
    2004: errors.PermissionDeniedError,
    3001: errors.InvalidRequestError,
    3002: errors.InvalidRequestError,
    3003: errors.BusinessRuleError,
    3004: errors.FrequencyLimitError,
    4001: errors.NotFoundError,
    5001: errors.SendFailedError,
    5011: errors.InvalidNumberError,
    5012: errors.UnreachableError,
    5013: errors.BlacklistedError,
    5014: errors.ContentRejectedError,
    5015: errors.InterceptedError,
    5016: errors.InternalSendError,
    5017: errors.RegionForbiddenError,
    5018: errors.HandsetError,
    5019: errors.UnsubscribedError,
    5020: errors.UnregisteredNumberError,
}
"""The documented codes."""

_ERRORS_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
}
_ERRORS_BY_MESSAGE: Final[Mapping[str, type[APIError]]] = {
    "not exist": errors.NotFoundError,
    "already exist": errors.NameTakenError,
    "pending status": errors.PendingReviewError,
    "using current": errors.InUseError,
    "can not use": errors.BusinessRuleError,
}
"""Words in the messages of refusals of templates and signatures, in the order of precedence."""

_SEND_FAILURES: Final = range(5000, 6000)
_SERVER_ERROR_CODES: Final = range(500, 600)
# The SMS template and signature calls use the status as the code; the message says what failed.
_BAD_CONFIG, _FAILED_CONFIG = 400, 500
_CONFIG_PATH: Final = "-configs"
_ABOUT_CONFIGS: Final = re.compile(r"\b(template|sign)(?:\b|_|Id)")
_BUSINESS_RULE: Final = 3003
_ROOTS_BY_CODE: Final[Mapping[int | None, type[APIError]]] = {
    _BAD_CONFIG: APIError,
    _FAILED_CONFIG: APIError,
    _BUSINESS_RULE: errors.BusinessRuleError,
}
"""Below which class the words behind a code may choose; below `NotFoundError` for all others."""

_FREQUENCY_LIMIT: Final = 3004
_TOO_MANY_REQUESTS: Final = 429
_FIRST_REDIRECT, _FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 300, 400, 500


def _exact(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent that no Decimal has
        return Decimal("NaN")


# json.loads would look for UTF-16 and UTF-32 first, which RFC 8259 does not allow on the wire.
_JSON: Final = json.JSONDecoder()
_JSON_WITH_DECIMALS: Final = json.JSONDecoder(parse_float=_exact)
_JSON_SPACE: Final = " \t\n\r"


def _json_writer() -> Callable[[object], str]:
    encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
    # Its `encode` makes one of these for each document, which takes longer than to write it.
    make: Any = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # pragma: no cover - on PyPy
        return encoder.encode
    escape = json.encoder.encode_basestring
    write = make(None, encoder.default, escape, None, ":", ",", False, False, True)  # noqa: FBT003 - as there
    return lambda document: "".join(write(document, 0))


_to_json: Final = _json_writer()


# ------------------------------------------------------------------------------- sending


def path(operation: Operation[object]) -> str:
    """Write the path of an operation's request, with the query if there is one.

    Each id in the path is one segment of it. The query's order is that of the endpoint.

    Raises:
        TypeError: A field cannot be written in a query.
        ValueError: A field cannot be written in UTF-8, or is a ``datetime`` without a time zone.
    """
    template = operation.endpoint.path
    if "{" in template:
        template = IN_PATH.sub(lambda match: _segment(operation, match[1]), template)
    return f"{template}{_query(operation)}" if operation.endpoint.query else template


def _segment(operation: Operation[object], name: str) -> str:
    text = str(getattr(operation, name))
    # HTTP libraries, and servers, take "." and ".." for steps through the path.
    return _quoted(text, name) if text.strip(".") else "%2E" * len(text)


def _query(operation: Operation[object]) -> str:
    given = ((each, getattr(operation, each.name)) for each in query_fields(type(operation)))
    pairs = "&".join(
        f"{_quoted(wire_name(each), each.name)}={_quoted(_text(operation, each.name), each.name)}"
        for each, value in given
        if value not in (None, ())
    )
    return f"?{pairs}" if pairs else ""


def _text(operation: Operation[object], name: str) -> str:
    """Write a field as text. A ``datetime`` is in Unix seconds, as in the API's answers."""
    value = getattr(operation, name)
    # What joins the items of a tuple stands in the field's annotation.
    hints = get_type_hints(type(operation), include_extras=True) if type(value) is tuple else {}
    match write(value, hints.get(name)):
        case datetime() as moment if moment.utcoffset() is None:
            raise ValueError(f"{name}: a datetime must be aware (have a time zone)")
        case datetime() as moment:
            return str(int(moment.timestamp()))
        case date() as day:
            return day.isoformat()
        case bool() as flag:
            return "true" if flag else "false"
        case str() | int() | Decimal() as written:
            return str(written)
        case float() as number if math.isfinite(number):
            return str(number)
        case _:
            found = type(value).__name__
            raise TypeError(f"{name}: this {found} cannot be written in a query")


def _quoted(text: str, name: str) -> str:
    return quote(encodable(text, name), safe="")


def encode(operation: Operation[object], **replaced: object) -> bytes:
    """Write the body of an operation's request: compact JSON in UTF-8, or nothing.

    `replaced` are fields of the body that are to have another value, or to be added.
    """
    if not operation.endpoint.has_body:
        return b""
    document = write(operation)
    document.update(replaced)
    return _to_json(document).encode()


# ------------------------------------------------------------------------------- receiving


def decode(
    operation: Operation[R],
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    secrets: Iterable[str] = (),
) -> R:
    """Read an answer.

    Args:
        operation: What was asked.
        status: The HTTP status.
        headers: The response headers; names in any case.
        body: The body as it came, at most a little more than `MAX_BODY_BYTES` of it.
        now: Unix seconds, to make a duration of a ``Retry-After`` that is a date.
        secrets: What must not be shown if the API quotes it, such as the key pair.

    Raises:
        APIError: The API, or a gateway in front of it, refused.
        InvalidResponseError: A 2xx has a body that is not what the API documents.
    """
    if status >= _FIRST_REDIRECT:
        refusal = _object_if_any(body, headers)
        raise _refusal(operation, status, headers, refusal, now=now, secrets=secrets)
    result = operation.endpoint.result
    if result is NoneType and not body:
        # A result without fields needs no body.
        body = b"{}"
    try:
        document = _document(body, headers, result)
        if not isinstance(document, dict) or not _error_code(document):
            decoded: R = read(document, result)
            return decoded
    except MismatchError as error:
        text = f"{error.address}: {error}"
        raise InvalidResponseError(text, http_status=status) from None
    raise _refusal(operation, status, headers, document, now=now, secrets=secrets)


def _object_if_any(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Read the body of an error response, which may be a gateway's page, or empty."""
    try:
        document = _document(body, headers, dict)
    except MismatchError:
        return {}
    return document if isinstance(document, dict) else {}


def _document(body: bytes, headers: Mapping[str, str], kind: object) -> object:
    decoder = _JSON_WITH_DECIMALS if kind is Balance else _JSON
    if len(body) > MAX_BODY_BYTES:
        found = f"more than {MAX_BODY_BYTES} bytes"
    else:
        try:
            return _parsed(body, headers, decoder)
        # A ValueError also for bytes that are no text and for numbers of over 4,300 digits.
        except (ValueError, RecursionError):
            found = f"{len(body)} bytes that are not JSON" if body else "an empty body"
    raise MismatchError(f"expected {'an array' if is_array(kind) else 'an object'}, got {found}")


def _parsed(body: bytes, headers: Mapping[str, str], decoder: json.JSONDecoder) -> object:
    try:
        return _from_json(body.removeprefix(BOM_UTF8), decoder)
    except ValueError:
        # Engines ask for no compression, yet some proxies add one, and others undo it without
        # taking away the header: so what parses is taken as it is.
        if _header(headers, "content-encoding").lower() not in ("gzip", "deflate"):
            raise
    return _from_json(_decompressed(body), decoder)


def _from_json(body: bytes, decoder: json.JSONDecoder) -> object:
    # Twice as fast as the decoder's own way, which looks for spaces with regular expressions.
    text = body.decode().strip(_JSON_SPACE)
    document, end = decoder.raw_decode(text)
    if end < len(text):
        raise ValueError("more than one document")
    return document


def _decompressed(body: bytes) -> bytes:
    try:
        # 32 added to the window's bits: distinguish gzip and zlib by their first bytes.
        return zlib.decompressobj(32 + zlib.MAX_WBITS).decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise ValueError from error


def _error_code(document: Mapping[str, Any]) -> int | None:
    code = document.get("code")
    if code is None:
        return None
    if is_digits(code):
        return int(code)
    if is_integer(code):
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
    *,
    now: float,
    secrets: Iterable[str],
) -> APIError:
    code = _error_code_if_any(document)
    said = document.get("message")
    message = said if isinstance(said, str) else ""
    plan_id = document.get("plan_id")
    has_plan = isinstance(plan_id, str) or is_integer(plan_id)
    by_message = _class_by_message(operation, status, code, message)
    kind = by_message or _error_class(status, code)
    shown = one_line(masked(message, operation, secrets))
    error = kind(
        f"{_described(code, status, shown)} (HTTP {status})",
        code=code,
        http_status=status,
        retry_after=_retry_after(headers, now),
        plan_id=str(plan_id) if has_plan else None,
        api_message=message,
        headers={name.lower(): value for name, value in headers.items()},
    )
    # With a documented code it is known whether anything was sent; with any other 5xx it is not.
    if status >= _FIRST_SERVER_ERROR and by_message is None and code not in ERRORS_BY_CODE:
        error.may_have_been_sent = error.transient = True
    return error


def _class_by_message(
    operation: Operation[object], status: int, code: int | None, message: str
) -> type[APIError] | None:
    """Return the refusal of a template or a signature that a message words, if it is one.

    The documentation gives these refusals no codes of their own. A server that fails speaks of
    things that do not exist as well, such as its upstream, so words never decide about those.
    """
    if not _message_is_conclusive(operation, status, code, message):
        return None
    root = _ROOTS_BY_CODE.get(code, errors.NotFoundError)
    kinds = (kind for words, kind in _ERRORS_BY_MESSAGE.items() if words in message)
    return next((kind for kind in kinds if issubclass(kind, root)), None)


def _message_is_conclusive(
    operation: Operation[object], status: int, code: int | None, message: str
) -> bool:
    if status == _TOO_MANY_REQUESTS or (code in ERRORS_BY_CODE and code != _BUSINESS_RULE):
        return False
    is_about_configs = _ABOUT_CONFIGS.search(message) is not None
    if _CONFIG_PATH in operation.endpoint.path:
        # A documented 500 has a code and names what it is about; any other 5xx is a gateway's.
        is_documented = code in _ROOTS_BY_CODE and is_about_configs
        return status < _FIRST_SERVER_ERROR or (status == _FAILED_CONFIG and is_documented)
    is_refusal = status < _FIRST_SERVER_ERROR and code not in _SERVER_ERROR_CODES
    return is_refusal and is_about_configs


def _error_class(status: int, code: int | None) -> type[APIError]:
    # A gateway's 429 is about the caller's rate; 3004 is about one person, whatever its status.
    if status == _TOO_MANY_REQUESTS and code != _FREQUENCY_LIMIT:
        return errors.RateLimitError
    known = None if code is None else ERRORS_BY_CODE.get(code)
    if known is not None:
        return known
    if code in _SEND_FAILURES:
        return errors.SendFailedError
    # Inside a 200 the code alone says that the server failed.
    if status >= _FIRST_SERVER_ERROR or (status < _FIRST_REDIRECT and code in _SERVER_ERROR_CODES):
        return errors.ServerError
    if code == _BAD_CONFIG:
        return errors.InvalidRequestError
    return _ERRORS_BY_STATUS.get(status, APIError)


def _described(code: int | None, status: int, message: str) -> str:
    if code is not None or message:
        return f"{'no code' if code is None else code} {message}".rstrip()
    if status < _FIRST_CLIENT_ERROR:
        return "a redirect, which is not followed; is the base URL right?"
    return "no error of the API's own, perhaps a gateway's"


def one_line(text: str) -> str:
    """Make of the platform's words one printable line, which cannot forge another in a log.

    Control and format characters become spaces: those that end a line, command a terminal, or turn
    the direction of a text (Unicode categories Cc, Cf, Zl and Zp, and lone surrogates).
    """
    cut = text[:SHOWN]
    if not cut.isprintable():
        cut = "".join(char if char.isprintable() else " " for char in cut)
    return " ".join(cut.split())


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
    # The date is by the server's clock, so it is compared with that clock, if the response has it.
    server_now = _http_date(_header(headers, "date"))
    return max(0.0, at - (now if server_now is None else server_now))


def _http_date(value: str) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # RFC 9110's oldest format names no time zone; all three are in GMT.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
