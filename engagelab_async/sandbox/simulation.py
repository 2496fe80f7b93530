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
import math
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, TypeAlias

from attrs import evolve, frozen

from . import lifecycle
from .callback_sender import CallbackSender
from .callbacks import CallbackDelivery, Callbacks, Row, review_row, status_row, uplink_row
from .codes import Codes
from .lifecycle import Plan, Reply, StatusChange, plan_of
from .loop import Wakeup
from .outbox import Outbox, SentMessage
from .refusals import RefusedError
from .reviews import PENDING, Submission, TemplateId

Event: TypeAlias = StatusChange | Reply | CallbackDelivery
Observer: TypeAlias = Callable[[int, Event], object]
"""Called with the number of a message, and what happened to it."""

_AT_ONCE: Final = 500
# The clock may be the caller's, and be set forward at any moment, which wakes no task.
_POLL: Final = 0.05
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


@frozen
class ManualChange:
    """What was done manually to a message.

    Attributes:
        plan: All statuses that it has reached or will reach; empty if they were not changed.
        replies: What the recipient has replied, oldest first.
    """

    number: int
    plan: Plan = ()
    replies: tuple[Reply, ...] = ()


class Simulation:
    """What becomes of the messages of one sandbox.

    ``submissions`` returns the review of every template; ``pace`` is a factor for the time that
    sending, delivering and repeating a callback take.
    """

    def __init__(
        self,
        outbox: Outbox,
        codes: Codes,
        submissions: Callable[[], Iterable[tuple[TemplateId, Submission]]],
        *,
        pace: float,
        clock: Callable[[], float],
    ) -> None:
        self.sender: CallbackSender = CallbackSender(self._on_try, pace)
        self._outbox = outbox
        self._codes = codes
        self._submissions = submissions
        self._pace = pace
        self._clock = clock
        self._manual: dict[int, ManualChange] = {}
        self._observers: list[Observer] = []
        self._is_observed = False
        # By number of message: since when it is observed, until its statuses are scheduled; those
        # that are still to be reported; and when the next of them is due.
        self._unscheduled: dict[int, datetime] = {}
        self._scheduled: dict[int, Plan] = {}
        self._due: list[tuple[datetime, int]] = []
        self._reviewed: dict[TemplateId, Submission] = {}
        self._awaits_review = False
        self._wakeup = Wakeup()

    # --------------------------------------------------------------------------- what happened

    def history(self, message: SentMessage) -> Plan:
        """Return the statuses that a message has reached so far, earliest first."""
        return lifecycle.reached(self._plan(self._own(message)), self._now())

    def replies(self, message: SentMessage) -> tuple[Reply, ...]:
        """Return what the recipient has replied, oldest first."""
        return self._manual_change(self._own(message)).replies

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
        """Compare a guess with the code of a message, and return whether it is right."""
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
        manual, reply = self._manual_change(self._own(message)), Reply(text, self._now())
        replies = (*manual.replies, reply)
        self._manual[message.number] = evolve(manual, replies=replies)
        self.sender.take(uplink_row(message, replies))
        self._notify(message.number, reply)

    def _change(self, message: SentMessage, change: Callable[[Plan, datetime], Plan]) -> None:
        number = message.number
        self._schedule_if_new(number)  # what was reached before must not be reported by this
        before = self._plan(message)
        after = change(before, self._now())
        self._manual[number] = evolve(self._manual_change(message), plan=after)
        if self._is_observed:
            reported = len(before) - len(self._scheduled.get(number, ()))
            self._schedule(number, after[reported:])

    def _manual_change(self, message: SentMessage) -> ManualChange:
        return self._manual.get(message.number) or ManualChange(message.number)

    # --------------------------------------------------------------------------- stored state

    def state(self) -> tuple[ManualChange, ...]:
        """Return all manual changes."""
        return tuple(self._manual.values())

    def restore(self, state: Iterable[ManualChange]) -> None:
        """Replace all manual changes."""
        self._manual = {each.number: each for each in state}
        if self._is_observed:
            self._pass_over()

    # --------------------------------------------------------------------------- reporting

    @property
    def callbacks(self) -> Callbacks | None:
        """Where callbacks go, or ``None``."""
        return self.sender.callbacks

    @callbacks.setter
    def callbacks(self, callbacks: Callbacks | None) -> None:
        self.sender.callbacks = callbacks
        if callbacks is not None:
            self._begin_observing()

    def observe(self, observer: Observer) -> None:
        """Report everything that happens to a message from now on."""
        self._observers.append(observer)
        self._begin_observing()

    def begin(self, messages: Iterable[SentMessage]) -> None:
        """Report the statuses of messages that were sent just now."""
        if self._is_observed:
            self._unscheduled.update((message.number, _ALWAYS) for message in messages)
            self._wakeup.set()

    def review_begins(self) -> None:
        """Report a review that begins once it ends."""
        self._awaits_review = True
        self._wakeup.set()

    def report_due(self) -> bool:
        """Report some of what is due, earliest first, and return whether there is more."""
        # There may be thousands, and the event loop has requests to answer in between.
        for number in list(islice(self._unscheduled, _AT_ONCE)):
            self._schedule_if_new(number)
        if self._unscheduled:
            return True
        for _ in range(_AT_ONCE):
            if not self._due or self._due[0][0] > self._now():
                return False
            _, number = heapq.heappop(self._due)
            # A manual change pushes another entry, and all may be reported by now.
            if number in self._scheduled:
                self._report(self._outbox.get(number), self._scheduled[number])
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Report what is due and send callbacks, in the event loop that enters this."""
        self._look_at_reviews(lambda _: None)  # what was decided meanwhile is no news
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._run()), tasks.create_task(self.sender.run())]
            try:
                yield
            finally:
                for task in running:
                    task.cancel()

    async def _run(self) -> None:
        while True:
            # With many to report, the server answers requests in between.
            has_more = self.report_due()
            if self._awaits_review:
                self._look_at_reviews(self.sender.take)
            is_polling = self._due or self._awaits_review
            await self._wakeup.wait(0 if has_more else _POLL if is_polling else None)

    def _begin_observing(self) -> None:
        if not self._is_observed:
            self._is_observed = True
            self._pass_over()
            self._wakeup.set()

    def _pass_over(self) -> None:
        """Do not report what has happened by now, such as what comes from a store."""
        self._unscheduled = dict.fromkeys(range(1, self._outbox.next_number), self._now())
        self._look_at_reviews(lambda _: None)

    def _schedule_if_new(self, number: int) -> None:
        since = self._unscheduled.pop(number, None)
        if since is not None:
            plan = self._plan(self._outbox.get(number))
            self._schedule(number, plan[len(lifecycle.reached(plan, since)) :])

    def _schedule(self, number: int, plan: Plan) -> None:
        if not plan:
            self._scheduled.pop(number, None)
            return
        self._scheduled[number] = plan
        heapq.heappush(self._due, (plan[0].at, number))
        self._wakeup.set()

    def _report(self, message: SentMessage, plan: Plan) -> None:
        reached = lifecycle.reached(plan, self._now())
        for change in reached:
            if self.sender.callbacks is not None:
                self.sender.take(status_row(message, change))
            self._notify(message.number, change)
        self._schedule(message.number, plan[len(reached) :])

    def _on_try(self, delivery: CallbackDelivery) -> None:
        for number in delivery.messages:
            self._notify(number, delivery)

    def _notify(self, number: int, event: Event) -> None:
        for observer in self._observers:
            observer(number, event)

    def _look_at_reviews(self, report: Callable[[Row], object]) -> None:
        """Report the reviews that have ended since the last look."""
        before, self._reviewed, self._awaits_review = self._reviewed, {}, False
        now = self._clock()
        for template, submission in self._submissions():
            if submission.status(now) == PENDING:
                self._awaits_review |= submission.ends_at < math.inf
                continue
            self._reviewed[template] = submission
            if before.get(template) is not submission:
                report(review_row(template, submission))

    # ---------------------------------------------------------------------------

    def _own(self, message: SentMessage) -> SentMessage:
        with suppress(LookupError):
            # By identity first, which is fast; a message that was unpickled is equal all the same.
            if (known := self._outbox.get(message.number)) is message or known == message:
                return message
        raise ValueError("message: does not belong to this sandbox")

    def _plan(self, message: SentMessage) -> Plan:
        return self._manual_change(message).plan or plan_of(message, self._pace)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
