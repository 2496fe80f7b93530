"""SMS templates: read, submitted for review, changed and deleted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, Final, Unpack

from attrs import Attribute, Converter, field, frozen

from engagelab_async import arguments
from engagelab_async.calls import CallOptions
from engagelab_async.open_enums import OpenInt
from engagelab_async.operation import Endpoint, Operation, R_co, StringId
from engagelab_async.resource import Resource
from engagelab_async.serialization import Serializable
from engagelab_async.template import SignatureStatus, TemplateStatus, TemplateType
from engagelab_async.template_calls import OneTemplate, TemplateCalls
from engagelab_async.transport import Transport
from engagelab_async.wording import (
    CountryCodes,
    characters,
    check_place_for_code,
    country_codes,
    member,
    sign_id,
    template_id,
    without,
)


class SignaturePosition(OpenInt):
    """Position of the signature in a message.

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
        template_type: The purpose of its messages.
        template_content: Its text, with ``{{variables}}``.
        status: The review status; only an approved one can be sent.
        country_codes: The countries to which it is sent, such as ``("CN", "US")``.
        sign_id: The id of its signature, or ``None``.
        sign_name: The name that its signature shows, or ``None``.
        sign_position: Where the signature stands, or ``None`` if that is not reported.
        sign_status: The review status of the signature, or ``None``.
        audit_remark: The reviewer's remark, or ``None``.
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
    """The platform accepted an SMS template for review.

    Attributes:
        template_id: Its id, for sends once it is approved.

    .. versionadded:: 0.1.0
    """

    template_id: StringId


_TEMPLATES: Final = Resource(
    product="sms",
    name="sms.templates",
    path="/v1/template-configs",
    key="template_id",
    kind=SMSTemplate,
)


@frozen
class ListSMSTemplates(Operation[tuple[SMSTemplate, ...]]):
    """Read all SMS templates.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.list()


@frozen
class GetSMSTemplate(OneTemplate[SMSTemplate]):
    """Read one SMS template.

    Its ``template_id`` is a ``str``, or an ``int`` for its decimal string.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.get()


_FORBIDDEN: Final = ("【", "】", "、", "测试", "test", "[", "]")


def _template_type(value: TemplateType | str) -> TemplateType:
    return member(TemplateType, value, "template_type")


def _sign_id(value: str | int | None) -> str | None:
    return None if value is None else sign_id(value)


def _sign_position(value: SignaturePosition | int | None) -> SignaturePosition | None:
    return None if value is None else member(SignaturePosition, value, "sign_position")


def _has_signature(value: bool | None, wording: Any) -> bool:  # noqa: ANN401, FBT001 - attrs calls it
    return wording.sign_id is not None if value is None else value


def _matches_sign_id(wording: "_Wording[Any]", _: object, value: bool) -> None:  # noqa: FBT001 - attrs calls it
    if arguments.check_flag(value, "add_signature") != (wording.sign_id is not None):
        problem = "a signature needs one" if value else "needs add_signature=True"
        raise ValueError(f"sign_id: {problem}")


def _matches_signature(
    wording: "_Wording[Any]", _: object, value: SignaturePosition | None
) -> None:
    if wording.sign_id is not None and not value:
        raise ValueError("sign_position: a signature needs one: SignaturePosition.PREFIX or SUFFIX")
    if wording.sign_id is None and value:
        raise ValueError("sign_position: needs a signature, so give its sign_id too")


def _place_for_code(wording: "_Wording[Any]", attribute: "Attribute[str]", value: str) -> None:
    if wording.template_type is TemplateType.AUTHENTICATION:
        check_place_for_code(value, attribute.name)


@frozen(kw_only=True)
class _Wording(Operation[R_co]):
    """The content of a template, for creating and for changing one."""

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
        default=None,
        converter=Converter(_has_signature, takes_self=True),  # type: ignore[misc]  # new to mypy
        validator=_matches_sign_id,
        metadata={arguments.ALWAYS: True},
    )


@frozen(kw_only=True)
class CreateSMSTemplate(_Wording[CreatedSMSTemplate]):
    """Submit an SMS template for review.

    Attributes:
        template_name: Its name in the console, at most 255 characters.
        template_type: The purpose of its messages, a `TemplateType` or its value.
        template_content: Its text, with ``{{variables}}``. The platform forbids
            ``【 】 、 测试 test [ ]`` anywhere in it, inside a word as well. For authentication it
            must hold ``{{code}}``.
        country_codes: The countries to which it is sent: ``"CN,US"``, or ``["CN", "US"]``.
        sign_id: The id of an approved signature to attach; none by default.
        sign_position: The position of the signature; only with ``sign_id``.
        add_signature: Whether there is a signature; defaults to whether there is a ``sign_id``.

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

    endpoint: ClassVar[Endpoint] = _TEMPLATES.create(CreatedSMSTemplate)


@frozen(kw_only=True)
class UpdateSMSTemplate(_Wording[None]):
    """Replace an SMS template, which is reviewed again.

    The other attributes are those of `CreateSMSTemplate`.

    Attributes:
        template_id: Its id; an ``int`` becomes its decimal string.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument breaks a rule.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.update()

    template_id: str = field(converter=template_id)


@frozen
class DeleteSMSTemplate(OneTemplate[None]):
    """Delete an SMS template.

    Its ``template_id`` is a ``str``, or an ``int`` for its decimal string.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _TEMPLATES.delete()


class SMSTemplates(TemplateCalls[SMSTemplate]):
    """The templates of the SMS product; ``engagelab.sms.templates`` is one.

    .. versionadded:: 0.1.0
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, ListSMSTemplates, GetSMSTemplate, DeleteSMSTemplate)

    async def create(
        self,
        *,
        template_name: str,
        template_type: TemplateType | str,
        template_content: str,
        country_codes: str | Iterable[str],
        sign_id: str | int | None = None,
        sign_position: SignaturePosition | int | None = None,
        add_signature: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> CreatedSMSTemplate:
        """Submit a template for review (``POST /v1/template-configs``).

        Args:
            template_name: Its name in the console, at most 255 characters.
            template_type: ``utility``, ``marketing`` or ``authentication``.
            template_content: Its text, with ``{{variables}}``; see `CreateSMSTemplate` about what
                the platform forbids.
            country_codes: The countries to which it is sent: ``"CN,US"``, or ``["CN", "US"]``.
            sign_id: The id of an approved signature to attach; none by default.
            sign_position: The position of the signature; only with `sign_id`.
            add_signature: Whether there is a signature; defaults to whether there is a `sign_id`.

        Returns:
            The id, for sends once the template is approved.

        Raises:
            BusinessRuleError: The signature is not approved.
            NotFoundError: There is no such signature.
        """
        operation = CreateSMSTemplate(
            template_name=template_name,
            template_type=template_type,
            template_content=template_content,
            country_codes=country_codes,
            sign_id=sign_id,
            sign_position=sign_position,
            add_signature=add_signature,
        )
        return await self._transport.execute(operation, **options)

    async def update(
        self,
        template_id: str | int,
        *,
        template_name: str,
        template_type: TemplateType | str,
        template_content: str,
        country_codes: str | Iterable[str],
        sign_id: str | int | None = None,
        sign_position: SignaturePosition | int | None = None,
        add_signature: bool | None = None,
        **options: Unpack[CallOptions],
    ) -> None:
        """Replace a template (``PUT /v1/template-configs/{template_id}``).

        It is reviewed again, and cannot be sent until that is over.

        Args:
            template_id: Its id.
            template_name: As in `create`.
            template_type: As in `create`.
            template_content: As in `create`.
            country_codes: As in `create`.
            sign_id: As in `create`; without it, an existing signature is removed.
            sign_position: As in `create`.
            add_signature: As in `create`.

        Raises:
            InUseError: Pending or running plans use it.
            NotFoundError: There is no such template, or no such signature.
            PendingReviewError: It is being reviewed.
            BusinessRuleError: The signature is not approved.
        """
        operation = UpdateSMSTemplate(
            template_id=template_id,
            template_name=template_name,
            template_type=template_type,
            template_content=template_content,
            country_codes=country_codes,
            sign_id=sign_id,
            sign_position=sign_position,
            add_signature=add_signature,
        )
        await self._transport.execute(operation, **options)
