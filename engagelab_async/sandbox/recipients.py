"""Recipients: what counts as one, and the magic ones that make something happen.

OTP answers an unusable recipient with an error. SMS drops an unusable target without a word, and
so it does with one that stands for an error which only OTP has.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final, Literal

from attrs import frozen

from .refusals import MEANINGS, OTP_ONLY, RefusedError

# E.164: at most 15 digits, the first of which begins a country code, and none begins with 0.
NUMBER: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
# No character class overlaps its neighbour, so matching takes linear time on any input.
EMAIL: Final = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


@frozen
class MagicRecipient:
    """What a magic recipient brings about.

    Attributes:
        effect: The same in words.
        error: The error code that every send is answered with, or ``None``.
        plan_error: The non-zero code inside the HTTP 200 of an SMS plan, or ``None``.
        channel: The channel that a send on the OTP product goes out on.
        verify_code: The code that the platform makes for it, or ``None`` for a random one.
        ends: The status that its delivery ends with.
        failure: The error code of that status, or 0.
        fallback: The channel that follows when the first has failed to deliver, or ``None``.
        at_once: Whether its delivery takes no time.
    """

    effect: str
    error: int | None = None
    plan_error: int | None = None
    channel: str = "sms"
    verify_code: str | None = None
    ends: Literal["delivered", "delivered_failed", "sent", "sent_failed", "sent_fail"] = "delivered"
    failure: int = 0
    fallback: str | None = None
    at_once: bool = False


MAGIC_RECIPIENTS: Final[Mapping[str, MagicRecipient]] = MappingProxyType(
    {
        "+10000000000": MagicRecipient("succeeds"),
        "+10000000001": MagicRecipient("answers 5011: " + MEANINGS[5011], error=5011),
        "+10000000002": MagicRecipient("answers 5012: " + MEANINGS[5012], error=5012),
        "+10000000003": MagicRecipient("succeeds, and is never delivered", ends="sent"),
        "+10000000004": MagicRecipient(
            "fails on WhatsApp, and is then delivered by SMS", channel="whatsapp", fallback="sms"
        ),
        "+10000000005": MagicRecipient("is sent the code 123456", verify_code="123456"),
        "+10000000014": MagicRecipient(
            "fails on WhatsApp, and then by SMS as well",
            channel="whatsapp",
            ends="delivered_failed",
            failure=5012,
            fallback="sms",
        ),
        "+10000000010": MagicRecipient("succeeds, and is delivered at once", at_once=True),
        "+10000000011": MagicRecipient("answers 5013: " + MEANINGS[5013], error=5013),
        "+10000000012": MagicRecipient("answers 5019: " + MEANINGS[5019], error=5019),
        "+10000000018": MagicRecipient(
            "is sent, and then not delivered: handset fault", ends="delivered_failed", failure=5018
        ),
        "+10000000024": MagicRecipient("is delivered on WhatsApp", channel="whatsapp"),
        "+10000000099": MagicRecipient("answers 3004: " + MEANINGS[3004], error=3004),
        "sandbox@example.com": MagicRecipient("succeeds on email", channel="email"),
        "+10000000200": MagicRecipient("an SMS plan fails inside an HTTP 200", plan_error=1),
        "+10000000201": MagicRecipient(
            "succeeds, and then cannot be sent", ends="sent_failed", failure=5016
        ),
        "+10000000202": MagicRecipient(
            "the same, in the other spelling", ends="sent_fail", failure=5016
        ),
        "+10000000203": MagicRecipient(
            "is sent, and then cannot be delivered", ends="delivered_failed", failure=5018
        ),
    }
    | {
        f"+1000000{code}": MagicRecipient(f"answers {code}: {meaning}", error=code)
        for code, meaning in MEANINGS.items()
    }
)
"""Every magic recipient and what it brings about.

Example:
    >>> MAGIC_RECIPIENTS["+10000005013"].effect
    'answers 5013: number is blacklisted'

.. versionadded:: 0.1.0
"""

_ANY_NUMBER: Final = MagicRecipient("an ordinary number")
_ANY_EMAIL: Final = MagicRecipient("an ordinary email address", channel="email")


_dropped: Final[ContextVar[Container[str]]] = ContextVar("dropped", default=())


@contextmanager
def dropping(targets: Container[str]) -> Iterator[None]:
    """Have SMS drop these targets, too, while a request is answered."""
    before = _dropped.set(targets)
    try:
        yield
    finally:
        _dropped.reset(before)


@frozen
class Recipient:
    """A recipient: as the request spells it, in its one spelling, and what it brings about."""

    written: str
    address: str
    magic: MagicRecipient

    def channel(self, wanted: Iterable[str]) -> str:
        """Return the channel that a send goes out on, of those of the template, if it has any."""
        if self.magic.channel != _ANY_NUMBER.channel:
            return self.magic.channel
        return next((name for name in wanted if name != "email"), self.magic.channel)

    def fallbacks(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return the channels that are tried in turn after the first has failed to deliver."""
        first = self.channel(wanted)
        if first in wanted[:-1]:
            return tuple(wanted[wanted.index(first) + 1 :])
        return () if self.magic.fallback is None else (self.magic.fallback,)


def recipients_in(body: Mapping[str, object]) -> list[str]:
    """Return the recipients that the body of a request names, as it spells them."""
    to = body.get("to")
    return [each for each in (to if isinstance(to, list) else [to]) if isinstance(each, str)]


def canonical(to: str) -> str | None:
    """Return the one spelling of a number or an email address, or ``None`` if it is neither."""
    number = NUMBER.fullmatch(to)
    if number:
        return f"+{number[1]}"
    return to.lower() if EMAIL.fullmatch(to) else None


def magic_of(to: str) -> MagicRecipient:
    """Return what a recipient brings about."""
    address = canonical(to) or ""
    return MAGIC_RECIPIENTS.get(address, _ANY_EMAIL if "@" in address else _ANY_NUMBER)


def otp_recipient(to: str) -> Recipient:
    """Take a recipient of the OTP product, or refuse it: 5011 for what is no address."""
    address = canonical(to)
    if address is None:
        raise RefusedError(5011)
    magic = magic_of(address)
    if magic.error is not None:
        raise RefusedError(magic.error)
    return Recipient(to, address, magic)


def sms_recipient(to: str) -> Recipient | None:
    """Take a target of the SMS product, or return ``None`` if it is to be dropped."""
    address = canonical(to)
    if address is None or "@" in address or to in _dropped.get():
        return None
    magic = magic_of(address)
    if magic.error in OTP_ONLY:
        return None
    if magic.error is not None:
        raise RefusedError(magic.error)
    return Recipient(to, address, magic)
