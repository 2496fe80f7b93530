"""``engagelab otp``."""

import io
import json

import pytest

from engagelab_async.sandbox import Fault, Sandbox
from support.command import Engagelab


def test_send_sends_a_code_of_the_platform(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A code is sent, and the way to check it is told."""
    ran = at_sandbox("otp", "send", "+6591234567", "--template", "login", "--language", "en")

    message = sandbox.last_message(to="+6591234567")
    assert 0 == ran.exit_code
    assert "login" == message.template_id
    assert "✓ Sent" in ran.out
    assert f"engagelab otp verify {message.message_id} CODE" in ran.out
    assert "" == ran.err


def test_send_fills_in_params(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """Every --param is a variable, and its value may hold equals signs."""
    at_sandbox(
        *("otp", "send", "+6591234567", "--template", "login"),
        *("--param", "name=Bob", "--param", "sum=1+1=2"),
    )

    assert {"name": "Bob", "sum": "1+1=2"} == sandbox.last_message().params


def test_send_code_sends_the_code_as_typed(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A code keeps its leading zeros, and there is nothing to check later."""
    ran = at_sandbox("otp", "send-code", "+6591234567", "039487", "--template", "login")

    assert 0 == ran.exit_code
    assert "039487" == sandbox.last_message().code
    assert "otp verify" not in ran.out


def test_send_code_reads_the_code_from_standard_input(
    at_sandbox: Engagelab, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code that is - comes from standard input, and so stays out of the shell's history."""
    monkeypatch.setattr("sys.stdin", io.StringIO("039487\nmore\n"))

    ran = at_sandbox("otp", "send-code", "+6591234567", "-", "--template", "login")

    assert 0 == ran.exit_code
    assert "039487" == sandbox.last_message().code


def test_send_message_sends_a_custom_message(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A custom message goes out with its variables."""
    ran = at_sandbox(
        *("otp", "send-message", "a@example.com", "--template", "shipped"),
        *("--param", "order=7"),
    )

    assert 0 == ran.exit_code
    assert "[shipped] order=7" == sandbox.last_message().text
    assert "email, for now" in ran.out


def test_verify_of_the_right_code(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """The right code exits with 0 and says so."""
    at_sandbox("otp", "send", "+6591234567", "--template", "login")
    message = sandbox.last_message()

    ran = at_sandbox("otp", "verify", message.message_id, message.code or "")

    assert 0 == ran.exit_code
    assert "✓ The code is right" in ran.out


def test_verify_of_a_wrong_code(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A wrong code exits with 1 and says so: an answer, on standard output."""
    at_sandbox("otp", "send", "+6591234567", "--template", "login")

    ran = at_sandbox("otp", "verify", sandbox.last_message().message_id, "wrong")

    assert 1 == ran.exit_code
    assert "✗ The code is wrong" in ran.out
    assert "" == ran.err


def test_verify_that_is_refused(at_sandbox: Engagelab) -> None:
    """A check that the API refuses is not called a send."""
    ran = at_sandbox("otp", "verify", "unknown", "123456")

    assert 1 == ran.exit_code
    assert "✗ Not checked" in ran.err


def test_a_mistyped_option_is_no_code(at_sandbox: Engagelab) -> None:
    """What begins with a hyphen is not sent as a code."""
    ran = at_sandbox("otp", "verify", "unknown", "--verbos")

    assert 2 == ran.exit_code
    assert "code: must not begin with a hyphen" in ran.err


def test_balance_shows_the_amounts(at_sandbox: Engagelab) -> None:
    """The amounts come with the currency that the OTP product names."""
    ran = at_sandbox("otp", "balance")

    assert (0, "") == (ran.exit_code, ran.err)
    assert [
        "balance       100.0000 USD",
        "gift balance  0.0000 USD",
        "total         100.0000 USD",
    ] == [line.strip() for line in ran.out.splitlines()]


def test_balance_for_scripts(at_sandbox: Engagelab) -> None:
    """JSON has the amounts as strings, so that no script makes a float of them unasked."""
    ran = at_sandbox("otp", "balance", "--json")

    assert {
        "ok": True,
        "operation": "otp.balance",
        "result": {
            "balance": "100.0000",
            "gift_balance": "0.0000",
            "total_balance": "100.0000",
            "currency": "USD",
        },
    } == json.loads(ran.out)


def test_a_balance_that_cannot_be_read(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A read that fails was never a send, so nothing is left open."""
    sandbox.faults.add(Fault("error", path="/otp/v1/balance", code=1000))
    ran = at_sandbox("otp", "balance", "--attempts", "1")

    assert 1 == ran.exit_code
    assert "✗ Not done" in ran.err
    assert "may have been sent  no" in ran.err
