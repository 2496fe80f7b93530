"""Journals of other versions: an older one is gone on with, a newer one is left alone."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from engagelab_async import Journal
from engagelab_async.bulk import JournalError
from engagelab_async.bulk.identity import REFERENCE, Reference, identity
from engagelab_async.bulk.journal import Database, State, summarise
from engagelab_async.bulk.journal.files import log_of
from engagelab_async.bulk.journal.receipts import beside
from engagelab_async.webhooks import MessageStatus
from support.bulk import Platform, kinds, outcomes_of, run_of, sends
from support.journals import records_of

TOKEN: Final = "0123456789abcdef"

VERSION_1: Final = """
    PRAGMA application_id = 0x454C4A31;
    PRAGMA user_version = 1;
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        token TEXT NOT NULL,
        started REAL NOT NULL,
        ended REAL
    );
    CREATE TABLE sending (number INTEGER PRIMARY KEY, digest TEXT NOT NULL);
    CREATE TABLE operations (
        digest TEXT PRIMARY KEY,
        state INTEGER NOT NULL,
        run INTEGER NOT NULL,
        id TEXT,
        code INTEGER,
        error TEXT,
        at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE VIEW known AS
        SELECT digest, 0 AS state, (SELECT max(number) FROM runs) AS run,
            NULL AS code, NULL AS error FROM sending
        UNION ALL
        SELECT digest, state, run, code, error FROM operations
        WHERE digest NOT IN (SELECT digest FROM sending);
"""
"""What engagelab-async 0.1 made before its journals had versions to migrate."""

VERSION_2: Final = """
    ALTER TABLE runs ADD COLUMN library TEXT;
    CREATE TABLE sites (
        product TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        origin TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE log_mark (journal TEXT NOT NULL, reached TEXT NOT NULL);
    INSERT INTO log_mark VALUES ('0123456789abcdef', '=000000000000000');
    CREATE TABLE log_head (journal TEXT NOT NULL, sequence INTEGER NOT NULL);
    INSERT INTO log_head VALUES ('0123456789abcdef', 0);
    INSERT INTO sites VALUES ('sms', 'd', 'https://sms');
    PRAGMA user_version = 2;
"""
"""What it made before a run appended batches."""

_KILLED: Final = """
import os, sqlite3, sys
journal = sqlite3.connect(sys.argv[1], isolation_level=None)
journal.execute("PRAGMA locking_mode = EXCLUSIVE")
journal.execute("PRAGMA journal_mode = WAL")
journal.execute("INSERT INTO runs (token, started) VALUES (?, 100)", (sys.argv[2],))
for number, digest in enumerate(sys.argv[3:]):
    journal.execute("INSERT INTO sending VALUES (?, ?)", (number, digest))
journal.execute("DELETE FROM sending WHERE digest = ?", (sys.argv[3],))
journal.execute(
    "INSERT INTO operations VALUES (?, 1, 1, '7', NULL, NULL, 101)", (sys.argv[3],)
)
os._exit(0)
"""


_DYING: Final = """
import os, shutil, sqlite3, sys
from itertools import count
from pathlib import Path
from engagelab_async.bulk.journal import Database

journal, copies = map(Path, sys.argv[1:])
connect = sqlite3.connect
for moment in count():
    copy = copies / f"{moment:03}.db"
    for suffix in ("", "-wal"):
        if os.path.exists(f"{journal}{suffix}"):
            shutil.copy(f"{journal}{suffix}", f"{copy}{suffix}")
    if not (child := os.fork()):
        statements = count()

        class Dying(sqlite3.Connection):
            def execute(self, *arguments):
                if next(statements) == moment:
                    os._exit(1)
                return super().execute(*arguments)

        sqlite3.connect = lambda *given, **named: connect(*given, factory=Dying, **named)
        Database(copy).close()
        os._exit(0)
    if not os.waitpid(child, 0)[1]:
        break
"""
"""Opens copies of a journal, and dies at each statement of SQL, once."""


@pytest.fixture
def old(journal: Path) -> Path:
    """A journal of version 1, of no run yet."""
    with closing(sqlite3.connect(journal)) as connection:
        connection.executescript(VERSION_1)
    return journal


@pytest.fixture
def second(old: Path) -> Path:
    """A journal of version 2, of no run yet."""
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(VERSION_2)
    return old


def log_in(journal: Path) -> bytes | None:
    """Return what the log of a journal holds, if it has one."""
    log = log_of(journal)
    return log.read_bytes() if log.exists() else None


def killed(journal: Path) -> None:
    """Have a run of the old version killed: one was accepted, and two are under way."""
    digests = [identity(operation, None) for operation in sends(3)]
    subprocess.run([sys.executable, "-c", _KILLED, str(journal), TOKEN, *digests], check=True)
    assert journal.with_name("run.db-wal").exists()


def ended(journal: Path) -> None:
    """Have a run of the old version end: one was accepted, one refused."""
    one, other = (identity(operation, None) for operation in sends(2))
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO runs (token, started, ended) VALUES (?, 100, 102)", (TOKEN,)
        )
        insert = "INSERT INTO operations VALUES (?, ?, 1, NULL, NULL, NULL, 101)"
        connection.execute(insert, (one, State.ACCEPTED))
        connection.execute(insert, (other, State.REFUSED))


def tables(journal: Path) -> list[tuple[object, ...]]:
    """Return the schema of a journal."""
    with closing(sqlite3.connect(journal)) as connection:
        columns = "SELECT name FROM pragma_table_info(t.name)"
        query = (
            f"SELECT type, name, (SELECT group_concat(name) FROM ({columns})) "  # noqa: S608
            "FROM sqlite_schema t WHERE sql IS NOT NULL ORDER BY name"
        )
        version = connection.execute("PRAGMA user_version").fetchall()
        return version + connection.execute(query).fetchall()


class TestOlder:
    """A journal of version 1."""

    @pytest.mark.asyncio
    async def test_is_gone_on_with(self, old: Path) -> None:
        """Nobody is sent to twice, and it becomes one of this version."""
        ended(old)
        platform = Platform()

        outcomes = await outcomes_of(run_of(platform, sends(4), journal=old))

        assert ["settled", "refused", "Accepted", "Accepted"] == kinds(outcomes)
        assert 2 == len(platform.received)
        assert [(3,)] == tables(old)[:1]

    @pytest.mark.asyncio
    async def test_is_gone_on_with_after_a_kill(self, old: Path) -> None:
        """What was under way is uncertain, and what is in the log is not lost."""
        killed(old)
        platform = Platform()

        outcomes = await outcomes_of(run_of(platform, sends(4), journal=old))

        assert ["settled", "Uncertain", "Uncertain", "Accepted"] == kinds(outcomes)
        assert [old.name] == [file.name for file in old.parent.iterdir()]

    @pytest.mark.asyncio
    async def test_is_settled_by_its_callbacks(self, old: Path) -> None:
        """What stands beside it counts as before."""
        killed(old)
        digests = [identity(operation, None) for operation in sends(3)]
        async with Journal(old) as receipts:
            for digest, status in zip(digests[1:], ("delivered", "sent_failed"), strict=True):
                own = {REFERENCE: str(Reference(digest, 1, TOKEN))}
                await receipts.settle(
                    MessageStatus(message_id=digest, status=status, custom_args=own)
                )

        assert {State.ACCEPTED: 2, State.UNSENT: 1} == summarise(old).states

        outcomes = await outcomes_of(run_of(Platform(), sends(3), journal=old))

        assert ["settled", "settled", "Accepted"] == kinds(outcomes)
        assert beside(old).exists()

    def test_is_read_as_it_is(self, old: Path) -> None:
        """Showing it changes nothing."""
        killed(old)
        before = {file.name: file.read_bytes() for file in old.parent.iterdir()}

        found = summarise(old)

        assert {State.ACCEPTED: 1, State.SENDING: 2} == found.states
        assert ({}, None) == (found.sites, found.runs[0].ended)
        assert before == {file.name: file.read_bytes() for file in old.parent.iterdir()}

    def test_becomes_what_a_new_one_is(self, old: Path, tmp_path: Path) -> None:
        """Its tables are the same, and a lost log is noticed from then on."""
        ended(old)
        Database(old).close()
        new = tmp_path / "new.db"
        Database(new).close()

        assert tables(new) == tables(old)

    def test_cannot_be_used_without_its_log(self, old: Path) -> None:
        """As far as the file itself knows that there was one."""
        killed(old)
        with closing(sqlite3.connect(old, isolation_level=None)) as connection:
            # As SQLite does now and then: it folds the log, and the run goes on.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        killed_log = old.with_name("run.db-wal")
        killed_log.unlink(missing_ok=True)

        with pytest.raises(JournalError, match=r"was not closed by its last run"):
            Database(old)

    @pytest.mark.parametrize("size", [None, 0, 17, 60, 4151])
    def test_cannot_be_used_without_its_first_run(self, old: Path, size: int | None) -> None:
        """That stood in the log alone, with all who were sent to."""
        killed(old)
        log = old.with_name("run.db-wal")
        if size is None:
            log.unlink()
        else:
            os.truncate(log, size)
        before = old.read_bytes()

        for use in (Database, summarise):
            with pytest.raises(JournalError, match=r"was not closed by its last run"):
                use(old)

        assert before == old.read_bytes()

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
    @pytest.mark.parametrize("make", [killed, ended])
    def test_that_is_killed_while_it_is_migrated_is_whole(
        self, old: Path, tmp_path: Path, make: Callable[[Path], None]
    ) -> None:
        """Whatever is on the disk at any moment can be opened."""
        make(old)
        states = summarise(old).states
        copies = tmp_path / "copies"
        copies.mkdir()
        subprocess.run([sys.executable, "-c", _DYING, str(old), str(copies)], check=True)
        # Most statements leave the disk as it was.
        left = {(copy.read_bytes(), log_in(copy)): copy for copy in sorted(copies.glob("*.db"))}

        assert len(left) > 20
        for copy in left.values():
            assert states == summarise(copy).states

            Database(copy).close()

            assert states == summarise(copy).states


class TestSecond:
    """A journal of version 2."""

    @pytest.mark.parametrize("make", [killed, ended])
    def test_is_gone_on_with(self, second: Path, make: Callable[[Path], None]) -> None:
        """Every record is what it was, and it becomes one of this version."""
        make(second)
        before = records_of(second)

        Database(second).close()

        assert before == records_of(second)
        assert ({"sms": "https://sms"}, 2) == (summarise(second).sites, len(summarise(second).runs))
        assert [(3,)] == tables(second)[:1]

    def test_cannot_be_used_without_its_log(self, second: Path) -> None:
        """Its mark says how far that had come."""
        ended(second)
        mark = second.read_bytes().replace(b"=000000000000000", b"+000000000000005")
        second.write_bytes(mark)

        for use in (Database, summarise):
            with pytest.raises(JournalError, match="was not closed by its last run"):
                use(second)


@pytest.mark.parametrize("version", [0, 4, 7])
def test_another_version_is_named(journal: Path, version: int) -> None:
    """It is not read, and not changed."""
    Database(journal).close()
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    before = journal.read_bytes()

    for use in (Database, summarise):
        with pytest.raises(JournalError) as caught:
            use(journal)

        assert (
            f"journal: {journal} is of version {version}; this engagelab-async reads 1 to 3: use "
            "the one that wrote it, or a later one"
        ) == str(caught.value)
    assert before == journal.read_bytes()


@pytest.mark.parametrize(
    "insert",
    [
        "INSERT INTO operations VALUES ('a', {}, 1, 0, 0, '', 0)",
        "INSERT INTO batches VALUES (9, 0, '{{}}', json_array(json_array('a', {})), '[]')",
    ],
)
@pytest.mark.parametrize("state", ["6", "-1", "1.5", "'new'", "10000000000"])
def test_an_unknown_state_is_refused(journal: Path, insert: str, state: str) -> None:
    """Before anything is changed: what it means is not known."""
    Database(journal).close()
    with closing(sqlite3.connect(journal, isolation_level=None)) as connection:
        connection.execute(insert.format(state))
    before = journal.read_bytes()

    for use in (Database, summarise):
        with pytest.raises(JournalError, match="holds an operation in a state that is not known"):
            use(journal)

    assert before == journal.read_bytes()
