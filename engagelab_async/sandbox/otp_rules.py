"""What an OTP template must be to be submitted: 3002 for a field, 3003 for what is missing.

The OpenAPI document of the product says the same as a schema.
"""

from typing import Final

from engagelab_async.placeholders import variables

from ._fields import Fields
from .refusals import RefusedError

_CHANNELS: Final = ("whatsapp", "sms", "voice", "email")
_ALONE: Final = "email"
_AUTHENTICATION: Final = "authentication"
_SUB_TYPES: Final = (_AUTHENTICATION, "marketing", "utility")
_PLATFORMS_OWN: Final = 1
_CUSTOM: Final = 2
_WHATSAPP_MINUTES: Final = (1, 5, 10)


def check_template(request: Fields) -> None:
    """Refuse what the platform's documentation rules out.

    Raises:
        RefusedError: The template breaks a rule.
    """
    request.short_text("template_id", range(1, 129))
    channels = _check_channels(request)
    request.optional_string("description", longest=255)
    request.optional_short_text("brand_name", range(2, 11))
    configs = {name: _config(request, name, is_used=name in channels) for name in _CHANNELS}
    texts = [
        *(text for name in ("whatsapp", "voice") for text in _check_platforms_own(configs[name])),
        *_check_sms(configs["sms"]),
        *_check_email(configs["email"]),
    ]
    _check_codes(request, is_needed=any(map(_holds_a_code, texts)))
    pwa = request.optional_inner("pwa_config")
    pwa.optional_string("pwa_platform")
    pwa.optional_string("pwa_code")


def _check_channels(request: Fields) -> list[str]:
    channels = request.text("send_channel_strategy").split("|")
    if not set(channels) <= set(_CHANNELS):
        raise request.refusal("send_channel_strategy", f"must be of {' '.join(_CHANNELS)}")
    if len(set(channels)) < len(channels):
        raise request.refusal("send_channel_strategy", "must name each channel once")
    if _ALONE in channels and len(channels) > 1:
        raise request.refusal("send_channel_strategy", "must not join email with another channel")
    if not any(request.optional_inner(f"{channel}_config").values for channel in _CHANNELS):
        raise RefusedError(3003, "not contains any channel config")
    return channels


def _config(request: Fields, channel: str, *, is_used: bool) -> Fields | None:
    name = f"{channel}_config"
    return request.inner(name) if is_used or request.values.get(name) is not None else None


def _check_codes(request: Fields, *, is_needed: bool) -> None:
    if not is_needed and request.values.get("verify_code_config") is None:
        return
    codes = request.inner("verify_code_config")
    codes.number("verify_code_type", range(1, 8))
    codes.number("verify_code_len", range(4, 11))
    minutes = codes.number("verify_code_ttl", range(1, 11))
    uses_whatsapp = request.values.get("whatsapp_config") is not None
    if uses_whatsapp and minutes not in _WHATSAPP_MINUTES:
        raise codes.refusal("verify_code_ttl", "must be 1, 5 or 10 with WhatsApp")


# Each of these returns the texts of a channel; the platform's own is that of a code.


def _check_platforms_own(config: Fields | None) -> list[str]:
    if config is None:
        return []
    _check_type(config, (_PLATFORMS_OWN,))
    return ["{{code}}"]


def _check_type(config: Fields, types: tuple[int, ...]) -> int:
    kind = config.one_of("template_type", types)
    mentions = config.optional_inner("template_default_config")
    mentions.optional_boolean("contain_security")
    mentions.optional_boolean("contain_expire")
    return kind


def _check_sms(config: Fields | None) -> list[str]:
    if config is None:
        return []
    kind = _check_type(config, (_PLATFORMS_OWN, _CUSTOM))
    own = ["{{code}}"] if kind == _PLATFORMS_OWN else []
    if kind == _PLATFORMS_OWN and config.values.get("template_custom_config") is None:
        return own
    custom = config.inner("template_custom_config")
    purpose = custom.one_of("custom_sub_type", _SUB_TYPES)
    content = custom.text("custom_content")
    custom.optional_string("custom_country_codes")
    if purpose == _AUTHENTICATION and not _holds_a_code(content):
        raise custom.refusal("custom_content", "must hold {{code}} for authentication")
    return [*own, content]


def _check_email(config: Fields | None) -> list[str]:
    if config is None:
        return []
    config.text("template_name")
    contents = config.optional_inners("template_custom_configs")
    for content in contents:
        for name in ("language", "template_content", "pre_from_mail", "pre_subject"):
            content.text(name)
        content.optional_string("pre_from_name")
        content.optional_inner("pre_param_map")
    return [content.text("template_content") for content in contents]


def _holds_a_code(text: str) -> bool:
    return "code" in variables(text)
