"""A process that forks while it has a journal open: the child cannot take anything away."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from engagelab_async.bulk import JournalError
from engagelab_async.bulk.journal import Database, State, summarise
from support.bulk import Platform, kinds, outcomes_of, run_of, sends
from support.counting import Counting

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")

_HEAD = """
    import asyncio, gc, multiprocessing, os, sqlite3, subprocess, sys
    from pathlib import Path
    from engagelab_async.bulk import JournalError
    from engagelab_async.bulk.journal import SendIntent, Database, Settlement
    from engagelab_async.bulk.journal import SQLiteJournal, State

    journal = Path(sys.argv[1])
    log = journal.with_name("run.db-wal")

    def in_use():
        program = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM runs')"
        ran = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program, str(journal)],
            stderr=subprocess.PIPE,
        )
        return b"database is locked" in ran.stderr
"""


def run(program: str, journal: Path, *arguments: str) -> None:
    """Run a program with what the others share before it."""
    text = textwrap.dedent(_HEAD) + textwrap.dedent(program)
    tests = str(Path(__file__).parents[1])
    subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", text, str(journal), *arguments],
        check=True,
        env={**os.environ, "PYTHONPATH": tests},
    )


@pytest.mark.parametrize(
    "end",
    [
        "sys.exit()",
        "raise SystemExit",
        "del database; gc.collect(); sys.exit()",
        "database.close(); sys.exit()",
        "database._connection = None; gc.collect(); os._exit(0)",
        "os._exit(0)",
    ],
)
def test_a_child_that_ends_leaves_the_log(journal: Path, end: str) -> None:
    """Whether its interpreter finalizes what it inherited or not; the parent's lock holds, too."""
    program = f"""
        database = Database(journal)
        database.write([], [SendIntent("a")])
        if not (child := os.fork()):
            {end}
        os.waitpid(child, 0)
        assert log.exists()
        assert in_use()
        database.write([Settlement("a", State.ACCEPTED)], [SendIntent("b")])
        os._exit(0)
    """
    run(program, journal)

    assert {State.ACCEPTED: 1, State.SENDING: 1} == summarise(journal).states


def test_a_child_of_multiprocessing_leaves_the_log(journal: Path) -> None:
    """It is forked where that is the way, and finalizes less."""
    program = """
        database = Database(journal)
        database.write([], [SendIntent("a")])
        child = multiprocessing.get_context("fork").Process(target=gc.collect)
        child.start()
        child.join()
        assert log.exists()
        assert in_use()
        os._exit(0)
    """
    run(program, journal)

    assert {State.SENDING: 1} == summarise(journal).states


def test_a_child_cannot_write(journal: Path) -> None:
    """It would write into the log of its parent."""
    program = """
        database = Database(journal)
        if not (child := os.fork()):
            try:
                database.write([], [SendIntent("a")])
            except JournalError as error:
                os._exit(len(str(error)) < 20)
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        try:
            Database(journal)
        except JournalError:
            pass
        database.close()
    """
    run(program, journal)

    assert {} == summarise(journal).states


@pytest.mark.parametrize("written", [[], ["a"]])
@pytest.mark.parametrize("loop", ["same", "new"])
def test_a_child_is_refused_in_any_loop(journal: Path, loop: str, written: list[str]) -> None:
    """It has none of the threads that the journal used before, and must not wait for them."""
    program = f"""
        import signal

        async def refused(store):
            signal.alarm(10)
            try:
                await store.write([], [SendIntent("b")])
            except JournalError as error:
                await store.close()
                os._exit("in use by the process that was forked" not in str(error))
            os._exit(2)

        async def main():
            store = await SQLiteJournal.open(journal)
            for digest in {written}:
                await store.write([], [SendIntent(digest)])
            if "{loop}" == "same" and not (child := os.fork()):
                await refused(store)
            elif "{loop}" == "same":
                assert os.waitpid(child, 0)[1] == 0
            return store

        store = asyncio.run(main())
        if "{loop}" == "new":
            if not (child := os.fork()):
                asyncio.run(refused(store))
            assert os.waitpid(child, 0)[1] == 0
        asyncio.run(store.write([], [SendIntent("c")]))
        asyncio.run(store.close())
    """
    run(program, journal)

    assert {State.SENDING: len([*written, "c"])} == summarise(journal).states


def test_children_of_a_run_leave_the_log(journal: Path) -> None:
    """One of multiprocessing, and one that unwinds the event loop that it inherited.

    That one takes the loop's own wake-ups away, whatever the loop does; so the parent ends, too.
    """
    program = """
        from support.bulk import Platform, run_of, sends

        async def main():
            async with run_of(Platform(), sends(200), journal=journal) as run:
                seen = 0
                async for outcome in run:
                    seen += 1
                    if seen == 20:
                        child = multiprocessing.get_context("fork").Process(target=gc.collect)
                        child.start()
                        child.join()
                        assert log.exists()
                        assert in_use()
                    if seen == 100:
                        if not (child := os.fork()):
                            sys.stderr.close()
                            sys.exit()
                        os.waitpid(child, 0)
                        assert log.exists()
                        assert in_use()
                        os._exit(0)

        asyncio.run(main())
    """
    run(program, journal)

    assert summarise(journal).states[State.ACCEPTED] >= 90


@pytest.mark.asyncio
async def test_a_program_that_just_ends_leaves_the_log(journal: Path) -> None:
    """What nobody closes is left as by a kill, and not closed by a finalizer."""
    program = """
        database = Database(journal)
        database.write([], [SendIntent("a")])
        del database
        gc.collect()
        assert log.exists()
    """
    run(program, journal)

    assert {State.SENDING: 1} == summarise(journal).states
    assert ["Accepted"] * 3 == kinds(
        await outcomes_of(run_of(Platform(), sends(3), journal=journal))
    )


def test_receipts_are_written_by_parent_and_child(journal: Path) -> None:
    """A server that forks its workers after it has opened the file of callbacks."""
    program = """
        from engagelab_async import Journal

        class Status:
            status, custom_args, error_code = "sent", {}, None

            def __init__(self, message_id):
                self.message_id = message_id

        receipts = Journal(journal)
        asyncio.run(receipts.settle(Status("1")))
        if not (child := os.fork()):
            asyncio.run(receipts.settle(Status("2")))
            asyncio.run(receipts.aclose())
            sys.exit()
        os.waitpid(child, 0)
        asyncio.run(receipts.settle(Status("3")))
        asyncio.run(receipts.aclose())
        callbacks = sqlite3.connect(f"{journal}-callbacks")
        found = callbacks.execute("SELECT id FROM messages").fetchall()
        assert [("1",), ("2",), ("3",)] == sorted(found), found
    """
    run(program, journal)


def test_a_journal_can_be_taken_by_another_when_the_parent_has_gone(journal: Path) -> None:
    """A child that lives on does not hold it."""
    program = """
        database = Database(journal)
        database.write([], [SendIntent("a")])
        if not os.fork():
            sys.stdin.read()
            sys.exit()
        os._exit(0)
    """
    text = textwrap.dedent(_HEAD) + textwrap.dedent(program)
    with subprocess.Popen(
        [sys.executable, "-c", text, str(journal)],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ) as process:
        process.wait()
        database = Database(journal)
        database.close()

    assert {State.SENDING: 1} == summarise(journal).states


def test_the_error_names_the_file(journal: Path) -> None:
    """A second opener in the same process is refused by name."""
    database = Database(journal)
    with pytest.raises(JournalError, match=r"run\.db is in use"):
        Database(journal)
    database.close()


_CLIENT = """
    from engagelab_async import Credentials, EngageLab
    from support.bulk import sends

    def client(engine):
        return EngageLab(sms=Credentials("k", "s"), sms_base_url=sys.argv[2], http=engine)

    def run_in_both(main):
        parent = os.getpid()
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(main())
        finally:
            if os.getpid() != parent:
                # The tasks that it inherited go on as far as they can.
                for _ in range(50):
                    loop.call_soon(loop.stop)
                    loop.run_forever()
            os._exit(0)
"""


@pytest.mark.parametrize("engine", ["asyncio", "aiohttp"])
@pytest.mark.parametrize("end", ["sys.exit()", "continue"])
def test_a_child_of_a_consumer_sends_nothing(journal: Path, end: str, engine: str) -> None:
    """It inherits tasks that are about to write a request, which its parent writes as well."""
    program = f"""
        async def main():
            async with (
                client("{engine}") as engagelab,
                engagelab.fan_out(sends(200), journal=journal) as run,
            ):
                seen = 0
                async for outcome in run:
                    seen += 1
                    if seen in (20, 40, 60):
                        if not (child := os.fork()):
                            sys.stderr.close()
                            {end}
                        os.waitpid(child, 0)
                    if seen > 60:
                        os._exit(0)

        run_in_both(main)
    """
    with Counting() as server:
        run(textwrap.dedent(_CLIENT) + textwrap.dedent(program), journal, server.url)

        assert {0, 1} >= set(server.delivered.values())
