"""What the machines of a fleet share: who may send what, what came of it, how fast, and until when.

Two implementations: `postgresql.PostgreSQL`, and `memory.Memory` for tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from engagelab_async.bulk.journal import Doubt, Proof, Receipt, State
from engagelab_async.bulk.journal.sites import Site

Options = Mapping[str, Any]
"""What a submission prescribes to all workers, as JSON can hold it."""

LATE: Final = 2.0
"""Seconds beyond its deadline after which the worker of a request counts as dead."""


@define
class Ending:
    """What became of an operation that a delivery was allowed to send.

    Attributes:
        digest: Its identity.
        index: Its position in the source of the submission.
        state: Its state.
        id: The plan's or message's id.
        code: The API's error code.
        error: The name of the error's class.
        detail: The rest of its outcome, as JSON.
    """

    digest: str
    index: int
    state: State = field(converter=State)
    id: str | None = None
    code: int | None = None
    error: str | None = None
    detail: str | None = None


@define
class Operation(Ending):
    """What the store knows of an operation.

    Attributes:
        run: The delivery that recorded it.
        submission: The submission that this belongs to.
        age: Seconds since it was recorded.
    """

    run: int = 0
    submission: int = 0
    age: float = 0.0


@frozen
class Begun:
    """A delivery that has begun, or the reason why not.

    Attributes:
        campaign: The campaign.
        options: What its submission prescribes.
        run: The delivery's number; ``None`` if there is nothing to do.
    """

    campaign: str
    options: Options
    run: int | None


@frozen
class Delivery:
    """One delivery of a chunk: what a run is on one machine.

    Attributes:
        campaign: The campaign.
        submission: The number of the submission.
        run: The number of the delivery.
    """

    campaign: str
    submission: int
    run: int


@define
class Intent:
    """An operation that a delivery wants to send.

    Attributes:
        digest: Its identity.
        index: Its position.
        again: Whether this delivery has left it uncertain, and may send it again.
        resend: Whether it may be sent though an earlier submission may have sent it.
    """

    digest: str
    index: int
    again: bool = False
    resend: bool = False


@frozen
class Written:
    """What was written.

    Attributes:
        granted: The digests of the intents that are durable: they may be sent.
        stopped: Why the submission was stopped, if it was. Then none is granted.
    """

    granted: frozenset[str]
    stopped: str | None


@frozen
class Progress:
    """How far the chunks of a submission have come.

    Attributes:
        ended: The chunks that a delivery has finished.
        begun: The chunks that a delivery has begun, those that are finished among them.
        stopped: Why the submission was stopped, if it was.
        stopped_for: Seconds since then.
    """

    ended: frozenset[int]
    begun: frozenset[int]
    stopped: str | None = None
    stopped_for: float = 0.0


@frozen
class Doubts:
    """The uncertain operations of a campaign that callbacks have reported on.

    Attributes:
        doubts: The operations, by digest.
        receipts: Their messages, sent by any run of the campaign.
    """

    doubts: Mapping[str, Doubt]
    receipts: Sequence[Receipt]


@frozen
class LiveRun:
    """A delivery that has not ended.

    Attributes:
        submission: Its submission.
        chunk: Its chunk.
        host: The machine and process.
        age: Seconds since it began.
    """

    submission: int
    chunk: int
    host: str
    age: float


@frozen
class Submission:
    """A submission of a campaign.

    Attributes:
        number: Its number.
        started: When it began, in Unix seconds.
        ended: When it ended; ``None`` if it goes on, or its submitter died.
        stopped: Why it was stopped, if it was.
    """

    number: int
    started: float
    ended: float | None
    stopped: str | None


@frozen
class Contents:
    """What the store holds of a campaign.

    Attributes:
        submissions: Its submissions, oldest first.
        states: How many operations there are of each state.
        errors: How many ended in each error: by the API's code where it had one, else by the class.
        messages: How many messages are in each status, as callbacks reported it.
        live: The deliveries that have not ended.
    """

    submissions: Sequence[Submission] = ()
    states: Mapping[State, int] = field(factory=dict)
    errors: Mapping[str, int] = field(factory=dict)
    messages: Mapping[str, int] = field(factory=dict)
    live: Sequence[LiveRun] = ()


class Store(Protocol):
    """The shared state. Every method may be called again after it failed.

    Each raises `JournalError` if the store cannot be used.
    """

    async def create_tables(self) -> None:
        """Create what is missing; may be called at any time, by many at once."""
        ...

    async def submit(self, campaign: str, token: str, options: Options) -> int:
        """Begin a submission, and return its number.

        Args:
            campaign: The campaign.
            token: The same if this is called again for the same submission.
            options: What it prescribes.
        """
        ...

    async def begin(
        self, submission: int, proof: str, chunk: int, token: str, host: str
    ) -> Begun | None:
        """Begin a delivery of a chunk, unless it is finished or the submission was stopped.

        Args:
            submission: The submission.
            proof: Its token.
            chunk: The number of the chunk.
            token: What distinguishes the delivery from all others.
            host: The machine and process, for people.

        Returns:
            What has begun; ``None`` if there is no such submission.
        """
        ...

    async def use(self, campaign: str, sites: Mapping[str, Site]) -> Mapping[str, Site]:
        """Record where a campaign is sent to, unless that is recorded.

        Returns:
            What is recorded, by product.
        """
        ...

    async def write(
        self, delivery: Delivery, endings: Sequence[Ending], intents: Sequence[Intent]
    ) -> Written:
        """Write endings, then intents; durable when this returns.

        An intent is granted if nothing is known of the operation; if it was certainly not sent;
        if the delivery itself has asked before and was not answered; or as `Intent.again` and
        `Intent.resend` say. An ending counts only while the operation is the delivery's own.
        """
        ...

    async def look_up(self, campaign: str, digests: Sequence[str]) -> Mapping[str, Operation]:
        """Return what is known of some operations."""
        ...

    async def end(self, run: int) -> None:
        """End a delivery: its chunk is finished."""
        ...

    async def progress(self, submission: int, chunks: Sequence[int]) -> Progress:
        """Return how far some chunks have come."""
        ...

    async def stop(self, campaign: str, reason: str, submission: int | None = None) -> int:
        """Stop a submission, or all that have not ended; the first reason counts.

        Returns:
            How many are stopped.
        """
        ...

    async def finish(self, submission: int) -> None:
        """End a submission."""
        ...

    async def take_turns(self, name: str, turns: float, per_second: float) -> float:
        """Reserve the next turns of a shared rate.

        Returns:
            In how many seconds the first of them is due.
        """
        ...

    async def record(self, receipt: Receipt) -> None:
        """Record what a callback reported."""
        ...

    async def doubts(self, campaign: str) -> Doubts:
        """Return the uncertain operations that callbacks have reported on.

        Those that a live worker may still be sending are left out.
        """
        ...

    async def settle(self, campaign: str, proof: Proof) -> None:
        """Settle an uncertain operation, if it is still as it was."""
        ...

    async def contents(self, campaign: str) -> Contents:
        """Return what is held of a campaign."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...
