"""The journal of a run, as its tasks use it: what they want written at once shares one write."""

from collections.abc import Callable, Mapping
from typing import Final

import anyio
from anyio.lowlevel import checkpoint
from attrs import define, field

from .protocol import JournalError, JournalStore, Record, SendIntent, Settlement, State

_QUIET: Final = 3
"""Turns of the event loop without a new intent, after which none is likely to come at once."""


def do_nothing(_: BaseException | None) -> None:
    """Do nothing: no task waits."""


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
    done: anyio.Event = field(factory=anyio.Event)
    known: Mapping[str, Record] = field(factory=dict)
    error: BaseException | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is wanted but the end."""
        return not (self.ends or self.intents or self.questions)

    def want(self) -> None:
        """Have it written."""
        self.is_wanted = True
        self.wanted.set()

    def finish(self) -> None:
        """Wake all tasks that wait for it."""
        self.done.set()
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
        if not batch.is_wanted:
            batch.want()
        try:
            await batch.done.wait()
        except BaseException:
            if batch.done.is_set():
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
        if batch.error is not None:
            # The writer has ended.
            batch.finish()

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
