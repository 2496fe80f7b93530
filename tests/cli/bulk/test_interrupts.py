"""Ctrl-C during a run, in a process of its own."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Engagelab, run_process
from support.held import HeldPlatform, Running
from support.lists import WriteList, numbers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a signal to one process")

SMS = ("sms", "bulk", "people.csv", "--template", "7", "--max-in-flight", "4")


@pytest.fixture
def platform() -> Iterator[HeldPlatform]:
    """A platform that holds its answers back."""
    with HeldPlatform() as serving:
        yield serving


def begin(platform: HeldPlatform, write: WriteList, *options: str) -> Running:
    """Start a run of 20 rows, and wait until 4 requests are in flight."""
    write(*numbers(20), header="phone")
    running = Running(*SMS, "--sandbox", platform.origin, *options)
    for _ in range(4):
        platform.received.get(timeout=200)
    return running


def test_once_finishes_what_is_in_flight(platform: HeldPlatform, write: WriteList) -> None:
    """It is waited for, nothing new is begun, and the way on is told."""
    running = begin(platform, write)

    running.press_ctrl_c()
    running.read_until("Finishing 4 requests in flight; Ctrl-C again cuts them off")
    platform.release()
    exit_code, out = running.ended()

    assert (130, 4) == (exit_code, len(platform.everything))
    seen = " ".join(out.split())
    assert "✗ Sent to 4 of 20" in seen
    assert "left 16 (not sent; --resume sends them)" in seen
    assert "ended by Ctrl-C" in seen


def test_the_way_on_goes_on(platform: HeldPlatform, write: WriteList) -> None:
    """The command that is told sends the rest, and nobody twice."""
    running = begin(platform, write, "--json")
    running.press_ctrl_c()
    running.read_until("Finishing")
    platform.release()
    command = json.loads(running.ended()[1])["result"]["resume"]

    ran = run_process(["-m", "engagelab_async.cli", *shlex.split(command)[1:]])

    assert 0 == ran.exit_code
    assert "earlier 4 (settled by an earlier run)" in " ".join(ran.out.split())
    assert sorted([number] for number in numbers(20)) == sorted(platform.everything)


def test_twice_ends_it_at_once(
    platform: HeldPlatform, write: WriteList, engagelab: Engagelab
) -> None:
    """What was in flight is uncertain, in this run and for the next, which sends only the rest."""
    running = begin(platform, write, "--json")
    running.press_ctrl_c()
    running.read_until("Finishing")
    running.press_ctrl_c()
    exit_code, out = running.ended()
    platform.release()

    result = json.loads(out)["result"]
    assert (130, 4, 16, True) == (
        exit_code,
        result["uncertain"],
        result["left"],
        result["interrupted"],
    )
    ran = engagelab(*SMS, "--sandbox", platform.origin, "--resume", "--json")
    result = ran.document["result"]
    assert (3, 16, 4) == (ran.exit_code, result["accepted"], result["uncertain"])
    assert sorted([number] for number in numbers(20)) == sorted(platform.everything)


def test_ctrl_c_at_the_very_end_changes_nothing(platform: HeldPlatform, write: WriteList) -> None:
    """If all that is left is in flight, and is accepted, everybody was sent to."""
    write(*numbers(4), header="phone")
    running = Running(*SMS, "--sandbox", platform.origin)
    for _ in range(4):
        platform.received.get(timeout=200)

    running.press_ctrl_c()
    running.read_until("Finishing")
    platform.release()

    assert 0 == running.ended()[0]


def test_killed_and_resumed(platform: HeldPlatform, write: WriteList, engagelab: Engagelab) -> None:
    """After a kill, what was in flight is uncertain, and is in the file of those."""
    running = begin(platform, write)
    running.process.kill()
    running.ended()
    platform.release()

    ran = engagelab(
        *SMS, "--sandbox", platform.origin, "--resume", "--json", "--uncertain", "uncertain.csv"
    )

    result = ran.document["result"]
    assert (3, 16, 4) == (ran.exit_code, result["accepted"], result["uncertain"])
    assert sorted([number] for number in numbers(20)) == sorted(platform.everything)


def test_a_list_that_is_changed_meanwhile(platform: HeldPlatform, write: WriteList) -> None:
    """The run ends where the list is no longer what was checked, and the rest is left."""
    write(*(f"{number},{'x' * 200}" for number in numbers(2000)), header="phone,note")
    running = Running(*SMS, "--set", "a=b", "--sandbox", platform.origin, "--json")
    for _ in range(4):
        platform.received.get(timeout=200)

    with Path("people.csv").open("r+b") as file:
        # Far enough from the beginning to be read only after this.
        file.seek(300_000)
        file.write(b"x" * 1000)
    platform.release()
    exit_code, out = running.ended()

    result = json.loads(out)["result"]
    assert (1, "people.csv: it was changed meanwhile") == (exit_code, result["stopped"])
    assert 2000 == result["accepted"] + result["left"]


def test_a_background_job_does_not_hear_it(platform: HeldPlatform, write: WriteList) -> None:
    """A process that was started to ignore Ctrl-C goes on ignoring it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = begin(platform, write)
    finally:
        signal.signal(signal.SIGINT, before)

    running.press_ctrl_c()
    platform.release()

    assert 0 == running.ended()[0]


def test_a_second_run_is_told_of_the_first(
    platform: HeldPlatform, write: WriteList, engagelab: Engagelab
) -> None:
    """While a run holds the journal, another exits with 2."""
    running = begin(platform, write)

    ran = engagelab(*SMS, "--sandbox", platform.origin, "--resume")
    shown = engagelab("journal", "show", "people.csv.journal.db")

    assert (2, 2) == (ran.exit_code, shown.exit_code)
    assert "is in use" in ran.err
    assert "is in use" in shown.err
    platform.release()
    assert 0 == running.ended()[0]


def test_somebody_at_a_real_terminal(platform: HeldPlatform, write: WriteList) -> None:
    """On a terminal the progress is drawn, a question waits for its answer, and keys are heard."""
    platform.release()
    write(*numbers(5), "nobody", header="phone")
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as screen:
        running = subprocess.Popen(
            [sys.executable, "-m", "engagelab_async.cli", *SMS, "--sandbox", platform.origin],
            stdin=slave,
            stderr=slave,
            stdout=subprocess.PIPE,
        )
        os.close(slave)
        seen = b""
        while b"[y/N]" not in seen:
            seen += screen.read(1024)
        os.write(screen.fileno(), b"y\n")
        out, _ = running.communicate()

    assert 0 == running.returncode
    assert "✓ Sent to all 5" in out.decode()
