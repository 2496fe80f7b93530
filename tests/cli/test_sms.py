"""``engagelab sms``."""

import time

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab


def test_send_sends_to_everybody(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """All targets get the template, and their numbers are masked."""
    ran = at_sandbox("sms", "send", "+6591234567", "+6591234568", "--template", "7")

    assert 0 == ran.exit_code
    assert ["+6591234567", "+6591234568"] == [sent.recipient for sent in sandbox.messages]
    assert "…67, …68" in ran.out
    assert "2 of 2" in ran.out


def test_send_counts_what_was_dropped(at_sandbox: Engagelab) -> None:
    """Targets that the platform drops in silence are told, though the rest is sent."""
    ran = at_sandbox("sms", "send", "+6591234567", "nobody", "--template", "7")

    assert 0 == ran.exit_code
    assert "1 of 2; 1 not valid and dropped" in ran.out


def test_send_without_a_valid_target_is_no_success(at_sandbox: Engagelab) -> None:
    """A plan that reaches nobody exits with 1, though the API answers 200."""
    ran = at_sandbox("sms", "send", "nobody", "--template", "7")

    assert 1 == ran.exit_code
    assert "✗ Not sent: no target is valid" in ran.out


def test_send_that_fails_inside_a_200_tells_its_plan(at_sandbox: Engagelab) -> None:
    """A non-zero code in an HTTP 200 exits with 1, and its plan can be looked up."""
    ran = at_sandbox("sms", "send", "+10000000200", "--template", "7")

    assert 1 == ran.exit_code
    assert "plan id" in ran.err


def test_send_later(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A scheduled send tells when it is due and what its task is."""
    before = time.time()
    ran = at_sandbox("sms", "send", "+6591234567", "--template", "7", "--at", "+2h")

    due = sandbox.last_message().scheduled_for
    assert due is not None
    assert before < due.timestamp() - 7200 <= time.time() + 1
    assert "✓ Scheduled" in ran.out
    assert f"{due.astimezone()}" in ran.out
    assert "task id" in ran.out


def test_send_with_everything(at_sandbox: Engagelab) -> None:
    """Plan name and custom args are taken."""
    ran = at_sandbox(
        *("sms", "send", "+6591234567", "--template", "7", "--param", "a=b"),
        *("--plan-name", "spring", "--custom-args", '{"order": 7}'),
    )

    assert 0 == ran.exit_code


def test_send_to_nobody_is_bad_usage(at_sandbox: Engagelab) -> None:
    """At least one target is needed."""
    ran = at_sandbox("sms", "send", "--template", "7")

    assert 2 == ran.exit_code
    assert "TO requires an argument" in ran.err.replace('"', "")


def test_balance_shows_the_amounts(at_sandbox: Engagelab) -> None:
    """The SMS product names no currency."""
    at_sandbox("sms", "send", "+6591234567", "--template", "1")
    ran = at_sandbox("sms", "balance")

    assert (0, "") == (ran.exit_code, ran.err)
    assert ["balance       99.9950", "gift balance  0.0000", "total         99.9950"] == [
        line.strip() for line in ran.out.splitlines()
    ]
