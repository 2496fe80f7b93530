"""The API of the SMS product: what its requests hold, and its answers.

Each class is a JSON object. Requests are decoded with it, and the OpenAPI document is made of it,
docstrings included.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from .bodies import Text, one_of, without

# One of the vendor's samples passes an integer for the id.
Id: TypeAlias = Annotated[str, Meta(min_length=1, examples=["notification-template"])] | int
Target: TypeAlias = Annotated[Text, Meta(examples=["923700056581", "+8618701235678"])]
Params: TypeAlias = Annotated[dict[str, str], Meta(examples=[{"order": "123456"}])]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Amount: TypeAlias = Annotated[float, Meta(examples=[12.3456])]
Position: TypeAlias = Literal[0, 1, 2]
Status: TypeAlias = Literal[1, 2, 3]


# ------------------------------------------------------------------------------- sending


class SMSTemplate(Struct):
    """The template of a message.

    Attributes:
        params: Values of its variables. One that is left out is delivered literally, as `{{name}}`.
    """

    id: Id
    params: Params | None = None


class SMSRequest(Struct):
    """A send to one or many targets.

    Attributes:
        to: The targets. Those that are no numbers are dropped without a word.
        plan_name: What the console shows; `-` if it is left out.
        schedule_time: Unix seconds, 3 minutes to 30 days ahead.
        custom_args: Comes back in callbacks.
    """

    to: Annotated[list[Target], Meta(min_length=1)] | Target
    template: SMSTemplate
    plan_name: Text | None = None
    schedule_time: Annotated[int, Meta(extra_json_schema={"minimum": 1})] | None = None
    custom_args: dict[str, Any] | None = None


class ScheduleInfo(Struct):
    """Of a scheduled send.

    Attributes:
        task_id: Above 2**53.
    """

    task_id: Annotated[int, Meta(examples=[1972492621368553472])]


class _Counts(Struct):
    """What every answer to a send holds.

    Attributes:
        total_count: How many targets arrived.
        accepted_count: How many of them are valid.
    """

    plan_id: Annotated[Text, Meta(examples=["1972488990548348928"])]
    total_count: Count
    accepted_count: Count


class Plan(_Counts):
    """A send that was accepted.

    Attributes:
        message_id: Of a send to a single target.
    """

    message_id: Annotated[Text, Meta(examples=["1972488990804201472"])] | UnsetType = UNSET
    schedule_info: ScheduleInfo | UnsetType = UNSET


class FailedPlan(_Counts):
    """A send that failed, whatever the counts say.

    Attributes:
        code: Never 0.
    """

    code: Annotated[int, Meta(examples=[1])]
    message: Annotated[str, Meta(examples=["err xxxx"])]


class Balance(Struct):
    """What the account has left; each amount again as an integer, times 10,000.

    Attributes:
        balance: Negative with an overdraft.
    """

    balance: Amount
    gift_balance: Amount
    total_balance: Amount
    balance10000: int
    gift_balance10000: int
    total_balance10000: int


# ------------------------------------------------------------------------------- templates


class _Wording(Struct):
    """What a template says.

    Attributes:
        template_type: What its messages are for; `otp` is an old name of `authentication`.
    """

    template_name: Annotated[str, Meta(min_length=1, max_length=255, examples=["shipped"])]
    template_type: Annotated[str, one_of("utility", "marketing", "authentication", "otp")]
    template_content: Annotated[Text, Meta(examples=["Order {{order}} is on its way"])]
    country_codes: Annotated[Text, Meta(examples=["CN,US"])]


class TemplateRequest(_Wording):
    """A template to be reviewed.

    Attributes:
        add_signature: Whether it has a signature; false if it is left out.
        sign_id: Needed with a signature, which must be approved.
        sign_position: 1 prefix, 2 suffix; needed with a signature. 0 is none.
    """

    template_content: Annotated[Text, without("【", "】", "、", "测试", "test", "[", "]")]
    sign_id: Id | None = None
    sign_position: Position | None = None
    add_signature: bool | None = None


class Template(_Wording, kw_only=True):
    """An SMS template.

    Attributes:
        status: 1 pending review, 2 approved, 3 rejected.
        sign_position: 0 none, 1 prefix, 2 suffix.
        created_time: Unix seconds.
    """

    template_id: Text
    country_codes: str
    status: Status
    sign_id: Text | UnsetType = UNSET
    sign_name: Text | UnsetType = UNSET
    sign_position: Position | UnsetType = UNSET
    sign_status: Status | UnsetType = UNSET
    audit_remark: str | UnsetType = UNSET
    created_time: int | UnsetType = UNSET
    updated_time: int | UnsetType = UNSET


class CreatedTemplate(Struct):
    """A template, of which the review begins."""

    template_id: Text


# ------------------------------------------------------------------------------- signatures


class SignatureRequest(Struct):
    """A signature to be reviewed."""

    sign_name: Annotated[
        str, without("【", "】", "[", "]"), Meta(min_length=2, max_length=60, examples=["Acme"])
    ]


class Signature(Struct):
    """A signature.

    Attributes:
        status: 1 pending review, 2 approved, 3 rejected.
        created_time: Unix seconds.
    """

    sign_id: Text
    sign_name: Text
    status: Status
    related_template_count: Count | UnsetType = UNSET
    audit_remark: str | UnsetType = UNSET
    created_time: int | UnsetType = UNSET
    updated_time: int | UnsetType = UNSET


class CreatedSignature(Struct):
    """A signature, of which the review begins."""

    sign_id: Text
