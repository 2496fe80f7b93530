"""The options that commands share, and the environment."""

import pytest

from cli.command import Engagelab
from engagelab_async.sandbox import Sandbox

SEND = ("otp", "send", "+6591234567", "--template", "login")


def test_credentials_and_urls_come_from_the_environment(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --sandbox, key pairs and base URLs are those of the environment."""
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_KEY", "key")
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_SECRET", "secret")
    with Sandbox(credentials={"sms": ("key", "secret")}) as sandbox:
        monkeypatch.setenv("ENGAGELAB_SMS_BASE_URL", sandbox.sms_base_url)

        ran = engagelab("sms", "send", "+6591234567", "--template", "7")

        assert 0 == ran.exit_code
        assert 1 == len(sandbox.messages)


def test_a_wrong_key_pair_is_refused(engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wrong secret exits with 1 and tells what to check."""
    monkeypatch.setenv("ENGAGELAB_DEV_KEY", "key")
    monkeypatch.setenv("ENGAGELAB_DEV_SECRET", "wrong")
    with Sandbox(credentials={"otp": ("key", "secret")}) as sandbox:
        monkeypatch.setenv("ENGAGELAB_OTP_BASE_URL", sandbox.otp_base_url)

        ran = engagelab(*SEND)

    assert 1 == ran.exit_code
    assert "AuthenticationError" in ran.err
    assert "Check the key and the secret." in ran.err


def test_a_missing_key_pair_is_a_matter_of_configuration(engagelab: Engagelab) -> None:
    """Without a key pair the exit code is 2, and the variables are named."""
    ran = engagelab(*SEND)

    assert 2 == ran.exit_code
    assert "ENGAGELAB_OTP_DEV_KEY" in ran.err


def test_half_a_key_pair_is_a_matter_of_configuration(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key without its secret exits with 2."""
    monkeypatch.setenv("ENGAGELAB_OTP_DEV_KEY", "key")

    ran = engagelab(*SEND)

    assert 2 == ran.exit_code
    assert "half a key pair" in ran.err


def test_a_bad_url_names_the_option(engagelab: Engagelab) -> None:
    """What is no URL exits with 2 and is called by the option's name."""
    ran = engagelab(*SEND, "--sandbox", "localhost")

    assert 2 == ran.exit_code
    assert "--sandbox or ENGAGELAB_OTP_BASE_URL: expected http(s)://" in ran.err


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("exceptions", ["NO_PROXY", "no_proxy"])
def test_a_proxy_does_not_stand_before_the_sandbox(
    at_sandbox: Engagelab, monkeypatch: pytest.MonkeyPatch, name: str, exceptions: str
) -> None:
    """A sandbox on this machine is reached though the environment names a proxy."""
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv(exceptions, "example.com")

    assert 0 == at_sandbox(*SEND).exit_code


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("otp", "send", "+6591234567", "--template", ""), "--template: must not be empty"),
        ((*SEND, "--language", " "), "--language: must not be empty"),
        ((*SEND, "--param", "x"), "--param: expected name=value"),
        ((*SEND, "--attempts", "0"), "--attempts: must be at least 1"),
        ((*SEND, "--timeout", "0"), "--timeout. It must be more than 0 seconds"),
        ((*SEND, "--deadline", "nan"), "--deadline. It must be more than 0 seconds"),
        (("otp", "send", "", "--template", "7"), "to: must not be empty"),
        (("otp", "send-code", "+6591234567", "", "--template", "7"), "code: must not be empty"),
        (("sms", "send", "+65", "--template", "7", "--at", "+1m"), "--at: must be at least 3"),
        (("sms", "send", "+65", "--template", "7", "--at", "soon"), "--at: expected +10m"),
        (("sms", "send", "+65", "--template", "7", "--plan-name", ""), "--plan-name: must not"),
        (("sms", "send", "+65", "--template", "7", "--custom-args", "1"), "--custom-args: expect"),
    ],
)
def test_what_can_never_be_right_is_bad_usage(
    at_shared_sandbox: Engagelab, shared_sandbox: Sandbox, command: tuple[str, ...], words: str
) -> None:
    """It exits with 2, sends nothing, and names the option."""
    ran = at_shared_sandbox(*command)

    assert 2 == ran.exit_code
    assert words in ran.err.replace('"', "")
    assert "✗ Nothing was sent" in ran.err
    assert () == shared_sandbox.messages
