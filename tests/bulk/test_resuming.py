"""A journal over several runs: nobody is lost, nobody is sent to twice."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import Event

from engagelab_async import (
    ConnectError,
    ConnectionLostError,
    Operation,
    Response,
    RetryPolicy,
    SendCode,
    SendSMS,
    Skipped,
    Template,
    Uncertain,
)
from engagelab_async.bulk import JournalError
from engagelab_async.bulk.identity import Key, identity
from engagelab_async.bulk.journal import Database, SendIntent, SQLiteJournal, State
from engagelab_async.bulk.journal.schema import collect_known
from engagelab_async.bulk.outcomes import AnyOutcome
from support.bulk import (
    Platform,
    accept,
    kinds,
    number,
    outcomes_of,
    refusal,
    respond,
    run_of,
    sends,
)
from support.journals import Disk, records_of
from support.scripted_engine import FakeTime

pytestmark = pytest.mark.anyio

ONCE = RetryPolicy(attempts=1)


def state_of(journal: Path, operation: Operation[Any]) -> State:
    """Look up what a journal knows of an operation."""
    return records_of(journal)[identity(operation, None)].state


def cut_off_while_sending(journal: Path, operations: Sequence[Operation[Any]]) -> None:
    """Leave a journal as a process does that dies with requests under way."""
    database = Database(journal)
    database.write([], [SendIntent(identity(operation, None)) for operation in operations])
    database.close()


class TestSecondRun:
    """What the second run does with each end of the first."""

    async def test_skips_what_is_settled(self, journal: Path) -> None:
        """The accepted and the refused are not sent again, and what is new is."""
        platform = Platform()

        async def behaviour(to: tuple[str, ...]) -> Response:
            return refusal(5011) if to == (number(0),) else await accept(to)

        platform.behaviour = behaviour
        first = await outcomes_of(run_of(platform, sends(3), journal=journal))

        assert ["Rejected", "Accepted", "Accepted"] == kinds(first)

        run = run_of(platform, sends(5), journal=journal)

        outcomes = await outcomes_of(run)

        assert ["refused"] + ["settled"] * 2 + ["Accepted"] * 2 == kinds(outcomes)
        assert [number(index) for index in range(5)] == sorted(platform.numbers)
        assert (2, 3, 3) == (
            run.report.accepted,
            run.report.skipped,
            run.report.skipped_targets,
        )

    async def test_sends_what_was_not_sent_for_no_fault_of_its_own(self, journal: Path) -> None:
        """What met no connection, or a wrong key, is free for the next run."""

        async def behaviour(to: tuple[str, ...]) -> Response:
            if to == (number(0),):
                raise ConnectError("refused")
            return refusal(5001) if to == (number(1),) else refusal(2001, 401)

        first = run_of(Platform(behaviour), sends(3), journal=journal, retry=ONCE, max_in_flight=1)

        assert ["Rejected"] * 3 == kinds(await outcomes_of(first))
        assert "the key pair is not accepted" == first.report.stopped

        second = await outcomes_of(run_of(Platform(), sends(5), journal=journal))

        assert ["Accepted"] * 5 == kinds(second)

    async def test_does_not_send_what_may_have_been_sent(self, journal: Path) -> None:
        """It is uncertain in every run that follows, until the caller consents."""

        async def lost(to: tuple[str, ...]) -> Response:
            raise ConnectionLostError("lost")

        platform = Platform()
        first = await outcomes_of(run_of(Platform(lost), sends(2), journal=journal))

        assert ["Uncertain"] * 2 == kinds(first)

        for _ in range(2):
            outcome, _second = await outcomes_of(run_of(platform, sends(2), journal=journal))

            assert isinstance(outcome, Uncertain)
            assert (0, 0.0) == (outcome.attempts, outcome.elapsed)
            assert "an earlier run ended before the answer came" in str(outcome.error)

        assert [] == platform.received

        run = run_of(platform, sends(2), journal=journal, resend_uncertain=True)

        assert ["Accepted"] * 2 == kinds(await outcomes_of(run))

    async def test_does_not_send_what_was_under_way_at_a_crash(self, journal: Path) -> None:
        """An intent without an outcome is uncertain."""
        cut_off_while_sending(journal, list(sends(2)))

        assert ["Uncertain"] * 2 + ["Accepted"] == kinds(
            await outcomes_of(run_of(Platform(), sends(3), journal=journal))
        )

    async def test_sends_once_more_and_not_twice(self, journal: Path) -> None:
        """With consent, an uncertain one that is in the list twice is sent once, if paced too."""
        (operation,) = sends(1)
        platform = Platform()

        async def lost(to: tuple[str, ...]) -> Response:
            raise ConnectionLostError("lost")

        class Patient:
            async def acquire(self, requests: int, targets: int) -> None:
                await anyio.wait_all_tasks_blocked()

        cut_off_while_sending(journal, [operation])
        platform.behaviour = lost
        run = run_of(
            platform,
            [operation, operation],
            journal=journal,
            resend_uncertain=True,
            limiter=Patient(),
        )

        assert ["Uncertain", "duplicate"] == sorted(kinds(await outcomes_of(run)))
        assert 1 == len(platform.received)

    async def test_keeps_a_doubt_that_it_did_not_remove(self, journal: Path) -> None:
        """What could not be sent again is as uncertain as before, whatever it waited for."""
        time = FakeTime()
        (operation,) = sends(1)

        async def unconnected(to: tuple[str, ...]) -> Response:
            raise ConnectError("refused")

        cut_off_while_sending(journal, [operation])
        run = run_of(
            Platform(unconnected),
            [operation],
            journal=journal,
            resend_uncertain=True,
            time=time,
            max_in_flight=1,
        )
        outcomes = await outcomes_of(run)

        assert ["Uncertain"] == kinds(outcomes)
        assert outcomes[0].attempts > 1
        assert State.UNCERTAIN is state_of(journal, operation)

    async def test_does_not_take_a_refusal_for_an_answer_to_another(self, journal: Path) -> None:
        """What an earlier run may have sent stays uncertain when it is refused now."""

        async def refuse(_: tuple[str, ...]) -> Response:
            return refusal(5013)

        platform = Platform(refuse)
        operations = [SendSMS(("+6591234567", "+6591234568"), Template("1233"))]

        cut_off_while_sending(journal, operations)
        for resend in (True, False):
            run = run_of(
                platform,
                operations,
                journal=journal,
                resend_uncertain=resend,
                split_rejected=True,
            )

            assert ["Uncertain"] == kinds(await outcomes_of(run))

        assert 1 == len(platform.received)


class TestDuplicate:
    """The same operation twice in one run."""

    @pytest.mark.parametrize("width", [1, 4])
    async def test_is_sent_once(self, journal: Path, width: int) -> None:
        """The second is skipped, whether the first is done or still under way."""
        platform = Platform()

        operations = [*sends(2), *sends(2), *sends(3)]
        run = run_of(platform, operations, journal=journal, max_in_flight=width)
        outcomes = await outcomes_of(run)

        assert ["Accepted"] * 3 + ["duplicate"] * 4 == sorted(kinds(outcomes))
        assert [number(0), number(1), number(2)] == sorted(platform.numbers)

    @pytest.mark.parametrize("key", [lambda each: each.to[0].encode(), lambda _: "caf\udce9"])
    async def test_is_what_the_key_says(self, journal: Path, key: Key) -> None:
        """With a key of the caller's own, that is what makes two operations the same."""
        platform = Platform()

        operations = [SendSMS("+6591234567", "1"), SendSMS("+6591234567", "2")]
        outcomes = await outcomes_of(run_of(platform, operations, journal=journal, key=key))

        assert ["Accepted", "duplicate"] == sorted(kinds(outcomes))

    async def test_needs_a_key_that_is_text(self, journal: Path) -> None:
        """A key that returns a number is told."""
        with pytest.raises(TypeError, match="key: expected it to return a str or bytes, got int"):
            await outcomes_of(run_of(Platform(), sends(1), journal=journal, key=lambda _: 5))

    async def test_is_not_told_without_a_journal(self) -> None:
        """Nothing remembers what was sent, for it would take memory without bound."""
        platform = Platform()

        assert ["Accepted"] * 4 == kinds(
            await outcomes_of(run_of(platform, [*sends(2), *sends(2)]))
        )


class TestRepeat:
    """An operation that may be repeated though it may have been sent."""

    async def test_keeps_its_intent(self, journal: Path) -> None:
        """Between the attempts it stays what it is: perhaps sent."""
        answers = iter([ConnectionLostError("lost")])

        async def behaviour(to: tuple[str, ...]) -> Response:
            for answer in answers:
                raise answer
            return respond({"message_id": "1", "send_channel": "sms"})

        operation = SendCode("+6591234567", "039487", "login")
        (outcome,) = await outcomes_of(run_of(Platform(behaviour), [operation], journal=journal))

        assert (["Accepted"], 2) == (kinds([outcome]), outcome.attempts)
        assert State.ACCEPTED is state_of(journal, operation)


class TestIntent:
    """The intent is durable while, and only while, a request may be under way."""

    async def test_is_durable_before_the_bytes_leave(self, journal: Path) -> None:
        """Whenever the engine is called, another reader of the files finds the intent."""
        seen: list[State] = []

        operations = {operation.to: operation for operation in sends(20)}

        async def behaviour(to: tuple[str, ...]) -> Response:
            seen.append(as_after_a_crash(journal, operations[to]))
            return await accept(to)

        await outcomes_of(run_of(Platform(behaviour), operations.values(), journal=journal))

        assert [State.SENDING] * 20 == seen

    async def test_is_taken_back_while_a_repeat_waits(self, journal: Path) -> None:
        """What was not sent and waits to be tried again would be sent after a crash."""
        time, seen = FakeTime(), list[State]()
        (operation,) = sends(1)
        failures = iter([ConnectError("refused")] * 2)

        async def behaviour(to: tuple[str, ...]) -> Response:
            for failure in failures:
                raise failure
            return await accept(to)

        async def sleep(seconds: float) -> None:
            await anyio.lowlevel.checkpoint()
            await time.sleep(seconds)
            with anyio.fail_after(50):
                # The file is written by a thread, which tells nothing else.
                while (state := as_after_a_crash(journal, operation)) is State.SENDING:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
            seen.append(state)

        platform = Platform(behaviour)
        run = run_of(platform, [operation], journal=journal, time=time, sleep=sleep)

        assert ["Accepted"] == kinds(await outcomes_of(run))
        assert [State.UNSENT] * 2 == seen
        assert State.ACCEPTED is state_of(journal, operation)

    async def test_is_not_there_while_a_turn_is_waited_for(self, journal: Path) -> None:
        """What waits for the limiter would be sent after a crash."""

        class Never:
            async def acquire(self, requests: int, targets: int) -> None:
                waiting.set()
                await Event().wait()

        waiting = anyio.Event()

        async with run_of(Platform(), sends(9), journal=journal, limiter=Never()):
            await waiting.wait()

        assert ["Accepted"] * 9 == kinds(
            await outcomes_of(run_of(Platform(), sends(9), journal=journal))
        )

    async def test_takes_no_turn_for_what_is_settled(self, journal: Path) -> None:
        """Half a million that were sent before do not wait for the limiter."""
        turns = 0

        class Counting:
            async def acquire(self, requests: int, targets: int) -> None:
                nonlocal turns
                turns += 1

        await outcomes_of(run_of(Platform(), sends(50), journal=journal))
        run = run_of(Platform(), sends(52), journal=journal, limiter=Counting())

        assert ["settled"] * 50 + ["Accepted"] * 2 == kinds(await outcomes_of(run))
        assert 2 == turns


def as_after_a_crash(journal: Path, operation: Operation[Any]) -> State:
    """Look up what the next run would find if the process ended now: in copies of the files."""
    copy = journal.with_name("copy.db")
    for suffix in ("", "-wal"):
        source = journal.with_name(journal.name + suffix)
        copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        collect_known(connection)
        query = "SELECT state FROM known WHERE digest = ?"
        (state,) = connection.execute(query, (identity(operation, None),)).fetchone()
    for suffix in ("", "-wal", "-shm"):
        copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    return State(state)


class TestFullDisk:
    """The journal cannot be written any longer."""

    async def test_ends_the_run(self, journal: Path) -> None:
        """Nothing is sent without an intent, what is answered is told, and the error is raised."""
        platform = Platform()

        disk = Disk(await SQLiteJournal.open(journal))

        def fill_up(outcome: AnyOutcome) -> None:
            disk.is_full = outcome.index >= 20

        run = run_of(platform, sends(1000), journal=disk, stop_when=fill_up)
        with pytest.raises(JournalError, match=r"it cannot be written .*disk is full"):
            await outcomes_of(run)

        assert len(platform.received) == run.report.accepted < 40
        assert "a failure (JournalError)" == run.report.stopped

        outcomes = await outcomes_of(run_of(platform, sends(1000), journal=journal))

        assert {"settled", "Uncertain", "Accepted"} >= set(kinds(outcomes))
        assert 1000 == len(set(platform.numbers)) == len(platform.numbers)

    async def test_undoes_an_intent_that_waited_for_the_disk(self, journal: Path) -> None:
        """A task that is cancelled while its intent waits for a slow disk leaves nothing behind."""
        platform = Platform()
        disk = Disk(await SQLiteJournal.open(journal))
        disk.slow_down()

        async def leave() -> None:
            async with run_of(platform, sends(9), journal=disk, grace=0.0):
                await disk.writing.wait()

        async with anyio.create_task_group() as group:
            group.start_soon(leave)
            await disk.writing.wait()
            await anyio.wait_all_tasks_blocked()
            disk.ready.set()

        assert [] == platform.received
        assert ["Accepted"] * 9 == kinds(
            await outcomes_of(run_of(platform, sends(9), journal=journal))
        )


class TestOutcome:
    """What is skipped."""

    async def test_has_no_attempts(self, journal: Path) -> None:
        """A skipped operation was not sent by this run, and its latency counts nowhere."""
        await outcomes_of(run_of(Platform(), sends(1), journal=journal))
        run = run_of(Platform(), sends(1), journal=journal)
        (outcome,) = await outcomes_of(run)

        assert isinstance(outcome, Skipped)
        assert ("settled", 0, 0.0) == (outcome.reason, outcome.attempts, outcome.elapsed)
        assert 0.0 == run.report.p50
