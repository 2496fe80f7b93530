"""Waiting for what becomes of a message.

A callback may arrive before the answer of the send that it is about, so what was not waited for is
kept as well.
"""

from collections import OrderedDict
from typing import Final, Literal

import anyio

from engagelab_async.errors import NotDeliveredError
from engagelab_async.operations._arguments import identifier

from ._limits import positive, whole
from .events import FAILED, Event, MessageStatus

Milestone = Literal["sent", "delivered", "verified"]
"""How far a message can come."""

_MILESTONES: Final = ("sent", "delivered", "verified")
_UNVERIFIED: Final = frozenset({"verified_failed", "verified_timeout"})
"""What ends waiting for `verified` alone: the code may have arrived, and may yet be told so."""


class Tracker:
    """Keeps what callbacks tell about messages, for whoever waits for it.

    It is a handler: ``webhook_router(verifier, tracker)``. Another handler can call it as well. It
    belongs to one event loop, of asyncio or trio.

    Args:
        capacity: How many messages it keeps; then it forgets those it has not heard of longest.

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

    def __init__(self, *, capacity: int = 10_000) -> None:
        self._capacity = whole("capacity", capacity)
        self._known: OrderedDict[str, dict[str, MessageStatus]] = OrderedDict()
        self._waiting: dict[str, set[anyio.Event]] = {}

    async def __call__(self, event: Event) -> None:
        """Keep an event, and wake whoever waits for it."""
        if not isinstance(event, MessageStatus) or event.status not in {*_MILESTONES, *FAILED}:
            return
        self._known.setdefault(event.message_id, {}).setdefault(event.status, event)
        self._known.move_to_end(event.message_id)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        for waiter in self._waiting.get(event.message_id, ()):
            waiter.set()

    async def wait_for(
        self, message_id: str, *, until: Milestone = "delivered", timeout: float = 60.0
    ) -> MessageStatus:
        """Wait until a message has come as far as that, or further.

        Args:
            message_id: The message, as ``Sent`` and ``Plan`` name it.
            until: ``sent``, ``delivered`` or ``verified``.
            timeout: How many seconds to wait.

        Returns:
            The event that says so, which may have come long ago.

        Raises:
            NotDeliveredError: The message failed before it came that far. That a code was not
                verified says nothing against its delivery, and only ends waiting for ``verified``.
            TimeoutError: It did neither in time.
            TypeError: An argument is of another type.
            ValueError: `until` is none of these, or `timeout` not more than 0.
        """
        message = identifier(message_id, "message_id")
        if until not in _MILESTONES:
            raise ValueError(f"until: expected one of {', '.join(_MILESTONES)}")
        with anyio.move_on_after(positive("timeout", timeout)):
            return await self._outcome(message, until)
        raise TimeoutError(f"message {message} was not {until} within {timeout:g} s")

    async def _outcome(self, message: str, until: Milestone) -> MessageStatus:
        while True:
            known = self._known.get(message, {})
            for milestone in _MILESTONES[_MILESTONES.index(until) :]:
                if milestone in known:
                    return known[milestone]
            for event in known.values():
                if event.is_failed and (until == "verified" or event.status not in _UNVERIFIED):
                    raise _failure(event)
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


def _failure(event: MessageStatus) -> NotDeliveredError:
    code = f", code {event.error_code}" if event.error_code else ""
    return NotDeliveredError(f"message {event.message_id}: {event.status}{code}", event=event)
