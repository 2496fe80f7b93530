"""Wait for the delivery status of a message.

A callback may arrive before the answer of the send that it is about, so what was not waited for is
kept as well.

A delivery that failed on one channel may be followed by one on the next, and no row says so::

    sent (whatsapp) ─> delivered_failed (whatsapp) ─┬─> sent (sms) ─> delivered (sms)
                                                    └─> nothing for the grace period: it failed
"""

import math
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Literal, TypeGuard

import anyio
from attrs import frozen

from engagelab_async.arguments import check_integer, check_seconds, identifier
from engagelab_async.errors import NotDeliveredError

from .events import FAILED, Event, MessageStatus

Milestone = Literal["sent", "delivered", "verified"]
"""The statuses that can be waited for."""

_MILESTONES: Final = ("sent", "delivered", "verified")
GRACE: Final = 20.0
"""Seconds that a template's next channel may take."""

_Channel = tuple[str | None, str | None]
"""A channel's two names, either of which may be missing."""


@frozen
class _Arrival:
    """An event, and when it came, in seconds on the event loop's clock."""

    event: MessageStatus
    at: float


class Tracker:
    """Keeps the status of messages from callbacks, and lets coroutines wait for it.

    It is a handler: ``webhook_router(verifier, tracker)``. Another handler can call it as well. It
    belongs to one event loop, of asyncio or trio.

    Args:
        capacity: How many messages it keeps; then it forgets the least recently updated.
        grace: How many seconds to wait after ``delivered_failed`` for the next channel of the
            template, which nothing announces; 20 by default. 0 fits templates that have one
            channel.

    Raises:
        TypeError: An argument is of another type.
        ValueError: `capacity` is not more than 0, or `grace` is negative or infinite.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     tracker = Tracker()
        ...     await tracker(MessageStatus(message_id="7", status="delivered"))
        ...     event = await tracker.wait_for("7", until="delivered", timeout=60)
        ...     print(event.status)
        >>> asyncio.run(main())
        delivered

    .. versionadded:: 0.1.0
    """

    def __init__(self, *, capacity: int = 10_000, grace: float = GRACE) -> None:
        self._capacity = check_integer(capacity, "capacity", 1)
        self._grace = check_seconds(grace, "grace", or_zero=True)
        self._known: OrderedDict[str, dict[tuple[str, _Channel], _Arrival]] = OrderedDict()
        self._waiting: dict[str, set[anyio.Event]] = {}

    async def __call__(self, event: Event) -> None:
        """Keep an event, and wake the coroutines that wait for it."""
        if not self.concerns(event):
            return
        # A repeat does not count as news: the grace period begins with the first.
        arrivals = self._known.setdefault(event.message_id, {})
        arrivals.setdefault((event.status, _channel(event)), _Arrival(event, anyio.current_time()))
        self._known.move_to_end(event.message_id)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        for waiter in self._waiting.get(event.message_id, ()):
            waiter.set()

    @staticmethod
    def concerns(event: Event) -> TypeGuard[MessageStatus]:
        """Return whether an event is a status that can be waited for, or a failure."""
        return isinstance(event, MessageStatus) and event.status in {*_MILESTONES, *FAILED}

    def awaited(self) -> tuple[str, ...]:
        """Return the messages that coroutines wait for."""
        return tuple(self._waiting)

    async def wait_for(
        self,
        message_id: str,
        *,
        until: Milestone = "delivered",
        timeout: float = 60.0,
        grace: float | None = None,
    ) -> MessageStatus:
        """Wait until a message has reached a status, or a later one.

        Args:
            message_id: The message, as ``Sent`` and ``Plan`` name it.
            until: ``sent``, ``delivered`` or ``verified``.
            timeout: How many seconds to wait.
            grace: How many seconds to wait for another channel after one has failed; defaults to
                the tracker's.

        Returns:
            The event with that status, which may be an old one.

        Raises:
            NotDeliveredError: The message failed before it reached that, and no other channel
                followed in time. A wrong guess at a code ends nothing, and that a code was not
                verified in time only ends waiting for ``verified``.
            TimeoutError: It did neither in time.
            TypeError: An argument is of another type.
            ValueError: `until` is none of these, `timeout` not more than 0, or `grace` negative.
        """
        message = identifier(message_id, "message_id")
        if until not in _MILESTONES:
            raise ValueError(f"until: expected one of {', '.join(_MILESTONES)}")
        patience = self._grace if grace is None else check_seconds(grace, "grace", or_zero=True)
        with anyio.move_on_after(check_seconds(timeout, "timeout")):
            return await self._outcome(message, until, patience)
        raise TimeoutError(f"message {message} was not {until} within {timeout:g} s")

    async def _outcome(self, message: str, until: Milestone, grace: float) -> MessageStatus:
        while True:
            known = self._known.get(message, {}).values()
            for milestone in _MILESTONES[_MILESTONES.index(until) :]:
                for arrival in known:
                    if arrival.event.status == milestone:
                        return arrival.event
            failure, ends_at = _failure(known, until, grace)
            if failure is not None and anyio.current_time() >= ends_at:
                raise _error(failure)
            with anyio.CancelScope(deadline=ends_at):
                await self._news(message)

    async def _news(self, message: str) -> None:
        waiters = self._waiting.setdefault(message, set())
        waiter = anyio.Event()
        waiters.add(waiter)
        try:
            await waiter.wait()
        finally:
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[message]


def _failure(
    known: Iterable[_Arrival], until: Milestone, grace: float
) -> tuple[MessageStatus | None, float]:
    """Return the failure that ends the wait, and when it does so."""
    for each in known:
        is_of_the_code = each.event.status in {"verified_failed", "verified_timeout"}
        if (
            each.event.is_failed
            and each.event.is_final
            and (until == "verified" or not is_of_the_code)
        ):
            return each.event, -math.inf
    failed = [each for each in known if each.event.may_fall_back]
    sent = [each for each in known if each.event.status == "sent"]
    has_failed = [any(_is_same_channel(each, other) for other in failed) for each in sent]
    if not failed or not all(has_failed):
        return None, math.inf  # a channel is left that has not failed
    last = max(failed, key=lambda each: each.at)
    return last.event, last.at + grace


def _channel(event: MessageStatus) -> _Channel:
    return event.channel, event.current_send_channel


def _is_same_channel(one: _Arrival, other: _Arrival) -> bool:
    names = zip(_channel(one.event), _channel(other.event), strict=True)
    return all(a == b or a is None or b is None for a, b in names)


def _error(event: MessageStatus) -> NotDeliveredError:
    code = f", code {event.error_code}" if event.error_code else ""
    return NotDeliveredError(f"message {event.message_id}: {event.status}{code}", event=event)
