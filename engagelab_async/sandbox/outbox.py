"""What the sandbox has sent."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from attrs import field, frozen

from .recipients import canonical

Product: TypeAlias = Literal["otp", "sms"]
"""A product of the platform; each has its own paths and its own key pair."""


def _read_only(params: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType(dict(params))


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
        recipient: The number or email address, as it was written.
        template_id: The id of its template.
        text: The rendered text.
        code: The code in it, whoever made that, or ``None``.
        params: The template's variables, as they came.
        plan_id: The plan that an SMS belongs to, or ``None``.
        scheduled_for: When a scheduled SMS is due, or ``None``.
        sent_at: When the request came.

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


class Outbox:
    """Every message of one sandbox, oldest first.

    The server's thread adds to it while other threads read, so readers get copies.
    """

    def __init__(self) -> None:
        self._messages: list[SentMessage] = []

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """A copy of all messages."""
        return tuple(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def since(self, count: int) -> tuple[SentMessage, ...]:
        """Return the messages that came after the first so many."""
        return tuple(self._messages[count:])

    def add(self, message: SentMessage) -> None:
        """Put a message behind the others."""
        self._messages.append(message)

    def last(self, to: str | None) -> SentMessage:
        """Return the newest message, to one recipient or to any.

        Raises:
            LookupError: There is none.
        """
        address = canonical(to or "")
        for message in reversed(self.messages):
            if to is None or canonical(message.recipient) == address:
                return message
        whom = "" if to is None else " to this recipient"
        raise LookupError(f"the sandbox has sent nothing{whom}")
