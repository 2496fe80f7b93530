"""The coroutines of the OTP product: each builds an operation and awaits it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from engagelab_async.operations.otp import SendCode, SendCustomMessage, SendOTP, VerifyOTP
from engagelab_async.template import Template

from .operations.balance import GetOTPBalance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engagelab_async.operations.otp import Sent, Verification

    from .operations.balance import Balance
    from .retry import RetryPolicy
    from .templates import CallOptions, OTPTemplates
    from .transport import Transport


class OTP:
    """The OTP API; ``engagelab.otp`` is one.

    Every coroutine takes `timeout` (seconds for one attempt), `deadline` (seconds for the whole
    call, repeats and waits included) and `retry` (a `RetryPolicy`); left out, the client's hold.
    Every coroutine raises ``TypeError`` or ``ValueError`` for an argument that can never be right,
    before anything is sent, and a subclass of `EngageLabError` for everything else.
    """

    def __init__(self, transport: Transport) -> None:
        """Send over `transport`."""
        self._transport = transport

    # Most programs only send, and these modules hold many classes: importing them would double the
    # time that importing the package takes.

    @cached_property
    def templates(self) -> OTPTemplates:
        """The templates that messages are made of.

        .. versionadded:: 0.1.0
        """
        from .templates import OTPTemplates

        return OTPTemplates(self._transport)

    async def send(
        self,
        to: str,
        template: str | int | Template,
        *,
        language: str | None = None,
        params: Mapping[str, str | int] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Sent:
        """Send a code that the platform makes (``POST /v1/messages``).

        After an uncertain failure it is repeated: the platform refuses a second live code for the
        same person and template. When that happens, the first answer is lost, and with it the id
        that `verify` wants: the person has to wait for that code to expire. `send_code` does not
        have this gap.

        Args:
            to: A phone number such as ``+6591234567``, or an email address.
            template: The template, or its id.
            language: As in `Template`.
            params: As in `Template`.
            timeout: Seconds for one attempt.
            deadline: Seconds for the whole call.
            retry: The retry policy.

        Returns:
            The message's id, which `verify` wants, and its channel.

        Raises:
            FrequencyLimitError: This person still has a live code of this template. With
                ``may_have_been_sent``, an unanswered attempt of this call may have sent it.
        """
        try:
            operation = SendOTP(to, Template.of(template, language=language, params=params))
        finally:
            # Whatever is raised, here or below, tools that record variables find none of these.
            del to, template, params
        return await self._transport.execute(
            operation, timeout=timeout, deadline=deadline, retry=retry
        )

    async def send_code(
        self,
        to: str,
        code: str,
        template: str | int | Template,
        *,
        language: str | None = None,
        params: Mapping[str, str | int] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Sent:
        """Send a code that the caller made (``POST /v1/codes``).

        After an uncertain failure it is repeated, as `send` is.

        Args:
            to: A phone number such as ``+6591234567``, or an email address.
            code: The code, as a ``str``: leading zeros matter.
            template: The template, or its id.
            language: As in `Template`.
            params: As in `Template`.
            timeout: Seconds for one attempt.
            deadline: Seconds for the whole call.
            retry: The retry policy.

        Returns:
            The message's id and its channel; there is nothing to verify later.

        Raises:
            FrequencyLimitError: As for `send`.
        """
        try:
            made = Template.of(template, language=language, params=params)
            operation = SendCode(to, code, made)
        finally:
            del to, code, template, params
        return await self._transport.execute(
            operation, timeout=timeout, deadline=deadline, retry=retry
        )

    async def send_custom_message(
        self,
        to: str | Iterable[str],
        template: str | int | Template,
        *,
        params: Mapping[str, str | int] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Sent:
        """Send a message of the caller's own template (``POST /v1/custom-messages``).

        It is not repeated after an uncertain failure: nothing guards the person against a second
        one.

        Args:
            to: A phone number or an email address; see `SendCustomMessage` about several.
            template: The template, or its id; one of verification type wants ``params["code"]``.
            params: As in `Template`.
            timeout: Seconds for one attempt.
            deadline: Seconds for the whole call.
            retry: The retry policy.

        Returns:
            The message's id and its channel.
        """
        try:
            operation = SendCustomMessage(to, Template.of(template, params=params))
        finally:
            del to, template, params
        return await self._transport.execute(
            operation, timeout=timeout, deadline=deadline, retry=retry
        )

    async def verify(
        self,
        message_id: str,
        code: str,
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Verification:
        """Ask whether a code that the platform made is right (``POST /v1/verifications``).

        Args:
            message_id: The id that `send` answered.
            code: What the person typed, as a ``str``.
            timeout: Seconds for one attempt.
            deadline: Seconds for the whole call.
            retry: The retry policy.

        Returns:
            Whether it is right. A wrong code is an answer, not an error.

        Raises:
            BusinessRuleError: The code has expired, or was verified already.
        """
        try:
            operation = VerifyOTP(message_id, code)
        finally:
            del message_id, code
        return await self._transport.execute(
            operation, timeout=timeout, deadline=deadline, retry=retry
        )

    async def balance(self, **options: Unpack[CallOptions]) -> Balance:
        """Read the balance of the account (``GET /v1/balance``).

        Like every read it is repeated after an uncertain failure, and its errors never say that
        something may have been sent.

        Returns:
            The amounts, as ``Decimal``, and their currency.

        .. versionadded:: 0.1.0
        """
        return await self._transport.execute(GetOTPBalance(), **options)
