"""``engagelab sandbox``."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from engagelab_async.sandbox import Sandbox
from support.command import COMMAND, Engagelab
from support.hostile import Hostile, answers


@contextmanager
def serving(*options: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the sandbox in a process of its own, with further environment variables."""
    command = [*COMMAND, "sandbox", "--port", "0", *options]
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Read lines until one matches, and return what the pattern's group found."""
    assert process.stdout is not None
    for line in process.stdout:
        if match := re.search(pattern, line):
            return match[1]
    raise AssertionError(f"never printed: {pattern}")


def test_serves_until_ctrl_c(engagelab: Engagelab) -> None:
    """It says how to reach it, shows what it is sent, and ends quietly."""
    with serving() as process:
        origin = read_until(process, "at (http://127.0.0.1:[0-9]+) until Ctrl-C")
        assert f"{origin}/otp" == read_until(process, "export ENGAGELAB_OTP_BASE_URL=(.*)$")

        engagelab("otp", "send", "+10000000005", "--template", "login", "--sandbox", origin)
        sent = read_until(process, "otp sms …05  (.*)$")
        engagelab(
            "sms", "send", "+6591234567", "--template", "7", "--at", "+1h", "--sandbox", origin
        )
        due = read_until(process, "sms sms …67  for (..:..):..  .7.$")

        process.send_signal(signal.SIGINT)
        out, err = process.communicate()

    assert "[login] code=123456" == sent
    assert re.fullmatch("[0-9]{2}:[0-9]{2}", due)
    assert (0, "", "") == (process.returncode, out, err)


def test_has_an_inbox(engagelab: Engagelab) -> None:
    """It says where; others than this machine's user need the token in it."""
    token = "chosen-by-the-user"
    with serving("--allow-host", "a.example", "--allow-host", "b.example") as process:
        url = read_until(process, "^  (http://127.0.0.1:[0-9]+/)$")
        names = ["localhost", "a.example", "b.example", "c.example"]
        answers = [httpx.get(url, headers={"host": name}, trust_env=False) for name in names]
    with serving("--host", "0.0.0.0", ENGAGELAB_SANDBOX_TOKEN=token) as process:  # noqa: S104
        shown = read_until(process, "^  http://0.0.0.0:[0-9]+/#token=(.*)$")

    assert [200, 200, 200, 403] == [answer.status_code for answer in answers]
    assert token == shown


def test_a_token_that_cannot_be_is_bad_usage() -> None:
    """It exits with 2 and says why."""
    with serving(ENGAGELAB_SANDBOX_TOKEN="short") as process:
        _, err = process.communicate()

    assert 2 == process.returncode
    assert "✗ Cannot start. ENGAGELAB_SANDBOX_TOKEN: must have at least 16" in err


def test_a_port_that_is_taken_is_a_matter_of_configuration(engagelab: Engagelab) -> None:
    """It exits with 2 and says which port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])

        ran = engagelab("sandbox", "--port", port)

    assert 2 == ran.exit_code
    assert f"✗ Cannot listen on 127.0.0.1, port {port}: " in ran.err


def test_a_port_that_cannot_be_is_bad_usage(engagelab: Engagelab) -> None:
    """It exits with 2 and names the option."""
    ran = engagelab("sandbox", "--port", "99999")

    assert 2 == ran.exit_code
    assert "--port" in ran.err


@pytest.mark.parametrize("prefix", ["ENGAGELAB_CALLBACK", "ENGAGELAB_WEBHOOK"])
def test_calls_back(engagelab: Engagelab, prefix: str) -> None:
    """Callbacks go to the URL, signed with what the environment holds; failures are shown."""
    secret = {f"{prefix}_USERNAME": "shop", f"{prefix}_SECRET": "my_secret"}
    ok = answers(200)
    with (
        Hostile(answers(404), ok, ok) as server,
        serving("--callback-url", server.url, "--pace", "0", **secret) as process,
    ):
        origin = read_until(process, "at (http://127.0.0.1:[0-9]+) until Ctrl-C")
        failure = read_until(process, "callback 1 was not answered: (.*)$")
        engagelab("otp", "send", "+6591234567", "--template", "login", "--sandbox", origin)
        read_until(process, "otp sms …(67)  ")
        server._wait(lambda: any(b"delivered" in each.body for each in server.requests))  # noqa: SLF001
        process.send_signal(signal.SIGINT)
        process.communicate()

        assert "HTTP 404" == failure
        assert all("username=shop" in each.values("x-callback-id")[0] for each in server.requests)


def test_a_callback_that_fails_is_shown_at_once(engagelab: Engagelab) -> None:
    """It will be sent again for weeks, and nobody waits for the last try."""
    ok = answers(200)
    with (
        Hostile(ok, ok, answers(500)) as server,
        serving("--callback-url", server.url) as process,
    ):
        origin = read_until(process, "at (http://127.0.0.1:[0-9]+) until Ctrl-C")
        engagelab("otp", "send", "+6591234567", "--template", "login", "--sandbox", origin)

        assert "HTTP 500" == read_until(process, "callback 3 was not answered: (.*)$")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--callback-url", "127.0.0.1"], "✗ Cannot start. --callback-url: "),
        (
            ["--callback-url", "http://127.0.0.1", "--callback-username", "shop"],
            (
                "✗ Cannot start. --callback-username or ENGAGELAB_CALLBACK_USERNAME: a signature "
                "takes a secret as well; set "
                "ENGAGELAB_CALLBACK_SECRET or ENGAGELAB_WEBHOOK_SECRET"
            ),
        ),
        (["--pace", "-1"], "--pace"),
    ],
)
def test_callbacks_that_cannot_be_are_bad_usage(
    engagelab: Engagelab, options: list[str], words: str
) -> None:
    """It exits with 2 and says why."""
    ran = engagelab("sandbox", "--port", "0", *options)

    assert 2 == ran.exit_code
    assert words in ran.err


def test_a_store_keeps_what_was_sent(engagelab: Engagelab, tmp_path: Path) -> None:
    """A sandbox that is started again goes on, and shows only what is new."""
    store = ["--store", str(tmp_path / "sandbox.json")]
    for to, digits in [("+6591234567", "67"), ("+6591234568", "68")]:
        with serving(*store) as process:
            origin = read_until(process, "at (http://127.0.0.1:[0-9]+) until Ctrl-C")
            engagelab("otp", "send", to, "--template", "login", "--sandbox", origin)
            assert digits == read_until(process, "otp sms …([0-9]+)  ")
            process.send_signal(signal.SIGINT)
            process.communicate()

    with Sandbox(store=tmp_path / "sandbox.json") as sandbox:
        assert 2 == len(sandbox.messages)


def test_a_run_is_recorded(engagelab: Engagelab, tmp_path: Path) -> None:
    """What was sent can be replayed; an answer that is recorded is on disk at once."""
    path = tmp_path / "run.jsonl"
    with serving("--record", str(path)) as process:
        origin = read_until(process, "at (http://127.0.0.1:[0-9]+) until Ctrl-C")
        engagelab("otp", "send", "+6591234567", "--template", "login", "--sandbox", origin)
    with Sandbox(replay=path) as sandbox:
        origin = sandbox.otp_base_url.removesuffix("/otp")
        engagelab("otp", "send", "+6591234567", "--template", "login", "--sandbox", origin)

        sandbox.assert_replayed()


def test_a_recording_does_not_replace_another_file(engagelab: Engagelab, tmp_path: Path) -> None:
    """It exits with 2 and says which file."""
    path = tmp_path / "notes.txt"
    path.write_text("hello", encoding="utf-8")
    ran = engagelab("sandbox", "--port", "0", "--record", str(path))

    assert 2 == ran.exit_code
    assert f"✗ Cannot start. --record: {path} is another file" in ran.err
    assert "hello" == path.read_text(encoding="utf-8")


def test_a_store_that_cannot_be_used_is_a_matter_of_configuration(
    engagelab: Engagelab, tmp_path: Path
) -> None:
    """It exits with 2 and says which file."""
    path = tmp_path / "notes.txt"
    path.write_text("hello", encoding="utf-8")
    ran = engagelab("sandbox", "--port", "0", "--store", str(path))

    assert 2 == ran.exit_code
    assert f"✗ Cannot use the store: {path} is no store of a sandbox" in ran.err


def test_plays_an_account(engagelab: Engagelab, tmp_path: Path) -> None:
    """Options give it keys with limits, a balance, a quota, strategies and a time of review."""
    keys = tmp_path / "keys.json"
    limited = {"key": "verifier", "secret": "1", "only": "verify"}
    keys.write_text(json.dumps({"otp": [limited, {"key": "k", "secret": "s"}]}), encoding="utf-8")
    options = ("--keys", str(keys), "--balance", "0.005", "--quota", "2", "--review-after", "0")
    with serving(*options, "--strategy", "login=voice|sms") as process:
        url = read_until(process, "export ENGAGELAB_OTP_BASE_URL=(.*)$")
        message = {"to": "+6591234567", "template": {"id": "login"}}
        with httpx.Client() as client:
            answers = [
                client.post(f"{url}/v1/messages", auth=auth, json=message)
                for auth in (("verifier", "1"), ("k", "wrong"), ("k", "s"), ("k", "s"))
            ]
            # The quota is that of a second, which may have passed.
            while answers[-1].status_code == 400:
                answers.append(client.post(f"{url}/v1/messages", auth=("k", "s"), json=message))

    assert [403, 401, 200, 400] == [each.status_code for each in answers[:4]]
    assert "voice" == answers[2].json()["send_channel"]
    assert {"code": 3003, "message": "insufficient balance"} == answers[3].json()
    assert 429 == answers[-1].status_code


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--balance", "much"], "✗ Cannot start. --balance: must be a number"),
        (["--strategy", "login"], "✗ Cannot start. --strategy: expected TEMPLATE=CHANNELS"),
        (["--strategy", "login=fax"], "✗ Cannot start. --strategy: "),
        (["--keys", "nowhere.json"], "✗ Cannot start. "),
        (["--quota", "0"], "--quota"),
        (["--review-after", "-1"], "--review-after"),
    ],
)
def test_an_account_that_cannot_be_is_bad_usage(
    engagelab: Engagelab, options: list[str], said: str
) -> None:
    """What cannot be is named as the option that it came from."""
    ran = engagelab("sandbox", "--port", "0", *options)

    assert said in ran.err
    assert 2 == ran.exit_code
