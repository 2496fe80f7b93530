"""The journal of a run, as its tasks use it: what they want written at once shares one write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio.lowlevel import checkpoint
from attrs import define, field

from engagelab_async.engines import current_task

from .protocol import JournalError, Record, Settlement, State

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Generator, Mapping

    from .protocol import JournalStore, SendIntent

_QUIET: Final = 3
"""Turns of the event loop without a new intent, after which none is likely to come at once."""


def do_nothing(_: BaseException | None) -> None:
    """Do nothing: no task waits."""


class _Wakeup:
    """What a task waits for on trio. On asyncio, a future costs half of what an event does."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def __await__(self) -> Generator[Any, Any, None]:
        """Wait for it."""
        return self._event.wait().__await__()

    def done(self) -> bool:
        """Return whether it woke the task."""
        return self._event.is_set()

    def set_result(self, _: None) -> None:
        """Wake the task."""
        self._event.set()


@define(eq=False)
class _Batch:
    """What is written in one transaction."""

    ends: list[Settlement] = field(factory=list)
    intents: dict[str, SendIntent] = field(factory=dict)
    questions: list[SendIntent] = field(factory=list)
    withdrawn: list[SendIntent] = field(factory=list)
    durable: list[Callable[[BaseException | None], object]] = field(factory=list)
    is_wanted: bool = False
    wanted: anyio.Event = field(factory=anyio.Event)
    waiting: list[_Wakeup | Future[None]] = field(factory=list)
    is_done: bool = False
    known: Mapping[str, Record] = field(factory=dict)
    error: BaseException | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wanted but the end."""
        return not (self.ends or self.intents or self.questions)

    def want(self) -> None:
        """Have it written, unless the writer has ended."""
        if self.error is None:
            self.is_wanted = True
            self.wanted.set()
        else:
            self.finish()

    def finish(self) -> None:
        """Wake all tasks that wait for it."""
        self.is_done = True
        for wakeup in self.waiting:
            # A task that was cancelled has cancelled its future.
            if not wakeup.done():
                wakeup.set_result(None)
        self.waiting.clear()
        durable, self.durable = self.durable, []
        for each in durable:
            each(self.error)


class RunJournal:
    """The journal of one run, for its tasks.

    While one batch is being written, what all tasks want written collects for the next: the more
    are in flight, the more share a flush. A flush costs as much as several requests do, so as long
    as the event loop is busy with answers, a batch waits for the intents that follow them.

    Args:
        store: Where it is kept.
        on_failure: Called when that cannot be written any longer.

    Attributes:
        run: The number of this run.
        token: What distinguishes this run from those of other journals.
    """

    def __init__(self, store: JournalStore, on_failure: Callable[[JournalError], None]) -> None:
        self._store = store
        self._on_failure = on_failure
        self._gathering = _Batch()
        self._closing = False
        self._in_flight = 0
        task = current_task()
        self._wakeup = _Wakeup if task is None else task.get_loop().create_future
        self.run: int = store.run
        self.token: str = store.token

    async def intend(self, intent: SendIntent) -> Record | None:
        """Write an intent, unless the record of the operation forbids it.

        Returns:
            Why the operation must not be sent, or, as `Record.granted`, why it may be there twice;
            ``None`` if it may simply be sent. Unless it must not, the intent is durable.

        Raises:
            JournalError: It cannot be written.
        """
        batch = self._gathering
        if intent.ask_only:
            batch.questions.append(intent)
        elif intent.digest in batch.intents:
            # Another worker has the same intent at the same moment.
            return Record(State.SENDING, self.run)
        else:
            batch.intents[intent.digest] = intent
        wakeup = self._wakeup()
        batch.waiting.append(wakeup)
        if not batch.is_wanted:
            batch.want()
        try:
            await wakeup
        except BaseException:
            if batch.is_done:
                self._withdraw(intent, batch)
            else:
                batch.withdrawn.append(intent)
            raise
        if batch.error is not None:
            raise _unwritable(batch.error)
        return batch.known.get(intent.digest)

    def settle(
        self, end: Settlement, durable: Callable[[BaseException | None], object] = do_nothing
    ) -> None:
        """Have it written down what became of an operation.

        Args:
            end: What became of it.
            durable: Called when it is durable, or with the error when it cannot be made so.
        """
        batch = self._gathering
        self._in_flight -= 1
        batch.ends.append(end)
        batch.durable.append(durable)
        if not batch.is_wanted:
            batch.want()

    def close(self) -> None:
        """Write what is left, and end `write`."""
        self._closing = True
        self._gathering.want()

    async def write(self) -> None:
        """Write what is wanted, until the journal is closed."""
        try:
            # Cancelled with the rest of a run, it still writes down how that ended.
            with anyio.CancelScope(shield=True):
                while not self._closing or self._gathering.is_wanted:
                    await self._gathering.wanted.wait()
                    await self._gather()
                    batch, self._gathering = self._gathering, _Batch()
                    if not batch.is_empty:
                        await self._write(batch)
                await self._store.close()
        except BaseException as error:
            # Only an event loop that is torn down gets here.
            self._gathering.error = error
            self._gathering.is_wanted = False
            self._gathering.finish()
            self._store.abandon()
            raise

    async def _gather(self) -> None:
        """Let more intents join the batch, as long as they come without waiting."""
        intents = self._gathering.intents
        quiet = 0
        while self._in_flight and quiet < _QUIET and not self._closing:
            before = len(intents)
            await checkpoint()
            quiet = 0 if len(intents) > before else quiet + 1

    async def _write(self, batch: _Batch) -> None:
        intents = [*batch.questions, *batch.intents.values()]
        try:
            known = batch.known = await self._store.write(batch.ends, intents)
            refused = [name for name in known if not known[name].granted and name in batch.intents]
            self._in_flight += len(batch.intents) - len(refused)
        except JournalError as error:
            batch.error = error
            self._on_failure(error)
        except BaseException as error:
            batch.error = error
            raise
        finally:
            for intent in batch.withdrawn:
                self._withdraw(intent, batch)
            batch.finish()

    def _withdraw(self, intent: SendIntent, batch: _Batch) -> None:
        """Withdraw the intent of a task that was cancelled."""
        record = batch.known.get(intent.digest)
        written = batch.error is None and not intent.ask_only
        if written and (record is None or record.granted):
            state = State.UNSENT if record is None else State.UNCERTAIN
            self.settle(Settlement(intent.digest, state))


def _unwritable(error: BaseException) -> JournalError:
    # Each task raises an error of its own: one that is shared would collect all their tracebacks.
    text = str(error) if isinstance(error, JournalError) else "journal: it cannot be written"
    failure = JournalError(text)
    failure.__cause__ = error
    return failure
