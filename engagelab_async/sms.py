"""The coroutines of the SMS product: each builds an operation and awaits it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Unpack

from engagelab_async.operations.sms import SendSMS
from engagelab_async.template import Template

from .operations.balance import GetSMSBalance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from engagelab_async.operations.sms import Plan

    from .operations.balance import Balance
    from .retry import RetryPolicy
    from .templates import CallOptions, Signatures, SMSTemplates
    from .transport import Transport


class SMS:
    """The SMS API; ``engagelab.sms`` is one."""

    def __init__(self, transport: Transport) -> None:
        """Send over `transport`."""
        self._transport = transport

    # Most programs only send, and these modules hold many classes: importing them would double the
    # time that importing the package takes.

    @cached_property
    def templates(self) -> SMSTemplates:
        """The templates that messages are made of.

        .. versionadded:: 0.1.0
        """
        from .templates import SMSTemplates

        return SMSTemplates(self._transport)

    @cached_property
    def signatures(self) -> Signatures:
        """The signatures that templates may show.

        .. versionadded:: 0.1.0
        """
        from .templates import Signatures

        return Signatures(self._transport)

    async def send(
        self,
        to: str | Iterable[str],
        template: str | int | Template,
        *,
        params: Mapping[str, str | int] | None = None,
        plan_name: str | None = None,
        schedule_time: datetime | float | None = None,
        custom_args: Mapping[str, object] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> Plan:
        """Send one template to one or many phones (``POST /v1/messages``).

        It is not repeated after an uncertain failure: nothing guards people against a second
        message.

        Args:
            to: The phone numbers; a lone ``str`` is one number. All get the same `params`.
            template: The template, or its id.
            params: As in `Template`.
            plan_name: What the console shows.
            schedule_time: When to send: an aware ``datetime`` or Unix seconds, at least 3 minutes
                and at most 30 days ahead.
            custom_args: The caller's own JSON object; it comes back in callbacks.
            timeout: Seconds for one attempt.
            deadline: Seconds for the whole call, repeats and waits included.
            retry: The retry policy.

        Returns:
            The plan. Its ``accepted_count`` may be below its ``total_count``: the platform drops
            invalid targets without a word.

        Raises:
            EngageLabError: One of its subclasses says what happened. An `APIError` may come with
                HTTP 200, and then carries ``plan_id``.
            TypeError: An argument is of the wrong type.
            ValueError: An argument can never be right.
        """
        try:
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
        return await self._transport.execute(
            operation, timeout=timeout, deadline=deadline, retry=retry
        )

    async def balance(self, **options: Unpack[CallOptions]) -> Balance:
        """Read the balance of the account (``GET /v1/balance``).

        Like every read it is repeated after an uncertain failure, and its errors never say that
        something may have been sent.

        Returns:
            The amounts, as ``Decimal``; the SMS product does not say their currency.

        .. versionadded:: 0.1.0
        """
        return await self._transport.execute(GetSMSBalance(), **options)
