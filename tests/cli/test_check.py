"""``engagelab check``."""

import json

import pytest

from engagelab_async.sandbox import Fault, Sandbox
from support.command import Engagelab


def test_shows_the_balance_of_both_products(at_sandbox: Engagelab) -> None:
    """A sandbox accepts any key pair."""
    ran = at_sandbox("check")

    assert 0 == ran.exit_code
    assert ["✓ OTP: the key pair is accepted", "✓ SMS: the key pair is accepted"] == [
        line for line in ran.out.splitlines() if "key pair" in line
    ]
    assert 2 == ran.out.count("gift balance")


def test_no_key_pair_at_all_is_bad_configuration(engagelab: Engagelab) -> None:
    """The variables to set are named, in the words of the command line."""
    ran = engagelab("check")

    assert 2 == ran.exit_code
    assert "- OTP: no key pair is set" in ran.out
    assert "ENGAGELAB_SMS_DEV_SECRET" in ran.out
    assert "EngageLab(" not in ran.out


def test_half_a_key_pair_is_bad_configuration(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The missing half is named, to scripts as well."""
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_KEY", "key")
    ran = engagelab("check", "--json")

    assert 2 == ran.exit_code
    assert "ENGAGELAB_SMS_DEV_SECRET" in json.loads(ran.out)["error"]["message"]


def test_bad_options_are_bad_usage(at_sandbox: Engagelab) -> None:
    """Nothing is asked then."""
    ran = at_sandbox("check", "--attempts", "0")

    assert 2 == ran.exit_code
    assert "--attempts" in ran.err


@pytest.mark.parametrize(
    ("code", "state", "exit_code"),
    [(2001, "refused", 1), (2004, "accepted", 0), (1000, "unknown", 1)],
)
def test_a_product_whose_balance_cannot_be_read(
    at_sandbox: Engagelab, sandbox: Sandbox, code: int, state: str, exit_code: int
) -> None:
    """A key pair that may not read the balance is accepted all the same."""
    sandbox.faults.add(Fault("error", path="/otp/v1/balance", code=code))
    ran = at_sandbox("check", "--json", "--attempts", "1")
    found = json.loads(ran.out)

    assert exit_code == ran.exit_code
    assert found["ok"] is (exit_code == 0)
    assert (state, "accepted") == (found["result"]["otp"]["state"], found["result"]["sms"]["state"])
    assert found["result"]["otp"]["balance"] is None
    assert found["result"]["otp"]["hint"]
    assert found["result"]["sms"]["balance"]["total_balance"]


def test_a_missing_product_is_no_failure(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    """Who only sends SMS has no key pair for OTP."""
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_KEY", "key")
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_SECRET", "secret")
    monkeypatch.setenv("ENGAGELAB_SMS_BASE_URL", sandbox.sms_base_url)
    ran = engagelab("check")

    assert 0 == ran.exit_code
    assert "- OTP: no key pair is set" in ran.out
    assert "✓ SMS: the key pair is accepted" in ran.out


def test_an_api_that_cannot_be_reached(engagelab: Engagelab) -> None:
    """The key pair may be right."""
    ran = engagelab("check", "--sandbox", "http://127.0.0.1:1", "--attempts", "1")

    assert 1 == ran.exit_code
    assert "? OTP: the key pair could not be checked" in ran.out


def test_ctrl_c_ends_it(engagelab: Engagelab, ctrl_c_before_retries: None) -> None:
    """Nothing was sent."""
    ran = engagelab("check", "--sandbox", "http://127.0.0.1:1")

    assert 130 == ran.exit_code
    assert "Not checked" in ran.err
