"""What has become of the messages of a sandbox: looked up, changed by hand, and told on time.

A status needs nobody to bring it about: it follows from the message and the time, see `lifecycle`.
Only what was done by hand is kept. So a sandbox costs nothing more while nobody listens::

    a message is sent ──> `begin` ──> nobody listens: nothing is to be done
                              │
                              └─────> a journey: it is told what is due, from the server's loop
    `deliver`, `fail`, … ─────────>   and what is done by hand; from any thread
"""

import heapq
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from attrs import define, field, frozen

from . import lifecycle
from ._kept import nobody
from .bell import Bell
from .lifecycle import Plan, StatusChange, plan_of
from .outbox import SentMessage

Listener: TypeAlias = Callable[[SentMessage, StatusChange], object]
"""Is told of a change."""

_AT_ONCE: Final = 500
# The clock may be the caller's, and be set forward at any moment; nobody would ring for that.
_LOOK_AGAIN: Final = 0.05


@frozen
class Reply:
    """What a recipient answered.

    Attributes:
        text: What it says.
        at: When.

    .. versionadded:: 0.1.0
    """

    text: str = field(repr=False)
    at: datetime


@frozen
class ByHand:
    """What was done by hand to a message.

    Attributes:
        number: The number of the message.
        plan: All that it has reached and is going to reach, or nothing if that was left alone.
        replies: What the recipient has answered, oldest first.
    """

    number: int
    plan: Plan
    replies: tuple[Reply, ...]


@define
class _Journey:
    """A message on its way, of which listeners are told."""

    message: SentMessage
    plan: Plan
    told: int

    @property
    def next_at(self) -> datetime | None:
        """When there is something to tell."""
        return self.plan[self.told].at if self.told < len(self.plan) else None


class Progress:
    """What has become of the messages of one sandbox; to be used from any thread.

    Args:
        pace: By what to multiply the time that sending and delivering take.
        clock: Tells the time in Unix seconds.

    Attributes:
        on_change: Called with what was done by hand to a message, whenever that is more.
    """

    def __init__(self, pace: float, clock: Callable[[], float]) -> None:
        self.on_change: Callable[[ByHand], object] = nobody
        self._pace = pace
        self._clock = clock
        self._listeners: list[Listener] = []  # one at most
        self._changed: dict[int, Plan] = {}
        self._replies: dict[int, tuple[Reply, ...]] = {}
        self._journeys: dict[int, _Journey] = {}
        self._due: list[tuple[datetime, int]] = []
        self._bell = Bell()
        self._lock = threading.RLock()

    # --------------------------------------------------------------------------- looking

    def history(self, message: SentMessage) -> Plan:
        """Return what a message has reached so far, earliest first."""
        return lifecycle.reached(self._plan(message), self._now())

    def replies(self, message: SentMessage) -> tuple[Reply, ...]:
        """Return what the recipient has answered, oldest first."""
        return self._replies.get(message.number, ())

    # --------------------------------------------------------------------------- by hand

    def deliver(self, message: SentMessage) -> None:
        """Deliver at once.

        Raises:
            ValueError: Its delivery is over.
        """
        self._change(message, lifecycle.deliver)

    def fail(self, message: SentMessage, error_code: int) -> None:
        """Fail at once.

        Raises:
            ValueError: Its delivery is over, or the code is not documented.
        """
        delay = timedelta(seconds=self._pace)
        self._change(
            message,
            lambda plan, now: lifecycle.fail(
                plan, now, error_code, fallbacks=message.fallbacks, delay=delay
            ),
        )

    def guess(self, message: SentMessage, *, is_right: bool) -> None:
        """Take note of a guess at the code."""
        self._change(message, lambda plan, now: lifecycle.guess(plan, now, is_right=is_right))

    def expire(self, message: SentMessage) -> None:
        """Let the code expire now."""
        self._change(message, lifecycle.expire)

    def reply(self, message: SentMessage, text: str) -> tuple[Reply, ...]:
        """Take note of what a recipient answers.

        Returns:
            All that the recipient has answered by then, oldest first.
        """
        with self._lock:
            replies = (*self.replies(message), Reply(text, self._now()))
            self._replies[message.number] = replies
            self._keep(message.number)
        return replies

    def _change(self, message: SentMessage, change: Callable[[Plan, datetime], Plan]) -> None:
        with self._lock:
            before, now = self._plan(message), self._now()
            after = change(before, now)
            self._changed[message.number] = after
            self._keep(message.number)
            if self._listeners:
                known = self._journeys.get(message.number)
                told = known.told if known else len(lifecycle.reached(before, now))
                self._travel(_Journey(message, after, told))

    def restore(self, all_by_hand: Sequence[ByHand]) -> None:
        """Take this for all that was done by hand."""
        with self._lock:
            self._changed = {each.number: each.plan for each in all_by_hand}
            self._replies = {each.number: each.replies for each in all_by_hand}

    def _keep(self, number: int) -> None:
        plan, replies = self._changed.get(number, ()), self._replies.get(number, ())
        self.on_change(ByHand(number, plan, replies))

    # --------------------------------------------------------------------------- telling

    def listen(self, listener: Listener, sent: Callable[[], Iterable[SentMessage]]) -> None:
        """Tell somebody of all changes from now on; again does nothing.

        Args:
            listener: Is called by `tell`.
            sent: Returns the messages that were sent so far, some of which may be on their way.
        """
        with self._lock:
            if self._listeners:
                return
            self._listeners.append(listener)
            for message in sent():
                self._travel(_Journey(message, self._plan(message), len(self.history(message))))

    def begin(self, message: SentMessage) -> None:
        """Let a message set out."""
        if self._listeners:
            with self._lock:
                self._travel(_Journey(message, self._plan(message), 0))

    def tell(self) -> bool:
        """Tell of some changes that are due, earliest first.

        Returns:
            Whether there is more to tell.
        """
        for _ in range(_AT_ONCE):
            with self._lock:
                now = self._now()
                if not self._due or self._due[0][0] > now:
                    return False
                _, number = heapq.heappop(self._due)
                # What was changed by hand has an entry more, and its journey may be over by now.
                journey = self._journeys.get(number)
                if journey is not None:
                    self._tell_of(journey, now)
        return True

    async def run(self) -> None:
        """Tell of changes when they are due, until it is cancelled."""
        while True:
            # With many to tell of, the server answers requests in between.
            seconds = 0 if self.tell() else _LOOK_AGAIN if self._due else None
            await self._bell.wait(seconds)

    def _tell_of(self, journey: _Journey, now: datetime) -> None:
        for change in lifecycle.reached(journey.plan[journey.told :], now):
            journey.told += 1
            for listener in self._listeners:
                listener(journey.message, change)
        self._travel(journey)

    def _travel(self, journey: _Journey) -> None:
        number, next_at = journey.message.number, journey.next_at
        if next_at is None:
            self._journeys.pop(number, None)
            return
        self._journeys[number] = journey
        heapq.heappush(self._due, (next_at, number))
        self._bell.ring()

    # ---------------------------------------------------------------------------

    def _plan(self, message: SentMessage) -> Plan:
        return self._changed.get(message.number) or plan_of(message, self._pace)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
