"""The API of the OTP product: what its requests hold, and its answers.

Each class is a JSON object. Requests are decoded with it, and the OpenAPI document is made of it,
docstrings included.
"""

from itertools import permutations
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import fields

from .bodies import Moment, Status, Text, answer, one_of
from .recipients import EMAIL, NUMBER

CHANNELS: Final = ("whatsapp", "sms", "voice", "email")

STRATEGIES: Final = (
    "email",
    *("|".join(order) for count in (1, 2, 3) for order in permutations(CHANNELS[:3], count)),
)
"""One channel and at most two fallbacks, each once; email stands alone."""

# What is no recipient is answered with 5011, what is no strategy with what is wrong with it.
_PATTERNS: Final = [{"pattern": f"^{NUMBER.pattern}$"}, {"pattern": f"^{EMAIL.pattern}$"}]
_STRATEGY: Final = {
    "description": "The channels, in the order in which they are tried. Each needs its config.",
    "enum": list(STRATEGIES),
    "examples": ["sms", "whatsapp|sms"],
}

Recipient: TypeAlias = Annotated[
    Text,
    Meta(
        description="A phone number in E.164 form, or an email address.",
        examples=["+6591234567", "support@engagelab.com"],
        extra_json_schema={"anyOf": _PATTERNS},
    ),
]
TemplateId: TypeAlias = Annotated[Text, Meta(examples=["test-template-1"])]
MessageId: TypeAlias = Annotated[Text, Meta(examples=["1725407449772531712"])]
Params: TypeAlias = Annotated[
    dict[str, str],
    Meta(
        description="Values of variables. One that is left out is delivered literally, as "
        "`{{name}}`. Keys such as `from_id` override the template's presets, on the email channel "
        "`subject`, `from_name` and `from_mail`.",
        examples=[{"code": "123456"}, {"key": "value"}],
    ),
]
Channel: TypeAlias = Annotated[
    Literal["whatsapp", "sms", "email", "voice"],
    Meta(description="The channel used now; a strategy may fall back to another later."),
]
Money: TypeAlias = Annotated[str, Meta(pattern=r"^-?[0-9]+\.[0-9]{4}$", examples=["-12.3400"])]
Language: TypeAlias = Annotated[Text, one_of("default", "zh_CN", "zh_HK", "en", "ja", "th", "es")]
Own: TypeAlias = Annotated[Literal[1], Meta(description="1, the platform's own.")]
OwnOrCustom: TypeAlias = Annotated[
    Literal[1, 2], Meta(description="1, the platform's own; 2, one's own.")
]


# ------------------------------------------------------------------------------- sending


class CustomTemplate(Struct):
    """The template of a message."""

    id: TemplateId
    params: Params | None = None


class LocalisedTemplate(CustomTemplate):
    """The template of a code."""

    language: Annotated[Language, Meta(description="`default` if it is left out.")] | None = None


class OTPRequest(Struct):
    """A send of a code that the platform makes."""

    to: Recipient
    template: LocalisedTemplate


class CodeRequest(OTPRequest):
    """A send of a code that the caller made; there is nothing to verify afterwards."""

    code: Annotated[Text, Meta(description="Leading zeros matter.", examples=["398210", "039487"])]


class CustomMessageRequest(Struct):
    """A send of any template; one of the verification type must be given `params.code`."""

    to: Annotated[list[Recipient], Meta(min_length=1)] | Recipient
    template: CustomTemplate


class VerificationRequest(Struct):
    """A guess at a code."""

    message_id: MessageId
    verify_code: Annotated[Text, Meta(examples=["667090"])]


class WebhookRequest(Struct):
    """Where callbacks go."""

    url: Annotated[Text, Meta(examples=["http://127.0.0.1:8000/callbacks"])]
    username: Annotated[Text, Meta(description="By default `sandbox_demo`.")] | None = None
    secret: Text | None = None


Sent: Final = answer(
    "Sent", "A message that was accepted.", {"message_id": MessageId, "send_channel": Channel}
)
Verification: Final = answer(
    "Verification",
    "Whether a code is right; a wrong one is no error.",
    {"message_id": Text, "verify_code": Text, "verified": bool},
)
Balance: Final = answer(
    "Balance",
    "What the account has left, in `USD`; negative with an overdraft.",
    {"currency": Text, "balance": Money, "gift_balance": Money, "total_balance": Money},
)


# ------------------------------------------------------------------------------- templates


class DefaultConfig(Struct):
    """What the platform's own text mentions besides the code."""

    contain_security: bool | None = None
    contain_expire: bool | None = None


class PlatformTextConfig(Struct):
    """A channel that has the platform's own text."""

    template_type: Own
    template_default_config: DefaultConfig | None = None


class CodeConfig(Struct):
    """The codes that the platform makes; needed where a text holds one."""

    verify_code_type: Annotated[
        int, Meta(ge=1, le=7, description="The sum of these: 1 digits, 2 lower case, 4 upper case.")
    ]
    verify_code_len: Annotated[int, Meta(ge=4, le=10)]
    verify_code_ttl: Annotated[
        int, Meta(ge=1, le=10, description="In minutes; with WhatsApp 1, 5 or 10.")
    ]


class SMSTextConfig(Struct):
    """A text of one's own, which holds `{{code}}` for authentication."""

    custom_sub_type: Literal["authentication", "marketing", "utility"]
    custom_content: Annotated[Text, Meta(examples=["{{code}} is your code"])]
    custom_country_codes: Annotated[str, Meta(examples=["CN,US"])] | None = None


class SMSConfig(Struct):
    """The SMS channel."""

    template_type: OwnOrCustom
    template_default_config: DefaultConfig | None = None
    template_custom_config: SMSTextConfig | None = None


class EmailTextConfig(Struct):
    """The email in one language."""

    language: Annotated[Text, Meta(description="Such as `en`; `default` for all others.")]
    template_content: Text
    pre_from_mail: Text
    pre_subject: Text
    pre_from_name: str | None = None
    pre_param_map: dict[str, Any] | None = None


class EmailConfig(Struct):
    """The email channel."""

    template_name: Text
    template_custom_configs: list[EmailTextConfig] | None = None


class PWAConfig(Struct):
    """A web page that shows the code."""

    pwa_platform: str | None = None
    pwa_code: str | None = None


class TemplateRequest(Struct):
    """A template to be reviewed, under an id of the caller's; 3003 without any channel."""

    template_id: Annotated[str, Meta(min_length=1, max_length=128, examples=["login"])]
    send_channel_strategy: Annotated[Text, Meta(extra_json_schema=_STRATEGY)]
    description: Annotated[str, Meta(max_length=255)] | None = None
    brand_name: Annotated[str, Meta(min_length=2, max_length=10, examples=["Acme"])] | None = None
    verify_code_config: CodeConfig | None = None
    pwa_config: PWAConfig | None = None
    whatsapp_config: PlatformTextConfig | None = None
    voice_config: PlatformTextConfig | None = None
    sms_config: SMSConfig | None = None
    email_config: EmailConfig | None = None


_REQUEST: Final = {each.name: each.type for each in fields(TemplateRequest)}
_LISTED: Final = answer(
    "ListedChannel",
    "A channel in a list.",
    {},
    {"template_type": OwnOrCustom, "template_name": Text, "template_parts": int},
)
_SMS: Final = {each.name: each.type for each in fields(SMSConfig)}
_SMS_ANSWER: Final = answer(
    "SMSConfigAnswer", "The SMS channel.", {}, {**_SMS, "template_parts": int}
)


def _reviewed(name: str, description: str, **channels: Any) -> type[Struct]:  # noqa: ANN401
    required = {each: _REQUEST[each] for each in ("template_id", "send_channel_strategy")}
    return answer(
        name,
        description,
        {**required, "status": Status, "created_time": Moment},
        {
            **{each: _REQUEST[each] for each in _REQUEST if each not in required},
            "audit_remark": str,
            **{each: kind | None for each, kind in channels.items()},
        },
    )


Template: Final = _reviewed("Template", "An OTP template.", sms_config=_SMS_ANSWER)
ListedTemplate: Final = _reviewed(
    "ListedTemplate",
    "An OTP template in a list, which leaves out what it says; read one to have its texts.",
    **dict.fromkeys([f"{channel}_config" for channel in CHANNELS], _LISTED),
)
