"""The calls about OTP templates and what they answer."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import KEEP, IntFlag
from typing import Annotated, Any, ClassVar, Self

from attrs import evolve, field, frozen

from engagelab_async import arguments
from engagelab_async.open_enums import OpenEnum, OpenStr
from engagelab_async.operation import Endpoint, Operation, Separator, StringId
from engagelab_async.serialization import Serializable
from engagelab_async.template import TemplateStatus

from ._config_rules import CountryCodes, or_none, split, template_id
from ._otp_template_rules import check_otp_template
from .sms_templates import TemplateType

_ALWAYS = {arguments.ALWAYS: True}


class Channel(OpenStr):
    """A way to a person.

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
        verify_code_ttl: How many minutes they are live, 1 to 10; with WhatsApp only 1, 5 or 10.

    .. versionadded:: 0.1.0
    """

    verify_code_type: VerifyCodeType = field(default=VerifyCodeType.DIGITS, metadata=_ALWAYS)
    verify_code_len: int = field(default=6, metadata=_ALWAYS)
    verify_code_ttl: int = field(default=5, metadata=_ALWAYS)


@frozen
class TemplateDefaultConfig(Serializable):
    """What the platform's own text mentions besides the code.

    Attributes:
        contain_security: Not to share the code with anybody.
        contain_expire: When the code expires.

    .. versionadded:: 0.1.0
    """

    contain_security: bool = field(default=False, metadata=_ALWAYS)
    contain_expire: bool = field(default=False, metadata=_ALWAYS)


def _countries(value: str | Iterable[str]) -> tuple[str, ...]:
    return split(value, ",")


@frozen
class TemplateCustomConfig(Serializable):
    """An SMS text of one's own.

    Attributes:
        custom_sub_type: What the messages are for.
        custom_content: The text, with ``{{variables}}``; for authentication it holds ``{{code}}``.
            Lists of templates leave it out.
        custom_country_codes: Where it is sent to, such as ``("CN", "US")``.

    .. versionadded:: 0.1.0
    """

    custom_sub_type: TemplateType = field(converter=TemplateType)
    custom_content: str = field(default="", repr=arguments.length)
    custom_country_codes: CountryCodes = field(default=(), converter=_countries)


@frozen
class ChannelConfig(Serializable):
    """WhatsApp or voice, which speak the platform's own text.

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
    """SMS, with the platform's own text or with another.

    Attributes:
        template_type: 1, the platform's own; 2, one's own.
        template_default_config: What the platform's own text mentions.
        template_custom_config: One's own text.
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
            msg = f"template_custom_configs[{place}]: expected EmailContent, got {found}"
            raise TypeError(msg)
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


def _channels(value: str | Iterable[Channel | str]) -> tuple[Channel, ...]:
    return tuple(Channel(each) for each in split(value, "|"))


@frozen(kw_only=True)
class OTPTemplate(Serializable):
    """An OTP template: what is submitted, and what the platform has.

    It may hold what cannot be submitted, as the platform's answers may; `CreateOTPTemplate` checks
    the rules. `sms` and `whatsapp_then_sms` make the common ones.

    Attributes:
        template_id: Its id, chosen by whoever creates it; at most 128 characters.
        send_channel_strategy: The channels, in the order in which they are tried; a tuple of
            `Channel`, made from their names or from ``"whatsapp|sms"``. One and at most two
            fallbacks, each once and each with its config; email stands alone.
        brand_name: Who sends the codes, 2 to 10 characters; ``{{brand_name}}`` in texts.
        description: What the console shows, at most 255 characters.
        verify_code_config: The codes that the platform makes; needed where a text holds a code, as
            the platform's own texts do.
        whatsapp_config: WhatsApp, or ``None``.
        sms_config: SMS, or ``None``.
        voice_config: Voice, or ``None``.
        email_config: Email, or ``None``.
        pwa_config: A web page that shows the code, or ``None``.
        status: What the review has said; only in answers.
        audit_remark: The reviewer's words; only in answers.
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
            brand_name: Who sends the codes, 2 to 10 characters.
            content: A text of one's own with ``{{code}}`` in it; left out, the platform's.
            country_codes: Where a text of one's own is sent to: ``"CN,US"``, or ``["CN", "US"]``.
            verify_code: The codes that the platform makes; left out, 6 digits for 5 minutes.
            description: What the console shows, at most 255 characters.

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
        check_otp_template(made)
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
        """Make a template that sends codes by WhatsApp, and by SMS to whom that does not reach.

        Args:
            template_id: As in `sms`.
            brand_name: As in `sms`.
            content: As in `sms`; it is for SMS alone, WhatsApp speaks the platform's text.
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
        check_otp_template(made)
        return made


_ALL_MENTIONED = TemplateDefaultConfig(contain_security=True, contain_expire=True)


def _sms_config(content: str | None, codes: str | Iterable[str]) -> SMSConfig:
    if content is None:
        return SMSConfig(template_default_config=_ALL_MENTIONED)
    custom = TemplateCustomConfig(TemplateType.AUTHENTICATION, content, codes)
    return SMSConfig(template_type=2, template_custom_config=custom)


def _without_answers(template: OTPTemplate) -> OTPTemplate:
    """Take away what only the platform says: a template that was read can be submitted anew."""
    if not isinstance(template, OTPTemplate):
        msg = f"template: expected an OTPTemplate, got {arguments.kind_of(template)}"
        raise TypeError(msg)
    check_otp_template(template)
    sms = template.sms_config
    return evolve(
        template,
        sms_config=None if sms is None else evolve(sms, template_parts=None),
        status=None,
        audit_remark=None,
        created_time=None,
    )


@frozen
class ListOTPTemplates(Operation[tuple[OTPTemplate, ...]]):
    """Read all OTP templates, without what they say; `GetOTPTemplate` reads one whole.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.templates.list",
        product="otp",
        method="GET",
        path="/v1/template-configs",
        result=tuple[OTPTemplate, ...],
        repeatable=True,
    )


@frozen
class GetOTPTemplate(Operation[OTPTemplate]):
    """Read one OTP template.

    Attributes:
        template_id: Its id; an ``int`` becomes its decimal string.

    Raises:
        TypeError: ``template_id`` is of another type.
        ValueError: ``template_id`` is empty.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.templates.get",
        product="otp",
        method="GET",
        path="/v1/template-configs/{template_id}",
        result=OTPTemplate,
        repeatable=True,
    )

    template_id: str = field(converter=template_id)


@frozen
class CreateOTPTemplate(Operation[None]):
    """Submit an OTP template for review.

    Attributes:
        template: The template. What only answers hold is taken away, so a copy of one that was
            read can be submitted under another id.

    Raises:
        TypeError: Something in ``template`` is of the wrong type.
        ValueError: Something in ``template`` breaks a rule.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.templates.create",
        product="otp",
        method="POST",
        path="/v1/template-configs",
        result=type(None),
        repeatable=False,
    )

    template: OTPTemplate = field(converter=_without_answers, metadata={arguments.WHOLE_BODY: True})


@frozen
class DeleteOTPTemplate(Operation[None]):
    """Delete an OTP template.

    Attributes:
        template_id: Its id; an ``int`` becomes its decimal string.

    Raises:
        TypeError: ``template_id`` is of another type.
        ValueError: ``template_id`` is empty.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.templates.delete",
        product="otp",
        method="DELETE",
        path="/v1/template-configs/{template_id}",
        result=type(None),
        repeatable=False,
    )

    template_id: str = field(converter=template_id)
