"""The calls of the OTP product and what they answer."""

from collections.abc import Iterable
from typing import ClassVar

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.frames import clears_frames
from engagelab_async.operation import Endpoint, Operation, StringId
from engagelab_async.serialization import Serializable
from engagelab_async.template import Template, template, without_language


@frozen
class Sent(Serializable):
    """The platform accepted a message.

    Attributes:
        message_id: The message's id; `VerifyOTP` and callbacks refer to it.
        send_channel: The channel used now (``whatsapp sms email voice`` are documented). It is not
            the final one: a template's strategy may fall back to another later.
    """

    message_id: StringId
    send_channel: str


@frozen
class Verification(Serializable):
    """The platform's opinion of a code.

    Attributes:
        message_id: The message that carried the code.
        verified: Whether the code was right. A wrong one is not an error.
    """

    message_id: StringId
    verified: bool


@clears_frames
@frozen
class SendOTP(Operation[Sent]):
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
        # The platform refuses a second live code for the same person and template (3004).
        repeatable=True,
    )

    to: str = field(
        validator=arguments.text,
        repr=arguments.masked_recipient,
        metadata={arguments.PERSONAL: True},
    )
    template: Template = field(converter=template)


@clears_frames
@frozen
class SendCode(Operation[Sent]):
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
        # Guarded by 3004, as SendOTP is.
        repeatable=True,
    )

    to: str = field(
        validator=arguments.text,
        repr=arguments.masked_recipient,
        metadata={arguments.PERSONAL: True},
    )
    code: str = field(
        validator=arguments.code,
        repr=arguments.hidden,
        metadata={arguments.PERSONAL: True},
    )
    template: Template = field(converter=template)


def _one_or_many(value: str | Iterable[str]) -> str | tuple[str, ...]:
    targets = arguments.recipients(value)
    return targets[0] if isinstance(value, str) else targets


@clears_frames
@frozen
class SendCustomMessage(Operation[Sent]):
    """Send a message of the caller's own template: a notification, an offer, a code.

    Attributes:
        to: A phone number or an email address. The platform takes an array as well, yet answers
            it with one message id: to know what became of each, send one message a person.
        template: The template, or its id. One of the verification type must be given
            ``params={"code": …}``. This call has no language.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: ``to`` is empty, or the template has a language.
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.send_custom_message",
        product="otp",
        method="POST",
        path="/v1/custom-messages",
        result=Sent,
        repeatable=False,
    )

    to: str | tuple[str, ...] = field(
        converter=_one_or_many,
        repr=arguments.masked_recipient,
        metadata={arguments.PERSONAL: True},
    )
    template: Template = field(converter=without_language)


@clears_frames
@frozen
class VerifyOTP(Operation[Verification]):
    """Ask whether a code that the platform made is right.

    Attributes:
        message_id: The id that `SendOTP` answered.
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
        # A code can be verified once: repeating a check that went through would refuse it.
        repeatable=False,
    )

    message_id: str = field(validator=arguments.text)
    code: str = field(
        validator=arguments.code,
        repr=arguments.hidden,
        metadata={arguments.JSON_NAME: "verify_code", arguments.PERSONAL: True},
    )
