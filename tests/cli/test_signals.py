"""SIGTERM and SIGHUP, outside of a run."""

import signal
import sys
import threading

import pytest

from cli.test_sandbox import read_until, serving
from cli.test_webhooks import ACCOUNT, listening, url_of
from engagelab_async.cli import main
from engagelab_async.cli.signals import treated_as_ctrl_c
from support.command import Engagelab
from support.hostile import Hostile, signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

SEND = ("otp", "send", "+6591234567", "--template", "login")
ENDING = [signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("options", [(), ("--callback-url", "http://127.0.0.1:1")])
def test_a_sandbox_ends(engagelab: Engagelab, number: signal.Signals, options: list[str]) -> None:
    """Quietly, as by Ctrl-C."""
    with serving(*options) as process:
        origin = read_until(process, "at (http://127.0.0.1:[0-9]+) until Ctrl-C")
        engagelab("otp", "send", "+6591234567", "--template", "login", "--sandbox", origin)
        process.send_signal(number)
        process.send_signal(number)
        _, err = process.communicate()

    assert (0, "") == (process.returncode, err)


def test_a_sandbox_outlives_its_display(engagelab: Engagelab) -> None:
    """As in ``engagelab sandbox | head -1``: it is there to be called."""
    with serving() as process:
        origin = read_until(process, "at (http://127.0.0.1:[0-9]+) until Ctrl-C")
        assert process.stdout is not None
        process.stdout.close()
        numbers = ("+6591234567", "+6591234568")
        codes = [
            engagelab("otp", "send", each, "--template", "login", "--sandbox", origin).exit_code
            for each in numbers
        ]
        process.send_signal(signal.SIGTERM)
        process.wait()

    assert [0, 0] == codes
    assert 0 == process.returncode


@pytest.mark.parametrize("number", ENDING)
def test_a_listener_ends(engagelab: Engagelab, number: signal.Signals) -> None:
    """Quietly, as by Ctrl-C."""
    with listening() as process:
        sent = engagelab("webhooks", "sign", url_of(process), *ACCOUNT, "--send")
        process.send_signal(number)
        process.send_signal(number)
        _, err = process.communicate()

    assert (0, 0, "") == (sent.exit_code, process.returncode, err)


@pytest.mark.parametrize("number", ENDING)
def test_a_send_is_interrupted(engagelab: Engagelab, number: signal.Signals) -> None:
    """While its request is in flight, it may have been sent, and that is told."""
    with Hostile(signals(number)) as server:
        ran = engagelab(*SEND, "--sandbox", server.url)

    assert 3 == ran.exit_code
    assert "interrupted while a request was in flight" in ran.err


def test_a_send_in_the_background_is_interrupted(engagelab: Engagelab) -> None:
    """Where Ctrl-C is ignored, SIGTERM is not."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Hostile(signals(signal.SIGTERM)) as server:
            ran = engagelab(*SEND, "--sandbox", server.url)
    finally:
        signal.signal(signal.SIGINT, before)

    assert 3 == ran.exit_code


def test_what_the_program_handles_stays_the_program_s() -> None:
    """A program that runs the command keeps its handlers, and gets them back."""

    def handle(*_: object) -> None:
        """Handle it."""

    before = [signal.signal(signal.SIGTERM, handle), signal.getsignal(signal.SIGHUP)]
    try:
        with treated_as_ctrl_c():
            assert handle is signal.getsignal(signal.SIGTERM)
            assert signal.SIG_DFL is not signal.getsignal(signal.SIGHUP)
        after = [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)]
    finally:
        signal.signal(signal.SIGTERM, before[0])

    assert [handle, before[1]] == after


def test_a_thread_may_run_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Only the first thread of a program may handle signals."""
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(main(["--version"])))
    thread.start()
    thread.join()

    assert ([0], "") == (codes, capsys.readouterr().err)
