"""Reading the body of a callback: ``{"total": 2, "rows": [row, row]}`` becomes two events.

=====================================  ==========================================================
body                                   events
=====================================  ==========================================================
empty, ``{}``, ``{"rows": null}``      none: the platform checks whether the URL is there
a row with what makes it of its kind   that event; a field of an unexpected type is ``None`` in it
any other row                          `UnknownEvent`
anything else; more than 10,000 rows   `InvalidCallbackError`
=====================================  ==========================================================

Whatever is returned can be written as JSON, copied and pickled.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from attrs import evolve

from engagelab_async.arguments import is_integer, is_number
from engagelab_async.errors import InvalidCallbackError
from engagelab_async.frames import clears_frames

from .events import (
    Event,
    MessageStatus,
    Notification,
    SystemEvent,
    UnknownEvent,
    UplinkMessage,
)

Row = dict[str, Any]

# Rows of the platform have three levels below these; the rest is for custom_args. What is nested
# much deeper can be read here, but fails later, when it is copied or written.
_MAX_DEPTH: Final = 100

# A row of the platform has more than 200 bytes, so that a body of 1 MiB has some 5,000 at most. A
# row of two bytes becomes an event of a thousand: a limit of bytes alone limits no memory.
_MAX_ROWS: Final = 10_000

_MAX_EXPONENT: Final = 38
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@clears_frames
def parse(body: bytes | bytearray | str) -> tuple[Event, ...]:
    """Read the body of a callback. It proves nothing: `Verifier` checks who has sent it.

    Args:
        body: The body as it came; bytes are UTF-8.

    Returns:
        The events in their order; none for the request by which the platform checks a URL.

    Raises:
        TypeError: The body is of another type.
        InvalidCallbackError: It is no JSON, or not a list of rows, or there are more than 10,000.

    Example:
        >>> parse('{"rows": [{"message_id": "7", "status": {"message_status": "sent"}}]}')
        (MessageStatus(server=None, itime=None, message_id='7', status='sent', ...),)
        >>> parse(b"")
        ()

    .. versionadded:: 0.1.0
    """
    if not isinstance(body, bytes | bytearray | str):
        raise TypeError(f"body: expected bytes or a str, got {type(body).__name__}")
    text = _decoded(body)
    events = tuple(_event(row) for row in _rows(_document(text)))
    return _with_amounts(events, text) if any(map(_has_amounts, events)) else events


# ------------------------------------------------------------------------------- the body


def _decoded(body: bytes | bytearray | str) -> str:
    try:
        return body.removeprefix("\ufeff") if isinstance(body, str) else body.decode("utf-8-sig")
    except ValueError:
        raise _not_json() from None


def _document(text: str) -> object:
    try:
        document = _read(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise _not_json() from None  # the built-in text may quote the body
    if _is_deep(document):
        raise InvalidCallbackError("the body is nested too deeply", reason="not_json")
    return document


def _not_json() -> InvalidCallbackError:
    return InvalidCallbackError("the body is not JSON", reason="not_json")


def _read(text: str) -> object:
    return json.loads(text, parse_constant=_no_json, parse_float=_finite)


def _finite(digits: str) -> float:
    """Refuse ``1e999``, which is JSON, but would become what JSON cannot write."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _no_json(constant: str) -> NoReturn:
    """Refuse ``NaN`` and ``Infinity``, which Python would take."""
    raise ValueError(constant)


def _is_deep(document: object) -> bool:
    level = [document]
    for _ in range(_MAX_DEPTH):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _rows(document: object) -> list[Row]:
    if not isinstance(document, dict):
        raise InvalidCallbackError("the body is not a JSON object", reason="not_an_object")
    rows = document.get("rows", ...) if document else None
    if rows is None:  # as some languages write a list of none
        return []
    if not isinstance(rows, list):
        raise InvalidCallbackError("rows: expected an array", reason="no_rows")
    if len(rows) > _MAX_ROWS:
        raise InvalidCallbackError(f"rows: more than {_MAX_ROWS:,}", reason="too_many_rows")
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InvalidCallbackError(f"rows[{place}]: expected an object", reason="bad_row")
    return rows


# ------------------------------------------------------------------------------- rows


def _event(row: Row) -> Event:
    for kind, read in _KINDS.items():
        event = read(row, _object(row.get(kind)))
        if event is not None:
            return event
    return UnknownEvent(**_shared(row))


def _shared(row: Row) -> Row:
    return {"server": _text(row.get("server")), "itime": _moment(row.get("itime")), "raw": row}


def _message_status(row: Row, status: Row) -> MessageStatus | None:
    data, billing = _object(status.get("status_data")), _object(status.get("billing"))
    message_id = _text(row.get("message_id")) or _text(data.get("message_id"))
    message_status = _text(status.get("message_status"))
    if not message_id or not message_status:
        return None
    return MessageStatus(
        message_id=message_id,
        status=message_status,
        to=_text(row.get("to")),
        channel=_text(row.get("channel")),
        custom_args=_object(row.get("custom_args")),
        msg_time=_moment(data.get("msg_time")),
        current_send_channel=_text(data.get("current_send_channel")),
        template_key=_text(data.get("template_key")),
        business_id=_text(data.get("business_id")),
        cost=_number(billing.get("cost")),
        currency=_text(billing.get("currency")),
        error_code=_integer(status.get("error_code")),
        error_message=_text(_object(status.get("error_detail")).get("message")),
        **_shared(row),
    )


def _notification(row: Row, notification: Row) -> Notification | None:
    event = _text(notification.get("event"))
    data = _object(notification.get("notification_data"))
    if not event:
        return None
    return Notification(
        event=event,
        data=data,
        business_id=_text(data.get("business_id")),
        remain_balance=_amount(data.get("remain_balance")),
        balance_threshold=_amount(data.get("balance_threshold")),
        currency=_text(data.get("currency")),
        rate=_number(data.get("rate")),
        threshold=_number(data.get("threshold")),
        template_id=_text(data.get("template_id")),
        status=_text(data.get("status")),
        reason=_text(data.get("reason")),
        **_shared(row),
    )


def _uplink_message(row: Row, response: Row) -> UplinkMessage | None:
    data = _object(response.get("response_data"))
    sender = _text(data.get("from"))
    if response.get("event") != "uplink_message" or not sender:
        return None
    return UplinkMessage(
        sender=sender,
        recipient=_text(data.get("to")),
        text=_text(data.get("body")) or "",
        message_id=_text(row.get("message_id")),
        business_id=_text(row.get("business_id")),
        message_sid=_text(data.get("message_sid")),
        account_sid=_text(data.get("account_sid")),
        **_shared(row),
    )


def _system_event(row: Row, system_event: Row) -> SystemEvent | None:
    event = _text(system_event.get("event"))
    data = _object(system_event.get("data"))
    if not event:
        return None
    # What happened stands under the event's own name; older examples have it one level higher.
    action = _text(_object(data.get(event)).get("action")) or _text(data.get("action"))
    return SystemEvent(event=event, action=action, data=data, **_shared(row))


_KINDS: Final[Mapping[str, Callable[[Row, Row], Event | None]]] = {
    "status": _message_status,
    "notification": _notification,
    "response": _uplink_message,
    "system_event": _system_event,
}
"""What a row of each kind has, beside what all rows have."""


# ------------------------------------------------------------------------------- amounts


def _has_amounts(event: Event) -> bool:
    return isinstance(event, Notification) and (
        event.remain_balance is not None or event.balance_threshold is not None
    )


def _with_amounts(events: tuple[Event, ...], text: str) -> tuple[Event, ...]:
    """Read amounts of money from their digits: `raw` has floats, which round."""
    rows = json.loads(text, parse_float=_exact)["rows"]
    return tuple(map(_with_amounts_of, events, rows))


def _with_amounts_of(event: Event, row: Row) -> Event:
    if not isinstance(event, Notification):
        return event
    data = _object(_object(row["notification"]).get("notification_data"))
    return evolve(
        event,
        remain_balance=_amount(data.get("remain_balance")),
        balance_threshold=_amount(data.get("balance_threshold")),
    )


def _exact(digits: str) -> Decimal | None:
    try:
        amount = Decimal(digits)
    except InvalidOperation:  # an exponent that no Decimal has
        return None
    # With an exponent that is far off, it would take gigabytes to write the amount out.
    return amount if abs(amount.adjusted()) <= _MAX_EXPONENT else None


def _amount(value: object) -> Decimal | None:
    """Read an amount of money, also one that is written as a string."""
    if isinstance(value, Decimal):
        return value
    return None if _number(value) is None else Decimal(str(value))


# ------------------------------------------------------------------------------- fields


def _object(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Read a text; the platform writes some ids as numbers."""
    if is_integer(value):
        return str(value)
    # A lone surrogate would fail when the text is printed or stored.
    return _LONE_SURROGATE.sub("\ufffd", value) if isinstance(value, str) else None


def _number(value: object) -> float | None:
    """Read a number, also one that is written as a string."""
    if not (is_number(value) or isinstance(value, str)):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _integer(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _moment(value: object) -> datetime | None:
    seconds = _number(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
