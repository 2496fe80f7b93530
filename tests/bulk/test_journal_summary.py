"""What stands in a journal, read without taking it."""

from pathlib import Path

import pytest

from engagelab_async.bulk.identity import identity_of_half
from engagelab_async.bulk.journal import (
    Database,
    JournalError,
    RecordedRun,
    SendIntent,
    Settlement,
    State,
    count_known,
    summarise,
)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of two runs, the second of which was cut off."""
    path = tmp_path / "run.db"
    times = iter([100.0, 101.0, 102.0])
    first = Database(path, wall_clock=lambda: next(times))
    first.write(
        [
            Settlement("accepted", State.ACCEPTED, id="1"),
            Settlement("refused", State.REFUSED, code=5013, error="BlacklistedError"),
            Settlement("refused too", State.REFUSED, code=5013, error="BlacklistedError"),
            Settlement("late", State.UNCERTAIN, error="ResponseTimeoutError"),
            Settlement("unsent", State.UNSENT, error="ConnectError"),
            Settlement("whole", State.SPLIT),
            Settlement(identity_of_half("whole", 0), State.ACCEPTED, id="2"),
            Settlement(identity_of_half("whole", 1), State.REFUSED, code=3002),
        ],
        [SendIntent("cut off")],
    )
    first.close()
    return path


def test_a_summary_counts(journal: Path) -> None:
    """By state, by error, and by run."""
    found = summarise(journal)

    assert (RecordedRun(1, 100.0, 102.0),) == found.runs
    assert (9, 8, 2) == (found.total, found.sent, found.uncertain)
    assert (
        ("accepted", 2),
        ("rejected", 3),
        ("uncertain", 2),
        ("not sent", 1),
    ) == found.counts
    assert {"5013": 2, "3002": 1, "ConnectError": 1, "ResponseTimeoutError": 1} == found.errors


def test_reading_changes_nothing(journal: Path) -> None:
    """Neither the file nor what stands beside it."""
    before = journal.read_bytes()

    summarise(journal)

    assert before == journal.read_bytes()
    assert [journal] == list(journal.parent.iterdir())


def test_known_operations_are_counted(journal: Path) -> None:
    """Those that the journal does not know are not; of one that was divided, the halves are."""
    assert {State.ACCEPTED: 1, State.SENDING: 1} == count_known(
        journal, ["accepted", "cut off", *(f"other {number}" for number in range(2500))]
    )
    assert {State.SPLIT: 1, State.ACCEPTED: 1, State.REFUSED: 1} == count_known(journal, ["whole"])


def test_a_journal_in_use_is_left_alone(journal: Path) -> None:
    """A run of this process holds it as one of another process would."""
    database = Database(journal)

    with pytest.raises(JournalError, match="is in use"):
        summarise(journal)

    database.close()


def test_what_is_no_journal(tmp_path: Path) -> None:
    """It is told so."""
    path = tmp_path / "notes"
    path.write_text("notes")

    with pytest.raises(JournalError, match="is no journal"):
        summarise(path)
