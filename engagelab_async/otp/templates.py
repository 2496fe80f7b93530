"""OTP templates: read, submitted for review and deleted; the platform cannot change one."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, ClassVar, Final, Self, Unpack

from attrs import evolve, field, frozen

from engagelab_async import arguments
from engagelab_async.calls import CallOptions
from engagelab_async.operation import Endpoint, Operation, Separator, StringId
from engagelab_async.resource import Resource
from engagelab_async.serialization import Serializable
from engagelab_async.template import TemplateStatus, TemplateType
from engagelab_async.template_calls import OneTemplate, TemplateCalls
from engagelab_async.transport import Transport
from engagelab_async.wording import check_length, holds_code, or_none, split

from .channels import (
    PLATFORMS_OWN,
    Channel,
    ChannelConfig,
    EmailConfig,
    PWAConfig,
    SMSConfig,
    TemplateCustomConfig,
    TemplateDefaultConfig,
    VerifyCodeConfig,
    check_codes,
    check_email,
    check_sms,
    check_type,
)

_CHANNELS: Final = ("whatsapp", "sms", "voice", "email")


def _channels(value: str | Iterable[Channel | str]) -> tuple[Channel, ...]:
    return tuple(Channel(each) for each in split(value, "|"))


@frozen(kw_only=True)
class OTPTemplate(Serializable):
    """An OTP template: what is submitted, and what the platform has.

    It may hold what cannot be submitted, as the platform's answers may; `CreateOTPTemplate` checks
    the rules. `sms` and `whatsapp_then_sms` make the common ones.

    Attributes:
        template_id: Its id, chosen by its creator; at most 128 characters.
        send_channel_strategy: The channels, in the order in which they are tried; a tuple of
            `Channel`, made from their names or from ``"whatsapp|sms"``. One and at most two
            fallbacks, each once and each with its config; email stands alone.
        brand_name: The brand name, 2 to 10 characters; ``{{brand_name}}`` in texts.
        description: Its description in the console, at most 255 characters.
        verify_code_config: The codes that the platform makes; needed where a text holds a code, as
            the platform's own texts do.
        whatsapp_config: WhatsApp, or ``None``.
        sms_config: SMS, or ``None``.
        voice_config: Voice, or ``None``.
        email_config: Email, or ``None``.
        pwa_config: A web page that shows the code, or ``None``.
        status: The review status; only in answers.
        audit_remark: The reviewer's remark; only in answers.
        created_time: An aware ``datetime``; only in answers.

    .. versionadded:: 0.1.0
    """

    template_id: StringId
    send_channel_strategy: Annotated[tuple[Channel, ...], Separator("|")] = field(
        default=(), converter=_channels
    )
    brand_name: str | None = None
    description: str | None = None
    verify_code_config: VerifyCodeConfig | None = field(
        default=None, validator=or_none(VerifyCodeConfig)
    )
    whatsapp_config: ChannelConfig | None = field(default=None, validator=or_none(ChannelConfig))
    sms_config: SMSConfig | None = field(default=None, validator=or_none(SMSConfig))
    voice_config: ChannelConfig | None = field(default=None, validator=or_none(ChannelConfig))
    email_config: EmailConfig | None = field(default=None, validator=or_none(EmailConfig))
    pwa_config: PWAConfig | None = field(default=None, validator=or_none(PWAConfig))
    status: TemplateStatus | None = None
    audit_remark: str | None = None
    created_time: datetime | None = None

    @classmethod
    def sms(
        cls,
        template_id: str,
        *,
        brand_name: str,
        content: str | None = None,
        country_codes: str | Iterable[str] = (),
        verify_code: VerifyCodeConfig | None = None,
        description: str | None = None,
    ) -> Self:
        """Make a template that sends codes by SMS.

        Args:
            template_id: Its id, at most 128 characters.
            brand_name: The brand name, 2 to 10 characters.
            content: A custom text with ``{{code}}``; defaults to the platform's text.
            country_codes: The countries for a custom text: ``"CN,US"``, or ``["CN", "US"]``.
            verify_code: The codes of the platform; by default 6 digits, valid for 5 minutes.
            description: Its description in the console, at most 255 characters.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument breaks a rule.

        Example:
            >>> template = OTPTemplate.sms("login", brand_name="Acme")
            >>> template.send_channel_strategy
            (<Channel.SMS: 'sms'>,)
        """
        made = cls(
            template_id=template_id,
            send_channel_strategy=(Channel.SMS,),
            brand_name=brand_name,
            description=description,
            verify_code_config=VerifyCodeConfig() if verify_code is None else verify_code,
            sms_config=_sms_config(content, country_codes),
        )
        _check(made)
        return made

    @classmethod
    def whatsapp_then_sms(
        cls,
        template_id: str,
        *,
        brand_name: str,
        content: str | None = None,
        country_codes: str | Iterable[str] = (),
        verify_code: VerifyCodeConfig | None = None,
        description: str | None = None,
    ) -> Self:
        """Make a template that sends codes by WhatsApp, and by SMS to phones without it.

        Args:
            template_id: As in `sms`.
            brand_name: As in `sms`.
            content: As in `sms`; it is for SMS only; WhatsApp uses the platform's text.
            country_codes: As in `sms`.
            verify_code: As in `sms`; its ``verify_code_ttl`` can only be 1, 5 or 10.
            description: As in `sms`.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument breaks a rule.
        """
        by_sms = cls.sms(
            template_id,
            brand_name=brand_name,
            content=content,
            country_codes=country_codes,
            verify_code=verify_code,
            description=description,
        )
        made = evolve(
            by_sms,
            send_channel_strategy=(Channel.WHATSAPP, Channel.SMS),
            whatsapp_config=ChannelConfig(template_default_config=_ALL_MENTIONED),
        )
        _check(made)
        return made


_ALL_MENTIONED = TemplateDefaultConfig(contain_security=True, contain_expire=True)


def _sms_config(content: str | None, codes: str | Iterable[str]) -> SMSConfig:
    if content is None:
        return SMSConfig(template_default_config=_ALL_MENTIONED)
    custom = TemplateCustomConfig(TemplateType.AUTHENTICATION, content, codes)
    return SMSConfig(template_type=2, template_custom_config=custom)


def _without_answers(template: OTPTemplate) -> OTPTemplate:
    """Remove what only the platform sets: a template that was read can be submitted again."""
    if not isinstance(template, OTPTemplate):
        raise TypeError(f"template: expected an OTPTemplate, got {arguments.kind_of(template)}")
    _check(template)
    sms = template.sms_config
    return evolve(
        template,
        sms_config=None if sms is None else evolve(sms, template_parts=None),
        status=None,
        audit_remark=None,
        created_time=None,
    )


def _check(template: OTPTemplate) -> None:
    """Refuse a template that breaks the platform's documented rules."""
    check_length(template.template_id, "template_id", 1, 128)
    if template.brand_name is not None:
        check_length(template.brand_name, "brand_name", 2, 10)
    if template.description:
        check_length(template.description, "description", 1, 255)
    _check_strategy(template)
    for config in (template.whatsapp_config, template.voice_config):
        if config is not None:
            check_type(config, PLATFORMS_OWN)
    if template.sms_config is not None:
        check_sms(template.sms_config)
    if template.email_config is not None:
        check_email(template.email_config)
    if template.verify_code_config is not None:
        check_codes(template.verify_code_config, uses_whatsapp="whatsapp" in _used(template))
    elif _sends_codes(template):
        raise ValueError("verify_code_config: needed, as the template sends codes")


def _used(template: OTPTemplate) -> set[str]:
    """Return the channels that have a configuration."""
    return {name for name in _CHANNELS if getattr(template, f"{name}_config") is not None}


def _check_strategy(template: OTPTemplate) -> None:
    unknown = [name for name in template.send_channel_strategy if name not in _CHANNELS]
    if unknown or not template.send_channel_strategy:
        raise ValueError(f"send_channel_strategy: expected one or more of {', '.join(_CHANNELS)}")
    # So there are at most one channel and two fallbacks.
    if len(set(template.send_channel_strategy)) < len(template.send_channel_strategy):
        raise ValueError("send_channel_strategy: names a channel twice")
    if "email" in template.send_channel_strategy and len(template.send_channel_strategy) > 1:
        raise ValueError("send_channel_strategy: email cannot be joined with another channel")
    used = _used(template)
    for name in template.send_channel_strategy:
        if name not in used:
            raise ValueError(
                f"{name}_config: every channel of send_channel_strategy needs its config"
            )


def _sends_codes(template: OTPTemplate) -> bool:
    if template.whatsapp_config is not None or template.voice_config is not None:
        return True
    return any(map(holds_code, _texts(template)))


def _texts(template: OTPTemplate) -> Iterator[str]:
    by_sms, by_email = template.sms_config, template.email_config
    if by_sms is not None and by_sms.template_type == PLATFORMS_OWN:
        yield "{{code}}"
    if by_sms is not None and by_sms.template_custom_config is not None:
        yield by_sms.template_custom_config.custom_content
    for content in () if by_email is None else by_email.template_custom_configs:
        yield content.template_content


_TEMPLATES: Final = Resource(
    product="otp",
    name="otp.templates",
    path="/v1/template-configs",
    key="template_id",
    kind=OTPTemplate,
)


@frozen
class ListOTPTemplates(Operation[tuple[OTPTemplate, ...]]):
    """Read all OTP templates, without their content; `GetOTPTemplate` reads a complete one.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.list()


@frozen
class GetOTPTemplate(OneTemplate[OTPTemplate]):
    """Read one OTP template.

    Its ``template_id`` is a ``str``, or an ``int`` for its decimal string.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.get()


@frozen
class CreateOTPTemplate(Operation[None]):
    """Submit an OTP template for review.

    Attributes:
        template: The template. Fields that only answers have are removed, so a copy of one that was
            read can be submitted under another id.

    Raises:
        TypeError: Something in ``template`` is of the wrong type.
        ValueError: Something in ``template`` breaks a rule.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.create()

    template: OTPTemplate = field(converter=_without_answers, metadata={arguments.WHOLE_BODY: True})


@frozen
class DeleteOTPTemplate(OneTemplate[None]):
    """Delete an OTP template.

    Its ``template_id`` is a ``str``, or an ``int`` for its decimal string.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.delete()


class OTPTemplates(TemplateCalls[OTPTemplate]):
    """The templates of the OTP product; ``engagelab.otp.templates`` is one.

    The platform cannot change an OTP template: delete it, and create another.

    .. versionadded:: 0.1.0
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, ListOTPTemplates, GetOTPTemplate, DeleteOTPTemplate)

    async def create(self, template: OTPTemplate, **options: Unpack[CallOptions]) -> None:
        """Submit a template for review (``POST /v1/template-configs``).

        Args:
            template: The template, such as ``OTPTemplate.sms("login", brand_name="Acme")``.

        Raises:
            BusinessRuleError: The platform's rules do not allow it.
            NameTakenError: The id is already in use.
        """
        await self._transport.execute(CreateOTPTemplate(template), **options)
