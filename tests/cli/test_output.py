"""Outcomes, shown to people and to scripts."""

import contextlib
import io
import os
import subprocess

import pytest

from engagelab_async import ServerError, VerifyOTP
from engagelab_async.cli import main
from engagelab_async.cli.outcome import failed
from engagelab_async.cli.output import show
from engagelab_async.cli.printing import printable
from engagelab_async.sandbox import Sandbox
from support.command import COMMAND, Engagelab

SEND = ("otp", "send", "+6591234567", "--template", "login")
ERROR_FIELDS = {
    "type": str,
    "message": str,
    "code": int | None,
    "http_status": int | None,
    "retry_after": float | None,
    "plan_id": str | None,
    "may_have_been_sent": bool,
    "attempts": int | None,
}


def test_json_of_a_message(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A sent message is one object with the operation and the API's answer."""
    ran = at_sandbox(*SEND, "--json")

    result = {"message_id": sandbox.last_message().message_id, "send_channel": "sms"}
    assert {"ok": True, "operation": "otp.send", "result": result} == ran.document


def test_json_of_a_plan(at_sandbox: Engagelab) -> None:
    """All ids are strings, since jq and JavaScript round numbers above 2**53."""
    command = ("sms", "send", "+6591234567", "--template", "7", "--at", "+1h", "--json")

    result = at_sandbox(*command).document["result"]

    assert (1, 1, None) == (result["total_count"], result["accepted_count"], result["message_id"])
    assert result["plan_id"].isdecimal()
    assert result["schedule_info"]["task_id"].isdecimal()


def test_json_of_a_wrong_code(at_sandbox: Engagelab, sandbox: Sandbox) -> None:
    """A wrong code is a result, and not ok, as the exit code says."""
    at_sandbox(*SEND)
    message_id = sandbox.last_message().message_id

    ran = at_sandbox("otp", "verify", message_id, "wrong", "--json")

    result = {"message_id": message_id, "verified": False}
    assert 1 == ran.exit_code
    assert {"ok": False, "operation": "otp.verify", "result": result} == ran.document


@pytest.mark.parametrize(
    ("command", "operation", "kind"),
    [
        (("otp", "send", "+10000005013", "--template", "x"), "otp.send", "BlacklistedError"),
        (("sms", "send", "+10000000200", "--template", "x"), "sms.send", "APIError"),
        (("otp", "send-message", "+10000001000", "--template", "x"), None, "ServerError"),
        (("otp", "send", "+6591234567", "--template", ""), None, "UsageError"),
        (("otp", "send"), None, "UsageError"),
        (("otp", "sned"), None, "UsageError"),
    ],
)
def test_json_of_a_failure(
    at_shared_sandbox: Engagelab, command: tuple[str, ...], operation: str | None, kind: str
) -> None:
    """Every failure, bad usage too, is one object with the same fields, and nothing else."""
    ran = at_shared_sandbox(*command, "--json")

    assert "" == ran.err
    assert ["ok", "operation", "error"] == list(ran.document)
    assert ran.document["ok"] is False
    assert operation in {None, ran.document["operation"]}
    assert kind == ran.error["type"]
    assert set(ERROR_FIELDS) == set(ran.error)
    assert [] == [
        name for name, kind in ERROR_FIELDS.items() if not isinstance(ran.error[name], kind)
    ]


@pytest.mark.parametrize(
    "command",
    [
        ("otp", "send-code", "+6598765432", "039487", "--template", "login"),
        ("otp", "send-code", "someone@example.com", "039487", "--template", "login"),
        ("otp", "send-code", "+10000005011", "039487", "--template", "login"),
        ("otp", "verify", "12", "039487"),
        ("otp", "send-message", "+6598765432", "--template", "x", "--param", "name=Seraphina"),
        ("otp", "send-message", "+6598765432", "--template", "x", "--param", "Seraphina"),
        ("sms", "send", "+6598765432", "someone@example.com", "--template", "x", "--at", "+1h"),
        ("sms", "send", "+6598765432", "--template", "x", "--custom-args", '"Seraphina"'),
        ("otp", "send", "+6598765432", "039487", "--template", "login"),
        ("otp", "send", "--template", "login", "--to", "+6598765432"),
        ("otp", "send", "+6598765432", "--template", "login", "--code=039487"),
        ("otp", "send", "+6598765432", "--template", "login", "--attempts", "039487x"),
        ("+6598765432",),
        ("someone@example.com",),
    ],
)
@pytest.mark.parametrize("options", [[], ["--json"], ["--verbose"]])
def test_nothing_personal_is_printed(
    at_shared_sandbox: Engagelab, command: tuple[str, ...], options: list[str]
) -> None:
    """Numbers, addresses, codes and texts are not repeated, whatever becomes of the command."""
    ran = at_shared_sandbox(*command, *options)

    leaked = [
        secret
        for secret in ("6598765432", "10000005011", "someone@", "039487", "Seraphina")
        if secret in ran.seen
    ]
    assert [] == leaked


def test_secrets_are_not_printed(engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key pair is not repeated, not even when it is refused."""
    monkeypatch.setenv("ENGAGELAB_DEV_KEY", "the-key-itself")
    monkeypatch.setenv("ENGAGELAB_DEV_SECRET", "the-secret-itself")
    with Sandbox(credentials={}) as sandbox:
        monkeypatch.setenv("ENGAGELAB_OTP_BASE_URL", sandbox.otp_base_url)

        ran = engagelab(*SEND, "--verbose")

    assert 1 == ran.exit_code
    assert "itself" not in ran.seen


def test_a_failure_says_all_that_is_known(at_sandbox: Engagelab) -> None:
    """People read what happened, how certain it is, and what to do."""
    ran = at_sandbox("otp", "send", "+10000005013", "--template", "login")

    assert "" == ran.out
    assert [
        "✗ Not sent",
        "what happened 5013 number is blacklisted (HTTP 400)",
        "error BlacklistedError",
        "code 5013",
        "HTTP status 400",
        "attempts 1",
        "may have been sent no",
        "what to do Do not send to this number; the blacklist is kept in the console.",
    ] == [" ".join(line.split()) for line in ran.err.splitlines()]


def test_a_wait_that_the_server_asks_for_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Retry-After is shown in seconds."""
    error = ServerError("busy", http_status=503, retry_after=120.0)

    show(failed(VerifyOTP("1", "123456"), error), as_json=False)

    printed = capsys.readouterr().err
    assert "? It may have been checked, or not" in printed
    assert "120 s" in printed


def test_control_characters_are_not_printed() -> None:
    """What comes from elsewhere cannot command the terminal."""
    assert "�[31mé 1" == printable("\x1b[31mé 1")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_who_is_gone_does_not_change_the_exit_code(
    origin: str, sandbox: Sandbox, options: list[str]
) -> None:
    """What was sent exits with 0, even if nobody is left to read of it."""
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [*COMMAND, *SEND, "--sandbox", origin, *options], stdout=writer, check=False
    )

    os.close(writer)
    assert 1 == len(sandbox.messages)
    assert 0 == done.returncode


def test_a_terminal_without_the_characters_gets_others(
    origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that cannot carry a check mark does not fail after sending."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)

    exit_code = main([*SEND, "--sandbox", origin])

    stream.seek(0)
    assert 0 == exit_code
    assert stream.read().startswith("? Sent")


def test_a_program_that_catches_the_output_gets_it(origin: str) -> None:
    """Where standard output is no stream of the system's, as in a notebook, it is used as it is."""
    with contextlib.redirect_stdout(io.StringIO()) as caught:
        exit_code = main([*SEND, "--sandbox", origin])

    assert 0 == exit_code
    assert caught.getvalue().startswith("✓ Sent")


def test_a_terminal_of_no_width(engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened is printed as on a usual one."""
    monkeypatch.setenv("COLUMNS", "0")

    assert "The journal cannot be read" in engagelab("journal", "show", "nothing.db").err
