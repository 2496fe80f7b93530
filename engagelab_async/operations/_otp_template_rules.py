"""What an OTP template must be, by the platform's documentation, to be submitted."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from engagelab_async import arguments

from ._config_rules import check_length, check_place_for_code, country_codes, holds_code

if TYPE_CHECKING:
    from .otp_templates import (
        ChannelConfig,
        EmailConfig,
        OTPTemplate,
        SMSConfig,
        TemplateCustomConfig,
        VerifyCodeConfig,
    )

_CHANNELS: Final = ("whatsapp", "sms", "voice", "email")
_SUB_TYPES: Final = ("utility", "marketing", "authentication")
_WHATSAPP_MINUTES: Final = (1, 5, 10)
_PLATFORMS_OWN: Final = 1
_CUSTOM: Final = 2


def check_otp_template(template: "OTPTemplate") -> None:
    """Refuse what the platform's documentation rules out.

    Raises:
        TypeError: Something is of the wrong type.
        ValueError: Something breaks a rule.
    """
    check_length(template.template_id, "template_id", 1, 128)
    if template.brand_name is not None:
        check_length(template.brand_name, "brand_name", 2, 10)
    if template.description:
        check_length(template.description, "description", 1, 255)
    _check_channels(template)
    for config in (template.whatsapp_config, template.voice_config):
        if config is not None:
            _check_type(config, _PLATFORMS_OWN)
    if template.sms_config is not None:
        _check_sms(template.sms_config)
    if template.email_config is not None:
        _check_email(template.email_config)
    if template.verify_code_config is not None:
        _check_codes(template.verify_code_config, uses_whatsapp="whatsapp" in _used(template))
    elif _sends_codes(template):
        msg = "verify_code_config: needed, as the template sends codes"
        raise ValueError(msg)


def _used(template: "OTPTemplate") -> set[str]:
    """Return the channels that have a configuration."""
    return {name for name in _CHANNELS if getattr(template, f"{name}_config") is not None}


def _check_channels(template: "OTPTemplate") -> None:
    unknown = [name for name in template.send_channel_strategy if name not in _CHANNELS]
    if unknown or not template.send_channel_strategy:
        msg = f"send_channel_strategy: expected one or more of {', '.join(_CHANNELS)}"
        raise ValueError(msg)
    # With that, one channel and two fallbacks are the most there can be.
    if len(set(template.send_channel_strategy)) < len(template.send_channel_strategy):
        msg = "send_channel_strategy: names a channel twice"
        raise ValueError(msg)
    if "email" in template.send_channel_strategy and len(template.send_channel_strategy) > 1:
        msg = "send_channel_strategy: email cannot be joined with another channel"
        raise ValueError(msg)
    used = _used(template)
    for name in template.send_channel_strategy:
        if name not in used:
            msg = f"{name}_config: every channel of send_channel_strategy needs its config"
            raise ValueError(msg)


def _sends_codes(template: "OTPTemplate") -> bool:
    if template.whatsapp_config is not None or template.voice_config is not None:
        return True
    return any(map(holds_code, _texts(template)))


def _texts(template: "OTPTemplate") -> Iterator[str]:
    by_sms, by_email = template.sms_config, template.email_config
    if by_sms is not None and by_sms.template_type == _PLATFORMS_OWN:
        yield "{{code}}"
    if by_sms is not None and by_sms.template_custom_config is not None:
        yield by_sms.template_custom_config.custom_content
    for content in () if by_email is None else by_email.template_custom_configs:
        yield content.template_content


def _check_codes(config: "VerifyCodeConfig", *, uses_whatsapp: bool) -> None:
    _check_number(config.verify_code_type, "verify_code_type", range(1, 8))
    _check_number(config.verify_code_len, "verify_code_len", range(4, 11))
    _check_number(config.verify_code_ttl, "verify_code_ttl", range(1, 11))
    if uses_whatsapp and config.verify_code_ttl not in _WHATSAPP_MINUTES:
        msg = "verify_code_ttl: must be 1, 5 or 10 minutes with WhatsApp"
        raise ValueError(msg)


def _check_number(value: int, name: str, allowed: range) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"{name}: expected an int, got {arguments.kind_of(value)}"
        raise TypeError(msg)
    if value not in allowed:
        upper = f" to {allowed[-1]}" if len(allowed) > 1 else ""
        msg = f"{name}: must be {allowed[0]}{upper}"
        raise ValueError(msg)


def _check_type(config: "ChannelConfig | SMSConfig", last: int) -> None:
    _check_number(config.template_type, "template_type", range(_PLATFORMS_OWN, last + 1))
    mentions = config.template_default_config
    for name in () if mentions is None else ("contain_security", "contain_expire"):
        value = getattr(mentions, name)
        if not isinstance(value, bool):
            msg = f"{name}: expected a bool, got {arguments.kind_of(value)}"
            raise TypeError(msg)


def _check_sms(config: "SMSConfig") -> None:
    _check_type(config, _CUSTOM)
    custom = config.template_custom_config
    if config.template_type == _CUSTOM and custom is None:
        msg = "template_custom_config: an SMS template of type 2 needs one"
        raise ValueError(msg)
    if custom is not None:
        _check_custom(custom)


def _check_custom(config: "TemplateCustomConfig") -> None:
    check_length(config.custom_content, "custom_content", 1, None)
    if config.custom_country_codes:
        country_codes(config.custom_country_codes)
    if config.custom_sub_type not in _SUB_TYPES:
        msg = f"custom_sub_type: expected one of {', '.join(_SUB_TYPES)}"
        raise ValueError(msg)
    if config.custom_sub_type == "authentication":
        check_place_for_code(config.custom_content, "custom_content")


def _check_email(config: "EmailConfig") -> None:
    _check_given(config.template_name, "template_name")
    for place, content in enumerate(config.template_custom_configs):
        for name in ("language", "pre_from_mail", "pre_subject", "template_content"):
            _check_given(getattr(content, name), f"template_custom_configs[{place}].{name}")


def _check_given(value: object, name: str) -> None:
    if value is None:
        msg = f"{name}: must not be left out"
        raise ValueError(msg)
    arguments.check_text(value, name)
