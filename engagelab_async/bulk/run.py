"""One run: operations in, outcomes out, as many at once as it may be.

::

    source ── pulled by workers ──> Task: pace, intent, request ──> settle ──> outcomes ── consumer
                (max_in_flight)        (flow, journal)            (journal)   (bounded)

Every worker takes one operation from the source, brings it to its outcome, and takes the next. So a
million operations need the memory of those in flight. Outcomes wait in a queue of the same length:
a consumer that is slow slows the run.
"""

from __future__ import annotations

import math
import os
from collections.abc import (
    Callable,
    Container,
    Mapping,
    Sequence,
)
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypedDict

import anyio

from engagelab_async.arguments import (
    check_container,
    check_flag,
    check_instance,
    check_integer,
    check_timeout,
)
from engagelab_async.frames import clear
from engagelab_async.operation import Operation
from engagelab_async.retry import RetryPolicy

from .concurrency import Permit
from .flow import FlowControl
from .journal import JournalStore, RunJournal, SQLiteJournal
from .journal.sites import sites_of
from .outcomes import AnyOutcome
from .rate import limiter_of
from .stopping import RunState, stop_on_fatal_error
from .stream import END, GRACE, LEFT, OutcomeStream
from .worker import RunContext, Task

if TYPE_CHECKING:
    from types import TracebackType

    from engagelab_async.transport import Transport

    from .identity import Key
    from .journal.sites import Site
    from .rate import Limiter, Rate
    from .stopping import StopRule
    from .stream import Source


class FanOut(OutcomeStream):
    """A run: an async context manager, and inside it an async iterator of outcomes.

    Made by `EngageLab.fan_out`, and entered once. Leaving the block ends the run, however it is
    left: nothing new is started, requests in flight get 10 seconds to finish and are recorded,
    and no task stays behind. Outcomes that came too late for the block can still be iterated over
    after it.

    Args:
        transport: What sends.
        operations: What to send.
        flow: The flow control. Runs that share one share its limits, pauses and outages.
        journal: A file, or an open journal, which the run closes.
        sites: Where a file may be used, by product.
        digests: The identities of the operations, in their order; made here by default.
        intent_lifetime: Seconds for which an intent is good. A process that was suspended
            for longer between intent and request withdraws the intent.
        on_stop: Called with the reason when the run is stopped before its end.
        grace: How long a run that is left early waits for requests in flight, in seconds.

    The other arguments are those of `FanOutOptions`.
    """

    _maker = "engagelab"

    def __init__(
        self,
        transport: Transport,
        operations: Source,
        *,
        flow: FlowControl,
        journal: Path | JournalStore | None = None,
        sites: Mapping[str, Site] | None = None,
        key: Key | None = None,
        digests: Sequence[str] | None = None,
        retry: RetryPolicy | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        intent_lifetime: float = math.inf,
        stop_when: StopRule = stop_on_fatal_error,
        on_stop: Callable[[str], object] | None = None,
        resend_uncertain: bool = False,
        split_rejected: bool = False,
        reference: bool = True,
        suppress: Container[str] | None = None,
        grace: float = GRACE,
    ) -> None:
        super().__init__(operations, stop_when, flow.clock)
        self._store = journal
        self._sites = sites
        self._digests = digests
        self._grace = grace
        self._flow = flow
        self._state = RunState(flow.limit, on_stop)
        self._context = RunContext(
            transport,
            flow,
            self._state,
            policy=transport.retry if retry is None else retry,
            timeout=timeout,
            deadline=deadline,
            resend_uncertain=resend_uncertain,
            split_rejected=split_rejected,
            reference=reference,
            key=key,
            intent_lifetime=intent_lifetime,
            suppress=suppress,
        )
        self._journal: RunJournal | None = None
        self._pulled = 0
        self._is_working = True
        self._scope: anyio.CancelScope | None = None
        self._settling = 0
        self._room = flow.limit.most

    # ------------------------------------------------------------------ the consumer's side

    @property
    def _stopped(self) -> str | None:
        return self._state.stopped

    @property
    def _is_closed(self) -> bool:
        return self._state.closed

    @property
    def _is_crowded(self) -> bool:
        return len(self._ready) + self._settling >= self._room and not self._state.closed

    @property
    def in_flight(self) -> int:
        """How many requests are in flight."""
        return self._context.in_flight

    @property
    def concurrency(self) -> int:
        """The current concurrency limit; reduced automatically after 429s, 5xx and timeouts."""
        return self._flow.limit.current

    def stop(self, reason: str) -> None:
        """Start nothing new; requests in flight are completed, and then the stream ends.

        Args:
            reason: The report's ``stopped``; the first one counts.
        """
        if not self._done.is_set():
            self._state.stop(reason)
            self._stop_pulling()

    def abort(self, reason: str) -> None:
        """End the run without waiting: requests in flight are cancelled.

        They may have been sent, so the stream ends with their `Uncertain` outcomes.

        Args:
            reason: As for `stop`.
        """
        self.stop(reason)
        if self._scope is not None:
            self._scope.cancel()

    async def __aenter__(self) -> Self:
        """Open the journal and start the workers."""
        self._start()
        if self._store is not None:
            store = self._store
            if isinstance(store, Path):
                store = await SQLiteJournal.open(store, self._sites)
            self._journal = self._context.journal = RunJournal(store, self._fail)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        if self._journal is not None:
            self._tasks.start_soon(self._journal.write)
        self._scope = anyio.CancelScope(shield=True)
        self._tasks.start_soon(self._run_workers, self._scope)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the run."""
        self.stop(LEFT)
        # Requests of a cancelled program get the time to be answered, too.
        self._tasks.cancel_scope.shield = True
        try:
            with anyio.move_on_after(self._grace):
                await self._done.wait()
        finally:
            self.abort(LEFT)
            # The consumer's exception must not be wrapped in an exception group.
            await self._tasks.__aexit__(None, None, None)
        await self._close_source(self._grace)
        if exc_type is None:
            self._raise_failure()

    # ------------------------------------------------------------------ the workers' side

    async def _run_workers(self, scope: anyio.CancelScope) -> None:
        try:
            # Whatever cancels the program leaves the workers to `__aexit__`.
            with scope:
                async with anyio.create_task_group() as workers:
                    for _ in range(self._flow.limit.most):
                        workers.start_soon(self._work, scope)
        except Exception as error:  # noqa: BLE001 - kept
            self._fail(error)
        finally:
            self._is_working = False
            if self._journal is not None:
                self._journal.close()
            self._finish_if_done()

    async def _work(self, scope: anyio.CancelScope) -> None:
        try:
            await self._work_through(Permit(self._flow.limit, self._state))
        except anyio.get_cancelled_exc_class() as error:
            if scope.cancel_called:
                raise
            self._fail_of_cancellation(error)
        except BaseException as error:  # noqa: BLE001 - kept
            self._fail(error)

    async def _work_through(self, permit: Permit) -> None:
        """Bring operations to their outcomes, one after another, and the parts that they have."""
        state = self._state
        tasks: list[Task] = []
        try:
            while tasks or (not state.closed and (permit.keep() or await permit.acquire())):
                if not tasks:
                    if len(self._ready) + self._settling >= self._room:
                        await self._wait_for_room()
                        continue
                    if self._next is None:
                        operation = await self._pull()
                    else:
                        operation = END if state.closed else self._next()
                    if operation is END:
                        state.close()
                        self._make_room_for_all()
                        continue
                    tasks.append(self._task(operation))
                ended = await tasks[-1].complete(permit)
                task = tasks.pop()
                if isinstance(ended, list):
                    tasks += ended
                else:
                    self._settle(task, ended)
        except BaseException as error:
            if tasks:
                # Only what is cancelled leaves something.
                clear(error, None)
            for left in reversed(tasks):
                self._settle(left, left.given_up())
            raise
        finally:
            permit.release()

    def _finish_if_done(self) -> None:
        if not self._is_working and not self._settling:
            self._finish()

    def _task(self, operation: object) -> Task:
        index = self._pulled
        self._pulled += 1
        if not isinstance(operation, Operation):
            kind = type(operation).__name__
            raise TypeError(f"operations[{index}]: expected an Operation, got {kind}")
        digest = "" if self._digests is None else self._digests[index]
        return Task(self._context, operation, index, digest)

    # ------------------------------------------------------------------ outcomes

    def _settle(self, task: Task, outcome: AnyOutcome) -> None:
        if self._journal is None:
            self._deliver(outcome)
        elif task.intended:
            # The worker goes on; its next intent is written together with this.
            self._settling += 1
            self._journal.settle(
                task.settlement(outcome), lambda failure: self._settled(task, outcome, failure)
            )
        elif task.when_recorded is not None:
            # It was withdrawn, and that is being written.
            self._settling += 1
            task.when_recorded = partial(self._settled, task, outcome)
        else:
            self._deliver(task.as_unrecorded(outcome) if task.unrecorded else outcome)

    def _settled(self, task: Task, outcome: AnyOutcome, failure: BaseException | None) -> None:
        self._settling -= 1
        self._deliver(outcome if failure is None else task.as_unrecorded(outcome))
        if self._crowded:
            self._make_room()
        if not self._settling:
            self._finish_if_done()


class FanOutOptions(TypedDict, total=False):
    """What `EngageLab.fan_out` and `EngageLab.send_all` take besides the operations.

    Attributes:
        max_in_flight: How many operations may be in flight, 64 by default; fewer after trouble.
        rate: Requests a second; or a `Rate`, which can count targets; or a `Limiter`.
        burst: How many requests may go at once after a quiet time, with `rate` as a number.
        journal: A file that makes the run resumable: run the same program with the same journal,
            and no recipient is sent to twice. It holds no recipients, texts or codes. Or an open
            `engagelab_async.bulk.journal.JournalStore`, which the run closes.
        key: Makes an operation's identity for the journal; defaults to a digest of its product,
            path and body.
        retry: The retry policy; defaults to the client's.
        timeout: Seconds for one attempt; defaults to the client's.
        deadline: Seconds for one operation, without its waits for the pace of the run; defaults to
            the client's.
        stop_when: Returns why the run has to end after an outcome; defaults to
            `stop_on_fatal_error`.
        resend_uncertain: Send again what may have been sent by an earlier run.
        split_rejected: Send a `SendSMS` to many that the API refused as two halves, and so on,
            until the targets are found that it refuses. Each part has an outcome of its own, with
            the index of the whole.
        reference: With a journal, put a key ``engagelab_async`` into the ``custom_args`` of each
            `SendSMS`, unless there is one; the default. Callbacks bring it back, and by it
            `Journal.settle` knows the operation.
        suppress: Recipients who must not be sent to: a `Suppression`, or another container. They
            are left out, in an outcome ``Skipped("suppressed")``; the journal knows an operation
            with and without them as the same.

    .. versionadded:: 0.1.0
    """

    max_in_flight: int
    rate: float | Rate | Limiter | None
    burst: float | None
    journal: str | os.PathLike[str] | JournalStore | None
    key: Key | None
    retry: RetryPolicy | None
    timeout: float | None
    deadline: float | None
    stop_when: StopRule | None
    resend_uncertain: bool
    split_rejected: bool
    reference: bool
    suppress: Container[str] | None


def fan_out(
    transport: Transport,
    operations: Source,
    *,
    max_in_flight: int = 64,
    rate: float | Rate | Limiter | None = None,
    burst: float | None = None,
    journal: str | os.PathLike[str] | JournalStore | None = None,
    key: Key | None = None,
    retry: RetryPolicy | None = None,
    timeout: float | None = None,
    deadline: float | None = None,
    stop_when: StopRule | None = None,
    resend_uncertain: bool = False,
    split_rejected: bool = False,
    reference: bool = True,
    suppress: Container[str] | None = None,
) -> FanOut:
    """Check the arguments of `EngageLab.fan_out` and make the run."""
    return FanOut(
        transport,
        operations,
        flow=FlowControl(check_integer(max_in_flight, "max_in_flight", 1), limiter_of(rate, burst)),
        journal=journal if isinstance(journal, JournalStore | None) else Path(journal),
        sites=None if journal is None else sites_of(transport.base_urls),
        key=key,
        retry=None if retry is None else check_instance(retry, "retry", RetryPolicy),
        timeout=None if timeout is None else check_timeout(timeout, "timeout"),
        deadline=None if deadline is None else check_timeout(deadline, "deadline"),
        stop_when=stop_on_fatal_error if stop_when is None else stop_when,
        resend_uncertain=check_flag(resend_uncertain, "resend_uncertain"),
        split_rejected=check_flag(split_rejected, "split_rejected"),
        reference=check_flag(reference, "reference"),
        suppress=None if suppress is None else check_container(suppress, "suppress"),
    )
