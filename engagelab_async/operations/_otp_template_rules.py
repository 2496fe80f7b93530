"""What an OTP template must be, by the platform's documentation, to be submitted."""

from typing import TYPE_CHECKING, Final

from . import _arguments as arguments
from ._config_rules import check_length, check_place_for_code, country_codes

if TYPE_CHECKING:
    from .otp_templates import OTPTemplate, SMSConfig, TemplateCustomConfig, VerifyCodeConfig

_CHANNELS: Final = ("whatsapp", "sms", "voice", "email")
_SUB_TYPES: Final = ("utility", "marketing", "authentication")
_WHATSAPP_MINUTES: Final = (1, 5, 10)
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
    if template.verify_code_config is not None:
        _check_codes(template.verify_code_config, uses_whatsapp="whatsapp" in _used(template))
    if template.sms_config is not None:
        _check_sms(template.sms_config)


def _used(template: "OTPTemplate") -> set[str]:
    """Return the channels that have a configuration."""
    return {name for name in _CHANNELS if getattr(template, f"{name}_config") is not None}


def _check_channels(template: "OTPTemplate") -> None:
    unknown = [name for name in template.send_channel_strategy if name not in _CHANNELS]
    if unknown or not template.send_channel_strategy:
        msg = f"send_channel_strategy: expected one or more of {', '.join(_CHANNELS)}"
        raise ValueError(msg)
    if not _used(template):
        msg = f"{template.send_channel_strategy[0]}_config: at least one channel needs its config"
        raise ValueError(msg)


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
        msg = f"{name}: must be {allowed[0]} to {allowed[-1]}"
        raise ValueError(msg)


def _check_sms(config: "SMSConfig") -> None:
    _check_number(config.template_type, "template_type", range(1, 3))
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
