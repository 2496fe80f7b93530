"""Print an outcome: a few lines for people, or one JSON object for scripts.

For people, answers go to standard output and failures to standard error. JSON goes to
standard output: ``{"ok": …, "operation": …, "result": {…}}`` or ``{…, "error": {…}}``, where
``ok`` is true exactly when the exit code is 0. A wrong code is a result with ``ok`` false.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from attrs import Attribute, asdict
from rich.console import Group, RenderableType
from rich.text import Text

from engagelab_async import Plan, ScheduleInfo, SendOTP, SendSMS, Sent, Verification
from engagelab_async.arguments import masked_recipient
from engagelab_async.operation import Effect

from . import views
from .outcome import Action, Answered, Exit, Failed, Outcome
from .printing import command, console, facts

_logger: Final = logging.getLogger("engagelab_async")

_DONE: Final[Mapping[Effect, str]] = {
    "send": "sent",
    "check": "checked",
    "change": "done",
    "read": "done",
}
# The fields of a failure that are for the exit code and for people, not for scripts.
_NOT_IN_JSON: Final = {"action", "exit_code", "hint"}


def masked(recipients: str | tuple[str, ...]) -> str:
    """Show the last two digits of recipients."""
    return masked_recipient(recipients).replace("'", "").strip("()")


def show(
    outcome: Outcome,
    *,
    as_json: bool,
    details: Mapping[str, object] | None = None,
    title: str | None = None,
) -> None:
    """Print an outcome.

    Args:
        outcome: The outcome of a command.
        as_json: Whether scripts read it.
        details: Further keys of the JSON object; people have been shown them already.
        title: The title of a failure, where nothing was to be sent or done.
    """
    with ignore_errors():
        if as_json:
            print_json(document(outcome) | dict(details or {}))
        elif isinstance(outcome, Failed):
            console(stderr=True).print(_failure(outcome, title))
        else:
            console().print(_answer(outcome))


def print_json(made: Mapping[str, object]) -> None:
    """Print a JSON object in one line."""
    print(json.dumps(made), flush=True)  # noqa: T201 - rich would wrap it


@contextmanager
def ignore_errors() -> Iterator[None]:
    """Ignore errors of output: they do not change the exit code, nor what was sent."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        _logger.debug("cannot be shown", exc_info=True)


# ------------------------------------------------------------------------------- to scripts


def document(outcome: Outcome) -> dict[str, Any]:
    """Make the JSON object of an outcome."""
    action = outcome.action
    made: dict[str, Any] = {
        "ok": outcome.exit_code is Exit.DONE,
        "operation": None if action is None else action.endpoint.name,
    }
    if isinstance(outcome, Answered):
        return made | {"result": as_plain(outcome.result)}
    shown = asdict(outcome, recurse=False, filter=lambda field, _: field.name not in _NOT_IN_JSON)
    return made | {"error": shown}


def as_plain(result: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON of what the API answered."""
    if isinstance(result, tuple):
        return [as_plain(item) for item in result]
    return None if result is None else asdict(result, value_serializer=_scriptable)


def _scriptable(_: object, attribute: "Attribute[Any] | None", value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    # jq and JavaScript round numbers above 2**53. The other ids are strings anyway.
    return str(value) if attribute is not None and attribute.name == "task_id" else value


# ------------------------------------------------------------------------------- to people


def _failure(failure: Failed, title: str | None) -> Group:
    usual, style = _title_of_failure(failure)
    rows = {
        "what happened": failure.message,
        **(_details(failure) if failure.exit_code is not Exit.USAGE else {}),
        "what to do": failure.hint,
    }
    return Group(Text(title or usual, style), facts(rows))


def _title_of_failure(failure: Failed) -> tuple[str, str]:
    done = _DONE[failure.action.endpoint.effect if failure.action is not None else "send"]
    if failure.exit_code is Exit.NOT_SENT:
        return f"✗ Not {done}", "bold red"
    if failure.exit_code is Exit.UNCERTAIN:
        return f"? It may have been {done}, or not", "bold yellow"
    # That nothing was sent is safe, so it is not in red.
    return ("✗ Nothing was done", "bold red") if done == "done" else ("✗ Nothing was sent", "bold")


def _details(failure: Failed) -> dict[str, object]:
    return {
        "error": failure.type,
        "code": failure.code,
        "HTTP status": failure.http_status,
        "plan id": failure.plan_id,
        "retry after": None if failure.retry_after is None else f"{failure.retry_after:g} s",
        "attempts": failure.attempts,
        "may have been sent": "yes" if failure.may_have_been_sent else "no",
    }


def _answer(answer: Answered) -> RenderableType:
    if not isinstance(answer.result, Sent | Plan | Verification):
        return views.answer(answer.action, answer.result)
    done = answer.exit_code is Exit.DONE
    title = f"{'✓' if done else '✗'} {_title(answer.result)}"
    return Group(
        Text(title, "bold green" if done else "bold red"),
        facts(_rows(answer.action, answer.result)),
    )


def _title(result: Sent | Plan | Verification) -> str:
    match result:
        case Verification(verified=verified):
            return "The code is right" if verified else "The code is wrong"
        case Plan(accepted_count=0):
            return "Not sent: no target is valid"
        case Plan(schedule_info=ScheduleInfo()):
            return "Scheduled"
        case _:
            return "Sent"


def _rows(action: Action, result: Sent | Plan | Verification) -> dict[str, object]:
    match result:
        case Verification(message_id=message_id):
            return {"message id": message_id}
        case Sent(message_id=message_id, send_channel=channel):
            is_to_be_checked = isinstance(action, SendOTP)
            return {
                "to": _masked_recipients(action),
                "message id": message_id,
                "channel": f"{channel}, for now; the template may fall back to another",
                "next": command("otp", "verify", id=message_id, then=("CODE",))
                if is_to_be_checked
                else None,
            }
        case plan:
            return _rows_of_plan(action, plan)


def _rows_of_plan(action: Action, plan: Plan) -> dict[str, object]:
    dropped = plan.total_count - plan.accepted_count
    scheduled = action.schedule_time if isinstance(action, SendSMS) else None
    return {
        "to": _masked_recipients(action),
        "plan id": plan.plan_id,
        "accepted": f"{plan.accepted_count} of {plan.total_count}"
        + (f"; {dropped} not valid and dropped" if dropped else ""),
        "message id": plan.message_id,
        "scheduled for": scheduled and datetime.fromtimestamp(scheduled, UTC).astimezone(),
        "task id": plan.schedule_info and plan.schedule_info.task_id,
    }


def _masked_recipients(action: Action) -> str:
    recipients: str | tuple[str, ...] = getattr(action, "to", ())
    return masked(recipients)
