"""What a run needs of a journal: a `JournalStore`, and the records that pass through it.

An operation's states::

    (no record) ── intent ──> sending ── settle ──> accepted
       ↑                        │                  refused     the API will not take it
       │                        │                  uncertain   it may have been sent
       │                        │                  split       its halves are sent instead
       └────── (unsent) <───────┘                  unsent      it was not, and may be tried again
                                └ the process ends here: uncertain
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Protocol, runtime_checkable

from attrs import define, frozen

from engagelab_async.bulk.outcomes import AnyOutcome
from engagelab_async.errors import ConfigurationError


class JournalError(ConfigurationError):
    """A journal cannot be used.

    It is in use, damaged, without its log, of another version, used elsewhere, or not a journal.
    """


class State(IntEnum):
    """What a journal knows of an operation."""

    SENDING = 0
    ACCEPTED = 1
    REFUSED = 2
    UNCERTAIN = 3
    UNSENT = 4
    SPLIT = 5

    @property
    def doubtful(self) -> bool:
        """Whether it may have been sent."""
        return self in (State.SENDING, State.UNCERTAIN)


@frozen
class Record:
    """What a journal knows of an operation that was to be sent.

    Attributes:
        state: Its state.
        run: The number of the run that recorded it.
        granted: Whether the intent was written nevertheless. The operation may have been sent
            before then, and the caller has agreed to send it again.
    """

    state: State
    run: int
    granted: bool = False


@define
class SendIntent:
    """The intent to send an operation, or a question whether it may be sent.

    Attributes:
        digest: The operation's identity.
        resend: Whether it may be sent though an earlier run may have sent it.
        again: Whether this run has written the intent before and withdrawn it.
        ask_only: Whether nothing is written.
        product: The product that it belongs to.
    """

    digest: str
    resend: bool = False
    again: bool = False
    ask_only: bool = False
    product: str | None = None

    def check(self, known: Record | None, run: int) -> Record | None:
        """Decide whether the operation may be sent.

        Args:
            known: The record of the operation, if there is one.
            run: The run that intends to send it.

        Returns:
            What `JournalStore.write` returns for it: ``None`` if it may be sent, or why not.
        """
        if known is None or known.state is State.UNSENT:
            return None
        if known.run == run:
            granted = self.again and known.state is State.UNCERTAIN
        else:
            granted = self.resend and known.state.doubtful
        return Record(known.state, known.run, granted)


@define
class Settlement:
    """The outcome of an operation, as it is recorded.

    Attributes:
        digest: The operation's identity.
        state: Its final state.
        id: The plan's or message's id.
        code: The API's error code.
        error: The name of the error's class.
        outcome: The outcome itself; ``None`` if the operation has none yet, as before a retry.
    """

    digest: str
    state: State
    id: str | None = None
    code: int | None = None
    error: str | None = None
    outcome: AnyOutcome | None = None


@runtime_checkable
class JournalStore(Protocol):
    """Where a run keeps its journal. It is opened for one run, which closes it.

    A run's digests are 32 hexadecimal digits. To a store, they are any text.

    Attributes:
        run: The number of the run, which no other run of the journal has.
        token: What distinguishes the run from those of all other journals.
    """

    run: int
    token: str

    async def write(
        self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write settlements, then intents, at once: all of them durable, or none.

        There is one call at a time, and it is not cancelled. No digest is to be written twice in a
        call, but one may be asked for as well, which comes first.

        Args:
            settlements: How operations ended. Each belongs to an intent that this run has written,
                or to one half of it.
            intents: The operations to be sent. Those that may be sent are written as being sent by
                this run; those that are only asked for are not written. The store decides, as
                `SendIntent.check` does: no second intent is granted while the first is in flight.

        Returns:
            By digest, the records of operations that must not be sent, and of those that may be
            although they may have been sent before (`Record.granted`).

        Raises:
            JournalError: Nothing was written. The run ends, and still tries to settle what it sent.
        """
        ...

    async def close(self) -> None:
        """End the run, and release the journal."""
        ...

    def abandon(self) -> None:
        """Release the journal without waiting: the event loop is being torn down."""
        ...
