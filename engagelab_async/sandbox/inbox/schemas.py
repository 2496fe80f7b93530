"""The JSON documents of the control API, as types: mypy and the OpenAPI document read them."""

from typing import Annotated, Literal, TypeAlias, TypedDict

from msgspec import Meta, Struct

from engagelab_async.sandbox.refusals import MEANINGS

Kind: TypeAlias = Literal["message", "plan", "refused", "dropped"]
"""What a row shows: a message, several at once, an error, or a plan that left everyone out."""

Seconds: TypeAlias = Annotated[float, Meta(description="Unix time in seconds.")]
Json: TypeAlias = Annotated[
    str, Meta(description="JSON as text, because some integers are above 2**53.")
]


class Error(TypedDict):
    """What went wrong."""

    code: int
    message: str


class Errors(TypedDict):
    """The codes that a message can fail with."""

    errors: list[Error]


class Change(TypedDict):
    """A status that a message reached."""

    status: Annotated[str, Meta(description="As in callbacks, such as `delivered`.")]
    at: Seconds
    channel: str
    error: Error | None


class Reply(TypedDict):
    """What a recipient replied."""

    text: str
    at: Seconds


class Try(TypedDict):
    """An attempt to deliver a callback."""

    at: Seconds
    status: Annotated[int | None, Meta(description="The HTTP status that answered.")]
    answer: Annotated[str, Meta(description="The body that answered, or what went wrong.")]
    took: Annotated[float, Meta(description="In seconds.")]


class Callback(TypedDict):
    """A callback that reported on a message."""

    number: int
    url: str
    events: list[str]
    body: Json
    tries: list[Try]
    is_over: bool
    is_answered: bool


class Message(TypedDict):
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
    actions: Annotated[
        list[str], Meta(description="What can be done to it now, such as `deliver`.")
    ]
    callbacks: list[Callback]


class Messages(TypedDict):
    """Some messages, newest first."""

    messages: list[Message]
    next_before: Annotated[
        int | None, Meta(description="The `before` of the next page; null on the last one.")
    ]


class Row(TypedDict):
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
    states: Annotated[
        dict[str, int], Meta(description="How many of its messages are in which state.")
    ]


class Request(TypedDict):
    """The request of a call."""

    method: str
    path: str
    body: Json


class Response(TypedDict):
    """The response to a call."""

    status: int
    body: Json


class Call(Row):
    """An API call in full."""

    request: Request
    response: Response
    messages: list[Message]
    offset: Annotated[int, Meta(description="How many of its messages were skipped.")]
    message_count: int


class Changes(TypedDict):
    """The data of a server-sent event."""

    run: Annotated[
        str,
        Meta(description="Identifies the run of the sandbox; numbers begin anew with another one."),
    ]
    oldest: Annotated[int, Meta(description="Calls with a lower number are no longer kept.")]
    calls: list[Row]
    is_all: Annotated[bool, Meta(description="Whether no further changes are known.")]


class Export(TypedDict):
    """Everything that the inbox keeps."""

    run: str
    exported_at: Seconds
    calls: list[Call]


class ActiveFault(TypedDict):
    """A fault in force, with the fields of `Fault` that are set."""

    number: int
    struck: Annotated[int, Meta(description="How often it has struck.")]
    kind: str


class ActiveFaults(TypedDict):
    """The faults in force."""

    faults: list[ActiveFault]


class FaultKind(TypedDict):
    """A kind of fault."""

    kind: str
    label: str
    explanation: Annotated[str, Meta(description="What the caller sees.")]
    fields: Annotated[list[str], Meta(description="The fields that not all kinds have.")]
    may_come_after: Annotated[bool, Meta(description="Whether `after` can be set.")]
    after_from_status: Annotated[int, Meta(description="From which `status` on.")]


class Preset(TypedDict):
    """A fault with a name."""

    label: str
    explanation: str
    fault: Annotated[
        dict[str, str | int | float | bool], Meta(description="The fields of `Fault` that are set.")
    ]


class FaultKinds(TypedDict):
    """What can go wrong."""

    kinds: list[FaultKind]
    presets: list[Preset]


class Fail(TypedDict):
    """Makes a message fail."""

    code: Annotated[int, Meta(extra_json_schema={"enum": [*MEANINGS]})]


class ReplyText(Struct):
    """Makes a recipient reply."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]
