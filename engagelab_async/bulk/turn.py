"""One operation on its way, from the source to its outcome.

A `Turn` is the transport's gate: asked before each request, told of each failure. So the intent is
in the journal only while a request is, or may be, under way::

    enter ─> may it be sent at all? ─> its turn in the pace ─> claim, durable ─> the request leaves
      ↑                                                                              │
      └── rest <── taken back, for nothing was sent <── failed, and to be repeated <─┘
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve

from engagelab_async import _wire
from engagelab_async.engines import Request
from engagelab_async.errors import (
    APIError,
    ConnectError,
    ConnectionLostError,
    EngageLabError,
    RateLimitError,
)
from engagelab_async.operations import Operation, SendSMS

from .conductor import UNASKED_PAUSE
from .identity import REFERENCE, Reference, identity, identity_of_half
from .journal import Claim, Entry, RunJournal, Settlement, do_nothing
from .outcomes import Accepted, AnyOutcome, Rejected, Skipped, SkipReason, Uncertain
from .report import targets_of
from .states import State
from .stopping import may_be_tried_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conductor import Conductor, Mark
    from .identity import Key
    from .pacing import Place

_NEVER_LEFT: Final = (ConnectError, RateLimitError)
_LEAST_REFUSAL: Final = 400


class HeldUpError(Exception):
    """What the journal knows keeps an operation from being sent."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry)
        self.entry = entry


class StoppedError(Exception):
    """The run ended while an operation waited for its turn."""


@define(eq=False)
class Way:
    """What all turns of a run share.

    Attributes:
        conductor: Who holds requests back.
        clock: Monotonic seconds.
        patient: Whether a request that never left is repeated for as long as its deadline lasts,
            however few attempts the policy has: it costs nothing, and an outage ends the run.
        resend_uncertain: Whether to send what an earlier run may have sent.
        repeats_uncertain: Whether the policy has what may have been sent repeated.
        reference: Whether an SMS takes its identity along, for its callbacks to bring back.
        key: Makes identities for the journal.
        journal: The open journal.
        stopped: Why the run ended, if it did.
        in_flight: How many requests are under way.
    """

    conductor: Conductor
    clock: Callable[[], float]
    patient: bool
    resend_uncertain: bool
    repeats_uncertain: bool
    reference: bool
    key: Key | None
    stop: Callable[[str], None]
    journal: RunJournal | None = None
    stopped: str | None = None
    in_flight: int = 0


@define(eq=False)
class Turn:
    """One operation on its way.

    Attributes:
        way: What it shares with the others of its run.
        operation: The operation.
        index: Its place in the source.
        place: Its worker's place among those that are under way.
        digest: Its identity in the journal; made when it is needed.
        attempts: How many requests left, or tried to.
        claimed: Whether its intent is in the journal.
        unrecorded: Whether the journal could not be told that it was not sent.
        when_recorded: Called when that has been tried; ``None`` if nothing is waited for.
    """

    way: Way
    operation: Operation[Any]
    index: int
    place: Place
    digest: str = ""
    attempts: int = 0
    claimed: bool = False
    unrecorded: bool = False
    when_recorded: Callable[[], object] | None = None
    _doubtful: bool = False
    _asked: bool = False
    _under_way: bool = False
    _began: float = 0.0
    _mark: Mark = (0, 0)
    _error: EngageLabError | None = None

    # ------------------------------------------------------------------ what the transport asks

    async def enter(self, request: Request) -> Request:
        """Wait until a request may leave.

        Returns:
            The request, with the operation's reference if it may bear one.

        Raises:
            HeldUpError: It must not leave.
            StoppedError: The run is over.
        """
        way, conductor = self.way, self.way.conductor
        if way.journal is not None and not self.digest:
            self.digest = identity(self.operation, way.key, request.body)
        while True:
            if not self.place.held:
                await conductor.come_back(self.place)
                self._go_on()
            if conductor.holding:
                await self._wait()
                self._go_on()
                if conductor.width.is_overfull:
                    # It has become narrower while this one held a place, and waited.
                    self.place.leave()
                    continue
            if way.journal is None:
                break
            if not self.claimed:
                await self._claim(way.journal)
                self._go_on()
            if not conductor.paused:
                break
            self._take_back()
        self._mark = conductor.mark
        if not self.attempts:
            self._began = way.clock()
        self.attempts += 1
        self._under_way = True
        way.in_flight += 1
        return self._referenced(request)

    def _referenced(self, request: Request) -> Request:
        operation, way = self.operation, self.way
        if way.journal is None or not (way.reference and isinstance(operation, SendSMS)):
            return request
        given = operation.custom_args or {}
        if REFERENCE in given and Reference.read(given[REFERENCE]) is None:
            # It is the caller's own. One of ours was taken over from a callback, and is of another.
            return request
        # Of two messages that may be out, the failure of one says nothing of the other.
        targets = 0 if self._doubtful or way.repeats_uncertain else len(operation.to)
        value = str(Reference(self.digest, targets, way.journal.token))
        body = _wire.with_custom_arg(operation, request.body, REFERENCE, value)
        return Request(request.method, request.url, request.headers, body)

    async def _wait(self) -> None:
        if self.way.journal is not None and not self._asked:
            # What is not to be sent takes no part in the pace.
            await self._claim(self.way.journal, ask_only=True)
            self._asked = True
        await self.way.conductor.wait(targets_of(self.operation))

    async def _claim(self, journal: RunJournal, *, ask_only: bool = False) -> None:
        claim = Claim(
            self.digest,
            resend=self.way.resend_uncertain,
            again=self._doubtful,
            ask_only=ask_only,
            product=self.operation.endpoint.product,
        )
        entry = await journal.claim(claim)
        if entry is not None and claim.held_up_by(entry, journal.run):
            raise HeldUpError(entry)
        if not ask_only:
            self.claimed = True
            self.unrecorded = False
            self._doubtful = entry is not None and entry.state.doubtful

    def _go_on(self) -> None:
        if self.way.stopped is not None:
            raise StoppedError

    def failed(self, error: EngageLabError, delay: float | None) -> float | None:
        """Let the whole run know what a request met, and say when to repeat it."""
        self.arrived()
        self._error = error
        never_left = isinstance(error, _NEVER_LEFT) and not error.may_have_been_sent
        if delay is None and never_left and self.way.patient:
            delay = UNASKED_PAUSE
        reason = self.way.conductor.failed(error, self._mark, delay)
        if reason is not None:
            self.way.stop(reason)
        if delay is not None and not error.may_have_been_sent:
            # It was not sent: should the process end while it waits, the next one may.
            self._take_back()
        return delay

    async def rest(self, seconds: float) -> None:
        """Wait before a repeat, and let others go on meanwhile."""
        self.place.leave()
        await self.way.conductor.rest(seconds)

    def arrived(self) -> None:
        """Take note that a request is under way no longer."""
        self._under_way = False
        self.way.in_flight -= 1

    # ------------------------------------------------------------------ how it ends

    def accepted(self, result: object) -> AnyOutcome:
        """End with an answer."""
        self.arrived()
        self.way.conductor.succeeded()
        return Accepted(
            self.operation,
            result,
            index=self.index,
            attempts=self.attempts,
            elapsed=self._elapsed(),
        )

    def failed_with(self, error: EngageLabError) -> AnyOutcome:
        """End with an error.

        A refusal does not say that an earlier run, which left it in doubt, has not sent it.
        """
        kind = Uncertain if error.may_have_been_sent or self._doubtful else Rejected
        return kind(
            self.operation,
            error,
            index=self.index,
            attempts=self.attempts,
            elapsed=self._elapsed(),
        )

    def given_up(self) -> AnyOutcome:
        """End because the run does."""
        if self._under_way:
            self.arrived()
            return self._unanswered("the run ended before the answer came")
        if self._error is not None:
            return self.failed_with(self._error)
        return Skipped(self.operation, "stopped", index=self.index)

    def held_up(self, entry: Entry, run: int) -> AnyOutcome:
        """End with what the journal knew."""
        if entry.run != run and entry.state.doubtful:
            return self._unanswered("an earlier run ended before the answer came")
        reason: SkipReason = "refused" if entry.state is State.REFUSED else "settled"
        if entry.run == run:
            reason = "duplicate"
        return Skipped(self.operation, reason, index=self.index)

    def _unanswered(self, text: str) -> AnyOutcome:
        error = ConnectionLostError(text)
        error.operation = self.operation
        error.attempts = self.attempts
        return self.failed_with(error)

    def _elapsed(self) -> float:
        return self.way.clock() - self._began if self.attempts else 0.0

    # ------------------------------------------------------------------ what the journal is told

    def _take_back(self) -> None:
        if self.claimed and self.way.journal is not None:
            self.claimed = False
            self.when_recorded = do_nothing
            self.way.journal.settle(Settlement(self.digest, self._unsent), self.record)

    def record(self) -> None:
        """Take note that the journal was told, or could not be."""
        journal, when_recorded = self.way.journal, self.when_recorded
        self.unrecorded = journal is not None and not journal.written
        self.when_recorded = None
        if when_recorded is not None:
            when_recorded()

    def as_recorded(self, outcome: AnyOutcome) -> AnyOutcome:
        """Return an outcome as the next run will see it.

        What is not recorded as unsent is still being sent, as far as the journal knows: the next
        run will not send it.
        """
        if self.unrecorded and self.settlement(outcome).state is State.UNSENT:
            return self._unanswered("it was not sent, which could not be written to the journal")
        return outcome

    @property
    def _unsent(self) -> State:
        # What an earlier run may have sent is not made certain by not sending it.
        return State.UNCERTAIN if self._doubtful else State.UNSENT

    def settlement(self, outcome: AnyOutcome) -> Settlement:
        """Say what the journal is to know of an outcome."""
        if isinstance(outcome, Accepted):
            result = outcome.result
            own_id = getattr(result, "plan_id", None) or getattr(result, "message_id", None)
            return Settlement(self.digest, State.ACCEPTED, id=own_id)
        if isinstance(outcome, Skipped):
            return Settlement(self.digest, self._unsent)
        error = outcome.error
        code = error.code if isinstance(error, APIError) else None
        if isinstance(outcome, Uncertain):
            state = State.UNCERTAIN
        else:
            state = self._unsent if may_be_tried_again(error) else State.REFUSED
        return Settlement(self.digest, state, code=code, error=type(error).__name__)

    # ------------------------------------------------------------------ halves

    def is_divisible(self, outcome: AnyOutcome) -> bool:
        """Tell whether some of the operation's targets may be what was refused.

        It was certainly not sent to any of them: the API refused it with a status of its own, made
        no plan of it, and every attempt before had been refused as well.
        """
        if not isinstance(outcome, Rejected) or targets_of(self.operation) < 2:  # noqa: PLR2004
            return False
        error = outcome.error
        return (
            isinstance(self.operation, SendSMS)
            and isinstance(error, APIError)
            and error.http_status >= _LEAST_REFUSAL
            and error.plan_id is None
            and not may_be_tried_again(error)
        )

    def halves(self) -> list[Turn]:
        """Divide the operation, and have the journal know it; the second half is the first."""
        operation = self.operation
        if not isinstance(operation, SendSMS) or len(operation.to) == 1:
            # The journal says that it was divided, which it cannot have been.
            raise ValueError("key: it makes different operations the same")
        middle = len(operation.to) // 2
        parts = (operation.to[:middle], operation.to[middle:])
        halves = tuple(
            Turn(
                self.way,
                evolve(operation, to=parts[half]),
                self.index,
                self.place,
                self._digest_of(half),
            )
            for half in (1, 0)
        )
        if self.claimed and self.way.journal is not None:
            # Until the journal knows of them, the next run takes both for the whole.
            for half in halves:
                half.when_recorded = do_nothing

            def record() -> None:
                for half in halves:
                    half.record()

            self.way.journal.settle(Settlement(self.digest, State.SPLIT), record)
        return list(halves)

    def _digest_of(self, half: int) -> str:
        return identity_of_half(self.digest, half) if self.digest else ""
