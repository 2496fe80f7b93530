"""From an operation to an exit code, whatever comes between."""

import logging
from typing import ClassVar

import pytest

from engagelab_async import Endpoint, SendOTP
from engagelab_async.cli.calls import perform
from engagelab_async.cli.options import Call
from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.hostile import Hostile, hangs, interrupts, refusing

SEND = ("otp", "send", "+6591234567", "--template", "login")


class Undecodable(SendOTP):
    """An operation with a bug: its result is no class that the wire can make."""

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.odd", product="otp", method="POST", path="/v1/messages", result=range
    )


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [
        ("+6591234567", 0),
        ("+10000005013", 1),
        ("+10000003002", 1),
        ("+10000001000", 3),
    ],
)
def test_exit_code_tells_whether_it_was_sent(
    at_sandbox: Engagelab, number: str, exit_code: int
) -> None:
    """0 is sent, 1 is refused, 3 is a failure that may have come after sending."""
    ran = at_sandbox("otp", "send", number, "--template", "login", "--attempts", "1")

    assert exit_code == ran.exit_code


def test_what_never_left_was_not_sent(engagelab: Engagelab) -> None:
    """An API that cannot be reached exits with 1, as nothing was sent."""
    with refusing() as origin:
        ran = engagelab(*SEND, "--sandbox", origin, "--attempts", "1", "--json")

    assert 1 == ran.exit_code
    assert "ConnectError" == ran.error["type"]
    assert ran.error["may_have_been_sent"] is False


@pytest.mark.parametrize("limit", ["--timeout", "--deadline"])
def test_no_answer_in_time_leaves_it_open(engagelab: Engagelab, limit: str) -> None:
    """When time runs out after sending, the exit code is 3."""
    with Hostile(hangs) as server:
        ran = engagelab(*SEND, "--sandbox", server.url, limit, "5", "--attempts", "1")

    assert 3 == ran.exit_code
    assert "? It may have been sent, or not" in ran.err


def test_attempts_are_made_and_counted(at_sandbox: Engagelab) -> None:
    """A failure that passes is repeated as often as --attempts says."""
    command = ("otp", "send", "+10000005016", "--template", "login", "--attempts", "2", "--json")

    assert 2 == at_sandbox(*command).error["attempts"]


@pytest.mark.parametrize(("options", "attempts"), [([], 1), (["--repeat-uncertain"], 2)])
def test_uncertain_sends_are_repeated_on_request_only(
    at_sandbox: Engagelab, options: list[str], attempts: int
) -> None:
    """A message that nothing guards is repeated with --repeat-uncertain alone."""
    command = ("otp", "send-message", "+10000001000", "--template", "sale")

    ran = at_sandbox(*command, "--attempts", "2", "--json", *options)

    assert attempts == ran.error["attempts"]


def test_a_bug_is_uncertain(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """An error that nobody foresaw exits with 3: it may have struck after sending."""
    origin = sandbox.otp_base_url.removesuffix("/otp")

    exit_code = perform(
        lambda: Undecodable("+6591234567", "login"), Call(sandbox=origin, verbose=True)
    )

    printed = capsys.readouterr().err
    assert 3 == exit_code
    assert 1 == len(sandbox.messages)
    assert "what the engine returned cannot be read" in printed


def test_ctrl_c_while_a_request_is_under_way(engagelab: Engagelab) -> None:
    """Whoever interrupts a request is told that it may have been sent."""
    with Hostile(interrupts) as server:
        ran = engagelab(*SEND, "--sandbox", server.url)

    assert 3 == ran.exit_code
    assert "interrupted while a request was in flight" in ran.err


@pytest.mark.usefixtures("ctrl_c_before_retries")
@pytest.mark.parametrize(
    ("number", "exit_code", "may_have_been_sent"),
    [("+10000005016", 130, False), ("+10000001000", 3, True)],
)
def test_ctrl_c_between_two_attempts(
    at_sandbox: Engagelab, number: str, exit_code: int, *, may_have_been_sent: bool
) -> None:
    """Whoever interrupts a wait is told what is known of the attempts before it."""
    ran = at_sandbox("otp", "send", number, "--template", "login", "--json")

    assert exit_code == ran.exit_code
    assert "Interrupted" == ran.error["type"]
    assert may_have_been_sent is ran.error["may_have_been_sent"]


def test_ctrl_c_before_anything_is_sent(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever interrupts the typing of a code has sent nothing."""

    class Impatient:
        """A person who presses Ctrl-C instead of typing."""

        def readline(self) -> str:
            """Press."""
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Impatient())

    ran = engagelab("otp", "send-code", "+6591234567", "-", "--template", "login")

    assert 130 == ran.exit_code
    assert "interrupted before anything was sent" in ran.err


def test_verbose_logs_attempts(at_sandbox: Engagelab) -> None:
    """With --verbose every attempt is a line on standard error."""
    ran = at_sandbox(*SEND, "--verbose")

    assert "otp.send attempt 1: ok, HTTP 200" in ran.err


def test_repeats_are_silent_without_verbose(at_sandbox: Engagelab) -> None:
    """Otherwise not even warnings are printed."""
    ran = at_sandbox(*SEND[:2], "+10000005016", *SEND[3:], "--attempts", "2")

    assert "repeating" not in ran.err


def test_logging_is_left_as_it_was(at_sandbox: Engagelab) -> None:
    """A program that runs the command keeps its logging."""
    logger = logging.getLogger("engagelab_async")
    before = (logger.level, list(logger.handlers))

    at_sandbox(*SEND, "--verbose")

    assert before == (logger.level, logger.handlers)
