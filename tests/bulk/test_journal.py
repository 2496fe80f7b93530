"""The file of a journal: what is in it, who may use it, and what is left as it was."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import anyio
import pytest

from engagelab_async import EngageLabError, SendSMS, Template
from engagelab_async.bulk import JournalError
from engagelab_async.bulk.identity import identity
from engagelab_async.bulk.journal import (
    Database,
    Record,
    SendIntent,
    Settlement,
    SQLiteJournal,
    State,
    summarise,
)
from engagelab_async.bulk.journal.files import open_lock
from engagelab_async.bulk.journal.schema import JOURNAL
from support.bulk import Platform, kinds, outcomes_of, run_of, sends
from support.journals import records_of


def begun(path: Path) -> None:
    """Make a journal with one row in it."""
    database = Database(path)
    database.write([], [SendIntent("a")])
    database.close()


def contents(directory: Path) -> dict[str, bytes]:
    """Return the files of a directory."""
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}


def fetch(path: Path, query: str) -> list[tuple[object, ...]]:
    """Ask a journal that nobody has open."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


class TestDatabase:
    """Rows, and what they keep from being sent."""

    def test_flushes_nothing_for_questions(self, journal: Path) -> None:
        """Half a million that were sent before cost no transaction each."""
        database = Database(journal)
        log = journal.with_name("run.db-wal")
        before = log.read_bytes()
        database.write([], [SendIntent("a", ask_only=True)])
        database.write([], [])

        assert before == log.read_bytes()

        database.close()

    def test_writes_to_a_log_that_does_not_grow(self, journal: Path) -> None:
        """To flush a file that grows takes longer."""
        database = Database(journal)
        log = journal.with_name("run.db-wal")
        sizes = {log.stat().st_size}
        for batch in range(100):
            intents = [SendIntent(f"{batch:02}{number:030}") for number in range(64)]
            database.write([], intents)
            sizes.add(log.stat().st_size)

        assert 1 == len(sizes)

        database.close()

    def test_is_uncertain_of_what_was_cut_off(self, journal: Path) -> None:
        """What was in flight when a process ended is that of its run, whoever looks next."""
        first = Database(journal)
        first.write([Settlement("late", State.UNCERTAIN)], [SendIntent("new"), SendIntent("done")])
        first.write([Settlement("done", State.ACCEPTED)], [])
        first.close()
        second = Database(journal)
        second.write([], [SendIntent("late", resend=True)])
        second.close()
        for _ in range(2):
            Database(journal).close()

            assert {
                "late": Record(State.SENDING, 2),
                "new": Record(State.SENDING, 1),
                "done": Record(State.ACCEPTED, 1),
            } == records_of(journal)

    def test_counts_runs(self, journal: Path) -> None:
        """Each opening is a run, with its beginning and its end."""
        for moment in (1.0, 2.0):
            Database(journal, wall_clock=partial(float, moment)).close()

        assert [(1, 1.0, 1.0), (2, 2.0, 2.0)] == fetch(
            journal, "SELECT number, started, ended FROM runs"
        )

    def test_undoes_what_fails_halfway(self, journal: Path) -> None:
        """A transaction is written as a whole or not at all."""
        database = Database(journal)
        with pytest.raises(TypeError):
            database.write([Settlement("a", State.SENDING)], [SendIntent(object())])  # type: ignore[arg-type]

        assert {} == database.write([], [SendIntent("a")])

        database.close()

    def test_survives_a_full_disk(self, journal: Path) -> None:
        """What does not fit any longer is not written at all; when there is room, it is."""
        database = Database(journal)
        many = [SendIntent(f"{index:032}") for index in range(5000)]
        connection = database._connection  # noqa: SLF001
        connection.execute("PRAGMA max_page_count = 10")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            database.write([], many)
        connection.execute("PRAGMA max_page_count = 1000000")

        assert {} == database.write([], many)

        database.close()

    def test_names_the_error_of_the_disk(self, journal: Path) -> None:
        """SQLite ends a transaction itself when the disk fails; the error is still the disk's."""
        program = """if True:
            import resource, signal, sqlite3, sys
            from pathlib import Path
            from engagelab_async.bulk.journal import Database, SendIntent

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            database = Database(Path(sys.argv[1]), in_memory=100)
            database.write([], [SendIntent(f"{index:032}") for index in range(100)])
            resource.setrlimit(resource.RLIMIT_FSIZE, (30000, -1))
            try:
                database.write([], [SendIntent("a")])
            except sqlite3.OperationalError as error:
                print(error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
            print(database.write([], [SendIntent("a")]))
            database.close()
        """
        ran = [sys.executable, "-c", program, str(journal)]

        assert "disk I/O error\n{}\n" == subprocess.check_output(ran, text=True)

    def test_is_durable(self, journal: Path) -> None:
        """Every transaction is flushed, and only then the call returns."""
        database = Database(journal)
        settings = [
            database._connection.execute(f"PRAGMA {name}").fetchone()[0]  # noqa: SLF001
            for name in ("synchronous", "journal_mode", "locking_mode")
        ]
        database.close()

        assert [2, "wal", "exclusive"] == settings


class TestIndex:
    """Batches are merged into the index when a run begins, and when its memory is used up."""

    def digest(self, index: int) -> str:
        """Name an operation."""
        return f"{index:032x}"

    def batches(self, database: Database, count: int) -> None:
        """Write so many batches: each settles what the one before has begun."""
        for index in range(count):
            settled = [Settlement(self.digest(index - 1), State.ACCEPTED, id=f"{index}")]
            database.write(settled if index else [], [SendIntent(self.digest(index))])

    def test_knows_what_memory_does_not(self, journal: Path) -> None:
        """Duplicates are found after a merge as before, and what is in flight stays so."""
        database = Database(journal, in_memory=10)
        self.batches(database, 25)
        known = database.write([], [SendIntent(self.digest(index)) for index in range(26)])
        database.close()

        assert [State.ACCEPTED] * 24 + [State.SENDING] == [
            known[self.digest(index)].state for index in range(25)
        ]
        assert self.digest(25) not in known

    def test_is_merged_in_the_middle_of_a_run(self, journal: Path) -> None:
        """The batches are deleted then, and a reader sees the same."""
        database = Database(journal, in_memory=10)
        self.batches(database, 25)
        database.close()

        ((batches,),) = fetch(journal, "SELECT count(*) FROM batches")

        assert int(str(batches)) in range(1, 10)
        assert {State.ACCEPTED: 24, State.SENDING: 1} == summarise(journal).states

    def test_is_merged_when_a_run_begins(self, journal: Path) -> None:
        """The records are those of their run."""
        begun(journal)
        Database(journal).close()

        assert [(0,)] == fetch(journal, "SELECT count(*) FROM batches")
        assert {"a": Record(State.SENDING, 1)} == records_of(journal)

    def test_takes_the_last_state(self, journal: Path) -> None:
        """Also of an operation that was withdrawn, and begun again, merge or not."""
        database = Database(journal, in_memory=2)
        steps = [State.UNSENT, State.UNSENT, State.UNCERTAIN]
        database.write([], [SendIntent("a"), SendIntent("b")])
        for state in steps:
            database.write([Settlement("a", state)], [SendIntent("a", again=True)])
        database.write([Settlement("a", State.REFUSED, code=5013, error="BlacklistedError")], [])
        database.close()

        assert {State.REFUSED: 1, State.SENDING: 1} == summarise(journal).states
        assert {"5013": 1} == summarise(journal).errors

    def test_takes_whatever_id_the_api_gives(self, journal: Path) -> None:
        """With quotes in it, or without one at all."""
        ids = {"a": '"\\\u00e9', "b": None, "c": "1972490061974913024"}
        database = Database(journal)
        database.write([], [SendIntent(digest) for digest in ids])
        database.write([Settlement(name, State.ACCEPTED, id=ids[name]) for name in ids], [])
        database.close()
        Database(journal).close()

        assert list(ids.items()) == fetch(journal, "SELECT digest, id FROM operations")

    def test_takes_any_digest(self, journal: Path) -> None:
        """One that means something to JSON breaks nothing."""
        digests = ['"', "\\", '"],["', "\n", "\u00e9"]
        database = Database(journal)
        database.write([], [SendIntent(digest) for digest in digests])
        database.write([Settlement(digest, State.ACCEPTED) for digest in digests[:3]], [])
        database.close()
        Database(journal).close()

        assert {
            digest: Record(State.ACCEPTED if digest in digests[:3] else State.SENDING, 1)
            for digest in digests
        } == records_of(journal)

    @pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
    def test_is_merged_in_little_memory(self, journal: Path) -> None:
        """However large it is, and though all of its pages change."""
        Database(journal).close()
        with closing(sqlite3.connect(journal)) as connection, connection:
            connection.execute(
                "WITH RECURSIVE numbers (n) AS "
                "(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 300000) "
                "INSERT INTO operations SELECT lower(hex(randomblob(16))), 1, 1, n, NULL, NULL, 0 "
                "FROM numbers"
            )
        program = """if True:
            import re, secrets, sys
            from pathlib import Path
            from engagelab_async.bulk.journal import Database, SendIntent

            def peak():
                status = Path("/proc/self/status").read_text()
                return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])

            database = Database(Path(sys.argv[1]), in_memory=20000)
            database.write([], [SendIntent(secrets.token_hex(16)) for _ in range(20000)])
            before = peak()
            database.write([], [SendIntent("a")])
            print(peak() - before)
            database.close()
        """
        ran = [sys.executable, "-c", program, str(journal)]

        assert int(subprocess.check_output(ran)) < 8 * 1024

    def test_that_cannot_be_merged_writes_nothing(self, journal: Path) -> None:
        """The disk is full: the next write merges, if there is room again."""
        database = Database(journal, in_memory=100)
        self.batches(database, 100)
        connection = database._connection  # noqa: SLF001
        connection.execute("PRAGMA max_page_count = 10")
        for _ in range(2):
            with pytest.raises(sqlite3.OperationalError, match="full"):
                database.write([], [SendIntent("a")])
        connection.execute("PRAGMA max_page_count = 1000000")

        assert {} == database.write([], [SendIntent("a")])

        database.close()

        assert {State.ACCEPTED: 99, State.SENDING: 2} == summarise(journal).states


class TestContent:
    """What is stored of an operation."""

    @pytest.mark.asyncio
    async def test_is_nothing_personal(self, journal: Path) -> None:
        """No number, no text and no param can be found in the file."""
        operation = SendSMS("+6591234567", Template("1233", params={"name": "Rumpelstiltskin"}))
        await outcomes_of(run_of(Platform(), [operation], journal=journal))
        ((accepted, others),) = fetch(
            journal, "SELECT accepted, others FROM batches ORDER BY number DESC LIMIT 1"
        )

        assert {identity(operation, None): "1972490061974913024"} == json.loads(str(accepted))
        assert "[]" == others
        for data in contents(journal.parent).values():
            assert b"91234567" not in data
            assert b"Rumpelstiltskin" not in data

    @pytest.mark.asyncio
    async def test_is_one_file_in_the_end(self, journal: Path) -> None:
        """The log beside it is folded in when a run ends."""
        await outcomes_of(run_of(Platform(), sends(5), journal=journal))

        assert [journal.name] == list(contents(journal.parent))


class TestName:
    """Where a journal may be."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "name", ["a b.db", "50%.db", "what?.db", "#1.db", ":memory:", "file:x?mode=memory", "é.db"]
    )
    async def test_may_be_odd(self, tmp_path: Path, name: str) -> None:
        """Characters that mean something to SQLite mean nothing here."""
        path = tmp_path / name
        await outcomes_of(run_of(Platform(), sends(3), journal=path))

        assert ["settled"] * 3 == kinds(
            await outcomes_of(run_of(Platform(), sends(3), journal=path))
        )
        assert [name] == list(contents(tmp_path))

    @pytest.mark.asyncio
    async def test_may_be_relative(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A bare name is in the working directory, also one that SQLite takes for memory."""
        monkeypatch.chdir(tmp_path)
        await outcomes_of(run_of(Platform(), sends(3), journal=Path(":memory:")))

        assert [":memory:"] == list(contents(tmp_path))

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["no/such/directory.db", "file/in.db", "", "."])
    async def test_that_cannot_be_used_is_told(self, tmp_path: Path, name: str) -> None:
        """A missing directory, or a directory in its place, is an error that names the file."""
        (tmp_path / "file").write_text("")
        with pytest.raises(JournalError, match="cannot be opened"):
            await outcomes_of(run_of(Platform(), sends(3), journal=tmp_path / name))

    def test_loses_a_race_to_be_made(self, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of two that make one at once, the second finds that of the first."""
        link = os.link

        def late_link(source: str, target: Path) -> None:
            monkeypatch.undo()
            begun(target)
            link(source, target)

        monkeypatch.setattr(os, "link", late_link)
        database = Database(journal)

        assert (2, {"a"}) == (database.run, set(database.write([], [SendIntent("a")])))

        database.close()

        assert [journal.name] == list(contents(journal.parent))

    def test_may_be_where_there_are_no_links(
        self, journal: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A memory card has none."""

        def refuse(_: str, __: Path) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "link", refuse)
        begun(journal)

        assert [journal.name] == list(contents(journal.parent))

    def test_may_be_a_link(self, journal: Path, tmp_path: Path) -> None:
        """What stands in its log, beside the target, is read as well."""
        (tmp_path / "here").mkdir()
        link = tmp_path / "here" / "link.db"
        database = Database(journal)
        database.write([Settlement("a", State.ACCEPTED)], [])
        crashed = journal.with_name("crashed.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{journal}{suffix}", f"{crashed}{suffix}")
        database.close()
        link.symlink_to(crashed)

        assert {State.ACCEPTED: 1} == summarise(link).states

        resumed = Database(link)
        with pytest.raises(JournalError, match="is in use"):
            summarise(crashed)
        resumed.close()


class TestOpening:
    """A thread opens the file, and a thread cannot be cancelled."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("is_open", [False, True])
    async def test_that_is_cancelled_holds_nothing(self, journal: Path, is_open: bool) -> None:
        """What is opened too late is closed again, and the next run can have it."""
        locked, ready = threading.Event(), threading.Event()

        def keep_it_waiting() -> None:
            with open_lock:
                locked.set()
                ready.wait()

        with ThreadPoolExecutor() as threads:
            kept = threads.submit(keep_it_waiting)
            locked.wait()
            task = asyncio.create_task(SQLiteJournal.open(journal))
            while "open_it" not in {  # noqa: ASYNC110 - the thread sets no event
                each.f_code.co_name
                for each in sys._current_frames().values()  # noqa: SLF001 - public but for its name
            }:
                # Cancelled before its thread has begun, it never would.
                await asyncio.sleep(0)
            if is_open:
                ready.set()
                kept.result()
                with open_lock:
                    # The thread has opened the file, and the task has not heard of it yet.
                    task.cancel()
            else:
                task.cancel()
            await asyncio.wait([task])
            ready.set()

        assert task.cancelled()

        with open_lock:
            Database(journal).close()

    @pytest.mark.anyio
    async def test_that_is_cancelled_is_free_at_once(self, journal: Path) -> None:
        """Whatever moment it is cancelled at, the next can have the file, and need not wait."""

        async def enter() -> None:
            async with run_of(Platform(), sends(3), journal=journal, grace=0.0):
                await anyio.sleep_forever()

        for steps in range(8):
            async with anyio.create_task_group() as group:
                group.start_soon(enter)
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
            await (await SQLiteJournal.open(journal)).close()

    @pytest.mark.asyncio
    async def test_that_is_cancelled_by_asyncio_is_free_at_once(self, journal: Path) -> None:
        """It does not wait for the thread that opens the file; the next opener does."""
        begun(journal)
        for steps in range(8):
            task = asyncio.create_task(SQLiteJournal.open(journal))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                await task.result().close()
            await (await SQLiteJournal.open(journal)).close()

    def test_waits_for_those_who_read(self, journal: Path) -> None:
        """Closing the file, a reader would give the lock of the run away."""
        begun(journal)
        order: list[str] = []

        def open_it() -> None:
            Database(journal).close()
            order.append("opened")

        opener = threading.Thread(target=open_it)
        with JOURNAL.reading(journal):
            opener.start()
            opener.join(timeout=0.05)
            order.append("read")
        opener.join()

        assert ["read", "opened"] == order


def foreign(path: Path) -> None:
    """Make the database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.commit()


def newer(path: Path) -> None:
    """Make a journal of a version that is not known yet."""
    begun(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")


def damaged(path: Path) -> None:
    """Make a journal with a page of noise in it."""
    database = Database(path)
    database.write([Settlement(f"{index:032}", State.ACCEPTED) for index in range(2000)], [])
    database.close()
    data = bytearray(path.read_bytes())
    data[8192:12288] = os.urandom(4096)
    path.write_bytes(data)


def cut(path: Path) -> None:
    """Make a journal that ends too soon."""
    damaged(path)
    path.write_bytes(path.read_bytes()[:10_000])


class TestUnusable:
    """A file that is no journal, or no longer."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("make", "text"),
        [
            (lambda path: path.write_text("name,phone\n" * 100), "is no journal"),
            (lambda path: path.write_bytes(b""), "is no journal"),
            (foreign, "is no journal"),
            (newer, "is of version 7; this engagelab-async reads 1 to 3"),
            (damaged, "damaged"),
            (cut, "damaged"),
        ],
    )
    async def test_is_left_as_it_was(self, journal: Path, make: object, text: str) -> None:
        """It is told what is wrong with it, nothing is sent, and not a byte is changed."""
        make(journal)  # type: ignore[operator]
        before = contents(journal.parent)
        platform = Platform()
        with pytest.raises(JournalError, match=text) as caught:
            await outcomes_of(run_of(platform, sends(3), journal=journal))

        assert before == contents(journal.parent)
        assert [] == platform.received
        assert str(journal) in str(caught.value)
        assert isinstance(caught.value, EngageLabError)

    @pytest.mark.parametrize("name", ["run\0.db", "run\ud800.db"])
    def test_has_a_name_that_no_file_can_have(self, tmp_path: Path, name: str) -> None:
        """It is named all the same."""
        with pytest.raises(
            JournalError, match=r"journal: '.*run\\(x00|ud800)\.db' cannot be opened"
        ):
            Database(tmp_path / name)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
    @pytest.mark.parametrize("suffix", ["", "-wal"])
    def test_is_no_file(self, journal: Path, suffix: str) -> None:
        """A pipe that nobody writes to would be waited for, and not even cancelled."""
        if suffix:
            begun(journal)
        pipe = journal.with_name(f"{journal.name}{suffix}")
        os.mkfifo(pipe)

        for use in (Database, summarise):
            with pytest.raises(
                JournalError, match=rf"{pipe.name} cannot be opened \(not a file\)$"
            ):
                use(journal)

    def test_has_gone_and_left_its_log(self, journal: Path) -> None:
        """No other takes its place, which would know of nobody."""
        begun(journal)
        log = journal.with_name("run.db-wal")
        log.write_bytes(b"what the last run wrote")
        journal.unlink()

        with pytest.raises(JournalError, match=r"run\.db is missing, and its log .*run\.db-wal is"):
            Database(journal)

        assert [log] == list(journal.parent.iterdir())


_OPENER = """
import sys
from pathlib import Path
from engagelab_async.bulk.journal import Database, JournalError
try:
    Database(Path(sys.argv[1]))
except JournalError as error:
    print(error)
"""


class TestInUse:
    """One run at a time."""

    @pytest.mark.asyncio
    async def test_is_told_to_the_second(self, journal: Path) -> None:
        """A second run, in this process or in another, is refused; the first goes on."""
        other = [
            sys.executable,
            "-c",
            _OPENER,
            str(journal),
        ]
        async with run_of(Platform(), sends(50), journal=journal) as run:
            await anext(run)
            for _ in range(2):
                # Twice: the first refusal must not give the lock away.
                with pytest.raises(JournalError, match="is in use by another run"):
                    await outcomes_of(run_of(Platform(), sends(3), journal=journal))
                told = subprocess.run(other, capture_output=True, text=True, check=True)  # noqa: ASYNC221

                assert f"journal: {journal} is in use by another run\n" == told.stdout

            assert 49 == len([outcome async for outcome in run])

    @pytest.mark.asyncio
    async def test_by_a_reader_is_told_too(self, journal: Path) -> None:
        """Somebody who has the file open in another program keeps a run from beginning."""
        begun(journal)
        with closing(sqlite3.connect(journal, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM runs").fetchall()
            with pytest.raises(JournalError, match=r"run\.db is in use by another run$"):
                await outcomes_of(run_of(Platform(), sends(3), journal=journal))

        assert ["Accepted"] * 3 == kinds(
            await outcomes_of(run_of(Platform(), sends(3), journal=journal))
        )
