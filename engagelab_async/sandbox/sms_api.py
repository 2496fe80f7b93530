"""The API of the SMS product: what its requests hold, and its answers.

Each class is a JSON object: requests are decoded with it, and the OpenAPI document describes it.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from .bodies import one_of, without

Text: TypeAlias = Annotated[str, Meta(min_length=1)]
Id: TypeAlias = (
    Annotated[str, Meta(min_length=1, examples=["notification-template"])]
    | Annotated[int, Meta(examples=[1233])]  # one of the vendor's samples
)
Status: TypeAlias = Annotated[
    Literal[1, 2, 3], Meta(description="1 pending review, 2 approved, 3 rejected.")
]
Position: TypeAlias = Annotated[
    Literal[0, 1, 2], Meta(description="0 none, 1 prefix, 2 suffix; 1 or 2 with a signature.")
]


# ------------------------------------------------------------------------------- sending


class SMSTemplate(Struct):
    """The template of a message."""

    id: Id
    params: (
        Annotated[
            dict[str, str],
            Meta(
                description="Values of the template's variables. One that is left out is delivered "
                "literally, as `{{name}}`.",
                examples=[{"order": "123456"}, {"name": "EngageLab", "promotion": "30%"}],
            ),
        ]
        | None
    ) = None


class SMSRequest(Struct):
    """A send to one or many targets."""

    to: Annotated[
        Annotated[list[Annotated[Text, Meta(examples=["923700056581"])]], Meta(min_length=1)]
        | Annotated[Text, Meta(examples=["+8618701235678"])],
        Meta(description="The targets. Those that are no numbers are dropped without a word."),
    ]
    template: SMSTemplate
    plan_name: (
        Annotated[Text, Meta(description="What the console shows; `-` if it is left out.")] | None
    ) = None
    schedule_time: (
        Annotated[
            int,
            Meta(
                description="Unix seconds, 3 minutes to 30 days ahead.",
                extra_json_schema={"minimum": 1},
            ),
        ]
        | None
    ) = None
    custom_args: Annotated[dict[str, Any], Meta(description="Comes back in callbacks.")] | None = (
        None
    )


class ScheduleInfo(Struct):
    """Of a scheduled send."""

    task_id: Annotated[int, Meta(description="Above 2**53.", examples=[1972492621368553472])]


class _Counts(Struct):
    plan_id: Annotated[
        Text, Meta(description="Identifies the plan.", examples=["1972488990548348928"])
    ]
    total_count: Annotated[int, Meta(ge=0, description="How many targets arrived.")]
    accepted_count: Annotated[int, Meta(ge=0, description="How many of them are valid.")]


class Plan(_Counts):
    """A send that was accepted."""

    message_id: (
        Annotated[
            Text,
            Meta(description="Of a send to a single target.", examples=["1972488990804201472"]),
        ]
        | UnsetType
    ) = UNSET
    schedule_info: ScheduleInfo | UnsetType = UNSET


class FailedPlan(_Counts):
    """A send that failed, whatever the counts say."""

    code: Annotated[int, Meta(description="Never 0.", examples=[1])]
    message: Annotated[str, Meta(description="What went wrong.", examples=["err xxxx"])]


Scaled: TypeAlias = Annotated[int, Meta(description="The same, times 10,000.", examples=[123456])]


class Balance(Struct):
    """What the account has left."""

    balance: Annotated[float, Meta(description="Negative with an overdraft.", examples=[12.3456])]
    gift_balance: Annotated[float, Meta(examples=[2])]
    total_balance: Annotated[float, Meta(description="The two together.", examples=[14.3456])]
    balance10000: Scaled
    gift_balance10000: Scaled
    total_balance10000: Scaled


# ------------------------------------------------------------------------------- templates


class _Wording(Struct):
    template_name: Annotated[
        str, Meta(min_length=1, max_length=255, description="Its name.", examples=["shipped"])
    ]
    template_type: Annotated[
        str,
        one_of("utility", "marketing", "authentication", "otp"),
        Meta(description="What its messages are for; `otp` is an old name of `authentication`."),
    ]
    template_content: Annotated[
        Text, Meta(description="Its text.", examples=["Order {{order}} is on its way"])
    ]
    country_codes: Annotated[Text, Meta(description="Where it is sent to.", examples=["CN,US"])]


class TemplateRequest(_Wording):
    """A template to be reviewed."""

    template_content: Annotated[
        str,
        without("【", "】", "、", "测试", "test", "[", "]"),
        Meta(min_length=1, description="Its text.", examples=["Order {{order}} is on its way"]),
    ]
    sign_id: (
        Annotated[Id, Meta(description="Needed with a signature, which must be approved.")] | None
    ) = None
    sign_position: Position | None = None
    add_signature: (
        Annotated[bool, Meta(description="Whether it has a signature; false if it is left out.")]
        | None
    ) = None


Remark: TypeAlias = Annotated[str, Meta(description="The reviewer's words.")]
Moment: TypeAlias = Annotated[int, Meta(description="Unix seconds.")]


class Template(_Wording, kw_only=True):
    """An SMS template."""

    template_id: Annotated[Text, Meta(description="Its id.")]
    country_codes: Annotated[str, Meta(description="Where it is sent to.", examples=["CN,US"])]
    status: Status
    sign_id: Annotated[Text, Meta(description="Its signature.")] | UnsetType = UNSET
    sign_name: (
        Annotated[Text, Meta(description="The name that its signature shows.")] | UnsetType
    ) = UNSET
    sign_position: Position | UnsetType = UNSET
    sign_status: Status | UnsetType = UNSET
    audit_remark: Remark | UnsetType = UNSET
    created_time: Moment | UnsetType = UNSET
    updated_time: Moment | UnsetType = UNSET


class CreatedTemplate(Struct):
    """A template, of which the review begins."""

    template_id: Annotated[Text, Meta(description="Its id.")]


# ------------------------------------------------------------------------------- signatures


class SignatureRequest(Struct):
    """A signature to be reviewed."""

    sign_name: Annotated[
        str,
        without("【", "】", "[", "]"),
        Meta(
            min_length=2,
            max_length=60,
            description="The name, unlike all others.",
            examples=["Acme"],
        ),
    ]


class Signature(Struct):
    """A signature."""

    sign_id: Annotated[Text, Meta(description="Its id.")]
    sign_name: Annotated[Text, Meta(description="The name.")]
    status: Status
    related_template_count: (
        Annotated[int, Meta(ge=0, description="How many templates use it.")] | UnsetType
    ) = UNSET
    audit_remark: Remark | UnsetType = UNSET
    created_time: Moment | UnsetType = UNSET
    updated_time: Moment | UnsetType = UNSET


class CreatedSignature(Struct):
    """A signature, of which the review begins."""

    sign_id: Annotated[Text, Meta(description="Its id.")]
