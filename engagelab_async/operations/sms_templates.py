"""The calls about SMS templates and what they answer."""

from datetime import datetime
from typing import Any, ClassVar, Final

from attrs import Attribute, Factory, field, frozen

from engagelab_async import arguments
from engagelab_async.open_enums import OpenInt, OpenStr
from engagelab_async.operation import Endpoint, Operation, R_co, StringId
from engagelab_async.serialization import Serializable
from engagelab_async.template import SignatureStatus, TemplateStatus

from ._config_rules import (
    CountryCodes,
    characters,
    check_place_for_code,
    country_codes,
    member,
    sign_id,
    template_id,
    without,
)


class TemplateType(OpenStr):
    """What a template's messages are for.

    .. versionadded:: 0.1.0
    """

    UTILITY = "utility"
    MARKETING = "marketing"
    AUTHENTICATION = "authentication"

    @classmethod
    def _missing_(cls, value: object) -> "TemplateType | None":
        # Its old name, which templates of that time still have.
        return cls.AUTHENTICATION if value == "otp" else super()._missing_(value)


class SignaturePosition(OpenInt):
    """Where a message shows its template's signature.

    .. versionadded:: 0.1.0
    """

    NONE = 0
    PREFIX = 1
    SUFFIX = 2


@frozen(kw_only=True)
class SMSTemplate(Serializable):
    """An SMS template, as the platform has it.

    Attributes:
        template_id: Its id.
        template_name: Its name in the console.
        template_type: What its messages are for.
        template_content: Its text, with ``{{variables}}``.
        status: What the review has said; one that is not approved cannot be sent.
        country_codes: Where it is sent to, such as ``("CN", "US")``.
        sign_id: The id of its signature, or ``None``.
        sign_name: The name that its signature shows, or ``None``.
        sign_position: Where the signature stands, or ``None`` if that is not told.
        sign_status: What the review has said about the signature, or ``None``.
        audit_remark: The reviewer's words, or ``None``.
        created_time: An aware ``datetime``, or ``None``.
        updated_time: An aware ``datetime``, or ``None``.

    .. versionadded:: 0.1.0
    """

    template_id: StringId
    template_name: str
    template_type: TemplateType
    template_content: str = field(repr=arguments.length)
    status: TemplateStatus
    country_codes: CountryCodes = ()
    sign_id: StringId | None = None
    sign_name: str | None = None
    sign_position: SignaturePosition | None = None
    sign_status: SignatureStatus | None = None
    audit_remark: str | None = None
    created_time: datetime | None = None
    updated_time: datetime | None = None


@frozen
class CreatedSMSTemplate(Serializable):
    """The platform took an SMS template, whose review begins.

    Attributes:
        template_id: Its id, which sends want once it is approved.

    .. versionadded:: 0.1.0
    """

    template_id: StringId


@frozen
class ListSMSTemplates(Operation[tuple[SMSTemplate, ...]]):
    """Read all SMS templates.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.templates.list",
        product="sms",
        method="GET",
        path="/v1/template-configs",
        result=tuple[SMSTemplate, ...],
        repeatable=True,
    )


@frozen
class GetSMSTemplate(Operation[SMSTemplate]):
    """Read one SMS template.

    Attributes:
        template_id: Its id; an ``int`` becomes its decimal string.

    Raises:
        TypeError: ``template_id`` is of another type.
        ValueError: ``template_id`` is empty.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.templates.get",
        product="sms",
        method="GET",
        path="/v1/template-configs/{template_id}",
        result=SMSTemplate,
        repeatable=True,
    )

    template_id: str = field(converter=template_id)


_FORBIDDEN: Final = ("【", "】", "、", "测试", "test", "[", "]")


def _template_type(value: TemplateType | str) -> TemplateType:
    return member(TemplateType, value, "template_type")


def _sign_id(value: str | int | None) -> str | None:
    return None if value is None else sign_id(value)


def _sign_position(value: SignaturePosition | int | None) -> SignaturePosition | None:
    return None if value is None else member(SignaturePosition, value, "sign_position")


def _has_signature(wording: "_Wording[Any]") -> bool:
    return wording.sign_id is not None


def _matches_sign_id(wording: "_Wording[Any]", _: object, value: bool) -> None:  # noqa: FBT001 - attrs calls it
    if arguments.check_flag(value, "add_signature") != (wording.sign_id is not None):
        problem = "a signature needs one" if value else "needs add_signature=True"
        msg = f"sign_id: {problem}"
        raise ValueError(msg)


def _matches_signature(
    wording: "_Wording[Any]", _: object, value: SignaturePosition | None
) -> None:
    if wording.sign_id is not None and not value:
        msg = "sign_position: a signature needs one: SignaturePosition.PREFIX or SUFFIX"
        raise ValueError(msg)
    if wording.sign_id is None and value:
        msg = "sign_position: needs a signature, so give its sign_id too"
        raise ValueError(msg)


def _place_for_code(wording: "_Wording[Any]", attribute: "Attribute[str]", value: str) -> None:
    if wording.template_type is TemplateType.AUTHENTICATION:
        check_place_for_code(value, attribute.name)


@frozen(kw_only=True)
class _Wording(Operation[R_co]):
    """What a template says, which is the same to create one and to change one."""

    template_name: str = field(validator=characters(1, 255))
    template_type: TemplateType = field(converter=_template_type)
    template_content: str = field(
        validator=[characters(1), without(*_FORBIDDEN), _place_for_code],
        repr=arguments.length,
    )
    country_codes: CountryCodes = field(converter=country_codes)
    sign_id: str | None = field(default=None, converter=_sign_id)
    sign_position: SignaturePosition | None = field(
        default=None, converter=_sign_position, validator=_matches_signature
    )
    add_signature: bool = field(
        default=Factory(_has_signature, takes_self=True),
        validator=_matches_sign_id,
        metadata={arguments.ALWAYS: True},
    )


@frozen(kw_only=True)
class CreateSMSTemplate(_Wording[CreatedSMSTemplate]):
    """Submit an SMS template for review.

    Attributes:
        template_name: Its name in the console, at most 255 characters.
        template_type: What its messages are for, a `TemplateType` or its value.
        template_content: Its text, with ``{{variables}}``. The platform forbids
            ``【 】 、 测试 test [ ]`` anywhere in it, inside a word as well. For authentication it
            must hold ``{{code}}``.
        country_codes: Where it is sent to: ``"CN,US"``, or ``["CN", "US"]``.
        sign_id: The id of an approved signature to attach; left out, there is none.
        sign_position: Where the signature stands; goes with ``sign_id``.
        add_signature: Whether there is a signature; left out, it follows from ``sign_id``.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument breaks a rule.

    Example:
        >>> CreateSMSTemplate(
        ...     template_name="shipped",
        ...     template_type="utility",
        ...     template_content="Order {{order}} is on its way",
        ...     country_codes="SG,MY",
        ... ).country_codes
        ('SG', 'MY')

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.templates.create",
        product="sms",
        method="POST",
        path="/v1/template-configs",
        result=CreatedSMSTemplate,
        repeatable=False,
    )


@frozen(kw_only=True)
class UpdateSMSTemplate(_Wording[None]):
    """Replace what an SMS template says, which is reviewed again.

    Attributes:
        template_id: Its id; an ``int`` becomes its decimal string.
        template_name: As in `CreateSMSTemplate`.
        template_type: As in `CreateSMSTemplate`.
        template_content: As in `CreateSMSTemplate`.
        country_codes: As in `CreateSMSTemplate`.
        sign_id: As in `CreateSMSTemplate`.
        sign_position: As in `CreateSMSTemplate`.
        add_signature: As in `CreateSMSTemplate`.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument breaks a rule.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.templates.update",
        product="sms",
        method="PUT",
        path="/v1/template-configs/{template_id}",
        result=type(None),
        repeatable=False,
    )

    template_id: str = field(converter=template_id)


@frozen
class DeleteSMSTemplate(Operation[None]):
    """Delete an SMS template.

    Attributes:
        template_id: Its id; an ``int`` becomes its decimal string.

    Raises:
        TypeError: ``template_id`` is of another type.
        ValueError: ``template_id`` is empty.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.templates.delete",
        product="sms",
        method="DELETE",
        path="/v1/template-configs/{template_id}",
        result=type(None),
        repeatable=False,
    )

    template_id: str = field(converter=template_id)
