"""``engagelab journal show``."""

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from engagelab_async import Journal
from engagelab_async.bulk.identity import REFERENCE, Reference
from engagelab_async.bulk.journal import Database, State
from engagelab_async.webhooks import MessageStatus
from support.command import Engagelab
from support.journals import records_of
from support.lists import numbers


@pytest.fixture
def journal(at_sandbox: Engagelab, tmp_path: Path) -> str:
    """A journal of a run in which something of every kind happened."""
    path = tmp_path / "people.csv"
    people = [*numbers(3), "+10000003002", "+10000001000"]
    path.write_text("\n".join(["phone", *people]), encoding="utf-8")
    at_sandbox("sms", "bulk", str(path), "--template", "7", "--journal", f"{path}.db")
    return f"{path}.db"


def test_a_journal_is_explained(engagelab: Engagelab, journal: str, origin: str) -> None:
    """What became of the requests, what that means for the next run, and when runs were."""
    ran = engagelab("journal", "show", journal)

    seen = " ".join(ran.out.split())
    assert 0 == ran.exit_code
    for told in (
        "5 requests",
        "accepted 3 (the API accepted them; they are not sent again)",
        "rejected 1 (the API refuses them",
        "uncertain 1 (perhaps sent: look for them in the console; only --resend-uncertain",
        "Errors code 1000 1 code 3002 1",
        f"Used at sms {origin}",
        "Runs run 1 2",
    ):
        assert told in seen


def test_json(engagelab: Engagelab, journal: str, origin: str) -> None:
    """For scripts."""
    ran = engagelab("journal", "show", journal, "--json")

    result = ran.document["result"]
    (run,) = result.pop("runs")
    assert {
        "accepted": 3,
        "rejected": 1,
        "uncertain": 1,
        "not_sent": 0,
        "messages": {},
        "used_at": {"sms": origin},
    } == result
    assert 1 == run["number"]
    assert run["started"] <= run["ended"]


def test_what_callbacks_told(engagelab: Engagelab, journal: str) -> None:
    """They settle what was uncertain, and say how far messages have come."""
    with closing(sqlite3.connect(journal)) as connection:
        ((token,),) = connection.execute("SELECT token FROM runs").fetchall()
    (digest,) = [
        digest
        for digest, record in records_of(Path(journal)).items()
        if record.state is State.UNCERTAIN
    ]
    own = {REFERENCE: str(Reference(digest, 1, token))}
    event = MessageStatus(message_id="7", status="delivered", custom_args=own)

    asyncio.run(settled(journal, event))

    seen = " ".join(engagelab("journal", "show", journal).out.split())
    assert "accepted 4" in seen
    assert "uncertain" not in seen
    assert "Messages, as callbacks reported delivered 1" in seen


async def settled(journal: str, event: MessageStatus) -> None:
    """Settle an event."""
    async with Journal(journal) as it:
        await it.settle(event)


def test_a_run_that_was_cut_off(engagelab: Engagelab, tmp_path: Path) -> None:
    """What it was sending is uncertain, and it has no end."""
    path = tmp_path / "run.db"
    program = """
        import os, sys
        from pathlib import Path
        from engagelab_async.bulk.journal import SendIntent, Database

        Database(Path(sys.argv[1])).write([], [SendIntent("digest")])
        os._exit(0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(path)], check=True)

    ran = engagelab("journal", "show", str(path))

    seen = " ".join(ran.out.split())
    assert "1 requests uncertain 1" in seen
    assert "interrupted" in seen
    assert "Errors" not in seen


def test_a_journal_in_use(engagelab: Engagelab, journal: str) -> None:
    """A command that only reads says nothing of sending, which goes on elsewhere."""
    database = Database(Path(journal))
    ran = engagelab("journal", "show", journal)
    database.close()

    assert 2 == ran.exit_code
    assert ran.err.startswith("✗ The journal cannot be read\n")
    assert "is in use by another run" in ran.err
    assert "sent" not in ran.err


def test_what_is_no_journal(engagelab: Engagelab, tmp_path: Path) -> None:
    """Another file, or none, is bad usage."""
    path = tmp_path / "notes"
    path.write_text("notes")

    assert 2 == engagelab("journal", "show", str(path), "--json").exit_code
    assert "is no journal" in engagelab("journal", "show", str(path)).err
    assert 2 == engagelab("journal", "show", str(tmp_path / "nothing")).exit_code
