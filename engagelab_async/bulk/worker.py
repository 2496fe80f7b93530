"""One operation of a run, from the source to its outcome.

The intent stands in the journal only while a request is, or may be, in flight::

    permit ──> rate and pauses ──> intent, durable ──> attempt ──> settlement
      ↑                                │ withdrawn        │
      └─────────── back off <──────────┴── failed, retry <┘
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from engagelab_async import wire
from engagelab_async.engines import Request
from engagelab_async.errors import APIError, ConnectionLostError, EngageLabError
from engagelab_async.sms.messages import SendSMS

from .flow import DEFAULT_PAUSE
from .identity import REFERENCE, Reference, identity, identity_of_half, with_targets
from .journal import Record, RunJournal, SendIntent, Settlement, State
from .journal.writer import do_nothing
from .outcomes import Accepted, AnyOutcome, Rejected, Skipped, SkipReason, Uncertain
from .report import targets_of
from .stopping import may_be_tried_again

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from engagelab_async.operation import Operation
    from engagelab_async.retry import RetryPolicy
    from engagelab_async.transport import Call, Transport

    from .concurrency import Permit
    from .flow import FlowControl, Mark
    from .identity import Key
    from .stopping import RunState

_LEAST_REFUSAL: Final = 400
# To look up a member of an enumeration takes Python 3.11 as long as to make a small object.
_ACCEPTED: Final = State.ACCEPTED
_KEY: Final = REFERENCE.encode()


@define(eq=False)
class RunContext:
    """The context that all workers of a run share.

    Attributes:
        transport: What sends.
        flow: The flow control.
        state: Whether the run goes on.
        policy: When to retry.
        timeout: Seconds for one attempt; ``None`` for the transport's.
        deadline: Seconds for one operation; ``None`` for the transport's.
        resend_uncertain: Whether to send what an earlier run may have sent.
        split_rejected: Whether to divide a refused operation with several targets.
        reference: Whether an SMS carries its identity, which its callbacks return.
        key: Makes identities for the journal.
        intent_lifetime: Seconds for which an intent is good. One that is older is withdrawn.
        journal: The open journal.
        suppress: Recipients who must not be sent to.
        in_flight: How many requests are in flight.
        patience: After how many seconds to retry what never left. A request that was not sent costs
            nothing, and an outage ends the run.
    """

    transport: Transport
    flow: FlowControl
    state: RunState
    policy: RetryPolicy
    timeout: float | None
    deadline: float | None
    resend_uncertain: bool
    split_rejected: bool
    reference: bool
    key: Key | None
    intent_lifetime: float
    journal: RunJournal | None = None
    suppress: Container[str] | None = None
    in_flight: int = 0
    patience: float | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Be patient, unless nothing is to be retried."""
        self.patience = DEFAULT_PAUSE if self.policy.attempts > 1 else None


@define(eq=False)
class Task:
    """An operation and its state in the run.

    Attributes:
        run: The context of the run.
        operation: The operation.
        index: Its position in the source.
        digest: Its identity in the journal; made when it is needed.
        attempts: How many requests were made.
        intended: Whether its intent is in the journal.
        unrecorded: Whether the journal could not record that it was not sent.
        when_recorded: Called when that has been tried, with the error if there was one; ``None``
            if nothing is waited for.
        whole: The operation with the recipients who must not be sent to, if there may be some. The
            journal knows it, and it is what is divided: the next run may leave out others.
    """

    run: RunContext
    operation: Operation[Any]
    index: int
    digest: str = ""
    attempts: int = 0
    intended: bool = False
    unrecorded: bool = False
    when_recorded: Callable[[BaseException | None], object] | None = None
    whole: Operation[Any] | None = None
    # Tools print the variables of an exception's frames, with what they hold.
    _body: bytes = field(default=b"", repr=False)
    _doubtful: bool = False
    _looked_up: bool = False
    _in_flight: bool = False
    _began: float = 0.0
    _mark: Mark = (0, 0)
    _error: EngageLabError | None = None

    async def complete(self, permit: Permit) -> AnyOutcome | list[Task]:
        """Return the outcome of the operation, or divide it.

        Args:
            permit: The worker's; held, and released while it backs off.

        Returns:
            The outcome, or the tasks of its parts.
        """
        run = self.run
        try:
            call = run.transport.begin(
                self.operation,
                timeout=run.timeout,
                deadline=run.deadline,
                retry=run.policy,
                patience=run.patience,
            )
            self._body = call.request.body
            records = run.journal is not None or run.suppress is not None
            while True:
                if records or self._must_wait(permit):
                    blocked = await self._wait_to_leave(call, permit)
                    if blocked is not None:
                        return blocked
                self._depart()
                try:
                    result = await call.attempt()
                except EngageLabError as error:
                    self._failed_attempt(error, call)
                    if call.delay is None:
                        return self.halves() if self._is_divisible(error) else self._failed(error)
                    permit.release()
                    with run.state.interruptible():
                        await run.flow.sleep(call.delay)
                    if call.is_over:
                        return self._failed(error)
                else:
                    return self._accepted(result)
        except EngageLabError as error:
            # Not of an attempt; but an earlier one may have gone through.
            before = self._error
            if before is not None and before.may_have_been_sent:
                error.may_have_been_sent = True
            error.attempts = self.attempts
            error.operation = self.operation
            return self._failed(error)

    # ------------------------------------------------------------------ before a request leaves

    async def _wait_to_leave(
        self, call: Call[Any], permit: Permit
    ) -> AnyOutcome | list[Task] | None:
        """Wait for rate and journal; return the outcome if the operation must not be sent."""
        run, journal, clock = self.run, self.run.journal, self.run.flow.clock
        began = clock()
        if journal is not None and not self.digest:
            self.digest = identity(self.operation, run.key, self._body)
        if run.suppress is not None and not self.attempts:
            left_out = await self._leave_out(run.suppress)
            if left_out is not None:
                return left_out
        while True:
            blocked = await self._paced(permit) if self._must_wait(permit) else None
            asked = now = clock()
            if journal is not None and blocked is None and not self.intended:
                blocked = self._intended(await journal.intend(self._intent(ask_only=False)))
                now = clock()
            if blocked is not None:
                return blocked
            if journal is None or not (now - asked > run.intent_lifetime or run.flow.paused):
                break
            # Meanwhile a pause has begun; or the process was suspended, and the intent is taken for
            # that of one that has died.
            self._withdraw()
        # The deadline is for the API. Waiting for the run's flow control does not count; nor does
        # the journal, unless others take an intent of that age for one of the dead.
        call.ends += (now if run.intent_lifetime == math.inf else asked) - began
        if journal is not None and run.reference and isinstance(self.operation, SendSMS):
            call.request = self._referenced(self.operation, call.request, journal)
        return None

    def _must_wait(self, permit: Permit) -> bool:
        run = self.run
        return run.state.stopped is not None or not permit.held or run.flow.holding

    async def _leave_out(self, suppress: Container[str]) -> AnyOutcome | list[Task] | None:
        """Leave out the recipients who must not be sent to, unless the journal knows them all."""
        operation: Any = self.operation
        to = getattr(operation, "to", ())
        targets = (to,) if isinstance(to, str) else to
        left_out = tuple(each for each in targets if each in suppress)
        if not left_out:
            return None
        known = await self._look_up()
        if known is not None:
            return self._recorded(known)
        if len(left_out) == len(targets):
            return Skipped(operation, "suppressed", index=self.index)
        self.whole = self.whole or operation
        others = tuple(each for each in targets if each not in left_out)
        self.operation = with_targets(operation, others)
        return [self, Task(self.run, with_targets(operation, left_out), self.index)]

    async def _paced(self, permit: Permit) -> AnyOutcome | list[Task] | None:
        """Wait until the run's flow control lets the request be sent."""
        flow, state = self.run.flow, self.run.state
        while state.stopped is None:
            if not permit.held:
                with state.interruptible():
                    await permit.reacquire()
                continue
            if not flow.holding:
                return None
            known = await self._look_up()
            if known is not None:
                return self._recorded(known)
            with state.interruptible():
                await flow.wait(targets_of(self.operation))
            if state.stopped is None and not flow.limit.is_overfull:
                return None
            # The limit was reduced while this worker held a permit, and waited.
            permit.release()
        return self.given_up()

    async def _look_up(self) -> Record | None:
        """Return the record that forbids sending the operation, before it waits for the rate."""
        journal = self.run.journal
        if journal is None or self._looked_up:
            return None
        self._looked_up = True
        known = await journal.intend(self._intent(ask_only=True))
        return None if known is None or known.granted else known

    def _intended(self, known: Record | None) -> AnyOutcome | list[Task] | None:
        """Note that the intent is written; return the outcome if it must not be sent."""
        if known is not None and not known.granted:
            return self._recorded(known)
        self.intended = True
        self.unrecorded = False
        self._doubtful = known is not None
        return None if self.run.state.stopped is None else self.given_up()

    def _intent(self, *, ask_only: bool) -> SendIntent:
        return SendIntent(
            self.digest,
            self.run.resend_uncertain,
            self._doubtful,
            ask_only,
            self.operation.endpoint.product,
        )

    def _referenced(self, operation: SendSMS, request: Request, journal: RunJournal) -> Request:
        given = operation.custom_args
        if given and REFERENCE in given and Reference.read(given[REFERENCE]) is None:
            # It is the caller's own. A reference was copied from a callback of another run.
            return request
        # If two messages may have been sent, the failure of one says nothing about the other.
        alone = not (self._doubtful or self.run.policy.repeat_uncertain)
        value = str(Reference(self.digest, len(operation.to) if alone else 0, journal.token))
        if given is None:
            # Writing it behind the rest costs a tenth of encoding the operation once more.
            body = b'%b,"custom_args":{"%b":"%b"}}' % (self._body[:-1], _KEY, value.encode())
        else:
            body = wire.encode(operation, custom_args={**given, REFERENCE: value})
        return Request(request.method, request.url, request.headers, body)

    # ------------------------------------------------------------------ the request

    def _depart(self) -> None:
        """Note that a request leaves."""
        run = self.run
        self._mark = run.flow.mark
        if not self.attempts:
            self._began = run.flow.clock()
        self.attempts += 1
        self._in_flight = True
        run.in_flight += 1

    def _failed_attempt(self, error: EngageLabError, call: Call[Any]) -> None:
        """Report a failure to the flow control."""
        self._arrived()
        self._error = error
        reason = self.run.flow.failed(error, self._mark, call.delay)
        if reason is not None:
            self.run.state.stop(reason)
        if call.delay is not None and not error.may_have_been_sent:
            # It was not sent: if the process ends during the delay, the next one may send it.
            self._withdraw()

    def _accepted(self, result: object) -> AnyOutcome:
        self._arrived()
        flow = self.run.flow
        flow.succeeded()
        return Accepted(
            self.operation,
            result,
            index=self.index,
            attempts=self.attempts,
            elapsed=flow.clock() - self._began,
        )

    def _arrived(self) -> None:
        self._in_flight = False
        self.run.in_flight -= 1

    # ------------------------------------------------------------------ how it ends

    def _failed(self, error: EngageLabError) -> AnyOutcome:
        """End with an error.

        A refusal does not prove that an earlier run, which left it uncertain, has not sent it.
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
        if self._in_flight:
            self._arrived()
            return self._unanswered("the run ended before the answer came")
        if self._error is not None:
            return self._failed(self._error)
        return Skipped(self.operation, "stopped", index=self.index)

    def _recorded(self, known: Record) -> AnyOutcome | list[Task]:
        """End with the journal's record."""
        if known.state is State.SPLIT:
            return self.halves()
        run = 0 if self.run.journal is None else self.run.journal.run
        if known.run != run and known.state.doubtful:
            return self._unanswered("an earlier run ended before the answer came")
        reason: SkipReason = "refused" if known.state is State.REFUSED else "settled"
        if known.run == run:
            reason = "duplicate"
        return Skipped(self.operation, reason, index=self.index)

    def _unanswered(self, text: str) -> AnyOutcome:
        error = ConnectionLostError(text)
        error.operation = self.operation
        error.attempts = self.attempts
        return self._failed(error)

    def _elapsed(self) -> float:
        return self.run.flow.clock() - self._began if self.attempts else 0.0

    # ------------------------------------------------------------------ what the journal records

    def _withdraw(self) -> None:
        if self.intended and self.run.journal is not None:
            self.intended = False
            self.when_recorded = do_nothing
            self.run.journal.settle(Settlement(self.digest, self._unsent), self.record)

    def record(self, failure: BaseException | None) -> None:
        """Note whether the journal could record that it was not sent."""
        when_recorded, self.when_recorded = self.when_recorded or do_nothing, None
        self.unrecorded = failure is not None
        when_recorded(failure)

    def as_unrecorded(self, outcome: AnyOutcome) -> AnyOutcome:
        """Return an outcome that the journal could not record as the next run will see it.

        What is not recorded as unsent is still being sent, as far as the journal knows: the next
        run will not send it.
        """
        if self.settlement(outcome).state is State.UNSENT:
            return self._unanswered("it was not sent, which could not be written to the journal")
        return outcome

    @property
    def _unsent(self) -> State:
        # It stays uncertain if an earlier run may have sent it.
        return State.UNCERTAIN if self._doubtful else State.UNSENT

    def settlement(self, outcome: AnyOutcome) -> Settlement:
        """Return the settlement that records an outcome."""
        if isinstance(outcome, Accepted):
            result = outcome.result
            own_id = getattr(result, "plan_id", None) or getattr(result, "message_id", None)
            return Settlement(self.digest, _ACCEPTED, own_id, None, None, outcome)
        if isinstance(outcome, Skipped):
            return Settlement(self.digest, self._unsent)
        error = outcome.error
        code = error.code if isinstance(error, APIError) else None
        if isinstance(outcome, Uncertain):
            state = State.UNCERTAIN
        else:
            state = self._unsent if may_be_tried_again(error) else State.REFUSED
        return Settlement(self.digest, state, None, code, type(error).__name__, outcome)

    # ------------------------------------------------------------------ halves

    def _is_divisible(self, error: EngageLabError) -> bool:
        """Return whether some of the operation's targets may be what was refused.

        It was certainly not sent to any of them: the API refused it with a status of its own, made
        no plan of it, and every attempt before had been refused as well.
        """
        return (
            self.run.split_rejected
            and isinstance(self.operation, SendSMS)
            and len(self.operation.to) > 1
            and not (error.may_have_been_sent or self._doubtful)
            and isinstance(error, APIError)
            and error.http_status >= _LEAST_REFUSAL
            and error.plan_id is None
            and not may_be_tried_again(error)
        )

    def halves(self) -> list[Task]:
        """Divide the operation, and record it in the journal; the second half comes first."""
        operation = self.whole or self.operation
        if not isinstance(operation, SendSMS) or len(operation.to) == 1:
            # The record says that it was divided, which is impossible.
            raise ValueError("key: it makes different operations the same")
        middle = len(operation.to) // 2
        # Those who were left out have their outcome already.
        kept = frozenset(getattr(self.operation, "to", ()))
        halves: list[Task] = []
        for number, to in ((1, operation.to[middle:]), (0, operation.to[:middle])):
            if others := tuple(each for each in to if each in kept):
                part = with_targets(operation, others)
                digest = self._digest_of(number)
                whole = with_targets(operation, to)
                halves.append(Task(self.run, part, self.index, digest, whole=whole))
        if self.intended and self.run.journal is not None:
            # Until they are recorded, the next run takes both for the whole.
            for half in halves:
                half.when_recorded = do_nothing

            def record(failure: BaseException | None) -> None:
                for half in halves:
                    half.record(failure)

            self.run.journal.settle(Settlement(self.digest, State.SPLIT), record)
        return halves

    def _digest_of(self, number: int) -> str:
        return identity_of_half(self.digest, number) if self.digest else ""
