"""The JSON documents of the control API: calls and messages, and what else it takes and answers.

Each is declared once, as a class: it is made here, and described in the OpenAPI document. Key pairs
are in none of them: they come in a header, which is not kept.
"""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import asdict

from engagelab_async.sandbox.callbacks import CallbackDelivery
from engagelab_async.sandbox.faults.kinds import FaultKind
from engagelab_async.sandbox.faults.presets import Preset
from engagelab_async.sandbox.lifecycle import Plan, StatusChange, end_of
from engagelab_async.sandbox.operations import Error
from engagelab_async.sandbox.outbox import SentMessage
from engagelab_async.sandbox.platform import Platform
from engagelab_async.sandbox.refusals import MEANINGS

from . import calls

_PREVIEW: Final = 500
"""How many characters of a text the list gets: it shows fewer, and searches these."""

Kind: TypeAlias = Literal["message", "plan", "refused", "dropped"]
"""What a row shows: a message, several at once, an error, or a plan that dropped all targets."""

Seconds: TypeAlias = Annotated[float, Meta(description="Unix time in seconds.")]
Json: TypeAlias = Annotated[str, Meta(description="As text: some integers are above 2**53.")]
Whole: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A whole number, in a query or in a path."""

if TYPE_CHECKING:
    ErrorCode: TypeAlias = int
else:
    ErrorCode = Literal[*MEANINGS]  # which type checkers cannot know


class Errors(Struct):
    """The codes that a message can fail with."""

    errors: list[Error]


class Change(Struct):
    """A status that a message reached."""

    status: Annotated[str, Meta(description="As in callbacks, such as `delivered`.")]
    at: Seconds
    channel: str
    error: Error | None


class Reply(Struct):
    """What a recipient replied."""

    text: str
    at: Seconds


class Try(Struct):
    """An attempt to deliver a callback."""

    at: Seconds
    status: Annotated[int | None, Meta(description="The HTTP status that answered.")]
    answer: Annotated[str, Meta(description="The body that answered, or what went wrong.")]
    took: Annotated[float, Meta(description="In seconds.")]


class Callback(Struct):
    """A callback that reported on a message."""

    number: int
    url: str
    events: list[str]
    body: Annotated[Json, Meta(description="As text, without the rows of other messages.")]
    tries: list[Try]
    is_over: bool
    is_answered: bool


class Message(Struct):
    """A message to one recipient."""

    number: Annotated[int, Meta(description="Its place among all messages of the sandbox, from 1.")]
    call: Annotated[int, Meta(description="The number of the call that sent it.")]
    message_id: str
    product: str
    channel: Annotated[str, Meta(description="`sms`, `whatsapp`, `email` or `voice`.")]
    to: str
    template: str
    params: dict[str, str]
    text: str
    code: Annotated[str | None, Meta(description="The code in the text.")]
    plan_id: str | None
    sent_at: Seconds
    due: Annotated[float | None, Meta(description="When a scheduled SMS is due, in Unix seconds.")]
    state: Annotated[str, Meta(description="The last status reached, or `verified`.")]
    timeline: list[Change]
    replies: list[Reply]
    actions: Annotated[list[str], Meta(description="What is possible now, such as `deliver`.")]
    callbacks: list[Callback]


class Messages(Struct):
    """Some messages, newest first."""

    next_before: Annotated[int | None, Meta(description="The `before` of the next page, if any.")]
    messages: list[Message]


class Row(Struct):
    """An API call that sent something, or was refused, in short."""

    number: Annotated[int, Meta(description="Its place among all calls of the sandbox, from 1.")]
    kind: Kind
    product: str
    channel: str | None
    to: Annotated[str | None, Meta(description="Its first recipient.")]
    total: Annotated[int, Meta(description="How many recipients it names.")]
    template: str | None
    plan_name: str | None
    text: Annotated[str | None, Meta(description="The first 500 characters of its first message.")]
    code: str | None
    at: Seconds
    due: float | None
    error: Error | None
    states: Annotated[dict[str, int], Meta(description="How many messages are in which state.")]


class Request(Struct):
    """The request of a call."""

    method: str
    path: str
    body: Json


class Response(Struct):
    """The response to a call."""

    status: int
    body: Json


class Call(Row):
    """An API call in full."""

    request: Request
    response: Response
    offset: Annotated[int, Meta(description="How many of its messages were skipped.")]
    message_count: int
    messages: list[Message]


class Numbers(Struct):
    """The numbers of some calls, newest first."""

    numbers: list[int]


class Changes(Struct):
    """The data of a server-sent event."""

    run: Annotated[str, Meta(description="With another one, numbers begin anew.")]
    oldest: Annotated[int, Meta(description="Calls with a lower number are no longer kept.")]
    calls: list[Row]
    is_all: Annotated[bool, Meta(description="Whether no further changes are known.")]


class Export(Struct):
    """Everything that the inbox keeps."""

    run: str
    exported_at: Seconds
    calls: list[Call]


class Fail(Struct):
    """Makes a message fail."""

    code: ErrorCode


class ReplyText(Struct):
    """Makes a recipient reply."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]


class ActiveFault(Struct):
    """A fault in force, with the fields of `Fault` that are set."""

    number: int
    struck: Annotated[int, Meta(description="How often it has struck.")]
    kind: str


class ActiveFaults(Struct):
    """The faults in force."""

    faults: list[ActiveFault]


class FaultKinds(Struct):
    """What can go wrong."""

    kinds: list[FaultKind]
    presets: list[Preset]


class Documents:
    """Describes what is in a sandbox."""

    def __init__(self, platform: Platform) -> None:
        self._outbox = platform.outbox
        self._codes = platform.codes
        self._simulation = platform.simulation

    def row(self, call: calls.Call) -> Row:
        """Describe a call for the list."""
        first = self._outbox.get(call.messages[0]) if call.messages else None
        history = self._simulation.history(first) if first else ()
        template = call.request.get("template")
        return Row(
            number=call.number,
            kind=_kind(call),
            product=call.product,
            channel=history[-1].channel if history else None,
            to=call.targets[0] if call.targets else None,
            total=len(call.targets),
            template=_text(template.get("id")) if isinstance(template, dict) else None,
            plan_name=_text(call.request.get("plan_name")),
            text=first.text[:_PREVIEW] if first else None,
            code=first.code if first else None,
            at=call.asked_at.timestamp(),
            due=_seconds(first.scheduled_for) if first else None,
            error=_error(call),
            states=Counter(call.states.values()),
        )

    def in_full(self, call: calls.Call, *, offset: int = 0) -> Call:
        """Describe a call with its request and its response; its messages are left to add."""
        return Call(
            **asdict(self.row(call)),
            request=Request("POST", call.path, _pretty(call.request)),
            response=Response(call.status, _pretty(call.answer)),
            offset=offset,
            message_count=len(call.messages),
            messages=[],
        )

    def message(self, call: calls.Call, number: int) -> Message:
        """Describe a message of a call."""
        sent = self._outbox.get(number)
        history = self._simulation.history(sent)
        replies = self._simulation.replies(sent)
        deliveries = self._simulation.sender.deliveries
        return Message(
            number=number,
            call=call.number,
            message_id=sent.message_id,
            product=sent.product,
            channel=history[-1].channel,
            to=sent.recipient,
            template=sent.template_id,
            params=dict(sent.params),
            text=sent.text,
            code=sent.code,
            plan_id=sent.plan_id,
            sent_at=sent.sent_at.timestamp(),
            due=_seconds(sent.scheduled_for),
            state=calls.state_of(history),
            timeline=[_change(change) for change in history],
            replies=[Reply(each.text, each.at.timestamp()) for each in replies],
            actions=self._actions(sent, history),
            callbacks=[_callback(each, sent) for each in deliveries if number in each.messages],
        )

    def _actions(self, message: SentMessage, history: Plan) -> list[str]:
        """Name what can be done to a message manually."""
        is_in_flight = end_of(history) is None
        has_live_code = self._codes.is_live(message.message_id)
        possible = {
            "deliver": is_in_flight,
            "fail": is_in_flight,
            "verify": has_live_code and message.code_expires_at is not None,
            "expire": has_live_code,
            "reply": message.accepted,
        }
        return [action for action, is_possible in possible.items() if is_possible]


def _kind(call: calls.Call) -> Kind:
    if _error(call) is not None:
        return "refused"
    if len(call.targets) > 1:
        return "plan"
    return "dropped" if call.answer.get("accepted_count") == 0 else "message"


def _error(call: calls.Call) -> Error | None:
    """Return what went wrong; SMS can say so inside an HTTP 200, too."""
    code, message = call.answer.get("code"), call.answer.get("message")
    return Error(code, str(message)) if isinstance(code, int) and code else None


def _change(change: StatusChange) -> Change:
    error = Error(change.error_code, change.error) if change.error_code else None
    return Change(change.status, change.at.timestamp(), change.channel, error)


def _callback(delivery: CallbackDelivery, message: SentMessage) -> Callback:
    body = _decoded(delivery.body)
    rows = [(event, row) for row in body["rows"] if (event := _event_of(row, message))]
    return Callback(
        number=delivery.number,
        url=delivery.url,
        events=[event for event, _ in rows],
        # Those of a plan have a hundred rows each, and each of its messages some of those.
        body=_pretty({**body, "rows": [row for _, row in rows]}),
        tries=[
            Try(each.at.timestamp(), each.status, each.answer, each.took) for each in delivery.tries
        ],
        is_over=delivery.is_over,
        is_answered=delivery.is_answered,
    )


@lru_cache(maxsize=32)
def _decoded(body: str) -> dict[str, Any]:
    """Decode the body of a callback, which many messages have in common."""
    decoded: dict[str, Any] = json.loads(body)
    return decoded


def _event_of(row: Mapping[str, Any], message: SentMessage) -> str | None:
    """Name the event of a callback's row, if it is one of a message."""
    status = row.get("status")
    if isinstance(status, dict) and row["message_id"] == message.message_id:
        return str(status["message_status"])
    response = row.get("response")
    return str(response["event"]) if isinstance(response, dict) else None


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) else None


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _pretty(body: object) -> str:
    # As text: a task_id is above 2**53, and JavaScript would round it.
    return json.dumps(body, indent=2, ensure_ascii=False)
