"""The options that commands share, and the environment."""

import json
from pathlib import Path

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab

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
    assert "incomplete credentials" in ran.err


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
        (
            ("sms", "send", "+65", "--template", "7", "--custom-args", '{"a": NaN}'),
            "--custom-args: must hold only what JSON can\n",
        ),
        ((*SEND, "--param", "a=\udcff"), "--param 'a': holds bytes that are not UTF-8"),
        (("sms", "send", "+65", "\udcff", "--template", "7"), "to: holds bytes that are not UTF-8"),
        (("otp", "verify", "", "123456"), "MESSAGE-ID: must not be empty"),
        (("sms", "send", "+65", " ", "--template", "7"), "to: must not be empty"),
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


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"template_name": 5}, "--name: expected a text, got a number"),
        ({"template_content": None}, "--content: expected a text, got nothing"),
        (
            {"template_type": True},
            "--type: expected utility, marketing or authentication, got true",
        ),
        ({"country_codes": 5}, "--countries: expected a text or a list of texts, got a number"),
        ({"add_signature": "yes"}, "add_signature in --file: expected true or false, got a text"),
        ({"sign_id": "7"}, "--sign-position: a signature needs one: 1 or 2"),
        ({"sign_position": 1}, "--sign-position: needs a signature, so give --sign-id too"),
    ],
)
def test_a_file_is_spoken_of_as_its_options(
    at_shared_sandbox: Engagelab, tmp_path: Path, fields: dict[str, object], words: str
) -> None:
    """What a file has wrong is told without a word of Python."""
    file = tmp_path / "template.json"
    template = {
        "template_name": "Shipped",
        "template_type": "utility",
        "template_content": "On its way",
        "country_codes": "SG",
    }
    file.write_text(json.dumps(template | fields), encoding="utf-8")

    ran = at_shared_sandbox("sms", "templates", "create", "--file", str(file))

    assert 2 == ran.exit_code
    assert words in ran.err


@pytest.mark.parametrize(
    "command",
    [
        ("otp", "send", "+65", "--template", "7"),
        ("sms", "send", "+65", "--template", "7"),
        ("sms", "templates", "list"),
        ("sms", "bulk", "people.csv", "--template", "7", "--failed", "failed.csv"),
        ("otp", "bulk-message", "people.csv", "--template", "7", "--report", "report.html"),
        ("sms", "bulk", "people.csv", "--template", "7", "--dry-run"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",), ("--verbose",)])
def test_a_missing_key_pair_is_told_for_the_shell(
    engagelab: Engagelab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    options: tuple[str, ...],
) -> None:
    """Variables are named, and nothing that a program would write."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "people.csv").write_text("phone\n+6591234567\n", encoding="utf-8")

    seen = engagelab(*command, *options).seen
    seen += "".join(
        path.read_text(encoding="utf-8")
        for path in tmp_path.iterdir()
        if path.suffix in {".csv", ".html"}
    )

    assert [] == [word for word in ("EngageLab(", "Credentials", "from_env") if word in seen]


@pytest.mark.parametrize("secret", ["s\n", " s", "s\xa0", "\ufeffs", "s\x07"])
def test_a_secret_that_cannot_be_sent_names_its_variable(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """It may be one of four."""
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_KEY", "key")
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_SECRET", secret)

    ran = engagelab("sms", "send", "+65", "--template", "7", "--json")

    assert 2 == ran.exit_code
    assert ran.error["message"].startswith("ENGAGELAB_SMS_DEV_SECRET: must not be empty, nor hold")
