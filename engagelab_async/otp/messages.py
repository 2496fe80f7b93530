"""Messages of the caller's own templates."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Unpack

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.calls import CallOptions, Calls, check_options
from engagelab_async.frames import clears_frames
from engagelab_async.operation import Endpoint, Operation, StringId
from engagelab_async.serialization import Serializable
from engagelab_async.template import Template, without_language


@frozen
class Sent(Serializable):
    """The platform accepted a message.

    Attributes:
        message_id: The message's id; ``VerifyOTP`` and callbacks refer to it.
        send_channel: The channel used now (``whatsapp sms email voice`` are documented). It is not
            the final one: a template's strategy may fall back to another later.
    """

    message_id: StringId
    send_channel: str


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
        effect="send",
        repeatable=False,
    )

    to: str | tuple[str, ...] = field(
        converter=_one_or_many,
        repr=arguments.masked_recipient,
        metadata={arguments.PERSONAL: True},
    )
    template: Template = field(converter=without_language)


class MessageCalls(Calls):
    """The coroutine about messages."""

    async def send_custom_message(
        self,
        to: str | Iterable[str],
        template: str | int | Template,
        *,
        params: Mapping[str, str | int] | None = None,
        **options: Unpack[CallOptions],
    ) -> Sent:
        """Send a message of the caller's own template (``POST /v1/custom-messages``).

        It is not retried after an uncertain failure: nothing protects the person from a second
        one.

        Args:
            to: A phone number or an email address; see `SendCustomMessage` about several.
            template: The template, or its id; one of verification type needs ``params["code"]``.
            params: As in `Template`.

        Returns:
            The message's id and its channel.
        """
        try:
            check_options(options)
            operation = SendCustomMessage(to, Template.of(template, params=params))
        finally:
            del to, template, params
        return await self._transport.execute(operation, **options)
