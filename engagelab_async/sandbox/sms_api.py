"""The API of the SMS product: what its requests hold, and its answers.

Each class is a JSON object. Requests are decoded with it, and the OpenAPI document is made of it,
docstrings included.
"""

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from .bodies import Moment, Status, Text, answer, one_of, without

# One of the vendor's samples passes an integer for the id.
Id: TypeAlias = Annotated[str, Meta(min_length=1, examples=["notification-template"])] | int
Target: TypeAlias = Annotated[Text, Meta(examples=["923700056581", "+8618701235678"])]
Params: TypeAlias = Annotated[
    dict[str, str],
    Meta(
        description="Values of variables. One that is left out is delivered literally, as "
        "`{{name}}`.",
        examples=[{"order": "123456"}],
    ),
]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
PlanId: TypeAlias = Annotated[Text, Meta(examples=["1972488990548348928"])]
TaskId: TypeAlias = Annotated[int, Meta(description="Above 2**53.", examples=[1972492621368553472])]
Type: TypeAlias = Annotated[str, one_of("utility", "marketing", "authentication", "otp")]
Position: TypeAlias = Annotated[Literal[0, 1, 2], Meta(description="0 none, 1 prefix, 2 suffix.")]


# ------------------------------------------------------------------------------- sending

_DUE: Final = Meta(
    description="Unix seconds, 3 minutes to 30 days ahead.", extra_json_schema={"minimum": 1}
)
_RETURNED: Final = Meta(description="Comes back in callbacks.")


class SMSTemplate(Struct):
    """The template of a message."""

    id: Id
    params: Params | None = None


class SMSRequest(Struct):
    """A send to one or many targets; those that are no numbers are dropped without a word."""

    to: Annotated[list[Target], Meta(min_length=1)] | Target
    template: SMSTemplate
    plan_name: Annotated[Text, Meta(description="For the console; by default `-`.")] | None = None
    schedule_time: Annotated[int, _DUE] | None = None
    custom_args: Annotated[dict[str, Any], _RETURNED] | None = None


_COUNTS: Final = {"plan_id": PlanId, "total_count": Count, "accepted_count": Count}
_TASK: Final = answer("ScheduleInfo", "Of a scheduled send.", {"task_id": TaskId})
Plan: Final = answer(
    "Plan",
    "A send that was accepted; only one to a single target has a `message_id`.",
    _COUNTS,
    {"message_id": Text, "schedule_info": _TASK},
)
FailedPlan: Final = answer(
    "FailedPlan",
    "A send that failed, whatever the counts say; its code is never 0.",
    {**_COUNTS, "code": int, "message": str},
)
Balance: Final = answer(
    "Balance",
    "What the account has left; each amount again as an integer, times 10,000.",
    {
        **dict.fromkeys(("balance", "gift_balance", "total_balance"), float),
        **dict.fromkeys(("balance10000", "gift_balance10000", "total_balance10000"), int),
    },
)


# ------------------------------------------------------------------------------- templates


class TemplateRequest(Struct):
    """A template to be reviewed; with `add_signature`, it needs a `sign_id` and a `sign_position`.

    Attributes:
        template_type: What its messages are for; `otp` is an old name of `authentication`.
        sign_id: Must be approved.
    """

    template_name: Annotated[str, Meta(min_length=1, max_length=255, examples=["shipped"])]
    template_type: Type
    template_content: Annotated[Text, without("【", "】", "、", "测试", "test", "[", "]")]
    country_codes: Annotated[Text, Meta(examples=["CN,US"])]
    sign_id: Id | None = None
    sign_position: Position | None = None
    add_signature: bool | None = None


_REVIEW: Final = {"audit_remark": str, "created_time": Moment, "updated_time": Moment}
Template: Final = answer(
    "Template",
    "An SMS template.",
    {
        "template_id": Text,
        "template_name": Text,
        "template_type": Type,
        "template_content": Text,
        "country_codes": str,
        "status": Status,
    },
    {
        "sign_id": Text,
        "sign_name": Text,
        "sign_position": Position,
        "sign_status": Status,
        **_REVIEW,
    },
)
CreatedTemplate: Final = answer("CreatedTemplate", "Its review begins.", {"template_id": Text})


# ------------------------------------------------------------------------------- signatures


class SignatureRequest(Struct):
    """A signature to be reviewed."""

    sign_name: Annotated[
        str, without("【", "】", "[", "]"), Meta(min_length=2, max_length=60, examples=["Acme"])
    ]


Signature: Final = answer(
    "Signature",
    "A signature.",
    {"sign_id": Text, "sign_name": Text, "status": Status},
    {"related_template_count": Count, **_REVIEW},
)
CreatedSignature: Final = answer("CreatedSignature", "Its review begins.", {"sign_id": Text})
