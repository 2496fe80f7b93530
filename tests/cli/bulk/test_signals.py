"""SIGTERM, SIGHUP and a terminal that is closed, during a run in a process of its own."""

import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engagelab_async.cli import main
from support.command import COMMAND, Engagelab
from support.held import HeldPlatform, Running
from support.lists import WriteList, numbers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

SMS = ("sms", "bulk", "people.csv", "--template", "7", "--max-in-flight", "4")
OTP = ("otp", "bulk-message", "people.csv", "--template", "7", "--max-in-flight", "4")
FILES = ("--failed", "failed.csv", "--uncertain", "uncertain.csv", "--report", "report.html")
BASH = shutil.which("bash") or "bash"
TERM, HUP = signal.SIGTERM, signal.SIGHUP


@pytest.fixture
def platform() -> Iterator[HeldPlatform]:
    """A platform that holds its answers back."""
    with HeldPlatform() as serving:
        yield serving


def wait_for_four(platform: HeldPlatform, screen: int | None = None) -> None:
    """Wait until 4 requests are in flight.

    A terminal holds 4 kB that nobody has read, and the run waits where it is full.
    """
    while screen is not None and platform.received.qsize() < 4:
        if select.select([screen], [], [], 0.1)[0]:
            os.read(screen, 65536)
    for _ in range(4):
        platform.received.get(timeout=200)


def begin(platform: HeldPlatform, write: WriteList, *command: str) -> Running:
    """Start a run of 20 rows, and wait until 4 requests are in flight."""
    write(*numbers(20), header="phone")
    running = Running(*command, "--sandbox", platform.origin)
    wait_for_four(platform)
    return running


def all_once(platform: HeldPlatform, count: int) -> bool:
    """Return whether each of so many was sent to, and nobody twice."""
    return sorted([number] for number in numbers(count)) == sorted(platform.everything)


@pytest.mark.parametrize("number", [TERM, HUP])
def test_it_ends_in_an_orderly_way(
    platform: HeldPlatform, write: WriteList, engagelab: Engagelab, number: signal.Signals
) -> None:
    """What is in flight is finished, files and report are written, and the next run goes on."""
    running = begin(platform, write, *SMS, *FILES, "--json")

    running.process.send_signal(number)
    running.read_until("Finishing 4 requests in flight; SIGTERM")
    platform.release()
    exit_code, out = running.ended()

    result = json.loads(out)["result"]
    assert (130, number.name, True) == (exit_code, result["stopped"], result["interrupted"])
    assert (4, 0, 16) == (result["accepted"], result["uncertain"], result["left"])
    assert "Sent to 4 of 20" in Path("report.html").read_text(encoding="utf-8")

    ran = engagelab(*shlex.split(result["resume"])[1:], "--json")

    assert (0, 16) == (ran.exit_code, ran.document["result"]["accepted"])
    assert all_once(platform, 20)


def test_custom_messages_too(platform: HeldPlatform, write: WriteList) -> None:
    """The other list command ends in the same way."""
    write(*numbers(20), header="phone")
    running = Running(*OTP, "--sandbox", platform.origin, "--json")
    wait_for_four(platform)

    running.process.send_signal(TERM)
    running.read_until("Finishing 4")
    platform.release()
    exit_code, out = running.ended()

    result = json.loads(out)["result"]
    assert (130, 0, 16) == (exit_code, result["uncertain"], result["left"])


@pytest.mark.parametrize(
    ("first", "second"), [(TERM, TERM), (HUP, TERM), (TERM, signal.SIGINT), (signal.SIGINT, TERM)]
)
def test_a_second_one_ends_it_at_once(
    platform: HeldPlatform, write: WriteList, first: signal.Signals, second: signal.Signals
) -> None:
    """What is in flight is uncertain then, and counted as that."""
    running = begin(platform, write, *SMS, "--json")

    running.process.send_signal(first)
    running.read_until("Finishing")
    running.process.send_signal(second)
    exit_code, out = running.ended()

    result = json.loads(out)["result"]
    assert (130, 4, 16) == (exit_code, result["uncertain"], result["left"])


@pytest.mark.parametrize("first", [TERM, HUP, signal.SIGINT])
def test_a_terminal_hangs_up_twice(
    platform: HeldPlatform, write: WriteList, first: signal.Signals
) -> None:
    """SIGHUP comes from the terminal and from its shell: another one cuts nothing off."""
    running = begin(platform, write, *SMS, "--json")

    running.process.send_signal(first)
    running.read_until("Finishing")
    running.process.send_signal(HUP)
    running.process.send_signal(HUP)
    platform.release()
    exit_code, out = running.ended()

    result = json.loads(out)["result"]
    assert (130, 4, 0) == (exit_code, result["accepted"], result["uncertain"])


def test_signals_that_come_at_once_are_one(platform: HeldPlatform, write: WriteList) -> None:
    """``timeout`` sends SIGTERM to the process and to its group."""
    running = begin(platform, write, *SMS, "--json")

    # While it is stopped they pile up, and it meets them all at the same moment.
    running.process.send_signal(signal.SIGSTOP)
    for each in (TERM, HUP, signal.SIGINT):
        running.process.send_signal(each)
    running.process.send_signal(signal.SIGCONT)
    running.read_until("Finishing")
    platform.release()
    exit_code, out = running.ended()

    result = json.loads(out)["result"]
    assert (130, 4, 0) == (exit_code, result["accepted"], result["uncertain"])


@pytest.mark.parametrize("number", [TERM, HUP])
def test_what_was_ignored_stays_ignored(
    platform: HeldPlatform, write: WriteList, number: signal.Signals
) -> None:
    """Below ``nohup`` a run goes on when its terminal is closed."""
    write(*numbers(20), header="phone")
    before = signal.signal(number, signal.SIG_IGN)
    try:
        running = Running(*SMS, "--sandbox", platform.origin, "--json")
    finally:
        signal.signal(number, before)
    wait_for_four(platform)

    running.process.send_signal(number)
    platform.release()
    exit_code, out = running.ended()

    assert (0, 20) == (exit_code, json.loads(out)["result"]["accepted"])


def test_ctrl_c_may_be_ignored_and_the_others_not(platform: HeldPlatform, write: WriteList) -> None:
    """A script's background job does not hear Ctrl-C, and ends by SIGTERM all the same."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = begin(platform, write, *SMS, "--json")
    finally:
        signal.signal(signal.SIGINT, before)

    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(TERM)
    running.read_until("Finishing 4 requests in flight; SIGTERM again")
    platform.release()
    exit_code, out = running.ended()

    assert (130, "SIGTERM") == (exit_code, json.loads(out)["result"]["stopped"])


def _can_unshare() -> bool:
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and not subprocess.run(
            [unshare, "--user", "--map-root-user", "--pid", "--fork", "true"],
            capture_output=True,
            check=False,
        ).returncode
    )


@pytest.mark.skipif(not _can_unshare(), reason="no process may be the first of a namespace here")
def test_as_the_first_process_of_a_container(platform: HeldPlatform, write: WriteList) -> None:
    """The kernel delivers no signal there that is not handled."""
    write(*numbers(20), header="phone")
    # The shell replaces itself, so that the command is the first process.
    inside = ["sh", "-c", 'echo $$ >pid; exec "$@"', "sh", *COMMAND, *SMS]
    unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
    with subprocess.Popen(
        [*unshare, *inside, "--sandbox", platform.origin, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        wait_for_four(platform)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text("ascii")
        os.kill(int(children), TERM)
        assert running.stderr is not None
        assert any(re.search("Finishing 4", line) for line in running.stderr)
        platform.release()
        out, _ = running.communicate()

    assert "1\n" == Path("pid").read_text("ascii")
    result = json.loads(out)["result"]
    assert (130, 4, 0) == (running.returncode, result["accepted"], result["uncertain"])


# ------------------------------------------------------------------------------- the terminal


def controlled_by(slave: int) -> Callable[[], object]:
    """Make what a child does to have a terminal of its own."""
    import fcntl

    return lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_terminal_that_is_closed(
    platform: HeldPlatform, write: WriteList, engagelab: Engagelab, is_heard: bool
) -> None:
    """Nothing is uncertain: the run ends in an orderly way, or goes on where it ignores it."""
    write(*numbers(400), header="phone")
    master, slave = os.openpty()
    before = signal.signal(HUP, signal.SIG_DFL if is_heard else signal.SIG_IGN)
    try:
        running = subprocess.Popen(
            [*COMMAND, *SMS, *FILES, "--yes", "--sandbox", platform.origin],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=controlled_by(slave),  # noqa: PLW1509 - no threads use the terminal
        )
    finally:
        signal.signal(HUP, before)
    os.close(slave)
    wait_for_four(platform, master)

    os.close(master)
    platform.release()
    exit_code = running.wait(timeout=200)

    sent = len(platform.everything)
    assert (130 if is_heard else 0) == exit_code
    words = f"Sent to {sent} of 400" if is_heard else "Sent to all 400"
    assert words in Path("report.html").read_text(encoding="utf-8")
    assert "phone,error_code,error_reason,error_line\n" == Path("uncertain.csv").read_text(
        encoding="utf-8"
    )
    ran = engagelab(*SMS, "--sandbox", platform.origin, "--resume", "--json")
    assert (0, 400 - sent) == (ran.exit_code, ran.document["result"]["accepted"])
    assert all_once(platform, 400)


def test_a_shell_whose_terminal_is_closed(
    platform: HeldPlatform, write: WriteList, engagelab: Engagelab
) -> None:
    """The shell hangs up on its jobs as well."""
    write(*numbers(400), header="phone")
    master, slave = os.openpty()
    open_while_running, written_to = os.pipe()
    line = shlex.join([*COMMAND, *SMS, *FILES, "--yes", "--sandbox", platform.origin])
    with subprocess.Popen(
        [BASH, "--norc", "--noprofile", "-i"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        pass_fds=[written_to],
        start_new_session=True,
        preexec_fn=controlled_by(slave),  # noqa: PLW1509 - no threads use the terminal
    ):
        os.close(slave)
        os.close(written_to)
        os.write(master, f"{line}\n".encode())
        wait_for_four(platform, master)

        os.close(master)
        platform.release()
        assert b"" == os.read(open_while_running, 1)
    os.close(open_while_running)

    sent = len(platform.everything)
    assert f"Sent to {sent} of 400" in Path("report.html").read_text(encoding="utf-8")
    assert "phone,error_code,error_reason,error_line\n" == Path("uncertain.csv").read_text(
        encoding="utf-8"
    )
    assert 0 == engagelab(*SMS, "--sandbox", platform.origin, "--resume").exit_code
    assert all_once(platform, 400)


@pytest.mark.parametrize("redirection", ["2>&-", ">&- 2>&-", "<&-", ">/dev/full 2>/dev/full"])
def test_streams_that_cannot_be_used(
    platform: HeldPlatform, write: WriteList, redirection: str
) -> None:
    """A run without a standard stream, or with a full disk below one, is a run as any other."""
    write(*numbers(20), header="phone")
    platform.release()
    line = shlex.join([*COMMAND, *SMS, *FILES, "--yes", "--sandbox", platform.origin])

    exit_code = subprocess.run([BASH, "-c", f"{line} {redirection}"], check=False).returncode

    assert 0 == exit_code
    assert "Sent to all 20" in Path("report.html").read_text(encoding="utf-8")
    assert all_once(platform, 20)


def test_a_log_that_nobody_reads(platform: HeldPlatform, write: WriteList) -> None:
    """The reader of standard error is gone, and the run is told to end: it does, in order."""
    write(*numbers(20), header="phone")
    running = Running(*SMS, *FILES, "--json", "--verbose", "--sandbox", platform.origin)
    wait_for_four(platform)

    assert running.process.stderr is not None
    running.process.stderr.close()
    running.process.stderr = None
    running.process.send_signal(TERM)
    platform.release()
    exit_code, out = running.ended()

    result = json.loads(out)["result"]
    assert (130, 0) == (exit_code, result["uncertain"])
    assert result["accepted"] == len(platform.everything)


@pytest.mark.parametrize("columns", ["0", "1", "2"])
@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-8"])
def test_an_odd_terminal(
    platform: HeldPlatform, write: WriteList, columns: str, encoding: str
) -> None:
    """A width that nothing fits into, and characters that it lacks, end neither run nor report."""
    write(*numbers(20), header="phone")
    platform.release()
    master, slave = os.openpty()
    running = subprocess.Popen(
        [*COMMAND, *SMS, *FILES, "--yes", "--sandbox", platform.origin],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "COLUMNS": columns, "PYTHONIOENCODING": encoding, "TERM": "xterm"},
    )
    os.close(slave)
    # A terminal that nobody has open any more is no end of a file, but an error.
    with suppress(OSError):
        while os.read(master, 65536):
            pass
    os.close(master)

    assert 0 == running.wait()
    assert "Sent to all 20" in Path("report.html").read_text(encoding="utf-8")


def test_a_signal_before_anything_was_sent(platform: HeldPlatform, write: WriteList) -> None:
    """While the list waits for an answer, SIGTERM is Ctrl-C: nothing was sent."""
    write(*numbers(5), "nobody", header="phone")
    master, slave = os.openpty()
    running = subprocess.Popen(
        [*COMMAND, *SMS, "--sandbox", platform.origin],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(master, 1024)
    running.send_signal(TERM)
    while b"interrupted before anything was sent" not in seen:
        seen += os.read(master, 1024)
    os.close(master)
    running.communicate()

    assert 130 == running.returncode


def test_a_thread_may_send_to_a_list(platform: HeldPlatform, write: WriteList) -> None:
    """Only the first thread of a program may handle signals; the others send without."""
    write(*numbers(5), header="phone")
    platform.release()
    codes: list[int] = []
    thread = threading.Thread(
        target=lambda: codes.append(main([*SMS, "--sandbox", platform.origin]))
    )
    thread.start()
    thread.join()

    assert [0] == codes
    assert all_once(platform, 5)
