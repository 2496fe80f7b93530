"""The calls about SMS signatures (sender IDs) and what they answer."""

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen

from engagelab_async.operation import Endpoint, Operation, StringId
from engagelab_async.serialization import Serializable
from engagelab_async.template import SignatureStatus

from ._config_rules import characters, sign_id, without

_NAME_RULES = [characters(2, 60), without("【", "】", "[", "]")]


@frozen(kw_only=True)
class Signature(Serializable):
    """A signature: the sender's name that an SMS begins or ends with.

    Attributes:
        sign_id: Its id.
        sign_name: The name.
        status: What the review has said; one that is not approved cannot be used.
        related_template_count: How many templates use it, or ``None`` if that is not told.
        audit_remark: The reviewer's words, or ``None``.
        created_time: An aware ``datetime``, or ``None``.
        updated_time: An aware ``datetime``, or ``None``.

    .. versionadded:: 0.1.0
    """

    sign_id: StringId
    sign_name: str
    status: SignatureStatus
    related_template_count: int | None = None
    audit_remark: str | None = None
    created_time: datetime | None = None
    updated_time: datetime | None = None


@frozen
class CreatedSignature(Serializable):
    """The platform took a signature, whose review begins.

    Attributes:
        sign_id: Its id.

    .. versionadded:: 0.1.0
    """

    sign_id: StringId


@frozen
class ListSignatures(Operation[tuple[Signature, ...]]):
    """Read all signatures.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.signatures.list",
        product="sms",
        method="GET",
        path="/v1/sign-configs",
        result=tuple[Signature, ...],
        repeatable=True,
    )


@frozen
class GetSignature(Operation[Signature]):
    """Read one signature.

    Attributes:
        sign_id: Its id; an ``int`` becomes its decimal string.

    Raises:
        TypeError: ``sign_id`` is of another type.
        ValueError: ``sign_id`` is empty.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.signatures.get",
        product="sms",
        method="GET",
        path="/v1/sign-configs/{sign_id}",
        result=Signature,
        repeatable=True,
    )

    sign_id: str = field(converter=sign_id)


@frozen
class CreateSignature(Operation[CreatedSignature]):
    """Submit a signature for review.

    Attributes:
        sign_name: The name: 2 to 60 characters, none of ``【 】 [ ]``, unlike all others.

    Raises:
        TypeError: ``sign_name`` is not a ``str``.
        ValueError: ``sign_name`` breaks a rule.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.signatures.create",
        product="sms",
        method="POST",
        path="/v1/sign-configs",
        result=CreatedSignature,
        repeatable=False,
    )

    sign_name: str = field(validator=_NAME_RULES)


@frozen
class UpdateSignature(Operation[None]):
    """Change a signature, which is reviewed again.

    Attributes:
        sign_id: Its id; an ``int`` becomes its decimal string.
        sign_name: The name, as in `CreateSignature`.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: ``sign_id`` is empty, or ``sign_name`` breaks a rule.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.signatures.update",
        product="sms",
        method="PUT",
        path="/v1/sign-configs/{sign_id}",
        result=type(None),
        repeatable=False,
    )

    sign_id: str = field(converter=sign_id)
    sign_name: str = field(validator=_NAME_RULES)


@frozen
class DeleteSignature(Operation[None]):
    """Delete a signature.

    Attributes:
        sign_id: Its id; an ``int`` becomes its decimal string.

    Raises:
        TypeError: ``sign_id`` is of another type.
        ValueError: ``sign_id`` is empty.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.signatures.delete",
        product="sms",
        method="DELETE",
        path="/v1/sign-configs/{sign_id}",
        result=type(None),
        repeatable=False,
    )

    sign_id: str = field(converter=sign_id)
