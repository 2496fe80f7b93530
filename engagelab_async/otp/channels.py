"""The channels of an OTP template: how each is set up, and what the platform allows there."""

from collections.abc import Iterable, Mapping
from enum import KEEP, IntFlag
from typing import Any, Final

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.open_enums import OpenEnum, OpenStr
from engagelab_async.serialization import Serializable
from engagelab_async.template import TemplateType
from engagelab_async.wording import (
    CountryCodes,
    check_length,
    check_place_for_code,
    country_codes,
    or_none,
    split,
)

PLATFORMS_OWN: Final = 1
"""The type of a template that speaks the platform's own text."""

CUSTOM: Final = 2
"""The type of one with a text of the caller's."""

_ALWAYS: Final = {arguments.ALWAYS: True}
_SUB_TYPES: Final = ("utility", "marketing", "authentication")
_WHATSAPP_MINUTES: Final = (1, 5, 10)


class Channel(OpenStr):
    """Delivery channel.

    .. versionadded:: 0.1.0
    """

    WHATSAPP = "whatsapp"
    SMS = "sms"
    VOICE = "voice"
    EMAIL = "email"


class VerifyCodeType(OpenEnum, IntFlag, boundary=KEEP):
    """What a code is made of; add them up with ``|``.

    .. versionadded:: 0.1.0
    """

    DIGITS = 1
    LOWER_CASE = 2
    UPPER_CASE = 4


@frozen
class VerifyCodeConfig(Serializable):
    """The codes that the platform makes.

    Attributes:
        verify_code_type: What they are made of.
        verify_code_len: How many characters they have, 4 to 10.
        verify_code_ttl: How many minutes they are valid, 1 to 10; with WhatsApp only 1, 5 or 10.

    .. versionadded:: 0.1.0
    """

    verify_code_type: VerifyCodeType = field(default=VerifyCodeType.DIGITS, metadata=_ALWAYS)
    verify_code_len: int = field(default=6, metadata=_ALWAYS)
    verify_code_ttl: int = field(default=5, metadata=_ALWAYS)


@frozen
class TemplateDefaultConfig(Serializable):
    """What the platform's default text mentions besides the code.

    Attributes:
        contain_security: Not to share the code with anyone.
        contain_expire: When the code expires.

    .. versionadded:: 0.1.0
    """

    contain_security: bool = field(default=False, metadata=_ALWAYS)
    contain_expire: bool = field(default=False, metadata=_ALWAYS)


def _countries(value: str | Iterable[str]) -> tuple[str, ...]:
    return split(value, ",")


@frozen
class TemplateCustomConfig(Serializable):
    """A custom SMS text.

    Attributes:
        custom_sub_type: What the messages are for.
        custom_content: The text, with ``{{variables}}``; for authentication it holds ``{{code}}``.
            Lists of templates leave it out.
        custom_country_codes: The countries to which it is sent, such as ``("CN", "US")``.

    .. versionadded:: 0.1.0
    """

    custom_sub_type: TemplateType = field(converter=TemplateType)
    custom_content: str = field(default="", repr=arguments.length)
    custom_country_codes: CountryCodes = field(default=(), converter=_countries)


@frozen
class ChannelConfig(Serializable):
    """WhatsApp or voice, which use the platform's default text.

    Attributes:
        template_type: 1, the platform's own.
        template_default_config: What that text mentions.

    .. versionadded:: 0.1.0
    """

    template_type: int = field(default=1, metadata=_ALWAYS)
    template_default_config: TemplateDefaultConfig | None = field(
        default=None, validator=or_none(TemplateDefaultConfig)
    )


@frozen
class SMSConfig(Serializable):
    """SMS, with the platform's default text or a custom one.

    Attributes:
        template_type: 1, the platform's own; 2, one's own.
        template_default_config: What the platform's default text mentions.
        template_custom_config: The custom text.
        template_parts: How many SMS a message takes; only in answers.

    .. versionadded:: 0.1.0
    """

    template_type: int = field(default=1, metadata=_ALWAYS)
    template_default_config: TemplateDefaultConfig | None = field(
        default=None, validator=or_none(TemplateDefaultConfig)
    )
    template_custom_config: TemplateCustomConfig | None = field(
        default=None, validator=or_none(TemplateCustomConfig)
    )
    template_parts: int | None = None


@frozen(kw_only=True)
class EmailContent(Serializable):
    """An email in one language.

    Attributes:
        language: Such as ``en``; ``default`` for all others.
        template_content: The text, with ``{{variables}}``. Lists of templates leave it out.
        pre_subject: The subject; a send may override it. To create a template, it is needed.
        pre_from_name: The sender's name; a send may override it.
        pre_from_mail: The sender's address; a send may override it. To create a template, it is
            needed.
        pre_param_map: Preset values of variables.

    .. versionadded:: 0.1.0
    """

    language: str
    template_content: str = field(default="", repr=arguments.length)
    pre_subject: str | None = None
    pre_from_name: str | None = None
    pre_from_mail: str | None = None
    pre_param_map: Mapping[str, Any] | None = field(default=None, hash=False)


def _contents(value: Iterable[EmailContent]) -> tuple[EmailContent, ...]:
    contents = tuple(value)
    for place, content in enumerate(contents):
        if not isinstance(content, EmailContent):
            found = arguments.kind_of(content)
            raise TypeError(f"template_custom_configs[{place}]: expected EmailContent, got {found}")
    return contents


@frozen
class EmailConfig(Serializable):
    """Email.

    Attributes:
        template_name: Its name in the console. To create a template, it is needed.
        template_custom_configs: The email in each language.

    .. versionadded:: 0.1.0
    """

    template_name: str | None = None
    template_custom_configs: tuple[EmailContent, ...] = field(default=(), converter=_contents)


@frozen
class PWAConfig(Serializable):
    """A web page that shows the code.

    Attributes:
        pwa_platform: Who runs the page.
        pwa_code: The page's code there.

    .. versionadded:: 0.1.0
    """

    pwa_platform: str | None = None
    pwa_code: str | None = None


# ------------------------------------------------------------------------------- rules


def check_codes(config: VerifyCodeConfig, *, uses_whatsapp: bool) -> None:
    """Refuse codes that the platform does not make."""
    _check_number(config.verify_code_type, "verify_code_type", range(1, 8))
    _check_number(config.verify_code_len, "verify_code_len", range(4, 11))
    _check_number(config.verify_code_ttl, "verify_code_ttl", range(1, 11))
    if uses_whatsapp and config.verify_code_ttl not in _WHATSAPP_MINUTES:
        raise ValueError("verify_code_ttl: must be 1, 5 or 10 minutes with WhatsApp")


def _check_number(value: int, name: str, allowed: range) -> None:
    if arguments.check_integer(value, name) not in allowed:
        upper = f" to {allowed[-1]}" if len(allowed) > 1 else ""
        raise ValueError(f"{name}: must be {allowed[0]}{upper}")


def check_type(config: ChannelConfig | SMSConfig, last: int) -> None:
    """Refuse a type of text that the channel does not have."""
    _check_number(config.template_type, "template_type", range(PLATFORMS_OWN, last + 1))
    mentions = config.template_default_config
    for name in () if mentions is None else ("contain_security", "contain_expire"):
        arguments.check_flag(getattr(mentions, name), name)


def check_sms(config: SMSConfig) -> None:
    """Refuse an SMS text that the platform would refuse."""
    check_type(config, CUSTOM)
    custom = config.template_custom_config
    if config.template_type == CUSTOM and custom is None:
        raise ValueError("template_custom_config: an SMS template of type 2 needs one")
    if custom is not None:
        _check_custom(custom)


def _check_custom(config: TemplateCustomConfig) -> None:
    check_length(config.custom_content, "custom_content", 1, None)
    if config.custom_country_codes:
        country_codes(config.custom_country_codes)
    if config.custom_sub_type not in _SUB_TYPES:
        raise ValueError(f"custom_sub_type: expected one of {', '.join(_SUB_TYPES)}")
    if config.custom_sub_type == "authentication":
        check_place_for_code(config.custom_content, "custom_content")


def check_email(config: EmailConfig) -> None:
    """Refuse an email without what every email needs."""
    _check_given(config.template_name, "template_name")
    for place, content in enumerate(config.template_custom_configs):
        for name in ("language", "pre_from_mail", "pre_subject", "template_content"):
            _check_given(getattr(content, name), f"template_custom_configs[{place}].{name}")


def _check_given(value: object, name: str) -> None:
    if value is None:
        raise ValueError(f"{name}: must not be left out")
    arguments.check_text(value, name)
