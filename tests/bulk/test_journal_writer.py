"""The journal as the tasks of a run use it."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
import sniffio
from anyio.lowlevel import checkpoint

from engagelab_async.bulk import JournalError
from engagelab_async.bulk.journal import (
    Database,
    MemoryJournal,
    Record,
    RunJournal,
    SendIntent,
    Settlement,
    SQLiteJournal,
    State,
    summarise,
)
from support.bulk import BACKENDS
from support.journals import Disk

A = "a" * 32
UNSENT, SENDING = Record(State.UNSENT, 1), Record(State.SENDING, 1)


def fail(error: JournalError) -> None:
    """Let no journal fail unexpected."""
    pytest.fail(str(error))


@pytest.mark.asyncio
async def test_shares_writes() -> None:
    """What is wanted while a batch is written is in the next, all together."""
    disk = Disk(MemoryJournal())
    log = RunJournal(disk, fail)
    async with anyio.create_task_group() as group:
        group.start_soon(log.write)
        async with anyio.create_task_group() as intents:
            for index in range(100):
                intents.start_soon(log.intend, SendIntent(str(index)))
        for index in range(100):
            log.settle(Settlement(str(index), State.ACCEPTED))
        log.close()

    assert [(0, 100), (100, 0)] == disk.writes


async def written(
    in_flight: int, records: dict[str, Record] | None = None, settled: int = 0
) -> list[tuple[int, int]]:
    """Have four intents in successive turns of the loop, and return the writes with them."""
    disk = Disk(MemoryJournal(records or {}, run=2))
    log = RunJournal(disk, fail)

    async def intend(turn: int) -> None:
        for _ in range(turn):
            await checkpoint()
        await log.intend(SendIntent(f"late {turn}"))

    async def settle(index: int) -> None:
        durable = anyio.Event()
        log.settle(Settlement(str(index), State.ACCEPTED), lambda _: durable.set())
        await durable.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(log.write)
        async with anyio.create_task_group() as sent:
            for index in range(in_flight):
                sent.start_soon(log.intend, SendIntent(str(index)))
        for index in range(settled):
            await settle(index)
        disk.writes.clear()
        async with anyio.create_task_group() as following:
            for turn in range(4):
                following.start_soon(intend, turn)
        log.close()
    return disk.writes


@pytest.mark.anyio
async def test_waits_while_intents_follow_each_other() -> None:
    """As long as the loop is busy with requests that were in flight, a flush is not worth it."""
    assert [(0, 4)] == await written(in_flight=8)


@pytest.mark.asyncio
async def test_does_not_wait_if_nothing_is_in_flight() -> None:
    """There is nothing that could follow."""
    refused = {"0": Record(State.ACCEPTED, 1)}

    assert [(0, 1), (0, 3)] == await written(in_flight=0)
    assert [(0, 1), (0, 3)] == await written(in_flight=1, records=refused)
    assert [(0, 1), (0, 3)] == await written(in_flight=2, settled=2)


@pytest.mark.asyncio
async def test_refuses_the_same_intent_at_the_same_moment() -> None:
    """Of two in one batch, the second is in flight already."""
    log = RunJournal(MemoryJournal(), fail)
    found: list[Record | None] = []

    async def intend() -> None:
        found.append(await log.intend(SendIntent("a")))

    async with anyio.create_task_group() as group:
        group.start_soon(log.write)
        group.start_soon(intend)
        group.start_soon(intend)
        await anyio.wait_all_tasks_blocked()
        log.close()

    assert [SENDING, None] == sorted(found, key=lambda record: record is None)


@pytest.mark.asyncio
async def test_withdraws_an_intent_that_was_answered_too_late() -> None:
    """A cancellation that comes together with the answer leaves nothing behind."""
    store = MemoryJournal()
    log = RunJournal(store, fail)
    intent = asyncio.create_task(log.intend(SendIntent("a")))
    await anyio.lowlevel.checkpoint()

    def cancel(_: BaseException | None) -> None:
        intent.cancel()
        log.close()

    log.settle(Settlement("b", State.ACCEPTED), cancel)
    await log.write()
    with pytest.raises(asyncio.CancelledError):
        await intent

    assert UNSENT == store.records["a"]


@pytest.mark.asyncio
@pytest.mark.parametrize("doubt", [False, True])
async def test_withdraws_an_intent_that_is_given_up_while_it_is_written(doubt: bool) -> None:
    """What an earlier run may have sent stays uncertain."""
    store = MemoryJournal({"a": Record(State.UNCERTAIN, 1)} if doubt else {}, run=2)
    disk = Disk(store)
    disk.slow_down()
    log = RunJournal(disk, fail)
    async with anyio.create_task_group() as group:
        group.start_soon(log.write)
        async with anyio.create_task_group() as intents:
            intents.start_soon(log.intend, SendIntent("a", resend=True))
            await disk.writing.wait()
            intents.cancel_scope.cancel()
        disk.ready.set()
        log.close()

    assert Record(State.UNCERTAIN if doubt else State.UNSENT, 2) == store.records["a"]


@pytest.mark.asyncio
async def test_asks_without_a_trace() -> None:
    """A question that is given up leaves as little as one that is answered."""
    store = MemoryJournal()
    log = RunJournal(store, fail)
    question = asyncio.create_task(log.intend(SendIntent("a", ask_only=True)))
    await anyio.lowlevel.checkpoint()
    question.cancel()
    await anyio.lowlevel.checkpoint()
    log.close()
    await log.write()

    assert {} == store.records


@pytest.mark.asyncio
async def test_reports_a_failure_to_the_run_and_to_its_tasks() -> None:
    """Once to the run, and in an error of its own to each task."""
    disk = Disk(MemoryJournal(), is_full=True)
    failures: list[JournalError] = []
    log = RunJournal(disk, failures.append)
    raised: list[JournalError] = []

    async def intend(name: str) -> None:
        with pytest.raises(JournalError, match="disk is full") as caught:
            await log.intend(SendIntent(name))
        raised.append(caught.value)

    async with anyio.create_task_group() as group:
        group.start_soon(intend, "a")
        group.start_soon(intend, "b")
        group.start_soon(log.write)
        await anyio.wait_all_tasks_blocked()
        log.close()

    assert 1 == len(failures)
    assert 2 == len({id(error) for error in raised})


@pytest.mark.asyncio
async def test_fails_with_the_loop() -> None:
    """When the writer is cancelled, nothing waits for it: intents fail, settlements pass."""
    log = RunJournal(MemoryJournal(), fail)
    writer = asyncio.create_task(log.write())
    await anyio.lowlevel.checkpoint()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    settled: list[BaseException | None] = []
    log.settle(Settlement("a", State.ACCEPTED), settled.append)

    assert [asyncio.CancelledError] == [type(error) for error in settled]
    for intent in (SendIntent("b"), SendIntent("b", ask_only=True)):
        with pytest.raises(JournalError, match="it cannot be written"):
            await log.intend(intent)


@pytest.mark.asyncio
async def test_fails_with_the_loop_while_the_disk_is_slow() -> None:
    """A writer that is cancelled while it writes has its tasks fail."""
    disk = Disk(MemoryJournal())
    disk.slow_down()
    log = RunJournal(disk, fail)
    writer = asyncio.create_task(log.write())
    intent = asyncio.create_task(log.intend(SendIntent("a")))
    await disk.writing.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    with pytest.raises(JournalError, match="it cannot be written"):
        await intent


@pytest.mark.asyncio
async def test_a_late_settlement_does_not_overwrite_another_runs() -> None:
    """It has sent the operation since, with the caller's consent."""
    records = {A: Record(State.SENDING, 2)}
    await MemoryJournal(records, run=1).write([Settlement(A, State.ACCEPTED)], [])

    assert {A: Record(State.SENDING, 2)} == records


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["close", "abandon"])
async def test_leaves_no_thread_behind(tmp_path: Path, how: str) -> None:
    """The one that wrote to the file on asyncio ends with the journal."""
    before = threading.enumerate()
    store = await SQLiteJournal.open(tmp_path / "run.db")
    await store.write([], [SendIntent(A)])
    writers = [
        each
        for each in threading.enumerate()
        if each not in before and each.name.startswith("engagelab-journal")
    ]

    assert (sniffio.current_async_library() == "asyncio") is bool(writers)

    if how == "close":
        await store.close()
    else:
        store.abandon()
    for writer in writers:
        writer.join(timeout=100)

    assert not any(writer.is_alive() for writer in writers)


@pytest.mark.anyio
async def test_a_file_that_cannot_be_written_is_an_error_of_the_journal(tmp_path: Path) -> None:
    """Whatever SQLite calls it."""
    database = Database(tmp_path / "run.db")
    database._connection.execute("PRAGMA max_page_count = 10")  # noqa: SLF001
    store = SQLiteJournal(database)

    with pytest.raises(JournalError, match=r"cannot be written \(.*full\)"):
        await store.write([], [SendIntent(f"{index:032}") for index in range(5000)])

    await store.close()


@pytest.mark.anyio
async def test_a_file_that_is_closed_cannot_be_written(tmp_path: Path) -> None:
    """That, too, is an error of the journal."""
    store = await SQLiteJournal.open(tmp_path / "run.db")
    await store.close()

    with pytest.raises(JournalError, match=r"cannot be written \(.*run\.db is closed\)"):
        await store.write([], [SendIntent(A)])


@pytest.mark.parametrize("user", BACKENDS)
@pytest.mark.parametrize("opener", BACKENDS)
def test_belongs_to_no_loop(tmp_path: Path, opener: str, user: str) -> None:
    """It may be opened in one and used in others, of whatever kind."""

    async def use() -> None:
        await store.write([], [SendIntent(A)])

    async def settle() -> None:
        await store.write([Settlement(A, State.ACCEPTED)], [])
        await store.close()

    store = anyio.run(SQLiteJournal.open, tmp_path / "run.db", backend=opener)
    anyio.run(use, backend=user)
    anyio.run(settle, backend=opener)

    assert {State.ACCEPTED: 1} == summarise(tmp_path / "run.db").states


class Blocking(list[SendIntent]):
    """Intents that keep a thread that writes them waiting."""

    def __init__(self, intents: list[SendIntent]) -> None:
        super().__init__(intents)
        self.writing = threading.Event()
        self.abandoned = threading.Event()

    def __iter__(self) -> Iterator[SendIntent]:
        """Wait a moment for what must not happen meanwhile."""
        self.writing.set()
        self.abandoned.wait(timeout=0.05)
        return super().__iter__()


@pytest.mark.asyncio
async def test_abandoning_waits_for_a_write_that_was_cancelled(tmp_path: Path) -> None:
    """Its thread goes on when the loop cancels its task, and the file is closed after it."""
    store = await SQLiteJournal.open(tmp_path / "run.db")
    intents = Blocking([SendIntent(A)])
    task = asyncio.create_task(store.write([], intents))
    await anyio.to_thread.run_sync(intents.writing.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    store.abandon()
    intents.abandoned.set()

    assert {State.SENDING: 1} == summarise(tmp_path / "run.db").states
