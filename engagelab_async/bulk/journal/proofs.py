"""What delivery receipts prove of the operations that a run was left uncertain of.

Callbacks arrive late, twice, in any order, and for other journals, too. Of each message, the
furthest status is kept that it is known to have reached::

    plan · target_valid      the request arrived       ──> accepted
    target_invalid           its only recipient is not ──> refused
    sent_failed              it was not sent           ──> unsent
    all others               it was sent               ──> accepted
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Protocol, Self, runtime_checkable

from attrs import evolve, frozen

from engagelab_async.arguments import is_integer
from engagelab_async.bulk.identity import REFERENCE, Reference

from .protocol import JournalError, State

_RANKS: Final = {
    "plan": 0,
    "target_valid": 1,
    # All others are 2: "sent", and statuses that are not known yet.
    "target_invalid": 3,
    "sent_failed": 4,
    "sent_fail": 4,
    "delivered": 5,
    "delivered_failed": 5,
    "verified_failed": 6,
    "verified_timeout": 6,
    "verified": 7,
}
_NOT_SENT_STATUSES: Final = {
    # Statuses of a message that was not sent; with any other, it may have been.
    "plan": State.ACCEPTED,
    "target_valid": State.ACCEPTED,
    "target_invalid": State.REFUSED,
    "sent_failed": State.UNSENT,
    "sent_fail": State.UNSENT,
}
_PROOF_ORDER: Final = (State.UNSENT, State.REFUSED, State.ACCEPTED)
"""If an operation has several messages, the last of these states counts."""

_LARGEST: Final = 2**63
"""Integers of a database are less than this."""


@runtime_checkable
class _Status(Protocol):
    """What is read of a `webhooks.MessageStatus`."""

    message_id: str
    status: str
    custom_args: Mapping[str, Any]
    error_code: int | None


@frozen
class Receipt:
    """A message, as its callbacks reported it; the fields are the columns of ``messages``.

    Attributes:
        id: The message's id.
        digest: The operation's identity, if the callback had a `Reference`.
        targets: As for `Reference`.
        token: The run that sent it.
        status: The furthest status that it reached.
        rank: How far that is.
        went: Whether it was ever in a status that a message reaches only when it is sent.
        code: The API's code of why it was not.
    """

    id: str
    digest: str | None
    targets: int | None
    token: str | None
    status: str
    rank: int
    went: bool
    code: int | None

    @classmethod
    def of(cls, event: object) -> Self | None:
        """Read a callback's event; ``None`` if it is not about the status of a message."""
        if not isinstance(event, _Status):
            return None
        found = Reference.read(event.custom_args.get(REFERENCE))
        status = _storable(event.status)
        return cls(
            _storable(event.message_id),
            None if found is None else found.digest,
            None if found is None else found.targets,
            None if found is None else found.token,
            status,
            _RANKS.get(status, 2),
            status not in _NOT_SENT_STATUSES,
            _code(event.error_code),
        )

    @property
    def proves(self) -> State | None:
        """What it proves of its operation."""
        # One of many that was not sent says nothing of the others.
        if self.went or (self.targets or 0) > 1:
            return State.ACCEPTED
        state = _NOT_SENT_STATUSES.get(self.status)
        if state is None:
            raise JournalError(
                f"journal: its callbacks hold a status that is not known, {self.status!r}: "
                "nothing is sent, and nothing is changed"
            )
        return state if self.targets or state is State.ACCEPTED else None


def _storable(text: str) -> str:
    # JSON can hold half of a surrogate pair, and a database cannot.
    return text.encode(errors="backslashreplace").decode()


def _code(code: int | None) -> int | None:
    """Return a code if it is one: what no code can be must not cost the proof beside it."""
    is_code = is_integer(code) and 0 < abs(code) < _LARGEST
    return code if is_code else None


@frozen
class Doubt:
    """An operation that may have been sent.

    Attributes:
        digest: Its identity.
        state: Its state in the journal: being sent, or uncertain.
        error: Its error in the journal.
        token: The run that left it so.
    """

    digest: str
    state: State
    error: str | int | None
    token: str


@frozen
class Proof:
    """What receipts prove of an operation.

    Attributes:
        doubt: What the journal says of it.
        state: What it is proven to be: accepted, refused or unsent.
        id: The message's id.
        code: The API's code of why it was not sent, or ``None``.
        error: The status that says so, or ``None``.
    """

    doubt: Doubt
    state: State
    id: str
    code: int | None = None
    error: str | None = None


def prove(
    doubts: Mapping[str, Doubt], receipts: Iterable[Receipt], tokens: Collection[str]
) -> list[Proof]:
    """Settle doubts with receipts.

    That an operation was accepted or refused is proven by a message of any run of the journal. That
    it was not sent is proven only by a message of the run that left it uncertain: an earlier one's
    may have failed, and this one's have arrived.

    Args:
        doubts: All that is uncertain, by digest.
        receipts: Those with such a digest.
        tokens: The runs of the journal.

    Raises:
        JournalError: A receipt has a status that is not known.
    """
    found: dict[str, Proof] = {}
    for receipt in receipts:
        doubt, state = doubts[receipt.digest or ""], receipt.proves
        known = tokens if state is not State.UNSENT else {doubt.token}
        if state is not None and receipt.token in known:
            proof = Proof(doubt, state, receipt.id)
            if state is not State.ACCEPTED:
                proof = evolve(proof, code=receipt.code, error=receipt.status)
            found[doubt.digest] = max(found.get(doubt.digest, proof), proof, key=_strength)
    return list(found.values())


def _strength(proof: Proof) -> int:
    return _PROOF_ORDER.index(proof.state)
