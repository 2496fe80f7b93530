"""The events of callbacks: one for each row of their bodies.

::

    Event                 .server  .itime  .raw  .identity
    ├── MessageStatus     how far a message has come
    ├── Notification      the account: its balance, its rate of verified codes, its templates
    ├── UplinkMessage     a person has replied
    ├── SystemEvent       an action in the account
    └── UnknownEvent      anything else: rows of new kinds will come one day

How far a message comes::

    plan ──> target_valid ──> sent ──> delivered ──> verified | verified_timeout
      │           │            │ ↑         └──> verified_failed, and may be tried again
      │           │            │ └───────────── on the next channel, if the template has one
      │           │            └──> delivered_failed
      │           └──> sent_failed, also spelled sent_fail
      └──> target_invalid

Callbacks arrive late, twice, and in any order.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.serialization import Serializable

DELIVERED: Final = frozenset({"delivered", "verified"})
"""The statuses of a message that has arrived; a verified code has arrived."""

FAILED: Final = frozenset(
    {
        "target_invalid",
        "sent_failed",
        "sent_fail",  # the platform knows both spellings
        "delivered_failed",
        "verified_failed",
        "verified_timeout",
    }
)
"""The statuses that report a failure, which need not be the end: see `MessageStatus.is_final`."""


class JSONObject(Mapping[str, Any]):
    """A JSON object that cannot be changed, and whose ``repr`` shows nothing of it.

    ``dict(it)`` is one that can be changed and written as JSON.
    """

    # A MappingProxyType would do, if it could be pickled and copied.
    __slots__ = ("_members",)

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = dict(members)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return arguments.hidden(self)


def _masked(value: str | None) -> str:
    return "None" if value is None else arguments.masked_recipient(value)


def _empty() -> Mapping[str, Any]:
    return JSONObject({})


@frozen(kw_only=True)
class Event(Serializable):
    """The content of a row of a callback.

    A field that the row does not have, or that is of an unexpected type, is ``None``; `raw` has
    the original row.

    Attributes:
        server: The product: ``otp`` or ``sms``.
        itime: When it happened, or was first reported; in UTC.
        raw: The row, with everything in it. Its ``repr`` shows none of that.

    .. versionadded:: 0.1.0
    """

    server: str | None = None
    itime: datetime | None = None
    raw: Mapping[str, Any] = field(factory=_empty, converter=JSONObject, hash=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dict of what JSON can hold, and the class's name as ``type``.

        Unlike the ``repr``, the dict holds numbers, texts, and the original row.
        """
        return {"type": type(self).__name__, **super().to_dict()}

    @classmethod
    def _json_types(cls, source: object) -> dict[str, Any]:
        # Where an Event is announced, any kind may come.
        return {
            "type": str if cls is Event else Literal[cls.__name__],
            **super()._json_types(source),
        }

    @property
    def identity(self) -> str:
        """A digest of `raw`, the same whenever the platform repeats the row.

        Callbacks have no ids; this is a key for a database.

        Example:
            >>> MessageStatus(message_id="7", status="sent", raw={"a": 1, "b": 2}).identity
            'b48465408132d0bff24c5d5f94bfe758'
        """
        row = json.dumps(dict(self.raw), sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(row.encode(), digest_size=16).hexdigest()


@frozen(kw_only=True)
class MessageStatus(Event):
    """The delivery status of a message.

    Attributes:
        message_id: The message, as ``Sent`` and ``Plan`` name it.
        status: ``plan``, ``target_valid``, ``target_invalid``, ``sent``, ``sent_failed`` (or
            ``sent_fail``), ``delivered``, ``delivered_failed``, ``verified``,
            ``verified_failed``, ``verified_timeout``; or one that is added later.
        to: The recipient. A ``repr`` shows the last two digits.
        channel: The channel: ``sms``, ``whatsapp``, ``voice``, ``email``.
        custom_args: The ``custom_args`` of ``SendSMS``.
        msg_time: When the message was sent; in UTC.
        current_send_channel: The channel that the platform has chosen, in its own words.
        template_key: The template.
        business_id: The account's business.
        cost: What was paid, in units of `currency`; reported with ``sent``.
        currency: Its currency: ``USD``.
        error_code: Why it failed, or 0.
        error_message: Why it failed, in the platform's words, which a ``repr`` hides.

    Example:
        >>> event = MessageStatus(message_id="7", status="delivered", to="+6591234567")
        >>> event.is_delivered, event.is_final, event.is_failed
        (True, True, False)
        >>> event
        MessageStatus(server=None, itime=None, message_id='7', status='delivered', to='…67', ...)

    .. versionadded:: 0.1.0
    """

    message_id: str
    status: str
    to: str | None = field(default=None, repr=_masked)
    channel: str | None = None
    custom_args: Mapping[str, Any] = field(
        factory=_empty, converter=JSONObject, hash=False, repr=arguments.hidden
    )
    msg_time: datetime | None = None
    current_send_channel: str | None = None
    template_key: str | None = None
    business_id: str | None = None
    cost: float | None = None
    currency: str | None = None
    error_code: int | None = None
    error_message: str | None = field(default=None, repr=arguments.hidden)

    @property
    def is_final(self) -> bool:
        """Whether the message is delivered, or failed permanently.

        A wrong guess (``verified_failed``) is not the end: the person may try again. Nor is
        ``delivered_failed`` while `may_fall_back`. A ``delivered`` code may still become
        ``verified``.

        Example:
            >>> failed = MessageStatus(
            ...     message_id="7", status="delivered_failed", server="otp", channel="whatsapp"
            ... )
            >>> failed.is_failed, failed.is_final
            (True, False)
        """
        if self.status == "verified_failed":
            return False
        return self.is_delivered or (self.is_failed and not self.may_fall_back)

    @property
    def may_fall_back(self) -> bool:
        """Whether delivery failed on one channel, and the next one of the template may follow.

        With the strategy ``whatsapp|sms``, ``delivered_failed`` on WhatsApp is followed by ``sent``
        and ``delivered`` by SMS. A row does not say so: only the template's strategy says so, or
        the passing of time, for which a `Tracker` waits. The SMS product has no strategies, and
        email is never part of one.
        """
        return (
            self.status == "delivered_failed"
            and self.server != "sms"
            and "email" not in {self.channel, self.current_send_channel}
        )

    def is_final_with(self, strategy: str | Iterable[str]) -> bool:
        """Return whether the message is delivered, or failed permanently, for a known template.

        Args:
            strategy: The template's ``send_channel_strategy``: channels in their order, as
                ``whatsapp|sms`` or one by one.

        Example:
            >>> failed = MessageStatus(
            ...     message_id="7", status="delivered_failed", server="otp", channel="sms"
            ... )
            >>> [failed.is_final_with(strategy) for strategy in ("whatsapp|sms", "sms|voice")]
            [True, False]
        """
        if not self.may_fall_back:
            return self.is_final
        names = strategy.split("|") if isinstance(strategy, str) else strategy
        channels = [name.strip() for name in names]
        # What sends now counts, unless it is named as no strategy does.
        used = self.current_send_channel if self.current_send_channel in channels else self.channel
        return used not in channels[:-1]

    @property
    def is_delivered(self) -> bool:
        """Whether it has arrived; that is so if it is ``delivered`` or ``verified``."""
        return self.status in DELIVERED

    @property
    def is_failed(self) -> bool:
        """Whether it reports a failure, with a word such as ``failed``, ``invalid`` or ``timeout``.

        It is final only together with `is_final`. After ``verified_failed`` and
        ``verified_timeout`` the code was not verified; it may have arrived.
        """
        return self.status in FAILED


@frozen(kw_only=True)
class Notification(Event):
    """A notification about the account.

    Attributes:
        event: ``insufficient_verification_rate``, ``insufficient_balance``,
            ``template_audit_result``, or what will be added to them.
        data: All that it says, as it came.
        business_id: The account's business, of ``insufficient_balance``.
        remain_balance: What is left, in units of `currency`; negative with an overdraft.
        balance_threshold: What was set in the console as too little.
        currency: The currency: ``USD``.
        rate: The share of codes that were verified, of ``insufficient_verification_rate``.
        threshold: What was set in the console as too low.
        template_id: The template, of ``template_audit_result``.
        status: What the review came to, such as ``rejected``.
        reason: Why, in the platform's words, which a ``repr`` hides.

    Example:
        >>> event = Notification(event="insufficient_balance", remain_balance=Decimal("1.5000"))
        >>> event.remain_balance
        Decimal('1.5000')

    .. versionadded:: 0.1.0
    """

    event: str
    data: Mapping[str, Any] = field(
        factory=_empty, converter=JSONObject, hash=False, repr=arguments.hidden
    )
    business_id: str | None = None
    remain_balance: Decimal | None = None
    balance_threshold: Decimal | None = None
    currency: str | None = None
    rate: float | None = None
    threshold: float | None = None
    template_id: str | None = None
    status: str | None = None
    reason: str | None = field(default=None, repr=arguments.hidden)


@frozen(kw_only=True)
class UplinkMessage(Event):
    """A person has replied. A ``repr`` shows neither numbers nor the text.

    Attributes:
        sender: Who replied.
        recipient: The number that was replied to.
        text: The reply.
        message_id: The message; the platform has been seen to send ``0``.
        business_id: The account's business.
        message_sid: The reply's own id.
        account_sid: The account at the carrier.

    .. versionadded:: 0.1.0
    """

    sender: str = field(repr=_masked)
    recipient: str | None = field(default=None, repr=_masked)
    text: str = field(default="", repr=arguments.hidden)
    message_id: str | None = None
    business_id: str | None = None
    message_sid: str | None = None
    account_sid: str | None = None


@frozen(kw_only=True)
class SystemEvent(Event):
    """An action in the account. The ``repr`` does not show who did it.

    Attributes:
        event: ``account_login``, ``key_manage``, ``msg_history``, ``template_manage``,
            ``api_call``, or what will be added to them.
        action: What was done, such as ``login_failed``; ``None`` for ``api_call``, which has none.
        data: All about it: ``operator`` with ``email``, ``api_key`` and ``ip_address`` (also seen
            as ``ip``), and what happened under the event's own name, such as
            ``data["account_login"]``.

    .. versionadded:: 0.1.0
    """

    event: str
    action: str | None = None
    data: Mapping[str, Any] = field(
        factory=_empty, converter=JSONObject, hash=False, repr=arguments.hidden
    )


@frozen(kw_only=True)
class UnknownEvent(Event):
    """A row of a kind that is not known, or without what makes it one that is: see `raw`.

    .. versionadded:: 0.1.0
    """
