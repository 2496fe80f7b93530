"""Calls and messages as JSON: rows of the page's list, a call in full, messages for scripts.

Times are Unix seconds. Key pairs are nowhere in it: they come in a header, which nobody keeps.
"""

import json
from collections import Counter
from datetime import datetime
from typing import Final, Literal, TypeAlias

from engagelab_async.sandbox._fields import Answer
from engagelab_async.sandbox.outbox import SentMessage

from .calls import Call

Kind: TypeAlias = Literal["message", "plan", "refused", "dropped"]
"""What a row shows: a message, several at once, an error, or a plan that left everybody out."""

_PREVIEW: Final = 500
"""How many characters of a text the list gets: it shows fewer, and searches these."""


def row(call: Call) -> Answer:
    """Describe a call for the list."""
    first = call.messages[0] if call.messages else None
    targets = _targets(call)
    return {
        "number": call.number,
        "kind": _kind(call),
        "product": call.product,
        "path": call.path,
        "channel": first.channel if first else None,
        "to": targets[0] if targets else None,
        "total": len(targets),
        "template": _template_id(call),
        "plan_name": _text(call.request.get("plan_name")),
        "text": first.text[:_PREVIEW] if first else None,
        "code": first.code if first else None,
        "at": call.asked_at.timestamp(),
        "due": _seconds(first.scheduled_for) if first else None,
        "error": _error(call),
        "statuses": Counter(status(message) for message in call.messages),
    }


def in_full(call: Call, *, offset: int, limit: int) -> Answer:
    """Describe a call with what was asked and answered, and some of its messages.

    Args:
        call: The call.
        offset: How many of its messages to skip.
        limit: How many of them to describe at most.
    """
    numbers = call.numbers[offset : offset + limit]
    return row(call) | {
        "request": {"method": "POST", "path": call.path, "body": _pretty(call.request)},
        "response": {"status": call.status, "body": _pretty(call.answer)},
        "messages": [message(call, number) for number in numbers],
        "offset": offset,
        "message_count": len(call.messages),
    }


def message(call: Call, number: int) -> Answer:
    """Describe one message."""
    sent = call.messages[number - call.first]
    return {
        "number": number,
        "call": call.number,
        "message_id": sent.message_id,
        "product": sent.product,
        "channel": sent.channel,
        "to": sent.recipient,
        "template": sent.template_id,
        "params": dict(sent.params),
        "text": sent.text,
        "code": sent.code,
        "plan_id": sent.plan_id,
        "sent_at": sent.sent_at.timestamp(),
        "due": _seconds(sent.scheduled_for),
        "status": status(sent),
    }


def status(_: SentMessage) -> str:
    """Name the state that a message is in."""
    return "sent"


def _kind(call: Call) -> Kind:
    if not call.messages:
        return "dropped" if _error(call) is None else "refused"
    return "plan" if len(_targets(call)) > 1 else "message"


def _error(call: Call) -> Answer | None:
    """Return what went wrong; SMS can say so inside an HTTP 200, too."""
    code = call.answer.get("code")
    return {"code": code, "message": call.answer.get("message")} if code else None


def _targets(call: Call) -> list[str]:
    """Return whom the call names, as far as it names anybody."""
    to = call.request.get("to")
    return [each for each in (to if isinstance(to, list) else [to]) if isinstance(each, str)]


def _template_id(call: Call) -> str | None:
    template = call.request.get("template")
    return _text(template.get("id")) if isinstance(template, dict) else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) else None


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _pretty(body: object) -> str:
    # As text: a task_id is above 2**53, and JavaScript would round it.
    return json.dumps(body, indent=2, ensure_ascii=False)
