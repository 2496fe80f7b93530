"""SMS: one template to one phone or to many."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Unpack

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.calls import CallOptions, Calls, check_options
from engagelab_async.frames import clears_frames
from engagelab_async.operation import Endpoint, IntegerId, Operation, StringId
from engagelab_async.serialization import Serializable
from engagelab_async.template import Template, without_language


@frozen
class ScheduleInfo(Serializable):
    """When a send is scheduled.

    Attributes:
        task_id: The scheduled task; it is above 2**53, so JavaScript would round it.
    """

    task_id: IntegerId


@frozen
class Plan(Serializable):
    """The platform accepted a send to one or many targets.

    Attributes:
        plan_id: The plan's id.
        total_count: How many targets the platform got.
        accepted_count: How many of them are valid. The others are dropped without an error.
        message_id: The message's id, for a send to a single target.
        schedule_info: For a scheduled send.
    """

    plan_id: StringId
    total_count: int
    accepted_count: int
    message_id: StringId | None = None
    schedule_info: ScheduleInfo | None = None


def _plan_name(value: str | None) -> str | None:
    return None if value is None else arguments.check_text(value, "plan_name")


@clears_frames
@frozen
class SendSMS(Operation[Plan]):
    """Send one template to one or many phones, now or at a set time.

    Attributes:
        to: The phone numbers; a lone ``str`` is one number. All share the template's params.
        template: The template, or its id. SMS templates have no language.
        plan_name: The name of the plan in the console; ``-`` by default.
        schedule_time: When to send: Unix seconds, made from an aware ``datetime`` or a number; at
            least 3 minutes and at most 30 days ahead (the vendor's rule).
        custom_args: A JSON object of the caller, which callbacks return.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: ``to`` is empty, ``schedule_time`` is naive or out of range, or the template
            has a language.

    Example:
        >>> SendSMS(to=("+6591234567", "+6591234568"), template=Template("1233"))
        SendSMS(to=('…67', '…68'), template=Template(id='1233', ...), ...)
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.send",
        product="sms",
        method="POST",
        path="/v1/messages",
        result=Plan,
        effect="send",
        repeatable=False,
    )

    to: tuple[str, ...] = field(
        converter=arguments.recipients,
        repr=arguments.masked_recipient,
        metadata={arguments.PERSONAL: True},
    )
    # The SMS API wants "params" even when there are none.
    template: Template = field(converter=without_language, metadata={arguments.KEPT: ("params",)})
    plan_name: str | None = field(default=None, converter=_plan_name)
    schedule_time: int | None = field(default=None, converter=arguments.schedule)
    custom_args: Mapping[str, Any] | None = field(
        default=None,
        converter=arguments.custom_args,
        repr=arguments.hidden,
        hash=False,
        metadata={arguments.PERSONAL: True},
    )


class MessageCalls(Calls):
    """The coroutine about messages."""

    async def send(
        self,
        to: str | Iterable[str],
        template: str | int | Template,
        *,
        params: Mapping[str, str | int] | None = None,
        plan_name: str | None = None,
        schedule_time: datetime | float | None = None,
        custom_args: Mapping[str, object] | None = None,
        **options: Unpack[CallOptions],
    ) -> Plan:
        """Send one template to one or many phones (``POST /v1/messages``).

        It is not retried after an uncertain failure: nothing protects people from a second
        message.

        Args:
            to: The phone numbers; a lone ``str`` is one number. All get the same `params`.
            template: The template, or its id.
            params: As in `Template`.
            plan_name: The name of the plan in the console.
            schedule_time: When to send: an aware ``datetime`` or Unix seconds, at least 3 minutes
                and at most 30 days ahead.
            custom_args: A JSON object of the caller, which callbacks return.

        Returns:
            The plan. Its ``accepted_count`` may be below its ``total_count``: the platform drops
            invalid targets without a word.

        Raises:
            EngageLabError: One of its subclasses says what happened. An `APIError` may come with
                HTTP 200, and then carries ``plan_id``.
            TypeError: An argument is of the wrong type.
            ValueError: An argument is invalid.
        """
        try:
            check_options(options)
            operation = SendSMS(
                to,
                Template.of(template, params=params),
                plan_name,
                schedule_time,
                custom_args,
            )
        finally:
            # Whatever is raised, here or below, tools that record variables find none of these.
            del to, template, params, custom_args
        return await self._transport.execute(operation, **options)
