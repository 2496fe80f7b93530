"""Fill in a template's text locally, without the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.frames import clears_frames
from engagelab_async.placeholders import filled_in, variables

from .otp.templates import OTPTemplate
from .serialization import Serializable
from .sms.templates import SMSTemplate

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESETS: Final = ("brand_name", "ttl", "pwa_url")
"""The variables that the OTP platform fills in by itself."""

_OVERRIDES: Final = ("from_id", "from_mail", "from_name", "subject")
"""What a send of the OTP product may override although the text does not show it."""


@frozen
class Rendering(Serializable):
    """A template's text with its variables filled in.

    Attributes:
        text: The text as it will be delivered; a variable without a value stays as it is, which
            the platform does too. A ``repr`` hides it.
        missing: The variables that got no value, in their order.
        unknown: The params that the text does not use, in their order.

    .. versionadded:: 0.1.0
    """

    text: str = field(repr=arguments.hidden)
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@clears_frames
def render(
    template: SMSTemplate | OTPTemplate | str, params: Mapping[str, str | int] | None = None
) -> Rendering:
    """Fill in a template's text as the platform will.

    Variables are written ``{{name}}`` or ``{name}``. The OTP platform fills in ``brand_name``,
    ``ttl`` and ``pwa_url`` by itself, so they are never missing there; their values are known if
    the template has them. A signature is not shown: the platform puts it before or behind.

    Args:
        template: A template as it was read, or its text. Of an `OTPTemplate` it is the SMS text of
            one's own.
        params: The values, as for a send.

    Returns:
        The text, and the variables and params that do not match.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: The template uses the platform's default text, which is not known locally.

    Example:
        >>> rendering = render("Hi {{name}}, order {order}", {"name": "Bob", "nmae": "?"})
        >>> rendering.text
        'Hi Bob, order {order}'
        >>> rendering.missing, rendering.unknown
        (('order',), ('nmae',))

    .. versionadded:: 0.1.0
    """
    if not isinstance(template, str | SMSTemplate | OTPTemplate):
        found = arguments.kind_of(template)
        raise TypeError(
            f"template: expected its text, or an SMSTemplate or OTPTemplate, got {found}"
        )
    text = text_of(template)
    if text is None:
        raise ValueError(
            "template: it uses the platform's default text, which is not known locally"
        )
    values = arguments.params({} if params is None else params)
    presets, own = ((), ()) if isinstance(template, SMSTemplate) else (PRESETS, _OVERRIDES)
    names = variables(text)
    return Rendering(
        text=filled_in(text, {**_preset_values(template), **values}),
        missing=tuple(name for name in names if name not in values and name not in presets),
        unknown=tuple(name for name in values if name not in {*names, *presets, *own}),
    )


def text_of(template: SMSTemplate | OTPTemplate | str) -> str | None:
    """Return the text that a template has for SMS; ``None`` for the platform's default text."""
    if isinstance(template, str):
        return template
    if isinstance(template, SMSTemplate):
        return template.template_content
    custom = template.sms_config and template.sms_config.template_custom_config
    return custom.custom_content if custom else None


def _preset_values(template: SMSTemplate | OTPTemplate | str) -> dict[str, str]:
    if not isinstance(template, OTPTemplate):
        return {}
    codes = template.verify_code_config
    values = {
        "brand_name": template.brand_name,
        "ttl": None if codes is None else str(codes.verify_code_ttl),
    }
    return {name: value for name, value in values.items() if value is not None}
