"""The API of the OTP product: what its requests hold, and its answers.

Each class is a JSON object: requests are decoded with it, and the OpenAPI document describes it.
"""

from itertools import permutations
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from .bodies import one_of
from .recipients import EMAIL, NUMBER

CHANNELS: Final = ("whatsapp", "sms", "voice", "email")

STRATEGIES: Final = (
    "email",
    *("|".join(order) for count in (1, 2, 3) for order in permutations(CHANNELS[:3], count)),
)
"""One channel and at most two fallbacks, each once; email stands alone."""

Text: TypeAlias = Annotated[str, Meta(min_length=1)]
Recipient: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        description="A phone number in E.164 form, or an email address.",
        examples=["+6591234567", "support@engagelab.com"],
        # What is neither is answered with 5011, a rule of its own.
        extra_json_schema={
            "anyOf": [{"pattern": f"^{NUMBER.pattern}$"}, {"pattern": f"^{EMAIL.pattern}$"}]
        },
    ),
]
Params: TypeAlias = Annotated[
    dict[str, str],
    Meta(
        description="Values of the template's variables. One that is left out is delivered "
        "literally, as `{{name}}`. Keys such as `from_id` override the template's presets, on the "
        "email channel `subject`, `from_name` and `from_mail`.",
        examples=[{"key1": "value1", "key2": "value2"}],
    ),
]
Decimal: TypeAlias = Annotated[str, Meta(pattern=r"^-?[0-9]+\.[0-9]{4}$", examples=["-12.3400"])]


# ------------------------------------------------------------------------------- sending


class CustomTemplate(Struct):
    """The template of a custom message."""

    id: Annotated[Text, Meta(description="The template's id.", examples=["test-template-1"])]
    params: Params | None = None


class LocalisedTemplate(Struct):
    """The template of a code."""

    id: Annotated[Text, Meta(description="The template's id.", examples=["test-template-1"])]
    language: (
        Annotated[
            str,
            one_of("default", "zh_CN", "zh_HK", "en", "ja", "th", "es"),
            Meta(min_length=1, description="`default` if it is left out.", examples=["default"]),
        ]
        | None
    ) = None
    params: Params | None = None


class OTPRequest(Struct):
    """A send of a code that the platform makes."""

    to: Recipient
    template: LocalisedTemplate


class CodeRequest(OTPRequest):
    """A send of a code that the caller made."""

    code: Annotated[
        Text, Meta(description="The code; leading zeros matter.", examples=["398210", "039487"])
    ]


class CustomMessageRequest(Struct):
    """A send of the caller's own template."""

    to: Annotated[list[Recipient], Meta(min_length=1)] | Recipient
    template: CustomTemplate


class VerificationRequest(Struct):
    """A guess at a code."""

    message_id: Annotated[
        Text, Meta(description="What the send answered.", examples=["1725407449772531712"])
    ]
    verify_code: Annotated[Text, Meta(description="What the person typed.", examples=["667090"])]


class WebhookRequest(Struct):
    """Where callbacks go."""

    url: Annotated[
        Text, Meta(description="Where to.", examples=["http://127.0.0.1:8000/callbacks"])
    ]
    username: (
        Annotated[Text, Meta(description="Signs them; `sandbox_demo` if it is left out.")] | None
    ) = None
    secret: (
        Annotated[Text, Meta(description="`sandbox_webhook_secret` if it is left out.")] | None
    ) = None


class Sent(Struct):
    """A message that was accepted."""

    message_id: Annotated[
        Text, Meta(description="Identifies the message.", examples=["1725407449772531712"])
    ]
    send_channel: Annotated[
        Literal["whatsapp", "sms", "email", "voice"],
        Meta(
            description="The channel used now; a strategy may fall back to another later.",
            examples=["sms"],
        ),
    ]


class Verification(Struct):
    """Whether a code is right."""

    message_id: Annotated[Text, Meta(description="The message that carried the code.")]
    verify_code: Annotated[Text, Meta(description="What was to be verified.")]
    verified: Annotated[bool, Meta(description="Whether it is right. A wrong one is no error.")]


class Balance(Struct):
    """What the account has left."""

    currency: Annotated[Text, Meta(description="Always `USD`.", examples=["USD"])]
    balance: Annotated[Decimal, Meta(description="Negative with an overdraft.")]
    gift_balance: Decimal
    total_balance: Annotated[Decimal, Meta(description="The two together.")]


# ------------------------------------------------------------------------------- templates

PlatformType: TypeAlias = Annotated[Literal[1], Meta(description="1, the platform's own.")]
SMSType: TypeAlias = Annotated[
    Literal[1, 2], Meta(description="1, the platform's own; 2, one's own.")
]
Parts: TypeAlias = Annotated[int, Meta(description="How many SMS a message takes.")]


class DefaultConfig(Struct):
    """What the platform's own text mentions besides the code."""

    contain_security: (
        Annotated[bool, Meta(description="Whether it says not to share the code.")] | None
    ) = None
    contain_expire: (
        Annotated[bool, Meta(description="Whether it says when the code expires.")] | None
    ) = None


class PlatformTextConfig(Struct):
    """A channel that has the platform's own text."""

    template_type: PlatformType
    template_default_config: DefaultConfig | None = None


class CodeConfig(Struct):
    """The codes that the platform makes; needed where a text holds one."""

    verify_code_type: Annotated[
        int, Meta(ge=1, le=7, description="1 digits, 2 lower case, 4 upper case, added up.")
    ]
    verify_code_len: Annotated[int, Meta(ge=4, le=10, description="How many characters.")]
    verify_code_ttl: Annotated[
        int, Meta(ge=1, le=10, description="Minutes of validity; with WhatsApp only 1, 5 or 10.")
    ]


class SMSTextConfig(Struct):
    """A text of one's own."""

    custom_sub_type: Annotated[
        Literal["authentication", "marketing", "utility"],
        Meta(description="What the messages are for."),
    ]
    custom_content: Annotated[
        Text,
        Meta(
            description="The text; for authentication it holds `{{code}}`.",
            examples=["{{code}} is your code"],
        ),
    ]
    custom_country_codes: (
        Annotated[str, Meta(description="Where it is sent to.", examples=["CN,US"])] | None
    ) = None


class SMSConfig(Struct):
    """The SMS channel."""

    template_type: SMSType
    template_default_config: DefaultConfig | None = None
    template_custom_config: SMSTextConfig | None = None


class EmailTextConfig(Struct):
    """The email in one language."""

    language: Annotated[Text, Meta(description="Such as `en`; `default` for all others.")]
    template_content: Annotated[Text, Meta(description="The text.")]
    pre_from_mail: Annotated[Text, Meta(description="The sender's address.")]
    pre_subject: Annotated[Text, Meta(description="The subject.")]
    pre_from_name: Annotated[str, Meta(description="The sender's name.")] | None = None
    pre_param_map: (
        Annotated[dict[str, Any], Meta(description="Preset values of variables.")] | None
    ) = None


class EmailConfig(Struct):
    """The email channel."""

    template_name: Annotated[Text, Meta(description="Its name in the console.")]
    template_custom_configs: list[EmailTextConfig] | None = None


class PWAConfig(Struct):
    """A web page that shows the code."""

    pwa_platform: Annotated[str, Meta(description="Who runs the page.")] | None = None
    pwa_code: Annotated[str, Meta(description="The page's code there.")] | None = None


class _Template(Struct, kw_only=True):
    template_id: Annotated[
        str,
        Meta(min_length=1, max_length=128, description="Chosen by the caller.", examples=["login"]),
    ]
    send_channel_strategy: Annotated[
        Text,
        Meta(
            description="The channels, in the order in which they are tried. Each needs its "
            "config.",
            examples=["sms", "whatsapp|sms"],
            # What is no strategy is answered with what is wrong with it, a rule of its own.
            extra_json_schema={"enum": list(STRATEGIES)},
        ),
    ]
    description: (
        Annotated[str, Meta(max_length=255, description="What the console shows.")] | None
    ) = None
    brand_name: (
        Annotated[
            str,
            Meta(
                min_length=2, max_length=10, description="Who sends the codes.", examples=["Acme"]
            ),
        ]
        | None
    ) = None
    verify_code_config: CodeConfig | None = None
    pwa_config: PWAConfig | None = None


class TemplateRequest(_Template):
    """A template to be reviewed."""

    whatsapp_config: PlatformTextConfig | None = None
    voice_config: PlatformTextConfig | None = None
    sms_config: SMSConfig | None = None
    email_config: EmailConfig | None = None


class SMSConfigAnswer(SMSConfig):
    """The SMS channel, with what the platform counts."""

    template_parts: Parts | UnsetType = UNSET


class _Reviewed(_Template, kw_only=True):
    status: Annotated[
        Literal[1, 2, 3], Meta(description="1 pending review, 2 approved, 3 rejected.")
    ]
    created_time: Annotated[int, Meta(description="Unix seconds.")]
    audit_remark: Annotated[str, Meta(description="The reviewer's words.")] | UnsetType = UNSET


class Template(_Reviewed):
    """An OTP template."""

    whatsapp_config: PlatformTextConfig | None = None
    voice_config: PlatformTextConfig | None = None
    sms_config: SMSConfigAnswer | None = None
    email_config: EmailConfig | None = None


class ListedChannel(Struct):
    """A channel in a list."""

    template_type: PlatformType


class ListedSMS(Struct):
    """The SMS channel in a list."""

    template_type: SMSType
    template_parts: Parts | UnsetType = UNSET


class ListedEmail(Struct):
    """The email channel in a list."""

    template_name: Annotated[Text, Meta(description="Its name in the console.")]


class ListedTemplate(_Reviewed):
    """An OTP template in a list, which leaves out what it says."""

    whatsapp_config: ListedChannel | None = None
    voice_config: ListedChannel | None = None
    sms_config: ListedSMS | None = None
    email_config: ListedEmail | None = None
