"""An outcome as the store keeps it, and back.

What an `Operation` of the store has no column for stands in its ``detail``, a JSON array: attempts,
seconds, and an object with what is not as usual. No recipient, no code and no unmasked text is in
it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from engagelab_async import errors
from engagelab_async import operation as _operation
from engagelab_async.bulk.journal import State
from engagelab_async.bulk.outcomes import Accepted, AnyOutcome, Rejected, Skipped, Uncertain
from engagelab_async.bulk.report import targets_of
from engagelab_async.convert import read, write
from engagelab_async.errors import APIError, ConnectionLostError, EngageLabError
from engagelab_async.serialization import compact_json
from engagelab_async.sms.messages import Plan

from .store import Operation

AnyOperation = _operation.Operation[Any]

_OF_API_ERRORS: Final = ("http_status", "retry_after", "plan_id")


def detail_of(outcome: AnyOutcome) -> str | None:
    """Write what the store has no column for; ``None`` if the outcome is no answer."""
    counts = f"[{outcome.attempts},{outcome.elapsed:.4f}"
    match outcome:
        case Accepted(result=result):
            own_id = getattr(result, "plan_id", None) or getattr(result, "message_id", None)
            if result == _usual(outcome.operation, str(own_id)):
                return f"{counts}]"
            rest = write(result)
        case Rejected() | Uncertain():
            rest = _described(outcome.error)
        case _:
            return None
    return f"{counts},{compact_json(rest)}]"


def _usual(operation: AnyOperation, own_id: str) -> object:
    """Return the result of an operation that says nothing but its id."""
    count = targets_of(operation)
    if operation.endpoint.result is Plan:
        return Plan(own_id, count, count)
    return read({"message_id": own_id, "send_channel": "sms"}, operation.endpoint.result)


def _described(error: EngageLabError) -> Mapping[str, Any]:
    described: dict[str, Any] = {"text": str(error.args[0] if error.args else "")}
    if error.may_have_been_sent != type(error).may_have_been_sent:
        described["may_have_been_sent"] = error.may_have_been_sent
    if isinstance(error, APIError):
        found = {name: getattr(error, name) for name in _OF_API_ERRORS}
        described |= {name: value for name, value in found.items() if value is not None}
    return described


def outcome_of(known: Operation, operation: AnyOperation, index: int) -> AnyOutcome:
    """Make the outcome of an operation that was sent, or refused, in this submission.

    Args:
        known: What the store knows of it.
        operation: The operation.
        index: Its position.
    """
    attempts, elapsed, rest = _detail(known.detail)
    counts: Any = {"index": index, "attempts": attempts, "elapsed": elapsed}
    if known.state is State.ACCEPTED:
        kind = operation.endpoint.result
        result = read(rest, kind) if rest else _usual(operation, str(known.id))
        return Accepted(operation, result, **counts)
    if known.state is State.UNSENT and known.error is None:
        return Skipped(operation, "stopped", index=index)
    if known.state in (State.REFUSED, State.UNSENT):
        return Rejected(operation, _error(known, operation, attempts, rest), **counts)
    error = _error(known, operation, attempts, rest)
    error.may_have_been_sent = True
    return Uncertain(operation, error, **counts)


def _detail(text: str | None) -> tuple[int, float, Mapping[str, Any]]:
    attempts, elapsed, *rest = json.loads(text or "[0,0.0]")
    return attempts, elapsed, rest[0] if rest else {}


def _error(
    known: Operation, operation: AnyOperation, attempts: int, rest: Mapping[str, Any]
) -> EngageLabError:
    kind: type[EngageLabError] = getattr(errors, known.error or "", ConnectionLostError)
    text = rest.get("text", "its worker ended before the answer came")
    error: EngageLabError
    if issubclass(kind, APIError):
        found = {name: rest[name] for name in _OF_API_ERRORS if name in rest}
        error = kind(text, code=known.code, api_message=text, **found)
    else:
        error = kind(text)
    error.may_have_been_sent = rest.get("may_have_been_sent", kind.may_have_been_sent)
    error.operation = operation
    error.attempts = attempts
    return error


def unanswered(operation: AnyOperation, index: int) -> AnyOutcome:
    """Make the outcome of an operation that an earlier submission left uncertain."""
    error = ConnectionLostError("an earlier run ended before the answer came")
    error.operation = operation
    return Uncertain(operation, error, index=index)
