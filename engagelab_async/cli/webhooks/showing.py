"""Print an event: one line for people, a JSON object for scripts.

Numbers are masked, and texts left out, unless they were asked for.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from attrs import fields
from rich.text import Text

from engagelab_async.cli.output import masked
from engagelab_async.cli.printing import printable
from engagelab_async.webhooks import (
    Event,
    MessageStatus,
    Notification,
    SystemEvent,
    UplinkMessage,
)

_NUMBERS: Final = {"to", "sender", "recipient"}
_HIDDEN: Final = {"text", "error_message", "reason", "custom_args", "data", "raw"}

_KIND_WIDTH: Final = 22
_ID_WIDTH: Final = 20


def document(event: Event, *, personal: bool) -> dict[str, Any]:
    """Make the JSON object of an event.

    Args:
        event: The event.
        personal: Whether to show numbers, texts, and the row as it came.
    """
    made: dict[str, Any] = {"type": type(event).__name__, "identity": event.identity}
    for name in (attribute.name for attribute in fields(type(event))):
        if personal or name not in _HIDDEN:
            made[name] = _plain(getattr(event, name), mask=name in _NUMBERS and not personal)
    return made


def _plain(value: object, *, mask: bool) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):  # a float would round it
        return str(value)
    return masked(value) if mask and isinstance(value, str) else value


def line(event: Event, *, personal: bool) -> Text:
    """Make the line of an event: time, kind, message, recipient, and more."""
    kind, message_id, person, more = _columns(event, personal=personal)
    when = f"{event.itime.astimezone():%H:%M:%S}" if event.itime else " " * 8
    rest = "  ".join(part for part in (person, *more) if part)
    return Text.assemble(
        (f"{when}  ", "dim"),
        (printable(kind).ljust(_KIND_WIDTH), _style(event)),
        f"  {printable(message_id).ljust(_ID_WIDTH)}  {printable(rest)}",
    )


def _columns(event: Event, *, personal: bool) -> tuple[str, str, str, tuple[str | None, ...]]:
    def shown(value: str | None) -> str:
        return value or "" if personal else masked(value or "")

    match event:
        case MessageStatus():
            failure = f"code {event.error_code}" if event.error_code else None
            words = event.error_message if personal else None
            return event.status, event.message_id, shown(event.to), (event.channel, failure, words)
        case UplinkMessage():
            text = event.text if personal else f"<{len(event.text)} characters>"
            return "reply", event.message_id or "", shown(event.sender), (text,)
        case Notification() | SystemEvent():
            action = event.action if isinstance(event, SystemEvent) else None
            return event.event, "", "", (action, str(dict(event.data)) if personal else None)
        case _:
            return "of an unknown kind", "", "", (str(dict(event.raw)) if personal else None,)


def _style(event: Event) -> str:
    if not isinstance(event, MessageStatus):
        return "yellow"
    if event.is_failed:
        return "red"
    return "green" if event.is_delivered else ""
