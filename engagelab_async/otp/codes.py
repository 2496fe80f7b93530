"""One-time codes: sent, made by the platform or by the caller, and checked."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.calls import CallOptions, Calls, check_options
from engagelab_async.frames import clears_frames
from engagelab_async.operation import Endpoint, Operation, StringId
from engagelab_async.serialization import Serializable
from engagelab_async.template import Template, template

from .messages import Sent


@frozen
class Verification(Serializable):
    """Result of verifying a code.

    Attributes:
        message_id: The message that carried the code.
        verified: Whether the code was right. A wrong one is not an error.
    """

    message_id: StringId
    verified: bool


@frozen
class _ToOnePerson(Operation[Sent]):
    """A send to one person, by phone or email."""

    to: str = field(
        validator=arguments.text,
        repr=arguments.masked_recipient,
        metadata={arguments.PERSONAL: True},
    )


@clears_frames
@frozen
class SendOTP(_ToOnePerson):
    """Send a code that the platform makes; check it with `VerifyOTP`.

    Attributes:
        to: A phone number in E.164 form, such as ``+6591234567``, or an email address.
        template: The template, or its id.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: ``to`` is empty.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.send",
        product="otp",
        method="POST",
        path="/v1/messages",
        result=Sent,
        effect="send",
        # The platform refuses a second live code for the same person and template (3004).
        repeatable=True,
    )

    template: Template = field(converter=template)


@clears_frames
@frozen
class SendCode(_ToOnePerson):
    """Send a code that the caller made; there is nothing to verify with the platform later.

    Attributes:
        to: A phone number in E.164 form, such as ``+6591234567``, or an email address.
        code: The code, as a ``str``: leading zeros matter.
        template: The template, or its id.

    Raises:
        TypeError: An argument is of the wrong type, such as a ``code`` that is an ``int``.
        ValueError: ``to`` or ``code`` is empty.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.send_code",
        product="otp",
        method="POST",
        path="/v1/codes",
        result=Sent,
        effect="send",
        # Protected by 3004, like SendOTP.
        repeatable=True,
    )

    code: str = field(
        validator=arguments.code,
        repr=arguments.hidden,
        metadata={arguments.PERSONAL: True},
    )
    template: Template = field(converter=template)


@clears_frames
@frozen
class VerifyOTP(Operation[Verification]):
    """Check a code that the platform made.

    Attributes:
        message_id: The id that `SendOTP` returned.
        code: What the person typed, as a ``str``.

    Raises:
        TypeError: An argument is not a ``str``.
        ValueError: An argument is empty.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.verify",
        product="otp",
        method="POST",
        path="/v1/verifications",
        result=Verification,
        effect="check",
        # A code can be verified once: a retry after a successful check would be refused.
        repeatable=False,
    )

    message_id: str = field(validator=arguments.text)
    code: str = field(
        validator=arguments.code,
        repr=arguments.hidden,
        metadata={arguments.JSON_NAME: "verify_code", arguments.PERSONAL: True},
    )


class CodeCalls(Calls):
    """The coroutines about one-time codes."""

    async def send(
        self,
        to: str,
        template: str | int | Template,
        *,
        language: str | None = None,
        params: Mapping[str, str | int] | None = None,
        **options: Unpack[CallOptions],
    ) -> Sent:
        """Send a code that the platform makes (``POST /v1/messages``).

        After an uncertain failure it is retried: the platform refuses a second live code for the
        same person and template. When that happens, the first answer is lost, and with it the id
        that `verify` needs: the person has to wait for that code to expire. `send_code` does not
        have this gap.

        Args:
            to: A phone number such as ``+6591234567``, or an email address.
            template: The template, or its id.
            language: As in `Template`.
            params: As in `Template`.

        Returns:
            The message's id, which `verify` needs, and its channel.

        Raises:
            FrequencyLimitError: This person still has a live code of this template. With
                ``may_have_been_sent``, an unanswered attempt of this call may have sent it.
        """
        try:
            check_options(options)
            operation = SendOTP(to, Template.of(template, language=language, params=params))
        finally:
            # Whatever is raised, here or below, tools that record variables find none of these.
            del to, template, params
        return await self._transport.execute(operation, **options)

    async def send_code(
        self,
        to: str,
        code: str,
        template: str | int | Template,
        *,
        language: str | None = None,
        params: Mapping[str, str | int] | None = None,
        **options: Unpack[CallOptions],
    ) -> Sent:
        """Send a code that the caller made (``POST /v1/codes``).

        After an uncertain failure it is retried, as `send` is.

        Args:
            to: A phone number such as ``+6591234567``, or an email address.
            code: The code, as a ``str``: leading zeros matter.
            template: The template, or its id.
            language: As in `Template`.
            params: As in `Template`.

        Returns:
            The message's id and its channel; there is nothing to verify later.

        Raises:
            FrequencyLimitError: As for `send`.
        """
        try:
            check_options(options)
            made = Template.of(template, language=language, params=params)
            operation = SendCode(to, code, made)
        finally:
            del to, code, template, params
        return await self._transport.execute(operation, **options)

    async def verify(
        self,
        message_id: str,
        code: str,
        **options: Unpack[CallOptions],
    ) -> Verification:
        """Check a code that the platform made (``POST /v1/verifications``).

        Args:
            message_id: The id that `send` returned.
            code: What the person typed, as a ``str``.

        Returns:
            Whether it is right. A wrong code is an answer, not an error.

        Raises:
            BusinessRuleError: The code has expired, or was verified already.
        """
        try:
            check_options(options)
            operation = VerifyOTP(message_id, code)
        finally:
            del message_id, code
        return await self._transport.execute(operation, **options)
