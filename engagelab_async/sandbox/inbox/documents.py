"""Calls and messages as JSON: rows of the page's list, calls in full, messages for scripts.

`schemas` has their types. Key pairs are in none of them: they
come in a header, which is not kept.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from engagelab_async.sandbox.bodies import Answer
from engagelab_async.sandbox.callbacks import CallbackDelivery, CallbackTry
from engagelab_async.sandbox.lifecycle import Plan, StatusChange, end_of
from engagelab_async.sandbox.outbox import SentMessage
from engagelab_async.sandbox.platform import Platform
from engagelab_async.sandbox.refusals import MEANINGS

from . import schemas
from .calls import Call
from .watch import state_of

_PREVIEW: Final = 500
"""How many characters of a text the list gets: it shows fewer, and searches these."""


class Documents:
    """Describes what is in a sandbox.

    Args:
        platform: Has the messages, and what became of them.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def row(self, call: Call) -> schemas.Row:
        """Describe a call for the list."""
        first = self._platform.outbox.get(call.messages[0]) if call.messages else None
        history = self._platform.simulation.history(first) if first else ()
        targets = _targets(call)
        return {
            "number": call.number,
            "kind": _kind(call, targets),
            "product": call.product,
            "channel": history[-1].channel if history else None,
            "to": targets[0] if targets else None,
            "total": len(targets),
            "template": _template_id(call),
            "plan_name": _text(call.request.get("plan_name")),
            "text": first.text[:_PREVIEW] if first else None,
            "code": first.code if first else None,
            "at": call.asked_at.timestamp(),
            "due": _seconds(first.scheduled_for) if first else None,
            "error": _error(call),
            "states": {state: count for state, count in call.tally.items() if count},
        }

    def in_full(self, call: Call, *, offset: int, limit: int) -> schemas.Call:
        """Describe a call with its request, its response and some of its messages.

        Args:
            call: The call.
            offset: How many of its messages to skip.
            limit: How many of them to describe at most.
        """
        numbers = call.messages[offset : offset + limit]
        return {
            **self.row(call),
            "request": {"method": "POST", "path": call.path, "body": _pretty(call.request)},
            "response": {"status": call.status, "body": _pretty(call.answer)},
            "offset": offset,
            "message_count": len(call.messages),
            "messages": [self.message(call, number) for number in numbers],
        }

    def message(self, call: Call, number: int) -> schemas.Message:
        """Describe a message of a call."""
        sent = self._platform.outbox.get(number)
        history = self._platform.simulation.history(sent)
        replies = self._platform.simulation.replies(sent)
        return {
            "number": number,
            "call": call.number,
            "message_id": sent.message_id,
            "product": sent.product,
            "channel": history[-1].channel,
            "to": sent.recipient,
            "template": sent.template_id,
            "params": dict(sent.params),
            "text": sent.text,
            "code": sent.code,
            "plan_id": sent.plan_id,
            "sent_at": sent.sent_at.timestamp(),
            "due": _seconds(sent.scheduled_for),
            "state": state_of(history),
            "timeline": [_change(change) for change in history],
            "replies": [{"text": each.text, "at": each.at.timestamp()} for each in replies],
            "actions": self._actions(sent, history),
            "callbacks": [_callback(each, sent) for each in self._callbacks_of(sent)],
        }

    def errors(self) -> schemas.Errors:
        """List the codes that a message can fail with."""
        return {"errors": [{"code": each, "message": MEANINGS[each]} for each in MEANINGS]}

    def _actions(self, message: SentMessage, history: Plan) -> list[str]:
        """Name what can be done to a message manually."""
        is_in_flight = end_of(history) is None
        has_live_code = self._platform.simulation.has_live_code(message)
        possible = {
            "deliver": is_in_flight,
            "fail": is_in_flight,
            "verify": has_live_code and message.code_expires_at is not None,
            "expire": has_live_code,
            "reply": message.accepted,
        }
        return [action for action, is_possible in possible.items() if is_possible]

    def _callbacks_of(self, message: SentMessage) -> Sequence[CallbackDelivery]:
        deliveries = self._platform.simulation.sender.deliveries
        return [each for each in deliveries if message.number in each.messages]


def _kind(call: Call, targets: Sequence[str]) -> schemas.Kind:
    if _error(call) is not None:
        return "refused"
    if len(targets) > 1:
        return "plan"
    return "dropped" if call.answer.get("accepted_count") == 0 else "message"


def _error(call: Call) -> schemas.Error | None:
    """Return what went wrong; SMS can say so inside an HTTP 200, too."""
    code, message = call.answer.get("code"), call.answer.get("message")
    return {"code": code, "message": str(message)} if isinstance(code, int) and code else None


def _targets(call: Call) -> list[str]:
    """Return the recipients that the call names, if any."""
    to = call.request.get("to")
    return [each for each in (to if isinstance(to, list) else [to]) if isinstance(each, str)]


def _template_id(call: Call) -> str | None:
    template = call.request.get("template")
    return _text(template.get("id")) if isinstance(template, dict) else None


def _change(change: StatusChange) -> schemas.Change:
    error: schemas.Error = {"code": change.error_code, "message": change.error}
    return {
        "status": change.status,
        "at": change.at.timestamp(),
        "channel": change.channel,
        "error": error if change.error_code else None,
    }


def _callback(delivery: CallbackDelivery, message: SentMessage) -> schemas.Callback:
    body = json.loads(delivery.body)
    return {
        "number": delivery.number,
        "url": delivery.url,
        "events": [name for row in body["rows"] if (name := _event_of(row, message))],
        "body": _pretty(body),
        "tries": [_try(each) for each in delivery.tries],
        "is_over": delivery.is_over,
        "is_answered": delivery.is_answered,
    }


def _event_of(row: Answer, message: SentMessage) -> str | None:
    """Name the event of a callback's row, if it is one of a message."""
    status = row.get("status")
    if isinstance(status, dict) and row["message_id"] == message.message_id:
        return str(status["message_status"])
    response = row.get("response")
    return str(response["event"]) if isinstance(response, dict) else None


def _try(each: CallbackTry) -> schemas.Try:
    return {
        "at": each.at.timestamp(),
        "status": each.status,
        "answer": each.answer,
        "took": each.took,
    }


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) else None


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _pretty(body: object) -> str:
    # As text: a task_id is above 2**53, and JavaScript would round it.
    return json.dumps(body, indent=2, ensure_ascii=False)
