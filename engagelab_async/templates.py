"""The coroutines about templates and signatures: each builds an operation and awaits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict, Unpack

from .errors import SignatureRejectedError, TemplateRejectedError
from .operations.otp_templates import (
    CreateOTPTemplate,
    DeleteOTPTemplate,
    GetOTPTemplate,
    ListOTPTemplates,
)
from .operations.signatures import (
    CreateSignature,
    DeleteSignature,
    GetSignature,
    ListSignatures,
    UpdateSignature,
)
from .operations.sms_templates import (
    CreateSMSTemplate,
    DeleteSMSTemplate,
    GetSMSTemplate,
    ListSMSTemplates,
    UpdateSMSTemplate,
)
from .review import wait_until_reviewed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .operations.otp_templates import OTPTemplate
    from .operations.signatures import CreatedSignature, Signature
    from .operations.sms_templates import (
        CreatedSMSTemplate,
        SignaturePosition,
        SMSTemplate,
        TemplateType,
    )
    from .retry import RetryPolicy
    from .transport import Transport

_AN_HOUR: Final = 3600.0


class CallOptions(TypedDict, total=False):
    """What every call takes besides its own arguments; left out, the client's holds.

    Attributes:
        timeout: Seconds for one attempt.
        deadline: Seconds for the whole call, repeats and waits included.
        retry: The retry policy.

    .. versionadded:: 0.1.0
    """

    timeout: float | None
    deadline: float | None
    retry: RetryPolicy | None


class SMSTemplates:
    """The templates of the SMS product; ``engagelab.sms.templates`` is one.

    Every coroutine but `wait_until_reviewed` takes the `CallOptions` ``timeout``, ``deadline`` and
    ``retry``. Reading is repeated after an uncertain failure, changing is not. Every coroutine
    raises ``TypeError`` or ``ValueError`` for an argument that can never be right, before anything
    is sent, and a subclass of `EngageLabError` for everything else.

    .. versionadded:: 0.1.0
    """

    def __init__(self, transport: Transport) -> None:
        """Send over `transport`."""
        self._transport = transport

    async def list(self, **options: Unpack[CallOptions]) -> tuple[SMSTemplate, ...]:
        """Read all templates (``GET /v1/template-configs``).

        Returns:
            All of them; the platform has no paging.
        """
        return await self._transport.execute(ListSMSTemplates(), **options)

    async def get(self, template_id: str | int, **options: Unpack[CallOptions]) -> SMSTemplate:
        """Read one template (``GET /v1/template-configs/{template_id}``).

        Args:
            template_id: Its id.

        Returns:
            The template.

        Raises:
            NotFoundError: There is none.
        """
        return await self._transport.execute(GetSMSTemplate(template_id), **options)

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
            country_codes: Where it is sent to: ``"CN,US"``, or ``["CN", "US"]``.
            sign_id: The id of an approved signature to attach; left out, there is none.
            sign_position: Where the signature stands; goes with `sign_id`.
            add_signature: Whether there is a signature; left out, it follows from `sign_id`.

        Returns:
            The id, which sends want once the template is approved.

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
            **({} if add_signature is None else {"add_signature": add_signature}),
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
        """Replace what a template says (``PUT /v1/template-configs/{template_id}``).

        It is reviewed again, and cannot be sent until that is over.

        Args:
            template_id: Its id.
            template_name: As in `create`.
            template_type: As in `create`.
            template_content: As in `create`.
            country_codes: As in `create`.
            sign_id: As in `create`; left out, a signature is taken away.
            sign_position: As in `create`.
            add_signature: As in `create`.

        Raises:
            InUseError: Plans that use it are not over.
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
            **({} if add_signature is None else {"add_signature": add_signature}),
        )
        await self._transport.execute(operation, **options)

    async def delete(self, template_id: str | int, **options: Unpack[CallOptions]) -> None:
        """Delete a template (``DELETE /v1/template-configs/{template_id}``).

        Args:
            template_id: Its id.

        Raises:
            InUseError: Plans that use it are not over.
            NotFoundError: There is none.
        """
        await self._transport.execute(DeleteSMSTemplate(template_id), **options)

    async def wait_until_reviewed(
        self, template_id: str | int, *, timeout: float = _AN_HOUR
    ) -> SMSTemplate:
        """Read a template again and again, at growing intervals, until it is reviewed.

        Args:
            template_id: Its id.
            timeout: Seconds to wait at most; ``math.inf`` for no limit.

        Returns:
            The template, which is approved.

        Raises:
            TemplateRejectedError: It was rejected; ``audit_remark`` says why.
            ReviewTimeoutError: It is not reviewed yet; it is a ``TimeoutError`` too.
            NotFoundError: There is none.
        """
        return await wait_until_reviewed(
            self._transport,
            GetSMSTemplate(template_id),
            timeout=timeout,
            rejection=TemplateRejectedError,
        )


class Signatures:
    """The signatures (sender IDs) of the SMS product; ``engagelab.sms.signatures`` is one.

    For options and errors see `SMSTemplates`.

    .. versionadded:: 0.1.0
    """

    def __init__(self, transport: Transport) -> None:
        """Send over `transport`."""
        self._transport = transport

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
            The id, which templates want once the signature is approved.

        Raises:
            NameTakenError: There is one of this name.
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
            NameTakenError: There is another one of this name.
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
        self, sign_id: str | int, *, timeout: float = _AN_HOUR
    ) -> Signature:
        """Read a signature again and again, at growing intervals, until it is reviewed.

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


class OTPTemplates:
    """The templates of the OTP product; ``engagelab.otp.templates`` is one.

    For options and errors see `SMSTemplates`. The platform cannot change an OTP template: delete
    it, and create another.

    .. versionadded:: 0.1.0
    """

    def __init__(self, transport: Transport) -> None:
        """Send over `transport`."""
        self._transport = transport

    async def list(self, **options: Unpack[CallOptions]) -> tuple[OTPTemplate, ...]:
        """Read all templates (``GET /v1/template-configs``).

        Returns:
            All of them, without their texts, which `get` reads; the platform has no paging.
        """
        return await self._transport.execute(ListOTPTemplates(), **options)

    async def get(self, template_id: str | int, **options: Unpack[CallOptions]) -> OTPTemplate:
        """Read one template (``GET /v1/template-configs/{template_id}``).

        Args:
            template_id: Its id.

        Returns:
            The template.

        Raises:
            NotFoundError: There is none.
        """
        return await self._transport.execute(GetOTPTemplate(template_id), **options)

    async def create(self, template: OTPTemplate, **options: Unpack[CallOptions]) -> None:
        """Submit a template for review (``POST /v1/template-configs``).

        Args:
            template: The template, such as ``OTPTemplate.sms("login", brand_name="Acme")``.

        Raises:
            BusinessRuleError: The platform's rules do not allow it.
            NameTakenError: There is one of this id.
        """
        await self._transport.execute(CreateOTPTemplate(template), **options)

    async def delete(self, template_id: str | int, **options: Unpack[CallOptions]) -> None:
        """Delete a template (``DELETE /v1/template-configs/{template_id}``).

        Args:
            template_id: Its id.

        Raises:
            NotFoundError: There is none.
        """
        await self._transport.execute(DeleteOTPTemplate(template_id), **options)

    async def wait_until_reviewed(
        self, template_id: str | int, *, timeout: float = _AN_HOUR
    ) -> OTPTemplate:
        """Read a template again and again, at growing intervals, until it is reviewed.

        Args:
            template_id: Its id.
            timeout: Seconds to wait at most; ``math.inf`` for no limit.

        Returns:
            The template, which is approved.

        Raises:
            TemplateRejectedError: It was rejected; ``audit_remark`` says why.
            ReviewTimeoutError: It is not reviewed yet; it is a ``TimeoutError`` too.
            NotFoundError: There is none.
        """
        return await wait_until_reviewed(
            self._transport,
            GetOTPTemplate(template_id),
            timeout=timeout,
            rejection=TemplateRejectedError,
        )
