"""The API of the OTP product: what its requests hold, and its answers.

Each class is a JSON object. Requests are decoded with it, and the OpenAPI document is made of it,
docstrings included.
"""

from itertools import permutations
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from .bodies import Text, one_of
from .recipients import EMAIL, NUMBER

CHANNELS: Final = ("whatsapp", "sms", "voice", "email")

STRATEGIES: Final = (
    "email",
    *("|".join(order) for count in (1, 2, 3) for order in permutations(CHANNELS[:3], count)),
)
"""One channel and at most two fallbacks, each once; email stands alone."""

# What is no recipient is answered with 5011, what is no strategy with what is wrong with it.
_PATTERNS: Final = [{"pattern": f"^{NUMBER.pattern}$"}, {"pattern": f"^{EMAIL.pattern}$"}]
_STRATEGY: Final = {"enum": list(STRATEGIES), "examples": ["sms", "whatsapp|sms"]}

Recipient: TypeAlias = Annotated[
    Text,
    Meta(examples=["+6591234567", "support@engagelab.com"], extra_json_schema={"anyOf": _PATTERNS}),
]
TemplateId: TypeAlias = Annotated[Text, Meta(examples=["test-template-1"])]
MessageId: TypeAlias = Annotated[Text, Meta(examples=["1725407449772531712"])]
Params: TypeAlias = Annotated[dict[str, str], Meta(examples=[{"code": "123456"}, {"key": "value"}])]
Money: TypeAlias = Annotated[str, Meta(pattern=r"^-?[0-9]+\.[0-9]{4}$", examples=["-12.3400"])]
Language: TypeAlias = Annotated[Text, one_of("default", "zh_CN", "zh_HK", "en", "ja", "th", "es")]
Own: TypeAlias = Literal[1]
OwnOrCustom: TypeAlias = Literal[1, 2]


# ------------------------------------------------------------------------------- sending


class CustomTemplate(Struct):
    """The template of a message.

    Attributes:
        params: Values of its variables. One that is left out is delivered literally, as `{{name}}`.
            Keys such as `from_id` override the template's presets, on the email channel `subject`,
            `from_name` and `from_mail`.
    """

    id: TemplateId
    params: Params | None = None


class LocalisedTemplate(CustomTemplate):
    """The template of a code.

    Attributes:
        language: `default` if it is left out.
    """

    language: Language | None = None


class OTPRequest(Struct):
    """A send of a code that the platform makes.

    Attributes:
        to: A phone number in E.164 form, or an email address.
    """

    to: Recipient
    template: LocalisedTemplate


class CodeRequest(OTPRequest):
    """A send of a code that the caller made; there is nothing to verify afterwards.

    Attributes:
        code: The code; leading zeros matter.
    """

    code: Annotated[Text, Meta(examples=["398210", "039487"])]


class CustomMessageRequest(Struct):
    """A send of any template; one of the verification type must be given `params.code`."""

    to: Annotated[list[Recipient], Meta(min_length=1)] | Recipient
    template: CustomTemplate


class VerificationRequest(Struct):
    """A guess at a code."""

    message_id: MessageId
    verify_code: Annotated[Text, Meta(examples=["667090"])]


class WebhookRequest(Struct):
    """Where callbacks go.

    Attributes:
        username: Signs them; `sandbox_demo` if it is left out.
    """

    url: Annotated[Text, Meta(examples=["http://127.0.0.1:8000/callbacks"])]
    username: Text | None = None
    secret: Text | None = None


class Sent(Struct):
    """A message that was accepted.

    Attributes:
        send_channel: The channel used now; a strategy may fall back to another later.
    """

    message_id: MessageId
    send_channel: Literal["whatsapp", "sms", "email", "voice"]


class Verification(Struct):
    """Whether a code is right.

    Attributes:
        verified: A wrong code is no error.
    """

    message_id: Text
    verify_code: Text
    verified: bool


class Balance(Struct):
    """What the account has left.

    Attributes:
        balance: Negative with an overdraft.
    """

    currency: Annotated[Text, Meta(examples=["USD"])]
    balance: Money
    gift_balance: Money
    total_balance: Money


# ------------------------------------------------------------------------------- templates


class DefaultConfig(Struct):
    """What the platform's own text mentions besides the code."""

    contain_security: bool | None = None
    contain_expire: bool | None = None


class PlatformTextConfig(Struct):
    """A channel that has the platform's own text.

    Attributes:
        template_type: 1, the platform's own.
    """

    template_type: Own
    template_default_config: DefaultConfig | None = None


class CodeConfig(Struct):
    """The codes that the platform makes; needed where a text holds one.

    Attributes:
        verify_code_type: 1 digits, 2 lower case, 4 upper case, added up.
        verify_code_ttl: Minutes of validity; with WhatsApp only 1, 5 or 10.
    """

    verify_code_type: Annotated[int, Meta(ge=1, le=7)]
    verify_code_len: Annotated[int, Meta(ge=4, le=10)]
    verify_code_ttl: Annotated[int, Meta(ge=1, le=10)]


class SMSTextConfig(Struct):
    """A text of one's own.

    Attributes:
        custom_content: The text; for authentication it holds `{{code}}`.
        custom_country_codes: Where it is sent to, such as `CN,US`.
    """

    custom_sub_type: Literal["authentication", "marketing", "utility"]
    custom_content: Annotated[Text, Meta(examples=["{{code}} is your code"])]
    custom_country_codes: str | None = None


class SMSConfig(Struct):
    """The SMS channel.

    Attributes:
        template_type: 1, the platform's own; 2, one's own.
    """

    template_type: OwnOrCustom
    template_default_config: DefaultConfig | None = None
    template_custom_config: SMSTextConfig | None = None


class EmailTextConfig(Struct):
    """The email in one language.

    Attributes:
        language: Such as `en`; `default` for all others.
    """

    language: Text
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


class _Template(Struct, kw_only=True):
    """What all have in common.

    Attributes:
        template_id: Chosen by the caller.
        send_channel_strategy: The channels, in the order in which they are tried. Each needs its
            config.
    """

    template_id: Annotated[str, Meta(min_length=1, max_length=128, examples=["login"])]
    send_channel_strategy: Annotated[Text, Meta(extra_json_schema=_STRATEGY)]
    description: Annotated[str, Meta(max_length=255)] | None = None
    brand_name: Annotated[str, Meta(min_length=2, max_length=10, examples=["Acme"])] | None = None
    verify_code_config: CodeConfig | None = None
    pwa_config: PWAConfig | None = None


class TemplateRequest(_Template):
    """A template to be reviewed; one without any channel is answered 3003."""

    whatsapp_config: PlatformTextConfig | None = None
    voice_config: PlatformTextConfig | None = None
    sms_config: SMSConfig | None = None
    email_config: EmailConfig | None = None


class _Reviewed(_Template, kw_only=True):
    """What the platform adds.

    Attributes:
        status: 1 pending review, 2 approved, 3 rejected.
        created_time: Unix seconds.
    """

    status: Literal[1, 2, 3]
    audit_remark: str | UnsetType = UNSET
    created_time: int


class SMSConfigAnswer(SMSConfig):
    """The SMS channel."""

    template_parts: int | UnsetType = UNSET


class Template(_Reviewed):
    """An OTP template."""

    whatsapp_config: PlatformTextConfig | None = None
    voice_config: PlatformTextConfig | None = None
    sms_config: SMSConfigAnswer | None = None
    email_config: EmailConfig | None = None


class ListedChannel(Struct):
    """A channel in a list."""

    template_type: OwnOrCustom | UnsetType = UNSET
    template_name: Text | UnsetType = UNSET
    template_parts: int | UnsetType = UNSET


class ListedTemplate(_Reviewed):
    """An OTP template in a list, which leaves out what it says; read one to have its texts."""

    whatsapp_config: ListedChannel | None = None
    voice_config: ListedChannel | None = None
    sms_config: ListedChannel | None = None
    email_config: ListedChannel | None = None
