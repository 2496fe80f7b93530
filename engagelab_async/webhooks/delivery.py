"""From the callback, which is answered at once, to the handler, which may be slow.

::

    callback ──> waiting (bounded) ──> seen before? ─ new ──> handler ──> handled
                 └─ full: not taken     ├─ handled: repeated     └─> failed: logged, counted,
                        ↑               └─ in flight                 on_error; it is new again
                        └─ its outcome is known ┘

What waits is in memory. The end of the program waits for it, for a limited time. What is cut off
then is abandoned, so that it is new to the next process.
"""

import contextvars
import inspect
import logging
import math
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypedDict, cast

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from attrs import define, evolve, frozen

from engagelab_async.arguments import check_integer, check_seconds

from .events import Event
from .seen import Progress, RecentlySeen, SeenStore

Handler = Callable[[Event], Awaitable[object] | None]
"""Handles one event; a coroutine function, or a function that does not block.

.. versionadded:: 0.1.0
"""

ErrorHook = Callable[[Event, Exception], Awaitable[object] | None]
"""Called with an event whose handler failed, and the exception.

.. versionadded:: 0.1.0
"""

# Seconds. A container that is stopped is usually killed after 10: what is left is logged before.
_DRAIN_TIMEOUT: Final = 7.0
_ABANDONING: Final = 1.0  # seconds; a store that hangs must not keep a program from ending
# Seconds between checks of a row that another process handles.
_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

_logger: Final = logging.getLogger("engagelab_async")


@frozen
class _Batch:
    """Events to be handled one after the other, in the context of their request."""

    events: tuple[Event, ...]
    context: contextvars.Context
    pause: float = _PAUSE  # seconds to wait if an event is in flight elsewhere


class AwaitedCancelledError(Exception):
    """A task that a handler awaited was cancelled, not the handler; see ``__cause__``."""


@define
class Counts:
    """Counts of callbacks and their events so far.

    Attributes:
        received: Callbacks that were answered 200.
        refused: Requests that were answered anything else.
        handled: Events that the handler has handled.
        repeated: Events that had come before, and were not handled again.
        failed: Events that the handler raised an exception for.
        dropped: Events that were left when the time for shutdown was over.

    .. versionadded:: 0.1.0
    """

    received: int = 0
    refused: int = 0
    handled: int = 0
    repeated: int = 0
    failed: int = 0
    dropped: int = 0


class DeliveryOptions(TypedDict, total=False):
    """Options of the delivery to the handler, for every framework.

    Attributes:
        seen: Remembers which events came before; a `RecentlySeen` of its own by default.
        on_error: Called with an event that could not be handled, and the exception.
        counts: Counts what happens.
        max_waiting: How many events may wait to be handled, behind others of their callback as
            well; by default 1,000, and 100 for each of `max_in_flight`. A callback for which there
            is no room is answered 503, and the platform sends it again. One that has more events
            than that is taken when nothing else waits.
        max_in_flight: How many callbacks are handled at once; by default 1, which keeps their
            order.
        drain_timeout: How many seconds the end may wait for what was received, 7 by default: a
            container that is stopped is usually killed after 10.
    """

    seen: SeenStore
    on_error: ErrorHook
    counts: Counts
    max_waiting: int
    max_in_flight: int
    drain_timeout: float


class Delivery:
    """Takes callbacks without waiting, and hands their events to the handler.

    The arguments are those of `DeliveryOptions`.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        seen: SeenStore | None = None,
        on_error: ErrorHook | None = None,
        counts: Counts | None = None,
        max_waiting: int | None = None,
        max_in_flight: int = 1,
        drain_timeout: float = _DRAIN_TIMEOUT,
    ) -> None:
        if not callable(handler):
            raise TypeError(f"handler: expected a function, got {type(handler).__name__}")
        self._handler = handler
        self._seen = RecentlySeen() if seen is None else _store("seen", seen)
        self._on_error = on_error
        self.counts: Counts = Counts() if counts is None else counts
        self._max_in_flight = check_integer(max_in_flight, "max_in_flight", 1)
        if max_waiting is None:
            max_waiting = 1000 + 100 * max_in_flight
        self._max_waiting = check_integer(max_waiting, "max_waiting", 1)
        self._drain_timeout = check_seconds(drain_timeout, "drain_timeout")
        self._abandoning = min(_ABANDONING, drain_timeout)
        self._inbox: MemoryObjectSendStream[_Batch] | None = None
        self._is_ending = False
        self._is_refusing = False
        self._waiting = 0  # events that have not reached the handler
        self._left = 0  # these, and those that are being handled
        self._all_done: anyio.Event
        self._in_flight: dict[str, anyio.Event | None] = {}  # by identity: what waits for its end
        self._owner: str

    def take(self, events: tuple[Event, ...]) -> bool:
        """Take the events of a callback, or return that there is no room for them.

        Raises:
            RuntimeError: It is not running.
        """
        inbox = self._open_inbox()
        if not events:  # unverified requests must not take up room
            return True
        if self._is_ending:
            return self._refuse("the app is ending")
        if self._waiting and self._waiting + len(events) > self._max_waiting:
            return self._refuse(f"{self._waiting} events are waiting to be handled")
        self._waiting += len(events)
        self._left += len(events)
        inbox.send_nowait(_Batch(events, contextvars.copy_context()))
        return True

    def _open_inbox(self) -> MemoryObjectSendStream[_Batch]:
        if self._inbox is None:
            raise RuntimeError("callbacks cannot be handled: the app's lifespan did not run")
        return self._inbox

    def _refuse(self, reason: str) -> bool:
        if not self._is_refusing:  # thousands may be refused for one reason
            self._is_refusing = True
            _logger.warning("callbacks are answered 503 for now: %s", reason)
        return False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Handle accepted events; at the end, handle the remaining ones.

        Raises:
            RuntimeError: It is running already.
        """
        if self._inbox is not None:
            raise RuntimeError("callbacks are being handled already: one lifespan is enough")
        inbox, outbox = anyio.create_memory_object_stream[_Batch](math.inf)
        self._inbox = inbox
        self._all_done = anyio.Event()
        self._owner = secrets.token_hex(8)  # not earlier: a fork must not share it
        self._is_ending = self._is_refusing = False
        try:
            with inbox, outbox:
                async with self._handling(outbox):
                    yield
        finally:
            self._inbox = None
            self._give_up()

    @asynccontextmanager
    async def _handling(self, outbox: MemoryObjectReceiveStream[_Batch]) -> AsyncIterator[None]:
        # Shielded: a cancelled program handles the rest, which is not repeated.
        handling = anyio.CancelScope(shield=True)
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._handle_all, outbox, handling)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - the task group would wrap it
                failure = error
            finally:
                self._is_ending = True
                await self._drain()
                handling.cancel()
        if failure is not None:
            raise failure

    async def _drain(self) -> None:
        if not self._left:
            return
        # Now, because the program may be killed before that time is over.
        _logger.warning(
            "%d events of callbacks are left, and handled for %g s at most",
            self._left,
            self._drain_timeout,
        )
        with anyio.move_on_after(self._drain_timeout, shield=True):
            await self._all_done.wait()

    async def _handle_all(
        self, outbox: MemoryObjectReceiveStream[_Batch], handling: anyio.CancelScope
    ) -> None:
        with handling:
            async with anyio.create_task_group() as tasks:
                for _ in range(self._max_in_flight):
                    tasks.start_soon(self._work, outbox, tasks)

    async def _work(self, outbox: MemoryObjectReceiveStream[_Batch], tasks: TaskGroup) -> None:
        async for batch in outbox:
            # A task's context is a copy of the one that it is started in.
            async with anyio.create_task_group() as handling:
                _ = batch.context.run(handling.start_soon, self._handle_batch, batch, tasks)

    async def _handle_batch(self, batch: _Batch, tasks: TaskGroup) -> None:
        for event in batch.events:
            # A handler and a store may never yield to the event loop; other tasks must run, too.
            await anyio.lowlevel.checkpoint()
            self._waiting -= 1
            if self._waiting <= self._max_waiting // 2 and not self._is_ending:
                self._is_refusing = False
            identity = event.identity
            is_here = identity in self._in_flight
            if not is_here and await self._handle(event, identity):
                self._finish()
                continue
            self._waiting += 1
            outcome = self._outcome_of(identity) if is_here else None
            alone = evolve(batch, events=(event,))
            tasks.start_soon(self._wait_for_outcome, alone, outcome)

    def _outcome_of(self, identity: str) -> anyio.Event:
        outcome = self._in_flight[identity] = self._in_flight[identity] or anyio.Event()
        return outcome

    def _finish(self) -> None:
        self._left -= 1
        if self._is_ending and not self._left:
            self._all_done.set()

    async def _wait_for_outcome(self, batch: _Batch, outcome: anyio.Event | None) -> None:
        """Handle an event that is in flight already, if that handling fails.

        Meanwhile the worker handles others.
        """
        if outcome is not None:
            await outcome.wait()
        else:  # in another process; that can only be asked
            await anyio.sleep(batch.pause)
            batch = evolve(batch, pause=min(batch.pause * 2, _LONGEST_PAUSE))
        self._open_inbox().send_nowait(batch)

    async def _handle(self, event: Event, identity: str) -> bool:
        """Handle an event if it is new, or return that it is in flight elsewhere."""
        self._in_flight[identity] = None
        try:
            progress = await self._begin(event, identity)
            if progress == "handled":
                self.counts.repeated += 1
            elif progress != "in_flight":
                await self._handle_new(event, identity)
        except anyio.get_cancelled_exc_class():
            # It may not have been handled: twice, by the next process, is better than never.
            with anyio.move_on_after(self._abandoning, shield=True):
                await self._report("seen.abandon", event, self._seen.abandon, identity, self._owner)
            raise
        finally:
            outcome = self._in_flight.pop(identity)
            if outcome is not None:
                outcome.set()
        return progress != "in_flight"

    async def _begin(self, event: Event, identity: str) -> Progress:
        try:
            return cast("Progress", await _call(self._seen.begin, identity, self._owner))
        except Exception as error:  # noqa: BLE001 - it is the store's
            # It was answered 200, so it is not repeated: twice is better than never.
            _log(error, "seen.begin", event)
            return "new"

    async def _handle_new(self, event: Event, identity: str) -> None:
        try:
            await _call(self._handler, event)
        except Exception as error:  # noqa: BLE001 - it is the handler's, and is reported
            self.counts.failed += 1
            _log(error, "the handler", event)
            await self._report("seen.abandon", event, self._seen.abandon, identity, self._owner)
            if self._on_error is not None:
                await self._report("on_error", event, self._on_error, event, error)
        else:
            self.counts.handled += 1
            await self._commit(event, identity)

    async def _commit(self, event: Event, identity: str) -> None:
        try:
            await self._report("seen.commit", event, self._seen.commit, identity)
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(self._abandoning, shield=True):
                await self._report("seen.commit", event, self._seen.commit, identity)
            raise

    async def _report(
        self, name: str, event: Event, function: Callable[..., Any], *arguments: object
    ) -> None:
        try:
            await _call(function, *arguments)
        except Exception as error:  # noqa: BLE001 - the next one has to be called as well
            _log(error, name, event)

    def _give_up(self) -> None:
        if self._left:
            _logger.error("%d events of callbacks were left when the time was over", self._left)
            self.counts.dropped += self._left
            self._waiting = self._left = 0


def _store(name: str, store: SeenStore) -> SeenStore:
    """Refuse an object that is not a store: every event would be new to it."""
    for method in ("begin", "commit", "abandon"):
        if not callable(getattr(store, method, None)):
            raise TypeError(
                f"{name}: expected a SeenStore, got a {type(store).__name__} without {method}"
            )
    return store


async def _call(function: Callable[..., Any], *arguments: object) -> object:
    """Call a function of the user; a cancellation that is not the delivery's own is an error."""
    try:
        outcome = function(*arguments)
        return await outcome if inspect.isawaitable(outcome) else outcome
    except anyio.get_cancelled_exc_class() as error:
        if anyio.current_effective_deadline() == -math.inf:  # the delivery itself is cancelled
            raise
        raise AwaitedCancelledError().with_traceback(error.__traceback__) from error


def _log(error: Exception, where: str, event: Event) -> None:
    # The exception's own text may quote a number or a text, so it is left to on_error.
    stack = "".join(traceback.format_tb(error.__traceback__))
    _logger.error("%s failed with %s for %r\n%s", where, type(error).__name__, event, stack)
