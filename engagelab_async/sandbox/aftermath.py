"""What follows the platform's answer: messages proceed, and whoever wants to know is told.

::

    Platform.progress ── a status ──┬──> Courier ── callbacks ──> the program under test
    a reply, by hand ───────────────┤        └── every try ──┐
                                    └────────────────────────┴──> Feed ──> whoever watches
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .callbacks import CallbackDelivery, Callbacks, review_row, status_row, uplink_row
from .courier import Courier
from .feed import Feed
from .lifecycle import StatusChange
from .outbox import SentMessage
from .platform import Platform
from .progress import Reply
from .reviews import Audits


class Aftermath:
    """What follows the sends of one sandbox; to be used from any thread.

    Args:
        platform: The platform that sends.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._feed = Feed()
        self._courier = Courier(
            on_try=lambda number: self._feed.publish("callback", number), pace=platform.pace
        )
        self._audits = Audits(platform.template_submissions)
        platform.reviewer.on_take = self._audits.ring

    @property
    def callbacks(self) -> Callbacks | None:
        """Where callbacks go, or ``None``; may be set at any time."""
        return self._courier.callbacks

    @callbacks.setter
    def callbacks(self, callbacks: Callbacks | None) -> None:
        self._courier.callbacks = callbacks
        if callbacks is not None:
            self._listen()
            self._audits.listen(lambda *review: self._courier.take(review_row(*review)))

    @property
    def deliveries(self) -> tuple[CallbackDelivery, ...]:
        """The newest callbacks, oldest first; a copy."""
        return self._courier.deliveries

    def watch(self) -> Feed:
        """Return the feed, in which everything is published from the first call on."""
        self._feed.open()
        self._listen()
        return self._feed

    # --------------------------------------------------------------------------- by hand

    def history(self, message: SentMessage) -> tuple[StatusChange, ...]:
        """Return what a message has reached so far, earliest first."""
        return self._platform.progress.history(self._own(message))

    def replies(self, message: SentMessage) -> tuple[Reply, ...]:
        """Return what a message's recipient has replied, oldest first."""
        return self._platform.progress.replies(self._own(message))

    def deliver(self, message: SentMessage) -> None:
        """Deliver a message at once; see `Sandbox.deliver`."""
        self._platform.progress.deliver(self._own(message))

    def fail(self, message: SentMessage, error_code: int) -> None:
        """Let a message fail at once; see `Sandbox.fail`."""
        self._platform.progress.fail(self._own(message), error_code)

    def verify(self, message: SentMessage) -> None:
        """Verify a message's code; see `Sandbox.verify`."""
        self._platform.verify_by_hand(self._own(message))

    def expire(self, message: SentMessage) -> None:
        """Let a message's code expire; see `Sandbox.expire`."""
        self._platform.expire_by_hand(self._own(message))

    def reply(self, message: SentMessage, text: str) -> None:
        """Reply to a message; see `Sandbox.reply`."""
        replies = self._platform.progress.reply(self._own(message), text)
        self._courier.take(uplink_row(message, replies))
        self._feed.publish("reply", message.number)

    # --------------------------------------------------------------------------- running

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell of everything while the server runs, from its event loop."""
        self._audits.pass_over()
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._platform.progress.run()),
                tasks.create_task(self._audits.run()),
                tasks.create_task(self._courier.run()),
            ]
            yield
            for task in running:
                task.cancel()

    def _listen(self) -> None:
        outbox = self._platform.outbox
        self._platform.progress.listen(self._tell, lambda: (*outbox.messages, *outbox.dropped))

    def _tell(self, message: SentMessage, change: StatusChange) -> None:
        if self._courier.callbacks is not None:
            self._courier.take(status_row(message, change))
        self._feed.publish("status", message.number)

    def _own(self, message: SentMessage) -> SentMessage:
        try:
            known = self._platform.outbox.get(message.number)
        except LookupError:
            known = None
        if known != message:
            raise ValueError("message: it is none of this sandbox")
        return message
