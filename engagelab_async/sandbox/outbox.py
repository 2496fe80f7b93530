"""What the sandbox has sent."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from heapq import merge
from operator import attrgetter
from types import MappingProxyType
from typing import Literal, TypeAlias

from attrs import field, frozen

from .recipients import canonical

Product: TypeAlias = Literal["otp", "sms"]
"""A product of the platform; each has its own paths and its own key pair."""


def _read_only(params: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(params))


def _read_only_json(values: Mapping[str, object]) -> Mapping[str, object]:
    return MappingProxyType(dict(values))


def _last_two(recipient: str) -> str:
    return f"'…{recipient[-2:]}'"


@frozen(kw_only=True)
class SentMessage:
    """One message to one recipient.

    Its ``repr`` shows the recipient's last two characters, and neither text, code nor params.

    Attributes:
        message_id: Its id. A custom message to several recipients has one id for all of them.
        product: ``"otp"`` or ``"sms"``.
        channel: ``"sms"``, ``"email"`` or ``"whatsapp"``.
        fallbacks: The channels that follow when that one fails to deliver, in their order.
        recipient: The number or email address, as it was written.
        template_id: The id of its template.
        text: The rendered text.
        code: The code in it, made by the platform or the caller, or ``None``.
        params: The template's variables, as they came.
        plan_id: The plan that an SMS belongs to, or ``None``.
        scheduled_for: When a scheduled SMS is due, or ``None``.
        sent_at: When the request came.
        custom_args: What an SMS request wants to get back in callbacks.
        code_expires_at: Until when the code can be verified; ``None`` for one that cannot.
        accepted: Whether it goes out. SMS drops a target that cannot be reached without a word.
        number: Its place among all messages of its sandbox, from 1.

    .. versionadded:: 0.1.0
    """

    message_id: str
    product: Product
    channel: str
    recipient: str = field(repr=_last_two)
    template_id: str
    text: str = field(repr=False)
    code: str | None = field(repr=False)
    # A mapping has no hash; without it, equal messages still have equal hashes.
    params: Mapping[str, str] = field(repr=False, hash=False, converter=_read_only)
    plan_id: str | None = None
    scheduled_for: datetime | None = None
    sent_at: datetime
    custom_args: Mapping[str, object] = field(
        factory=dict, repr=False, hash=False, converter=_read_only_json
    )
    code_expires_at: datetime | None = None
    accepted: bool = True
    number: int = 0
    fallbacks: tuple[str, ...] = ()


class Outbox:
    """Every message of one sandbox, oldest first."""

    def __init__(self) -> None:
        self._messages: list[SentMessage] = []
        self._dropped: list[SentMessage] = []
        self._counts: Counter[Product] = Counter()

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """A copy of all messages that were sent."""
        return tuple(self._messages)

    @property
    def dropped(self) -> tuple[SentMessage, ...]:
        """A copy of all messages that were not sent, because their target was dropped."""
        return tuple(self._dropped)

    @property
    def next_number(self) -> int:
        """The number of the message that will be added next."""
        return len(self._messages) + len(self._dropped) + 1

    def add(self, message: SentMessage) -> None:
        """Put a message behind the others."""
        (self._messages if message.accepted else self._dropped).append(message)
        self._counts[message.product] += message.accepted

    def state(self) -> tuple[SentMessage, ...]:
        """Return all messages, sent and dropped, oldest first."""
        return tuple(merge(self._messages, self._dropped, key=attrgetter("number")))

    def restore(self, messages: Sequence[SentMessage]) -> None:
        """Replace all messages by these, oldest first."""
        self._messages = [message for message in messages if message.accepted]
        self._dropped = [message for message in messages if not message.accepted]
        self._counts = Counter(message.product for message in self._messages)

    def count(self, product: Product) -> int:
        """Return how many messages a product has sent."""
        return self._counts[product]

    def get(self, number: int) -> SentMessage:
        """Return a message by its number.

        Raises:
            LookupError: There is none.
        """
        for messages in (self._messages, self._dropped):
            place = bisect_left(messages, number, key=attrgetter("number"))
            if place < len(messages) and messages[place].number == number:
                return messages[place]
        raise LookupError(f"the sandbox has no message {number}")

    def last(self, to: str | None) -> SentMessage:
        """Return the newest message, to one recipient or to any.

        Raises:
            LookupError: There is none.
        """
        address = canonical(to or "")
        for message in reversed(self.messages):
            if to is None or canonical(message.recipient) == address:
                return message
        where = "" if to is None else " to this recipient"
        raise LookupError(f"the sandbox has sent nothing{where}")
