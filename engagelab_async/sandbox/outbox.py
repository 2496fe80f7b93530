"""What the sandbox has sent."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from .recipients import canonical

Product: TypeAlias = Literal["otp", "sms"]
"""A product of the platform; each has its own paths and its own key pair."""


def _read_only(values: Mapping[str, Any]) -> Mapping[str, Any]:
    # One that is read-only is shared by all messages of a request.
    return values if isinstance(values, MappingProxyType) else MappingProxyType(dict(values))


def _last_two(recipient: str) -> str:
    return f"'…{recipient[-2:]}'"


_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})


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
        default=_NOTHING, repr=False, hash=False, converter=_read_only
    )
    code_expires_at: datetime | None = None
    accepted: bool = True
    number: int = 0
    fallbacks: tuple[str, ...] = ()


class Outbox:
    """Every message of one sandbox, oldest first."""

    def __init__(self) -> None:
        self._all: list[SentMessage] = []
        self._counts: Counter[Product] = Counter()

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """All messages that were sent."""
        return tuple(message for message in self._all if message.accepted)

    @property
    def dropped(self) -> tuple[SentMessage, ...]:
        """All messages that were not sent, because their target was dropped."""
        return tuple(message for message in self._all if not message.accepted)

    @property
    def next_number(self) -> int:
        """The number of the message that will be added next."""
        return len(self._all) + 1

    def add(self, messages: Iterable[SentMessage]) -> None:
        """Number messages that were just made, and put them behind the others."""
        for number, message in enumerate(messages, self.next_number):
            # Only here it is known. Nothing else has seen the message yet.
            object.__setattr__(message, "number", number)
            self._append(message)

    def _append(self, message: SentMessage) -> None:
        self._all.append(message)
        self._counts[message.product] += message.accepted

    def state(self) -> tuple[SentMessage, ...]:
        """Return all messages, sent and dropped."""
        return tuple(self._all)

    def restore(self, messages: Iterable[SentMessage]) -> None:
        """Replace all messages by these."""
        self._all.clear()
        self._counts.clear()
        for message in messages:
            self._append(message)

    def count(self, product: Product) -> int:
        """Return how many messages a product has sent."""
        return self._counts[product]

    def get(self, number: int) -> SentMessage:
        """Return a message by its number; a ``LookupError`` if there is none."""
        if not 0 < number < self.next_number:
            raise LookupError(f"the sandbox has no message {number}")
        return self._all[number - 1]

    def last(self, to: str | None) -> SentMessage:
        """Return the newest message, to one recipient or to any; else a ``LookupError``."""
        address = canonical(to or "")
        for message in reversed(self._all):
            if message.accepted and (to is None or canonical(message.recipient) == address):
                return message
        where = "" if to is None else " to this recipient"
        raise LookupError(f"the sandbox has sent nothing{where}")
