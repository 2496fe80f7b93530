"""A log that was damaged, and one that was cut off."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engagelab_async.bulk import JournalError
from engagelab_async.bulk.journal import Database, SendIntent, Settlement, State
from engagelab_async.bulk.journal.wal import is_damaged, is_log

TRANSACTIONS = 20
HEAD, FRAME = 32, 24 + 4096


def left_behind(journal: Path, change: Callable[[bytearray], object]) -> Path:
    """Copy a journal and its log as they are after a crash, the log with a change."""
    copy = journal.with_name("copy.db")
    shutil.copy(journal, copy)
    whole = journal.with_name(f"{journal.name}-wal").read_bytes()
    # Behind what was written, there are zeros.
    frames = -(-(len(whole.rstrip(b"\0")) - HEAD) // FRAME)
    log = bytearray(whole[: HEAD + frames * FRAME])
    change(log)
    copy.with_name("copy.db-wal").write_bytes(log.ljust(len(whole), b"\0"))
    return copy


def flip(where: float) -> Callable[[bytearray], None]:
    """Make a flaw in one byte, so far into the log."""

    def change(log: bytearray) -> None:
        log[int(len(log) * where)] ^= 0xFF

    return change


@pytest.fixture
def live(journal: Path) -> Iterator[Path]:
    """A journal that a run has open, with some transactions in its log."""
    database = Database(journal)
    for number in range(TRANSACTIONS):
        database.write(
            [Settlement(f"{number:032}", State.ACCEPTED)], [SendIntent(f"{number + 1:032}")]
        )
    yield journal
    database.close()


@pytest.mark.parametrize("where", [0.2, 0.5, 0.8])
def test_a_flaw_in_the_middle_is_damage(live: Path, where: float) -> None:
    """What stands behind it was on the disk for sure: nobody is sent to twice for its loss."""
    copy = left_behind(live, flip(where))
    before = {path.name: path.read_bytes() for path in copy.parent.glob("copy*")}
    with pytest.raises(JournalError, match=r"copy\.db is damaged \(its log has a flaw\)"):
        Database(copy)

    assert before == {path.name: path.read_bytes() for path in copy.parent.glob("copy*")}


@pytest.mark.parametrize("torn", [False, True])
def test_what_a_crash_leaves_is_not(live: Path, torn: bool) -> None:
    """A transaction that a crash cut off was never written, and nothing waited for it."""

    def change(log: bytearray) -> None:
        if torn:
            # The first frame of a transaction of two, with a flaw, and half of the second, which
            # is the one that ends it.
            last = log[-FRAME:]
            log += last[:4] + bytes(4) + last[8:-4] + bytes(4) + last[: FRAME // 2]

    database = Database(left_behind(live, change))
    known = database.write([], [SendIntent(f"{n:032}", ask_only=True) for n in range(TRANSACTIONS)])
    database.close()

    assert TRANSACTIONS == sum(entry.state is State.ACCEPTED for entry in known.values())


def test_what_is_left_over_from_before_does_not_count(live: Path) -> None:
    """A log that was begun anew has frames of the old one at its end."""
    copy = left_behind(live, lambda log: None)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("INSERT INTO runs (token, started) VALUES ('', 1)")
        log = copy.with_name("copy.db-wal")

        assert not is_damaged(log)
        assert log.stat().st_size > 4 * 4096


@pytest.mark.parametrize("where", [0, 8, 30])
def test_a_flaw_in_its_head_is_damage(live: Path, where: int) -> None:
    """SQLite would take such a log for none."""
    copy = left_behind(live, lambda log: log.__setitem__(where, log[where] ^ 0xFF))

    assert is_damaged(copy.with_name("copy.db-wal"))


def test_less_than_a_head_is_no_log(tmp_path: Path) -> None:
    """What is too short for a header holds nothing, damaged or not."""
    log = tmp_path / "run.db-wal"
    log.write_bytes(b"short")

    assert (False, False) == (is_log(log), is_damaged(log))
