"""SMS signatures (sender IDs): read, submitted for review, changed and deleted."""

from datetime import datetime
from typing import ClassVar, Final, Unpack

from attrs import field, frozen

from engagelab_async.calls import CallOptions, Calls
from engagelab_async.errors import SignatureRejectedError
from engagelab_async.operation import Endpoint, Operation, R_co, StringId
from engagelab_async.resource import Resource
from engagelab_async.review import AN_HOUR, wait_until_reviewed
from engagelab_async.serialization import Serializable
from engagelab_async.template import SignatureStatus
from engagelab_async.wording import characters, sign_id, without

_NAME_RULES = [characters(2, 60), without("【", "】", "[", "]")]


@frozen(kw_only=True)
class Signature(Serializable):
    """A signature: the sender's name that an SMS begins or ends with.

    Attributes:
        sign_id: Its id.
        sign_name: The name.
        status: The review status; only an approved one can be used.
        related_template_count: How many templates use it, or ``None`` if that is not reported.
        audit_remark: The reviewer's remark, or ``None``.
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
    """The platform accepted a signature for review.

    Attributes:
        sign_id: Its id.

    .. versionadded:: 0.1.0
    """

    sign_id: StringId


_SIGNATURES: Final = Resource(
    product="sms",
    name="sms.signatures",
    path="/v1/sign-configs",
    key="sign_id",
    kind=Signature,
)


@frozen
class _OneSignature(Operation[R_co]):
    """A call about one signature."""

    sign_id: str = field(converter=sign_id)


@frozen
class ListSignatures(Operation[tuple[Signature, ...]]):
    """Read all signatures.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _SIGNATURES.list()


@frozen
class GetSignature(_OneSignature[Signature]):
    """Read one signature.

    Its ``sign_id`` is a ``str``, or an ``int`` for its decimal string.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _SIGNATURES.get()


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

    endpoint: ClassVar[Endpoint] = _SIGNATURES.create(CreatedSignature)

    sign_name: str = field(validator=_NAME_RULES)


@frozen
class UpdateSignature(_OneSignature[None]):
    """Change a signature, which is reviewed again.

    Attributes:
        sign_id: Its id; an ``int`` becomes its decimal string.
        sign_name: The name, as in `CreateSignature`.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: ``sign_id`` is empty, or ``sign_name`` breaks a rule.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _SIGNATURES.update()

    sign_name: str = field(validator=_NAME_RULES)


@frozen
class DeleteSignature(_OneSignature[None]):
    """Delete a signature.

    Its ``sign_id`` is a ``str``, or an ``int`` for its decimal string.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = _SIGNATURES.delete()


class Signatures(Calls):
    """The signatures (sender IDs) of the SMS product; ``engagelab.sms.signatures`` is one.

    For options and errors see `SMSTemplates`.

    .. versionadded:: 0.1.0
    """

    async def list(self, **options: Unpack[CallOptions]) -> tuple[Signature, ...]:
        """Read all signatures (``GET /v1/sign-configs``).

        Returns:
            All of them; the platform has no paging.
        """
        return await self._transport.execute(ListSignatures(), **options)

    async def get(self, sign_id: str | int, **options: Unpack[CallOptions]) -> Signature:
        """Read one signature (``GET /v1/sign-configs/{sign_id}``).

        Args:
            sign_id: Its id.

        Returns:
            The signature.

        Raises:
            NotFoundError: There is none.
        """
        return await self._transport.execute(GetSignature(sign_id), **options)

    async def create(self, sign_name: str, **options: Unpack[CallOptions]) -> CreatedSignature:
        """Submit a signature for review (``POST /v1/sign-configs``).

        Args:
            sign_name: The name: 2 to 60 characters, none of ``【 】 [ ]``.

        Returns:
            The id, for templates once the signature is approved.

        Raises:
            NameTakenError: The name is already in use.
        """
        return await self._transport.execute(CreateSignature(sign_name), **options)

    async def update(
        self, sign_id: str | int, sign_name: str, **options: Unpack[CallOptions]
    ) -> None:
        """Change a signature (``PUT /v1/sign-configs/{sign_id}``), which is reviewed again.

        Args:
            sign_id: Its id.
            sign_name: The new name, as in `create`.

        Raises:
            NameTakenError: The name is already in use.
            NotFoundError: There is none of this id.
            PendingReviewError: It is being reviewed.
        """
        await self._transport.execute(UpdateSignature(sign_id, sign_name), **options)

    async def delete(self, sign_id: str | int, **options: Unpack[CallOptions]) -> None:
        """Delete a signature (``DELETE /v1/sign-configs/{sign_id}``).

        Args:
            sign_id: Its id.

        Raises:
            InUseError: Templates use it.
            NotFoundError: There is none.
        """
        await self._transport.execute(DeleteSignature(sign_id), **options)

    async def wait_until_reviewed(
        self, sign_id: str | int, *, timeout: float = AN_HOUR
    ) -> Signature:
        """Poll a signature, at growing intervals, until it is reviewed.

        Args:
            sign_id: Its id.
            timeout: Seconds to wait at most; ``math.inf`` for no limit.

        Returns:
            The signature, which is approved.

        Raises:
            SignatureRejectedError: It was rejected; ``audit_remark`` says why.
            ReviewTimeoutError: It is not reviewed yet; it is a ``TimeoutError`` too.
            NotFoundError: There is none.
        """
        return await wait_until_reviewed(
            self._transport,
            GetSignature(sign_id),
            timeout=timeout,
            rejection=SignatureRejectedError,
        )
