"""What becomes of messages: statuses that follow from the time, and what a person does manually.

A status follows from the message and the time, see `lifecycle`, so nothing has to bring it about.
Only manual changes are stored, and statuses are only scheduled once something observes them::

    a message is sent ──> `begin` ──> nothing observes: nothing to do
                              │
                              └─────> its statuses are scheduled, and reported when they are due
    `deliver`, `fail`, … ─────────>   so are manual changes
                                          │
                                          ├──> CallbackSender ──> the program under test
                                          └──> observers: the inbox
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, TypeAlias

from attrs import define, frozen

from . import lifecycle
from .callback_sender import CallbackSender
from .callbacks import CallbackDelivery, Callbacks, review_row, status_row, uplink_row
from .codes import Codes
from .lifecycle import Plan, Reply, StatusChange, plan_of
from .loop import Wakeup
from .outbox import Outbox, SentMessage
from .refusals import RefusedError
from .reviews import Audits, TemplateSubmission

Observer: TypeAlias = Callable[[int, StatusChange | Reply | CallbackDelivery], object]
"""Called with the number of a message, and what happened to it."""

_AT_ONCE: Final = 500
# The clock may be the caller's, and be set forward at any moment, which wakes no task.
_POLL: Final = 0.05


@frozen
class ManualChange:
    """What was done manually to a message.

    Attributes:
        number: The number of the message.
        plan: All statuses that it has reached or will reach; empty if they were not changed.
        replies: What the recipient has replied, oldest first.
    """

    number: int
    plan: Plan
    replies: tuple[Reply, ...]


@define
class ScheduledStatuses:
    """The statuses of a message, of which some are still to be reported."""

    message: SentMessage
    plan: Plan
    reported: int

    @property
    def due(self) -> datetime | None:
        """When the next status is due, or ``None`` if all are reported."""
        return self.plan[self.reported].at if self.reported < len(self.plan) else None


class Simulation:
    """What becomes of the messages of one sandbox.

    Args:
        outbox: The messages.
        codes: The codes in them.
        submissions: Returns the review of every template.
        pace: Factor for the time that sending, delivering and repeating a callback take.
        clock: Returns the time in Unix seconds.

    Attributes:
        sender: Sends the callbacks.
    """

    def __init__(
        self,
        outbox: Outbox,
        codes: Codes,
        submissions: Callable[[], Iterable[TemplateSubmission]],
        *,
        pace: float,
        clock: Callable[[], float],
    ) -> None:
        self.sender: CallbackSender = CallbackSender(self._on_try, pace)
        self.audits: Audits = Audits(submissions)
        self._outbox = outbox
        self._codes = codes
        self._pace = pace
        self._clock = clock
        self._is_scheduling = False
        self._observers: list[Observer] = []
        self._changed: dict[int, Plan] = {}
        self._replies: dict[int, tuple[Reply, ...]] = {}
        self._scheduled: dict[int, ScheduledStatuses] = {}
        self._due: list[tuple[datetime, int]] = []
        self._earlier: Iterator[SentMessage] = iter(())
        self._observed_from = datetime.min.replace(tzinfo=UTC)
        self._wakeup = Wakeup()

    # --------------------------------------------------------------------------- what happened

    def history(self, message: SentMessage) -> Plan:
        """Return the statuses that a message has reached so far, earliest first."""
        return lifecycle.reached(self._plan(self._own(message)), self._now())

    def replies(self, message: SentMessage) -> tuple[Reply, ...]:
        """Return what the recipient has replied, oldest first."""
        return self._replies.get(self._own(message).number, ())

    def has_live_code(self, message: SentMessage) -> bool:
        """Return whether a message has a code that is neither verified nor expired."""
        return self._codes.is_live(message.message_id)

    # --------------------------------------------------------------------------- manual changes

    def deliver(self, message: SentMessage) -> None:
        """Deliver a message at once; see `Sandbox.deliver`."""
        self._change(self._own(message), lifecycle.deliver)

    def fail(self, message: SentMessage, error_code: int) -> None:
        """Make a message fail at once; see `Sandbox.fail`."""
        delay = timedelta(seconds=self._pace)
        self._change(
            self._own(message),
            lambda plan, now: lifecycle.fail(
                plan, now, error_code, fallbacks=message.fallbacks, delay=delay
            ),
        )

    def verify(self, message: SentMessage) -> None:
        """Verify the code of a message; see `Sandbox.verify`."""
        code = self._own(message).code
        if code is None or message.code_expires_at is None:
            raise ValueError("message: there is no code of the platform's in it")
        try:
            self.guess(message.message_id, code)
        except RefusedError as error:
            raise ValueError(f"message: {error.message}") from None

    def guess(self, message_id: str, code: str) -> bool:
        """Compare a guess with the code of a message, and return whether it is right.

        Raises:
            RefusedError: There is no code to verify, or no longer.
        """
        is_right = (sent := self._codes.verify(message_id, code)).is_verified
        self._change(
            self._outbox.get(sent.number),
            lambda plan, now: lifecycle.guess(plan, now, is_right=is_right),
        )
        return is_right

    def expire(self, message: SentMessage) -> None:
        """Make the code of a message expire; see `Sandbox.expire`."""
        self._codes.expire(self._own(message).message_id)
        self._change(message, lifecycle.expire)

    def reply(self, message: SentMessage, text: str) -> None:
        """Reply to a message; see `Sandbox.reply`."""
        reply = Reply(text, self._now())
        replies = self._replies[message.number] = (*self.replies(message), reply)
        self.sender.take(uplink_row(message, replies))
        self._notify(message.number, reply)

    def _change(self, message: SentMessage, change: Callable[[Plan, datetime], Plan]) -> None:
        while self._schedule_earlier():
            pass  # what was reached before this change must not be reported by it
        before, now = self._plan(message), self._now()
        after = self._changed[message.number] = change(before, now)
        if self._is_scheduling:
            known = self._scheduled.get(message.number)
            reported = known.reported if known else len(lifecycle.reached(before, now))
            self._schedule(ScheduledStatuses(message, after, reported))

    # --------------------------------------------------------------------------- stored state

    def state(self) -> tuple[ManualChange, ...]:
        """Return all manual changes."""
        return tuple(
            ManualChange(number, self._changed.get(number, ()), self._replies.get(number, ()))
            for number in sorted(self._changed.keys() | self._replies.keys())
        )

    def restore(self, state: Sequence[ManualChange]) -> None:
        """Replace all manual changes."""
        self._changed = {each.number: each.plan for each in state if each.plan}
        self._replies = {each.number: each.replies for each in state if each.replies}

    # --------------------------------------------------------------------------- reporting

    @property
    def callbacks(self) -> Callbacks | None:
        """Where callbacks go, or ``None``."""
        return self.sender.callbacks

    @callbacks.setter
    def callbacks(self, callbacks: Callbacks | None) -> None:
        self.sender.callbacks = callbacks
        if callbacks is not None:
            self._start_scheduling()
            self.audits.listen(lambda *review: self.sender.take(review_row(*review)))

    def observe(self, observer: Observer) -> None:
        """Report everything that happens to a message from now on."""
        self._observers.append(observer)
        self._start_scheduling()

    def begin(self, message: SentMessage) -> None:
        """Schedule the statuses of a message that was sent just now."""
        if self._is_scheduling:
            self._schedule(ScheduledStatuses(message, self._plan(message), 0))

    def report_due(self) -> bool:
        """Report some of the statuses that are due, earliest first.

        Returns:
            Whether there is more to do now.
        """
        if self._schedule_earlier():
            return True
        for _ in range(_AT_ONCE):
            now = self._now()
            if not self._due or self._due[0][0] > now:
                return False
            _, number = heapq.heappop(self._due)
            # A manual change pushes another entry, and all may be reported by now.
            scheduled = self._scheduled.get(number)
            if scheduled is not None:
                self._report(scheduled, now)
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Report what is due and send callbacks, in the event loop that enters this."""
        self.audits.pass_over()
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._run()),
                tasks.create_task(self.audits.run()),
                tasks.create_task(self.sender.run()),
            ]
            try:
                yield
            finally:
                for task in running:
                    task.cancel()

    async def _run(self) -> None:
        while True:
            # With many to report, the server answers requests in between.
            seconds = 0 if self.report_due() else _POLL if self._due else None
            await self._wakeup.wait(seconds)

    def _start_scheduling(self) -> None:
        if self._is_scheduling:
            return
        self._is_scheduling = True
        self._observed_from = self._now()
        self._earlier = iter((*self._outbox.messages, *self._outbox.dropped))
        self._wakeup.set()

    def _schedule_earlier(self) -> bool:
        """Schedule some of the messages that were sent before anything observed.

        There may be thousands, and the event loop has requests to answer in between.

        Returns:
            Whether there may be more.
        """
        some = list(islice(self._earlier, _AT_ONCE))
        for message in some:
            plan = self._plan(message)
            reported = len(lifecycle.reached(plan, self._observed_from))
            self._schedule(ScheduledStatuses(message, plan, reported))
        return len(some) == _AT_ONCE

    def _schedule(self, scheduled: ScheduledStatuses) -> None:
        number, due = scheduled.message.number, scheduled.due
        if due is None:
            self._scheduled.pop(number, None)
            return
        self._scheduled[number] = scheduled
        heapq.heappush(self._due, (due, number))
        self._wakeup.set()

    def _report(self, scheduled: ScheduledStatuses, now: datetime) -> None:
        for change in lifecycle.reached(scheduled.plan[scheduled.reported :], now):
            scheduled.reported += 1
            if self.sender.callbacks is not None:
                self.sender.take(status_row(scheduled.message, change))
            self._notify(scheduled.message.number, change)
        self._schedule(scheduled)

    def _on_try(self, delivery: CallbackDelivery) -> None:
        for number in delivery.messages:
            self._notify(number, delivery)

    def _notify(self, number: int, event: StatusChange | Reply | CallbackDelivery) -> None:
        for observer in self._observers:
            observer(number, event)

    # ---------------------------------------------------------------------------

    def _own(self, message: SentMessage) -> SentMessage:
        try:
            known = self._outbox.get(message.number)
        except LookupError:
            known = None
        # By identity first, which is fast; a message that was unpickled is equal all the same.
        if known is not message and known != message:
            raise ValueError("message: does not belong to this sandbox")
        return message

    def _plan(self, message: SentMessage) -> Plan:
        return self._changed.get(message.number) or plan_of(message, self._pace)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
