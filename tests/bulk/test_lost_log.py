"""A journal without its log, or with another: nobody knows who was sent to, so nobody is."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from engagelab_async.bulk import JournalError
from engagelab_async.bulk.journal import Database, SendIntent, Settlement, State, summarise
from engagelab_async.bulk.journal.files import log_of
from engagelab_async.bulk.journal.mark import Mark
from support.bulk import Platform, kinds, outcomes_of, run_of, sends

_KILLED = """
import os, sys
from pathlib import Path
from engagelab_async.bulk.journal import SendIntent, Database, Settlement
from engagelab_async.bulk.journal import State

database = Database(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    done, begun = f"{number:032}", f"{number + 1:032}"
    database.write([Settlement(done, State.ACCEPTED)], [SendIntent(begun)])
os._exit(0)
"""


@cache
def killed_files(transactions: int) -> tuple[bytes, bytes]:
    """Return the journal and the log that a process leaves that dies after some transactions."""
    with TemporaryDirectory() as directory:
        journal = Path(directory, "run.db")
        subprocess.run([sys.executable, "-c", _KILLED, str(journal), str(transactions)], check=True)
        return journal.read_bytes(), log_of(journal).read_bytes()


def killed(journal: Path, transactions: int = 20) -> Path:
    """Leave a journal as a process does that dies after some transactions; return its log."""
    log = log_of(journal)
    for file, content in zip((journal, log), killed_files(transactions), strict=True):
        file.write_bytes(content)
    return log


def contents(directory: Path) -> dict[str, bytes]:
    """Return the files of a directory."""
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.is_file()}


async def refused(journal: Path) -> str:
    """Have a run refused, and a reader, with not a byte changed; return what is said."""
    before = contents(journal.parent)
    platform = Platform()
    with pytest.raises(JournalError) as caught:
        await outcomes_of(run_of(platform, sends(3), journal=journal))
    with pytest.raises(JournalError):
        summarise(journal)

    assert before == contents(journal.parent)
    assert [] == platform.received
    return str(caught.value)


class TestLost:
    """The log of a run that was killed is gone."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("transactions", [0, 20])
    async def test_by_deletion(self, journal: Path, transactions: int) -> None:
        """It is said which file is missing; put back, the run goes on."""
        log = killed(journal, transactions)
        kept = log.rename(journal.with_name("kept"))

        text = await refused(journal)

        assert f"journal: {journal} was not closed by its last run" in text
        assert f"its log {log} is missing" in text

        kept.rename(log)

        assert transactions == summarise(journal).states.get(State.ACCEPTED, 0)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("size", [0, 1, 17, 31, 32, 60, 4151, 4152, 4153, 40_000])
    async def test_by_truncation(self, journal: Path, size: int) -> None:
        """Whatever is left of it."""
        log = killed(journal)
        os.truncate(log, size)

        assert f"its log {log} is truncated, or belongs to another file" in await refused(journal)

    @pytest.mark.asyncio
    async def test_by_truncation_at_any_frame(self, journal: Path, tmp_path: Path) -> None:
        """SQLite takes what is left for whole; one transaction less is noticed."""
        killed(journal)
        whole = contents(journal.parent)
        # Behind what was written, the log is all zeros.
        written = len(whole["run.db-wal"].rstrip(b"\0"))
        for frames in range(1, -(-(written - 32) // 4120)):
            copy = tmp_path / f"{frames}"
            copy.mkdir()
            (copy / "run.db").write_bytes(whole["run.db"])
            (copy / "run.db-wal").write_bytes(whole["run.db-wal"][: 32 + frames * 4120])

            with pytest.raises(JournalError, match="truncated"):
                summarise(copy / "run.db")

    @pytest.mark.asyncio
    async def test_by_zeros(self, journal: Path) -> None:
        """Its size is as it was."""
        log = killed(journal)
        log.write_bytes(bytes(log.stat().st_size))

        assert "truncated" in await refused(journal)

    @pytest.mark.asyncio
    async def test_by_an_earlier_copy_of_it(self, journal: Path) -> None:
        """What was written since is not in it."""
        log = killed(journal, 5)
        database = Database(journal)
        database.write([Settlement("a", State.ACCEPTED)], [SendIntent("b")])
        early = log.read_bytes()
        database.write([Settlement("b", State.ACCEPTED)], [SendIntent("c")])
        copy = journal.with_name("copy.db")
        shutil.copy(journal, copy)
        database.close()
        copy.with_name("copy.db-wal").write_bytes(early)

        assert "truncated, or belongs to another file" in await refused(copy)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("way", ["hard link", "copy", "renamed"])
    async def test_by_another_name(self, journal: Path, way: str) -> None:
        """SQLite looks for it beside the name that a file is opened by."""
        killed(journal)
        other = journal.with_name("other.db")
        make: dict[str, Callable[[Path, Path], object]] = {
            "hard link": os.link,
            "copy": shutil.copy,
            "renamed": os.rename,
        }
        make[way](journal, other)

        assert "other.db-wal is missing" in await refused(other)

    def test_but_not_by_a_symbolic_link(self, journal: Path, tmp_path: Path) -> None:
        """The log is beside what that points to."""
        killed(journal)
        link = tmp_path / "link.db"
        link.symlink_to(journal)

        assert {State.ACCEPTED: 20, State.SENDING: 1} == summarise(link).states

    @pytest.mark.asyncio
    async def test_when_all_of_it_was_folded(self, journal: Path) -> None:
        """The run may have gone on, for all that the file knows."""
        database = Database(journal)
        database.write([], [SendIntent("a")])
        database._connection.execute("PRAGMA wal_checkpoint(FULL)")  # noqa: SLF001
        copy = journal.with_name("copy.db")
        shutil.copy(journal, copy)
        database.close()

        assert "copy.db-wal is missing" in await refused(copy)

    @pytest.mark.asyncio
    async def test_after_many_foldings(self, journal: Path) -> None:
        """A long run folds its log into the file now and then, and begins it anew."""
        log = killed(journal, 1000)

        assert 1000 == summarise(journal).states[State.ACCEPTED]

        log.rename(journal.with_name("kept"))

        assert "is missing" in await refused(journal)


def of_another_journal(path: Path) -> Path:
    """Make the log of another journal."""
    return killed(path / "foreign.db", 60)


def of_another_program(path: Path) -> Path:
    """Make the log of another program's database."""
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA journal_mode = WAL'); c.execute('CREATE TABLE theirs (x)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(path / "foreign.db")], check=True)
    return path / "foreign.db-wal"


@pytest.mark.parametrize("foreign", [of_another_journal, of_another_program])
class TestForeign:
    """A log that belongs to another file."""

    @pytest.mark.asyncio
    async def test_in_place_of_its_own(
        self, journal: Path, tmp_path: Path, foreign: Callable[[Path], Path]
    ) -> None:
        """Replaying it would destroy the file."""
        log = killed(journal)
        shutil.copy(foreign(tmp_path), log)

        assert "is truncated, or belongs to another file" in await refused(journal)

    @pytest.mark.asyncio
    async def test_beside_one_that_was_closed(
        self, journal: Path, tmp_path: Path, foreign: Callable[[Path], Path]
    ) -> None:
        """It is said that the file needs none; without it, the run goes on."""
        await outcomes_of(run_of(Platform(), sends(3), journal=journal))
        log = journal.with_name("run.db-wal")
        shutil.copy(foreign(tmp_path), log)

        assert f"the log {log} is not its own: move that away" in await refused(journal)

        log.unlink()

        assert ["settled"] * 3 == kinds(
            await outcomes_of(run_of(Platform(), sends(3), journal=journal))
        )


class TestClosed:
    """A journal whose last run has ended."""

    @pytest.mark.asyncio
    async def test_stands_alone(self, journal: Path) -> None:
        """A copy of the one file is the journal."""
        await outcomes_of(run_of(Platform(), sends(3), journal=journal))
        copy = journal.with_name("copy.db")
        shutil.copy(journal, copy)

        assert ["settled"] * 3 == kinds(
            await outcomes_of(run_of(Platform(), sends(3), journal=copy))
        )

    def test_was_so_after_one_that_was_killed_too(self, journal: Path) -> None:
        """The next run takes the log over."""
        killed(journal)
        Database(journal).close()

        assert [journal.name] == list(contents(journal.parent))
        assert {State.ACCEPTED: 20, State.SENDING: 1} == summarise(journal).states

    def test_is_closed_by_its_own_run(self, journal: Path) -> None:
        """Closing an earlier one once more does not give the file away."""
        first = Database(journal)
        first.close()
        second = Database(journal)
        first.close()
        with pytest.raises(JournalError, match="is in use"):
            summarise(journal)
        second.close()

    def test_is_held_under_every_name(self, journal: Path) -> None:
        """To read it by another would give the lock away."""
        database = Database(journal)
        other = journal.with_name("other.db")
        other.hardlink_to(journal)
        with pytest.raises(JournalError, match="is in use"):
            summarise(other)
        database.close()

        assert 1 == len(summarise(other).runs)


@pytest.mark.parametrize("statement", ["DELETE FROM log_mark", "UPDATE log_mark SET reached = 'x'"])
def test_a_journal_without_a_mark_is_damaged(journal: Path, statement: str) -> None:
    """It is told, whatever was done to it."""
    Database(journal).close()
    tampered(journal, statement)

    with pytest.raises(JournalError, match=r"is damaged .it has no mark of its log"):
        Database(journal)


def test_a_journal_without_a_head_is_refused(journal: Path) -> None:
    """It is told, whatever was done to it."""
    Database(journal).close()
    tampered(journal, "DELETE FROM log_head")

    with pytest.raises(JournalError, match="is not its own"):
        Database(journal)


def tampered(journal: Path, statement: str) -> None:
    """Change a journal with another program."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    )
    subprocess.run([sys.executable, "-c", program, str(journal), statement], check=True)


def test_a_run_that_cannot_begin_leaves_the_journal_free(journal: Path) -> None:
    """Whatever keeps it from beginning, the next one may."""
    Database(journal).close()
    tampered(
        journal,
        "CREATE TRIGGER full BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END",
    )
    with pytest.raises(JournalError, match="no room"):
        Database(journal)
    tampered(journal, "DROP TRIGGER full")

    Database(journal).close()


def test_a_mark_that_is_not_there_is_damage(journal: Path) -> None:
    """It is looked for once more after the log is folded, and then given up."""
    Database(journal).close()
    tampered(journal, "DELETE FROM log_mark")
    with (
        closing(sqlite3.connect(journal)) as connection,
        pytest.raises(sqlite3.DatabaseError, match="no mark"),
    ):
        Mark(journal, connection)


def test_a_log_that_is_deleted_while_its_run_goes_on(journal: Path) -> None:
    """The run still has it open, and folds it at its end: nothing is missing then."""
    database = Database(journal)
    database.write([], [SendIntent("digest")])
    database.write([Settlement("digest", State.ACCEPTED)], [])
    log_of(journal).unlink()
    database.close()

    reopened = Database(journal)
    known = reopened.write([], [SendIntent("digest")])
    reopened.close()
    assert State.ACCEPTED is known["digest"].state
