"""One run: operations in, outcomes out, as many at once as it may be.

::

    source ── pulled by workers ──> claim ──> execute, paced ──> settle ──> outcomes ── consumer
                (max_in_flight)    (journal)     (transport)    (journal)   (bounded)

Every worker takes one operation from the source, brings it to its end, and takes the next. So a
million operations need the memory of those under way. Outcomes wait in a queue of the same length:
a consumer that is slow slows the run.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections import deque
from collections.abc import AsyncIterable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
from anyio import to_thread
from attrs import define

from engagelab_async import _wire
from engagelab_async.errors import (
    APIError,
    ConnectError,
    ConnectionLostError,
    EngageLabError,
    RateLimitError,
    ResponseTimeoutError,
    ServerError,
)
from engagelab_async.operations import Operation
from engagelab_async.retry import PASSING_CODES

from .journal import Database, Entry, Journal, Settlement, State
from .outcomes import Accepted, AnyOutcome, Rejected, Skipped, Uncertain
from .pacing import Width, limiter_of
from .report import BulkReport, Tally, targets_of
from .stopping import Outage, hopeless, hopeless_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from engagelab_async.retry import RetryPolicy
    from engagelab_async.transport import Transport

    from .pacing import Limiter, Rate
    from .stopping import StopRule

    Source = Iterable[Operation[Any]] | AsyncIterable[Operation[Any]]
    Key = Callable[[Operation[Any]], str | bytes]

GRACE: Final = 10.0
"""How long a run that is left early waits for what is under way, in seconds."""

_END: Final = object()
_UNASKED_PAUSE: Final = 1.0
_NOT_ABOUT_THE_ROW: Final = (ConnectError, RateLimitError)


class _StoppedError(Exception):
    """The run ended while an operation waited for its turn."""


@define(eq=False)
class _Turn:
    """One operation on its way; the transport asks it before each request."""

    run: FanOut
    operation: Operation[Any]
    index: int
    attempts: int = 0
    began: float = 0.0
    halvings: int = 0
    pauses: int = 0
    error: EngageLabError | None = None

    async def enter(self) -> None:
        """Wait until a request may leave."""
        await self.run.wait_for_turn(self)
        if not self.attempts:
            self.began = self.run.now()
        self.attempts += 1

    def failed(self, error: EngageLabError, delay: float | None) -> None:
        """Let the whole run know what a request met."""
        self.error = error
        self.run.take_note(self, error, delay)

    def outcome_of(self, error: EngageLabError) -> AnyOutcome:
        kind = Uncertain if error.may_have_been_sent else Rejected
        return kind(
            self.operation,
            error,
            index=self.index,
            attempts=self.attempts,
            elapsed=self.elapsed(),
        )

    def elapsed(self) -> float:
        return self.run.now() - self.began if self.attempts else 0.0


class FanOut:
    """A run: an async context manager, and inside it an async iterator of outcomes.

    Made by `EngageLab.fan_out`. Leaving the block ends the run: nothing new is begun, what is
    under way gets a bounded time to finish and is written down, and no task stays behind.
    """

    def __init__(
        self,
        transport: Transport,
        iterator: Iterator[object] | AsyncIterator[object],
        *,
        max_in_flight: int,
        limiter: Limiter | None,
        journal: Path | None,
        key: Key | None,
        retry: RetryPolicy | None,
        timeout: float | None,
        deadline: float | None,
        stop_when: StopRule,
        resend_uncertain: bool,
        keep_outcomes: bool = True,
        grace: float = GRACE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._transport = transport
        self._iterator = iterator
        self._limiter = limiter
        self._journal_path = journal
        self._key = key
        self._retry = retry
        self._timeout = timeout
        self._deadline = deadline
        self._stop_when = stop_when
        self._resend_uncertain = resend_uncertain
        self._keep_outcomes = keep_outcomes
        self._grace = grace
        self.now = clock
        self._sleep = sleep

        self._limit = max_in_flight
        self._width = Width(max_in_flight)
        self._outage = Outage()
        self._tally = Tally()
        self._journal: Journal | None = None

        self._pulled = 0
        self._pulling = anyio.Lock(fast_acquire=True)
        self._ended = False
        self._stopped: str | None = None
        self._failure: Exception | None = None
        self._paused_until = -math.inf
        self._pauses = 0
        self._sleepers: set[anyio.CancelScope] = set()

        self._ready: deque[AnyOutcome] = deque()
        self._arrived: anyio.Event | None = None
        self._crowded: deque[anyio.Event] = deque()
        self._workers = max_in_flight
        self._settling = 0
        self._done = anyio.Event()
        self._started = 0.0
        self._finished: float | None = None

    # ------------------------------------------------------------------ the consumer's side

    @property
    def report(self) -> BulkReport:
        """What the run did so far."""
        until = self.now() if self._finished is None else self._finished
        return self._tally.report(elapsed=until - self._started, stopped=self._stopped)

    @property
    def in_flight(self) -> int:
        """How many operations are under way."""
        return self._width.active

    @property
    def width(self) -> int:
        """How many may be under way at the moment; less than asked for after trouble."""
        return min(self._limit, self._width.current)

    def stop(self, reason: str) -> None:
        """Begin nothing new; what is under way comes to its end, and the stream with it.

        Args:
            reason: What the report will give as its cause; the first one counts.
        """
        if self._stopped is None and not self._done.is_set():
            self._stopped = reason
            self._end()

    async def wait(self) -> None:
        """Wait for the end of the run without looking at its outcomes."""
        await self._done.wait()
        self._raise_failure()

    async def __aenter__(self) -> Self:
        """Open the journal and set the workers to work."""
        if self._journal_path is not None:
            database = await to_thread.run_sync(Database, self._journal_path)
            self._journal = Journal(database, self._fail)
        self._started = self.now()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        if self._journal is not None:
            self._tasks.start_soon(self._journal.write)
        for _ in range(self._limit):
            self._tasks.start_soon(self._work)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the run."""
        self.stop("the consumer left")
        try:
            with anyio.move_on_after(self._grace, shield=True):
                await self._done.wait()
        finally:
            self._tasks.cancel_scope.cancel()
            if self._journal is not None:
                self._journal.close()
            # The consumer's exception is its own business: it is not to come back in a group.
            await self._tasks.__aexit__(None, None, None)
        if exc_type is None:
            self._raise_failure()

    def __aiter__(self) -> AsyncIterator[AnyOutcome]:
        """Iterate over the outcomes as they come."""
        return self

    async def __anext__(self) -> AnyOutcome:
        """Wait for an outcome."""
        while not self._ready:
            if self._done.is_set():
                self._raise_failure()
                raise StopAsyncIteration
            self._arrived = anyio.Event()
            await self._arrived.wait()
        outcome = self._ready.popleft()
        if self._crowded:
            self._crowded.popleft().set()
        return outcome

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    # ------------------------------------------------------------------ the workers

    async def _work(self) -> None:
        try:
            while (turn := await self._next()) is not None:
                try:
                    await self._bring_to_its_end(turn)
                finally:
                    self._width.leave()
        except Exception as error:  # noqa: BLE001 - it is raised where the consumer is
            self._fail(error)
        finally:
            self._workers -= 1
            self._finish_if_done()

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._end()

    def _finish_if_done(self) -> None:
        if not self._workers and not self._settling:
            self._finished = self.now()
            self._done.set()
            self._announce()

    async def _next(self) -> _Turn | None:
        """Wait for a place, and take the next operation from the source."""
        await self._width.enter()
        while len(self._ready) + self._settling >= self._limit and not self._ended:
            self._crowded.append(room := anyio.Event())
            await room.wait()
        operation = _END if self._ended else await self._pull()
        if operation is _END:
            self._width.leave()
            self._end()
            return None
        index = self._pulled
        self._pulled += 1
        if not isinstance(operation, Operation):
            kind = type(operation).__name__
            raise TypeError(f"operations[{index}]: expected an Operation, got {kind}")
        return _Turn(self, operation, index)

    async def _pull(self) -> object:
        if isinstance(self._iterator, Iterator):
            return next(self._iterator, _END)
        async with self._pulling:
            return _END if self._ended else await anext(self._iterator, _END)

    def _end(self) -> None:
        """Let everybody who waits see that nothing new is to be begun."""
        self._ended = True
        self._width.open()
        while self._crowded:
            self._crowded.popleft().set()
        if self._stopped is not None or self._failure is not None:
            for scope in self._sleepers:
                scope.cancel()

    async def _bring_to_its_end(self, turn: _Turn) -> None:
        if self._journal is None:
            self._deliver(await self._sent(turn))
            return
        digest = identity(turn.operation, self._key)
        entry = await self._journal.claim(digest, resend_uncertain=self._resend_uncertain)
        if entry is not None:
            self._deliver(_known(turn, entry, self._journal.run))
            return
        try:
            outcome = await self._sent(turn)
        except BaseException:
            if not turn.attempts:
                # It was claimed and not sent: the next run may do it.
                self._journal.settle(Settlement(digest, State.UNSENT), _nothing)
            raise
        # The worker goes on; its next claim is written together with this.
        self._settling += 1
        self._journal.settle(_settlement(digest, outcome), lambda: self._settled(outcome))

    def _settled(self, outcome: AnyOutcome) -> None:
        self._settling -= 1
        self._deliver(outcome)
        self._finish_if_done()

    async def _sent(self, turn: _Turn) -> AnyOutcome:
        try:
            result = await self._transport.execute(
                turn.operation,
                timeout=self._timeout,
                deadline=self._deadline,
                retry=self._retry,
                gate=turn,
            )
        except EngageLabError as error:
            return turn.outcome_of(error)
        except _StoppedError:
            if turn.error is not None:
                return turn.outcome_of(turn.error)
            return Skipped(turn.operation, "stopped", index=turn.index)
        self._width.widen()
        self._outage.succeeded()
        return Accepted(
            turn.operation,
            result,
            index=turn.index,
            attempts=turn.attempts,
            elapsed=turn.elapsed(),
        )

    def _deliver(self, outcome: AnyOutcome) -> None:
        self._tally.add(outcome)
        if self._keep_outcomes:
            self._ready.append(outcome)
            self._announce()
        reason = self._stop_when(outcome)
        if reason is not None:
            self.stop(reason)

    def _announce(self) -> None:
        if self._arrived is not None:
            self._arrived.set()
            self._arrived = None

    # ------------------------------------------------------------------ pace

    async def wait_for_turn(self, turn: _Turn) -> None:
        """Hold a request back while everybody pauses, and for the limiter."""
        if self._limiter is not None or self._paused_until > self.now():
            with anyio.CancelScope() as scope:
                self._sleepers.add(scope)
                try:
                    await self._paced(turn.operation)
                finally:
                    self._sleepers.discard(scope)
        if self._is_over():
            raise _StoppedError
        turn.halvings = self._width.halvings
        turn.pauses = self._pauses

    async def _paced(self, operation: Operation[Any]) -> None:
        while (wait := self._paused_until - self.now()) > 0 and not self._is_over():
            await self._sleep(wait)
        if self._limiter is not None and not self._is_over():
            await self._limiter.acquire(1, targets_of(operation))

    def _is_over(self) -> bool:
        """Tell whether not even what was begun may go on."""
        return self._stopped is not None or self._failure is not None

    def take_note(self, turn: _Turn, error: EngageLabError, delay: float | None) -> None:
        """Draw the whole run's conclusions from one failed request."""
        if isinstance(error, RateLimitError | ServerError | ResponseTimeoutError):
            self._width.narrow(turn.halvings)
        asked = error.retry_after if isinstance(error, APIError) else None
        if isinstance(error, RateLimitError) or asked is not None:
            self._pause(asked or delay or _UNASKED_PAUSE)
        # What was under way when the last pause began says nothing about the time after it.
        if turn.pauses == self._pauses:
            self._take_note_of_outage(error)

    def _take_note_of_outage(self, error: EngageLabError) -> None:
        pause = self._outage.failed(error)
        if pause is None:
            return
        if pause == math.inf:
            self.stop("an outage")
            return
        self._pauses += 1
        self._width.probe()
        self._pause(pause)

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self.now() + seconds)


def fan_out(
    transport: Transport,
    operations: Source,
    *,
    max_in_flight: int = 64,
    rate: float | Rate | Limiter | None = None,
    burst: float | None = None,
    journal: str | os.PathLike[str] | None = None,
    key: Key | None = None,
    retry: RetryPolicy | None = None,
    timeout: float | None = None,
    deadline: float | None = None,
    stop_when: StopRule | None = None,
    resend_uncertain: bool = False,
    keep_outcomes: bool = True,
) -> FanOut:
    """Check the arguments of `EngageLab.fan_out` and make the run."""
    if isinstance(max_in_flight, bool) or not isinstance(max_in_flight, int):
        raise TypeError(f"max_in_flight: expected an int, got {type(max_in_flight).__name__}")
    if max_in_flight < 1:
        raise ValueError("max_in_flight: must be at least 1")
    return FanOut(
        transport,
        _iterator(operations),
        max_in_flight=max_in_flight,
        limiter=limiter_of(rate, burst),
        journal=None if journal is None else Path(journal),
        key=key,
        retry=retry,
        timeout=timeout,
        deadline=deadline,
        stop_when=hopeless if stop_when is None else stop_when,
        resend_uncertain=resend_uncertain,
        keep_outcomes=keep_outcomes,
    )


def identity(operation: Operation[Any], key: Key | None) -> str:
    """Make the digest that a journal knows an operation by.

    Args:
        operation: The operation; its product, path and body are what counts.
        key: Makes the caller's own identity of it, which then counts instead.
    """
    if key is None:
        endpoint = operation.endpoint
        where = f"{endpoint.product} {endpoint.method} {endpoint.path}\0"
        content = where.encode() + _wire.encode(operation)
    else:
        own = key(operation)
        content = own.encode() if isinstance(own, str) else own
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _nothing() -> None:
    """Do nothing, for nobody waits."""


def _iterator(source: Source) -> Iterator[object] | AsyncIterator[object]:
    if isinstance(source, AsyncIterable):
        return aiter(source)
    if isinstance(source, Iterable):
        return iter(source)
    msg = f"operations: expected an iterable or async iterable, got {type(source).__name__}"
    raise TypeError(msg)


def _known(turn: _Turn, entry: Entry, run: int) -> AnyOutcome:
    """Say what keeps an operation from being sent again."""
    if entry.run == run:
        return Skipped(turn.operation, "duplicate", index=turn.index)
    if entry.state in (State.ACCEPTED, State.REFUSED):
        return Skipped(turn.operation, "settled", index=turn.index)
    error = ConnectionLostError("an earlier run ended before the answer came")
    error.operation = turn.operation
    return Uncertain(turn.operation, error, index=turn.index)


def _settlement(digest: str, outcome: AnyOutcome) -> Settlement:
    if isinstance(outcome, Accepted):
        result = outcome.result
        own_id = getattr(result, "plan_id", None) or getattr(result, "message_id", None)
        return Settlement(digest, State.ACCEPTED, id=own_id)
    if isinstance(outcome, Skipped):
        return Settlement(digest, State.UNSENT)
    error = outcome.error
    code = error.code if isinstance(error, APIError) else None
    if isinstance(outcome, Uncertain):
        state = State.UNCERTAIN
    else:
        state = State.UNSENT if _may_be_tried_again(error) else State.REFUSED
    return Settlement(digest, state, code=code, error=type(error).__name__)


def _may_be_tried_again(error: EngageLabError) -> bool:
    """Tell whether a later run should send what this one could not: it was not about the row."""
    return (
        isinstance(error, _NOT_ABOUT_THE_ROW)
        or hopeless_error(error) is not None
        or (isinstance(error, APIError) and error.code in PASSING_CODES)
    )
