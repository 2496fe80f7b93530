"""From the callback, which is answered at once, to the handler, which may take its time.

::

    callback ──> waiting (bounded) ──> seen before? ──> handler ──> handled
                 └─ full: not taken         └─> repeated   └─> failed: logged, counted, on_error

What waits is in memory. The end of the program waits for it, for a limited time. What is cut off
then is forgotten, so that it is new to the next process.
"""

import inspect
import logging
import math
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypedDict

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from attrs import define

from ._limits import positive, whole
from .events import Event
from .seen import RecentlySeen, SeenStore

Handler = Callable[[Event], Awaitable[object] | None]
"""Handles one event; a coroutine function, or a function that does not block.

.. versionadded:: 0.1.0
"""

ErrorHook = Callable[[Event, Exception], Awaitable[object] | None]
"""Told about an event that a handler could not handle, and why.

.. versionadded:: 0.1.0
"""

_Inbox = MemoryObjectSendStream[tuple[Event, ...]]
_Outbox = MemoryObjectReceiveStream[tuple[Event, ...]]

_FORGETTING: Final = 1.0  # seconds; a store that hangs must not keep a program from ending

_logger: Final = logging.getLogger("engagelab_async")


class AwaitedCancelledError(Exception):
    """What a handler waited for was cancelled, and not the handler; ``__cause__`` is how."""


@define
class Counts:
    """What became of callbacks and their events, so far.

    Attributes:
        received: Callbacks that were answered 200.
        refused: Requests that were answered anything else.
        handled: Events that the handler has handled.
        repeated: Events that had come before, and were kept from the handler.
        failed: Events that the handler raised an exception for.
        dropped: Events that were left when the time to end was over.

    .. versionadded:: 0.1.0
    """

    received: int = 0
    refused: int = 0
    handled: int = 0
    repeated: int = 0
    failed: int = 0
    dropped: int = 0


class DeliveryOptions(TypedDict, total=False):
    """How events get to the handler; all that receives callbacks takes these.

    Attributes:
        seen: Remembers which events came before; a `RecentlySeen` by default.
        on_error: Called with an event that could not be handled, and the exception.
        counts: Counts what happens.
        max_waiting: How many events may wait to be handled, 1,000 by default. A callback for which
            there is no room is answered 503, and the platform sends it again. One that has more
            events than that is taken when nothing else waits.
        max_in_flight: How many callbacks are handled at once; by default 1, which keeps their
            order.
        drain_timeout: How many seconds the end may wait for what was received, 10 by default.
    """

    seen: SeenStore
    on_error: ErrorHook
    counts: Counts
    max_waiting: int
    max_in_flight: int
    drain_timeout: float


class Delivery:
    """Takes callbacks without waiting, and hands their events to the handler.

    Args:
        handler: Called with each event.
        seen: See `DeliveryOptions`, as the other arguments.
        on_error: Called with what could not be handled.
        counts: Counts what happens.
        max_waiting: How many events may wait.
        max_in_flight: How many callbacks are handled at once.
        drain_timeout: How many seconds the end may take.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        seen: SeenStore | None = None,
        on_error: ErrorHook | None = None,
        counts: Counts | None = None,
        max_waiting: int = 1000,
        max_in_flight: int = 1,
        drain_timeout: float = 10.0,
    ) -> None:
        if not callable(handler):
            raise TypeError(f"handler: expected a function, got {type(handler).__name__}")
        self._handler = handler
        self._seen = RecentlySeen() if seen is None else seen
        self._on_error = on_error
        self.counts: Counts = Counts() if counts is None else counts
        self._max_waiting = whole("max_waiting", max_waiting)
        self._max_in_flight = whole("max_in_flight", max_in_flight)
        self._drain_timeout = positive("drain_timeout", drain_timeout)
        self._inbox: _Inbox | None = None
        self._waiting = 0  # events that have not reached a worker
        self._left = 0  # these, and those that are being handled

    def take(self, events: tuple[Event, ...]) -> bool:
        """Take the events of a callback, or tell that there is no room for them.

        Raises:
            RuntimeError: It is not running.
        """
        if self._inbox is None:
            raise RuntimeError("callbacks cannot be handled: the app's lifespan did not run")
        if not events:  # what anybody may send must not take anybody's room
            return True
        if self._waiting and self._waiting + len(events) > self._max_waiting:
            return False
        try:
            self._inbox.send_nowait(events)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return False
        self._waiting += len(events)
        self._left += len(events)
        return True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Handle what is taken; in the end, handle what is left.

        Raises:
            RuntimeError: It is running already.
        """
        if self._inbox is not None:
            raise RuntimeError("callbacks are being handled already: one lifespan is enough")
        inbox, outbox = anyio.create_memory_object_stream[tuple[Event, ...]](math.inf)
        self._inbox = inbox
        try:
            async with self._handling(outbox):
                with inbox:
                    yield
        finally:
            self._inbox = None
            self._give_up()

    @asynccontextmanager
    async def _handling(self, outbox: _Outbox) -> AsyncIterator[None]:
        # Shielded: a cancelled program handles what is left too, as it will not come again.
        handling, over = anyio.CancelScope(shield=True), anyio.Event()
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._handle_all, outbox, handling, over)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - the task group would wrap it
                failure = error
            finally:
                await self._drain(over)
                handling.cancel()
        if failure is not None:
            raise failure

    async def _drain(self, over: anyio.Event) -> None:
        with anyio.move_on_after(self._drain_timeout, shield=True):
            await over.wait()

    async def _handle_all(
        self,
        outbox: _Outbox,
        handling: anyio.CancelScope,
        over: anyio.Event,
    ) -> None:
        with outbox, handling:
            async with anyio.create_task_group() as workers:
                for _ in range(self._max_in_flight):
                    workers.start_soon(self._work, outbox)
        over.set()

    async def _work(self, outbox: _Outbox) -> None:
        async for events in outbox:
            for event in events:
                # Neither a handler nor a store need wait for anything; others have to run as well.
                await anyio.lowlevel.checkpoint()
                self._waiting -= 1
                await self._handle(event)
                self._left -= 1

    async def _handle(self, event: Event) -> None:
        try:
            await self._handle_if_new(event)
        except anyio.get_cancelled_exc_class():
            # Whether it is handled is not known: rather twice, by the next process, than never.
            with anyio.move_on_after(min(_FORGETTING, self._drain_timeout), shield=True):
                await self._tell("seen.discard", self._forget, event)
            raise

    async def _handle_if_new(self, event: Event) -> None:
        if not await self._is_new(event):
            self.counts.repeated += 1
            return
        try:
            await _call(self._handler, event)
        except Exception as error:  # noqa: BLE001 - it is somebody else's, and is reported
            await self._report(event, error)
        else:
            self.counts.handled += 1

    async def _is_new(self, event: Event) -> bool:
        try:
            return bool(await _call(self._seen.add, event.identity))
        except Exception as error:  # noqa: BLE001 - it is somebody else's
            # It was answered 200, so it will not come again: better twice than never.
            _log(error, "seen.add", event)
            return True

    async def _report(self, event: Event, error: Exception) -> None:
        self.counts.failed += 1
        _log(error, "the handler", event)
        await self._tell("seen.discard", self._forget, event)
        if self._on_error is not None:
            await self._tell("on_error", self._on_error, event, error)

    async def _tell(
        self, name: str, told: Callable[..., Any], event: Event, *more: Exception
    ) -> None:
        try:
            await _call(told, event, *more)
        except Exception as error:  # noqa: BLE001 - the next one has to be told as well
            _log(error, name, event)

    async def _forget(self, event: Event) -> None:
        """If the platform tells it again after all, let the handler have it."""
        await self._seen.discard(event.identity)

    def _give_up(self) -> None:
        if self._left:
            _logger.error("%d events of callbacks were left when the time was over", self._left)
            self.counts.dropped += self._left
            self._waiting = self._left = 0


async def _call(function: Callable[..., Any], *arguments: object) -> object:
    """Call what somebody else wrote.

    Raises:
        AwaitedCancelledError: A cancellation came out of it, and the delivery goes on.
    """
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
