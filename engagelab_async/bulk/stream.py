"""What a run on one machine and one on several have in common: the stream of outcomes.

::

    source ── pull ──> the run ── deliver ──> tally, stop rule ──> ready ── consumer
                ↑                                                    │
                └────────────── room, while it is not full <─────────┘
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

import anyio
from anyio.lowlevel import checkpoint

from engagelab_async.arguments import check_instance
from engagelab_async.engines import Owner

from .report import BulkReport, Tally

if TYPE_CHECKING:
    from engagelab_async.operation import Operation

    from .outcomes import AnyOutcome
    from .stopping import StopRule

    Source = Iterable[Operation[Any]] | AsyncIterable[Operation[Any]]

GRACE: Final = 10.0
"""How long a run that is left early waits for requests in flight, in seconds."""

LEFT: Final = "the consumer left"
"""What the report of such a run gives as its reason."""

END: Final = object()
"""What is pulled when there is nothing more to send."""


class OutcomeStream(ABC):
    """A run as its consumer sees it: an async iterator of outcomes, and a report."""

    _maker: ClassVar[str]
    """What has the method `fan_out`, for an error."""

    def __init__(self, operations: Source, stop_when: StopRule, clock: Callable[[], float]) -> None:
        self._iterator: Any
        # Called for each operation; `None` if the source is to be awaited.
        self._next: Callable[[], object] | None = None
        if isinstance(operations, AsyncIterable):
            self._iterator = aiter(operations)
        elif isinstance(operations, Iterable):
            self._iterator = iter(operations)
            self._next = partial(next, self._iterator, END)
        else:
            kind = type(operations).__name__
            raise TypeError(f"operations: expected an iterable or async iterable, got {kind}")
        self._pulling = anyio.Lock(fast_acquire=True)
        self._pull_scope: anyio.CancelScope | None = None

        self._stop_when = stop_when
        self._failure: BaseException | None = None
        self._has_failed = False

        self._tally = Tally()
        self._ready: deque[AnyOutcome] = deque()
        self._watched = True
        self._arrived: anyio.Event | None = None
        self._crowded: deque[anyio.Event] = deque()

        self._clock = clock
        self._owner = Owner("a bulk run")
        self._done = anyio.Event()
        self._started: float | None = None
        self._finished: float | None = None

    @property
    @abstractmethod
    def _stopped(self) -> str | None:
        """Why the run was stopped, if it was."""

    @property
    @abstractmethod
    def _is_closed(self) -> bool:
        """Whether nothing new is started."""

    @property
    @abstractmethod
    def _is_crowded(self) -> bool:
        """Whether the consumer has to take outcomes before anything new is started."""

    @abstractmethod
    def stop(self, reason: str) -> None:
        """Start nothing new; the first reason counts."""

    # ------------------------------------------------------------------ the consumer's side

    @property
    def report(self) -> BulkReport:
        """What the run did so far."""
        now = self._clock() if self._finished is None else self._finished
        elapsed = 0.0 if self._started is None else now - self._started
        return self._tally.report(elapsed=elapsed, stopped=self._stopped)

    async def wait(self) -> BulkReport:
        """Wait for the end of the run without looking at its outcomes.

        Returns:
            What it did.

        Raises:
            ConfigurationError: The run belongs to another event loop or process.
            JournalError: What becomes of the operations cannot be recorded any longer.
            Exception: What the source of the operations or a stop rule raised.
        """
        self._owner.check()
        self._watched = False
        self._ready.clear()
        self._make_room_for_all()
        await self._done.wait()
        self._raise_failure()
        return self.report

    def __aiter__(self) -> AsyncIterator[AnyOutcome]:
        return self

    async def __anext__(self) -> AnyOutcome:
        """Wait for an outcome; raise as `wait` does, after the last one."""
        if self._started is None:
            how = f"async with {self._maker}.fan_out(…) as outcomes"
            raise RuntimeError(f"enter the run first: {how}")
        self._owner.check()
        if not self._ready:
            # While answers come in, letting the others run is cheaper than being woken.
            await checkpoint()
        while not self._ready:
            if self._done.is_set():
                self._raise_failure()
                raise StopAsyncIteration
            self._arrived = self._arrived or anyio.Event()
            await self._arrived.wait()
        outcome = self._ready.popleft()
        if self._crowded:
            self._make_room()
        return outcome

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    # ------------------------------------------------------------------ the run's side

    def _start(self) -> None:
        if self._started is not None:
            raise RuntimeError("a run is entered once: call fan_out() again")
        self._owner.check()
        self._started = self._clock()

    def _finish(self) -> None:
        if self._finished is None:
            self._finished = self._clock()
        self._done.set()
        self._announce()

    async def _pull(self) -> object:
        """Take the next operation from the source; `END` when the run is stopped."""
        async with self._pulling:
            if self._is_closed:
                return END
            if self._next is not None:
                return self._next()
            with anyio.CancelScope() as self._pull_scope:
                return await anext(self._iterator, END)
            return END  # the run was stopped

    def _stop_pulling(self) -> None:
        self._make_room_for_all()
        if self._pull_scope is not None:
            self._pull_scope.cancel()

    async def _close_source(self, grace: float = GRACE) -> None:
        """End an async generator here, not when it is garbage-collected."""
        aclose = getattr(self._iterator, "aclose", None)
        if aclose is not None:
            with anyio.move_on_after(grace, shield=True):
                await aclose()

    def _deliver(self, outcome: AnyOutcome) -> None:
        self._tally.add(outcome)
        if self._watched:
            self._ready.append(outcome)
            if self._arrived is not None:
                self._announce()
        try:
            reason = self._stop_when(outcome)
            if reason is not None:
                self.stop(check_instance(reason, "stop_when", str))
        except Exception as error:  # noqa: BLE001 - a rule must not take the run down
            self._fail(error)

    def _announce(self) -> None:
        if self._arrived is not None:
            self._arrived.set()
            self._arrived = None

    def _fail_of_cancellation(self, error: BaseException) -> None:
        """Report a cancellation behind the run's own shield.

        It is the source's, or the end of the event loop.
        """
        failure = RuntimeError("operations: what it iterates over was cancelled")
        failure.__cause__ = error
        self._fail(failure)

    def _fail(self, error: BaseException) -> None:
        """End the run with what is raised where the consumer is; the first one, once."""
        if isinstance(error, StopIteration | StopAsyncIteration):
            # Raised where the consumer is, it would pass for the end of the stream.
            failure = RuntimeError(f"the run failed ({type(error).__name__})")
            failure.__cause__ = error
            error = failure
        if not self._has_failed:
            self._has_failed = True
            self._failure = error
        self.stop(f"a failure ({type(error).__name__})")

    async def _wait_for_room(self) -> None:
        while self._is_crowded:
            self._crowded.append(room := anyio.Event())
            await room.wait()

    def _make_room(self) -> None:
        if self._crowded:
            self._crowded.popleft().set()

    def _make_room_for_all(self) -> None:
        while self._crowded:
            self._make_room()
