"""What an OTP template must be to be submitted: 3002 for a field, 3003 for what is missing.

The OpenAPI document of the product says the same as a schema.
"""

from typing import Final

from ._errors import RefusedError
from ._fields import Fields

_CHANNELS: Final = ("whatsapp", "sms", "voice", "email")
_SUB_TYPES: Final = ("authentication", "marketing", "utility")
_PLATFORMS_OWN: Final = 1
_CUSTOM: Final = 2
_WHATSAPP_MINUTES: Final = (1, 5, 10)


def check_template(request: Fields) -> None:
    """Refuse what the platform's documentation rules out.

    Raises:
        RefusedError: The template breaks a rule.
    """
    request.short_text("template_id", range(1, 129))
    _check_channels(request)
    request.optional_string("description", longest=255)
    request.optional_short_text("brand_name", range(2, 11))
    _check_codes(request)
    for channel in ("whatsapp", "voice"):
        _check_texts(request.optional_inner(f"{channel}_config"), (_PLATFORMS_OWN,))
    _check_sms(request.optional_inner("sms_config"))
    _check_email(request.optional_inner("email_config"))
    pwa = request.optional_inner("pwa_config")
    pwa.optional_string("pwa_platform")
    pwa.optional_string("pwa_code")


def _check_channels(request: Fields) -> None:
    for channel in request.text("send_channel_strategy").split("|"):
        if channel not in _CHANNELS:
            raise request.refusal("send_channel_strategy", f"must be of {' '.join(_CHANNELS)}")
    if not any(request.optional_inner(f"{channel}_config").values for channel in _CHANNELS):
        raise RefusedError(3003, "not contains any channel config")


def _check_codes(request: Fields) -> None:
    codes = request.optional_inner("verify_code_config")
    codes.optional_number("verify_code_type", range(1, 8))
    codes.optional_number("verify_code_len", range(4, 11))
    minutes = codes.optional_number("verify_code_ttl", range(1, 11))
    uses_whatsapp = bool(request.optional_inner("whatsapp_config").values)
    if uses_whatsapp and minutes not in (None, *_WHATSAPP_MINUTES):
        raise codes.refusal("verify_code_ttl", "must be 1, 5 or 10 with WhatsApp")


def _check_texts(config: Fields, types: tuple[int, ...]) -> int | None:
    kind = config.optional_one_of("template_type", types)
    mentions = config.optional_inner("template_default_config")
    mentions.optional_boolean("contain_security")
    mentions.optional_boolean("contain_expire")
    return kind


def _check_sms(config: Fields) -> None:
    kind = _check_texts(config, (_PLATFORMS_OWN, _CUSTOM))
    if kind != _CUSTOM and config.values.get("template_custom_config") is None:
        return
    custom = config.inner("template_custom_config")
    custom.one_of("custom_sub_type", _SUB_TYPES)
    custom.text("custom_content")
    custom.optional_string("custom_country_codes")


def _check_email(config: Fields) -> None:
    config.optional_string("template_name")
    for content in config.optional_inners("template_custom_configs"):
        content.text("language")
        content.text("template_content")
        for name in ("pre_from_name", "pre_from_mail", "pre_subject"):
            content.optional_string(name)
        content.optional_inner("pre_param_map")
