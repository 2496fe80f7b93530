"""What becomes of a message: which status it reaches, and when. Nothing here waits or sends.

A `Plan` holds every status that a message has reached or will reach, in their order. It follows
from the message alone, until the code is verified or a status is changed manually::

    0 s     0 s              1 s          2 s
    plan ─> target_valid ──> sent ──────> delivered          as +10000000000, and most others
                          │   ├─────────> delivered_failed
                          │   ├─────────> delivered_failed (on WhatsApp), and at once
                          │   │           sent (by SMS) ───> delivered, at 3 s: the fallback
                          │   └ ends here                    as +10000000003
                          └─> sent_failed, or sent_fail
    plan ─> target_invalid                                   a target that SMS drops

    a code that the platform made:  ── wrong guess ────> verified_failed, and may be tried again
                                    ── right guess ────> verified
                                    ── no guess ───────> verified_timeout, when it expires

The seconds count from the request, or from when a scheduled message is due.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from .outbox import SentMessage
from .recipients import magic_of
from .refusals import MEANINGS

_ENDS_OF_DELIVERY: Final = frozenset(
    {"target_invalid", "sent_failed", "sent_fail", "delivered", "delivered_failed"}
)
_ENDS_OF_A_CODE: Final = frozenset({"verified", "verified_timeout"})
_NOT_A_NUMBER: Final = 5011
_UNREACHABLE: Final = 5012


@frozen
class StatusChange:
    """A message reaches a status.

    Attributes:
        status: Such as ``"delivered"``, in the words of the platform's callbacks.
        at: When.
        channel: The channel that it is on by then.
        error_code: What went wrong, or 0.

    .. versionadded:: 0.1.0
    """

    status: str
    at: datetime
    channel: str
    error_code: int = 0

    @property
    def error(self) -> str:
        """What went wrong in words, or an empty string."""
        return MEANINGS.get(self.error_code, "")


@frozen
class Reply:
    """What a recipient replied.

    Attributes:
        text: The text.
        at: When.

    .. versionadded:: 0.1.0
    """

    text: str = field(repr=False)
    at: datetime


Plan: TypeAlias = tuple[StatusChange, ...]
"""All statuses that a message has reached or will reach, earliest first."""


def plan_of(message: SentMessage, pace: float) -> Plan:
    """Plan what becomes of a message that is left alone; its delays are multiplied by ``pace``."""
    begins = message.scheduled_for or message.sent_at
    pace = 0.0 if magic_of(message.recipient).at_once else pace
    plan = [StatusChange("plan", message.sent_at, message.channel)]
    for seconds, status, channel, error in _steps(message):
        at = begins + timedelta(seconds=seconds * pace)
        plan.append(StatusChange(status, at, channel, error))
    if message.code_expires_at is not None:
        plan.append(StatusChange("verified_timeout", message.code_expires_at, plan[-1].channel))
    # A code may expire before its message arrives.
    return tuple(sorted(plan, key=lambda change: change.at))


def _steps(message: SentMessage) -> Iterable[tuple[float, str, str, int]]:
    magic, channel = magic_of(message.recipient), message.channel
    if not message.accepted:
        yield 0, "target_invalid", channel, magic.error or _NOT_A_NUMBER
        return
    yield 0, "target_valid", channel, 0
    if magic.ends in {"sent_failed", "sent_fail"}:
        yield 1, magic.ends, channel, magic.failure
        return
    all_fail, first_fails = magic.ends == "delivered_failed", magic.fallback is not None
    tried = message.fallbacks[: None if all_fail else int(first_fails)]
    for seconds, fallback in enumerate(tried, 1):
        yield seconds, "sent", channel, 0
        yield seconds + 1, "delivered_failed", channel, magic.failure or _UNREACHABLE
        channel = fallback
    yield len(tried) + 1, "sent", channel, 0
    if magic.ends != "sent":
        yield len(tried) + 2, magic.ends, channel, magic.failure


def reached(plan: Plan, now: datetime) -> Plan:
    """Return what has happened by now."""
    return tuple(change for change in plan if change.at <= now)


def end_of(history: Plan) -> StatusChange | None:
    """Return what delivery has ended with, or ``None`` if it goes on, perhaps elsewhere."""
    for change in reversed(history):
        if change.status in _ENDS_OF_DELIVERY:
            return change
        if change.status == "sent":
            return None
    return None


def deliver(plan: Plan, now: datetime) -> Plan:
    """Deliver at once, whatever was planned; a ``ValueError`` if its delivery is over."""
    past, future = _in_delivery(plan, now)
    statuses = {change.status for change in past}
    missing = [each for each in ("target_valid", "sent") if each not in statuses]
    arrived = [
        evolve(past[-1], status=each, at=now, error_code=0) for each in (*missing, "delivered")
    ]
    return (*past, *arrived, *_of_the_code(future))


def fail(
    plan: Plan,
    now: datetime,
    error_code: int,
    *,
    fallbacks: Sequence[str] = (),
    delay: timedelta = timedelta(0),
) -> Plan:
    """Fail at once: to be delivered if it was sent by now, to be sent otherwise.

    If there is a fallback after the channel that failed to deliver, the message is sent on it, and
    delivered after a delay. A ``ValueError`` if its delivery is over, or the code is none.
    """
    if error_code not in MEANINGS:
        raise ValueError(f"error_code: {error_code} is not an error code of the API")
    past, future = _in_delivery(plan, now)
    if not any(change.status == "sent" for change in past):
        failed = evolve(past[-1], status="sent_failed", at=now, error_code=error_code)
        return (*past, failed, *_of_the_code(future))
    failed = evolve(past[-1], status="delivered_failed", at=now, error_code=error_code)
    channels = [*fallbacks]
    # All fallbacks are left when it fails on the first channel, which is none of them.
    place = channels.index(failed.channel) + 1 if failed.channel in channels else 0
    planned = [*_of_the_code(future)]
    for channel in channels[place : place + 1]:
        planned.append(StatusChange("sent", now, channel))
        planned.append(StatusChange("delivered", now + delay, channel))
    return (*past, failed, *sorted(planned, key=lambda change: change.at))


def guess(plan: Plan, now: datetime, *, is_right: bool) -> Plan:
    """Record a guess at the code."""
    past, future = _split(plan, now)
    status = "verified" if is_right else "verified_failed"
    guessed = evolve(past[-1], status=status, at=now, error_code=0)
    left = (each for each in future if not is_right or each.status not in _ENDS_OF_A_CODE)
    return (*past, guessed, *left)


def expire(plan: Plan, now: datetime) -> Plan:
    """Let the code expire now."""
    past, future = _split(plan, now)
    expired = [evolve(change, at=now) for change in _of_the_code(future)]
    left = (each for each in future if each.status not in _ENDS_OF_A_CODE)
    return (*past, *expired, *left)


def _split(plan: Plan, now: datetime) -> tuple[Plan, Plan]:
    # The first is there even if the clock was set back since.
    past = reached(plan, now) or plan[:1]
    return past, plan[len(past) :]


def _in_delivery(plan: Plan, now: datetime) -> tuple[Plan, Plan]:
    past, future = _split(plan, now)
    end = end_of(past)
    if end is not None:
        raise ValueError(f"message: its delivery is over, it is {end.status}")
    return past, future


def _of_the_code(plan: Plan) -> Plan:
    return tuple(change for change in plan if change.status in _ENDS_OF_A_CODE)
