"""``engagelab webhooks listen`` and ``engagelab webhooks sign``."""

import asyncio
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from engagelab_async.bulk import Suppression
from engagelab_async.bulk.identity import REFERENCE, Reference
from engagelab_async.bulk.journal import Database, SendIntent, State, summarise
from engagelab_async.cli.webhooks.account import Account
from engagelab_async.cli.webhooks.showing import document, line
from engagelab_async.webhooks import (
    Event,
    MessageStatus,
    Notification,
    SystemEvent,
    UnknownEvent,
    UplinkMessage,
    Verifier,
    parse,
)
from engagelab_async.webhooks.asgi import WebhookApp
from support.callback_requests import ROW, SECRET, USERNAME, body_of, signed
from support.command import COMMAND, Engagelab, run_process
from support.servers import served

ACCOUNT = ("--username", USERNAME, "--secret", SECRET)
PERSONAL = ["6591234567", "see you", "refused at", "user@example.com", "13800138000"]


@contextmanager
def listening(*options: str, stdout: int = subprocess.PIPE) -> "Iterator[subprocess.Popen[str]]":
    """Start listening in a process of its own."""
    command = [*COMMAND, "webhooks", "listen", "--port", "0", *ACCOUNT, *options]
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def url_of(process: "subprocess.Popen[str]") -> str:
    """Read where it listens."""
    assert process.stderr is not None
    match = re.search(r"http://127\.0\.0\.1:[0-9]+", process.stderr.readline())
    assert match is not None
    return match[0]


class TestListen:
    """A server that shows what comes."""

    def test_scripts_get_a_json_object_for_each_event(self, engagelab: Engagelab) -> None:
        """Where the output is no terminal; it ends quietly with Ctrl-C."""
        with listening() as process:
            sent = engagelab("webhooks", "sign", f"{url_of(process)}/any", *ACCOUNT, "--send")
            assert process.stdout is not None
            event = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()

        assert (0, "✓ Answered 200\n") == (sent.exit_code, sent.out)
        assert ("MessageStatus", "delivered", "…67") == (
            event["type"],
            event["status"],
            event["to"],
        )
        assert (0, "", "") == (process.returncode, out, err)

    def test_what_was_uncertain_is_settled(self, engagelab: Engagelab, tmp_path: Path) -> None:
        """In the journal that is named; its run may be going on."""
        path = tmp_path / "run.db"
        digest = "0123456789abcdef" * 2
        database = Database(path)
        database.write([], [SendIntent(digest)])
        told = ROW | {"custom_args": {REFERENCE: str(Reference(digest, 1, database.token))}}
        with listening("--journal", str(path)) as process:
            url = url_of(process)
            answer = httpx.post(
                url, content=body_of(told), headers=signed(timestamp=int(time.time()))
            )
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.communicate()
        database.close()

        assert 200 == answer.status_code
        assert {State.ACCEPTED: 1} == summarise(path).states
        assert "accepted  1" in engagelab("journal", "show", str(path)).out

    def test_people_who_reply_stop_are_kept(self, tmp_path: Path) -> None:
        """In a file that a run reads; what cannot be kept is said, and what comes is shown."""
        path = tmp_path / "suppressed.csv"
        with listening("--suppress", str(path)) as process:
            url = url_of(process)
            assert process.stdout is not None
            assert process.stderr is not None
            assert 0o600 == path.stat().st_mode & 0o777
            for text, sender in [("Stop!", "6591234567"), ("see you", "6591234568")]:
                self.reply(url, text, sender)
                process.stdout.readline()
            self.reply(url, "STOP", "nobody")
            event = json.loads(process.stdout.readline())
            problem = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            process.communicate()

        assert "recipient,reason\n+6591234567,stop\n" == path.read_text(encoding="utf-8")
        assert "✗ not a phone number with its country code\n" == problem
        assert "UplinkMessage" == event["type"]

    def test_the_words_can_be_chosen(self, tmp_path: Path) -> None:
        """In place of the usual ones."""
        path = tmp_path / "suppressed.csv"
        options = ("--suppress", str(path), "--stop-word", "BAJA", "--stop-word", "alto")
        with listening(*options) as process:
            url = url_of(process)
            assert process.stdout is not None
            for text, sender in [("ALTO", "6591234567"), ("stop", "6591234568")]:
                self.reply(url, text, sender)
                process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.communicate()

        assert 1 == len(Suppression(path))

    @staticmethod
    def reply(url: str, text: str, sender: str) -> None:
        """Play a person who replies."""
        data = {"from": sender, "to": "6590000000", "body": text}
        row = {"response": {"event": "uplink_message", "response_data": data}}
        headers = signed(timestamp=int(time.time()), nonce=sender)
        assert 200 == httpx.post(url, content=body_of(row), headers=headers).status_code

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (None, "No such file or directory"),
            (b"name,order\nAda,1\n", "names no column of recipients"),
            (b'[{"phone": "+6591234567"}]', "only CSV and JSON lines in UTF-8 can be appended to"),
        ],
    )
    def test_a_file_that_cannot_keep_people(
        self, content: bytes | None, why: str, engagelab: Engagelab, tmp_path: Path
    ) -> None:
        """It is refused before anything is listened to."""
        path = tmp_path / "no" / "suppressed.csv"
        if content is not None:
            path = tmp_path / "suppressed.csv"
            path.write_bytes(content)
        ran = engagelab("webhooks", "listen", *ACCOUNT, "--suppress", str(path), "--port", "0")

        assert 2 == ran.exit_code
        assert ran.err.startswith(f"✗ --suppress: {path}: ")
        assert why in ran.err

    def test_a_journal_needs_a_directory(self, engagelab: Engagelab) -> None:
        """Before anything is listened to."""
        ran = engagelab("webhooks", "listen", *ACCOUNT, "--journal", "no/such/run.db")

        assert (2, "✗ --journal: there is no directory no/such\n") == (ran.exit_code, ran.err)

    def test_a_journal_that_cannot_be_used(self, engagelab: Engagelab, tmp_path: Path) -> None:
        """Not with the first callback is it told, but before anything is listened to."""
        path = tmp_path / "run.db"
        (tmp_path / "run.db-callbacks").write_bytes(b"something else")
        ran = engagelab("webhooks", "listen", *ACCOUNT, "--journal", str(path), "--port", "0")

        assert 2 == ran.exit_code
        assert ran.err.startswith(f"✗ --journal: {path}-callbacks is damaged (")

    def test_a_journal_that_fails_later(self, engagelab: Engagelab, tmp_path: Path) -> None:
        """What came is shown all the same, and what is wrong is said."""
        path = tmp_path / "run.db"
        callbacks = tmp_path / "run.db-callbacks"
        with listening("--journal", str(path)) as process:
            url = url_of(process)
            callbacks.unlink()
            callbacks.write_bytes(b"something else")
            for _ in range(2):
                engagelab("webhooks", "sign", url, *ACCOUNT, "--send")
            assert process.stdout is not None
            assert process.stderr is not None
            shown = json.loads(process.stdout.readline())
            said = process.stderr.readline()
            process.send_signal(signal.SIGINT)
            process.communicate()

        assert "delivered" == shown["status"]
        assert said.startswith(f"✗ journal: {callbacks} is damaged (")

    def test_people_get_a_line_for_each_event(self, engagelab: Engagelab) -> None:
        """In a terminal."""
        main, terminal = pty.openpty()
        with listening("--show-personal", stdout=terminal) as process:
            engagelab("webhooks", "sign", url_of(process), *ACCOUNT, "--send")
            seen = ""
            while "sms" not in seen:
                seen += os.read(main, 1000).decode()
            process.send_signal(signal.SIGINT)
            process.wait()

        os.close(terminal)
        os.close(main)
        assert "delivered" in seen
        assert "1725407449772531712   +6591234567  sms" in seen

    def test_what_is_refused_is_told(self, engagelab: Engagelab) -> None:
        """The reason is on standard error; whoever sent it only gets the status."""
        with listening() as process:
            url = url_of(process)
            wrong = engagelab("webhooks", "sign", url, "--username", "x", "--secret", "y", "--send")
            assert process.stderr is not None
            reason = process.stderr.readline()

        assert 1 == wrong.exit_code
        assert "✗ Answered 401: the platform would send it again" in wrong.err
        assert "callback answered 401: X-CALLBACK-ID: the username is another" in reason

    def test_it_ends_when_nobody_reads_it(self, engagelab: Engagelab) -> None:
        """As in ``engagelab webhooks listen | head -1``."""
        with listening() as process:
            url = url_of(process)
            assert process.stdout is not None
            process.stdout.close()
            engagelab("webhooks", "sign", url, *ACCOUNT, "--send")
            process.wait()

        assert 0 == process.returncode

    def test_a_port_that_is_taken(self, engagelab: Engagelab) -> None:
        """It is a matter of configuration."""
        with listening() as process:
            port = url_of(process).rpartition(":")[2]
            ran = engagelab("webhooks", "listen", *ACCOUNT, "--port", port)

        assert 2 == ran.exit_code
        assert f"✗ Cannot listen on 127.0.0.1, port {port}: " in ran.err

    def test_a_name_that_cannot_be(self, engagelab: Engagelab) -> None:
        """It is named."""
        ran = engagelab("webhooks", "listen", "--username", "a;b", "--secret", "s")

        assert 2 == ran.exit_code
        assert "✗ --username: must not hold a semicolon" in ran.err

    @pytest.mark.parametrize("command", ["listen", "sign"])
    @pytest.mark.parametrize(
        ("options", "missing"),
        [
            (["--username", "shop"], {"SECRET"}),
            (["--secret", "x"], {"USERNAME"}),
            ([], {"USERNAME", "SECRET"}),
        ],
    )
    def test_what_is_missing_is_named(
        self, engagelab: Engagelab, command: str, options: list[str], missing: set[str]
    ) -> None:
        """By its option, and by the variables that it may be set in."""
        ran = engagelab("webhooks", command, *options)
        named = {
            name
            for name in ("USERNAME", "SECRET")
            if f"--{name.lower()}: set ENGAGELAB_CALLBACK_{name} or ENGAGELAB_WEBHOOK_{name}"
            in ran.err
        }

        assert (2, missing) == (ran.exit_code, named)

    def test_custom_args_are_personal(self, engagelab: Engagelab) -> None:
        """What a program has come back in callbacks may be anything."""
        for options, shown in (((), False), (("--show-personal",), True)):
            with listening(*options) as process:
                engagelab("webhooks", "sign", url_of(process), *ACCOUNT, "--send")
                assert process.stdout is not None
                event = process.stdout.readline()

            assert shown == ("1042" in event)

    def test_without_a_server(self) -> None:
        """It says what to install."""
        code = (
            "import sys; sys.modules['uvicorn'] = None; from engagelab_async.cli import main;"
            f"sys.exit(main(['webhooks', 'listen', '--port', '0', *{ACCOUNT!r}]))"
        )
        ran = run_process(["-c", code])

        assert 2 == ran.exit_code
        assert 'pip install ".[sandbox]"' in ran.err


class TestSign:
    """A callback to try an endpoint with."""

    @pytest.fixture(autouse=True)
    def account(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The account, from the environment."""
        monkeypatch.setenv("ENGAGELAB_CALLBACK_USERNAME", USERNAME)
        monkeypatch.setenv("ENGAGELAB_CALLBACK_SECRET", SECRET)

    @pytest.mark.parametrize("empty", [True, False])
    def test_the_vendor_s_names(
        self, engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch, empty: bool
    ) -> None:
        """They are read where ours are not set, or empty."""
        for name, value in (("USERNAME", USERNAME), ("SECRET", SECRET)):
            monkeypatch.setenv(f"ENGAGELAB_WEBHOOK_{name}", value)
            if empty:
                monkeypatch.setenv(f"ENGAGELAB_CALLBACK_{name}", "")
            else:
                monkeypatch.delenv(f"ENGAGELAB_CALLBACK_{name}")
        words = shlex.split(engagelab("webhooks", "sign").out.replace("\\\n", ""))
        headers = dict(word.split(": ", 1) for word in words if ": " in word and word[0] != "{")

        Verifier(USERNAME, SECRET).verify(headers, words[-1].encode())

    @pytest.mark.parametrize("command", ["listen", "sign"])
    def test_a_secret_with_a_newline(
        self, engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        """Its variable is named."""
        monkeypatch.setenv("ENGAGELAB_CALLBACK_SECRET", f"{SECRET}\n")
        ran = engagelab("webhooks", command)

        assert 2 == ran.exit_code
        assert "✗ ENGAGELAB_CALLBACK_SECRET: " in ran.err
        assert SECRET not in ran.err

    def test_it_is_printed_for_curl(self, engagelab: Engagelab) -> None:
        """What is printed can be copied, and is a callback of the platform."""
        ran = engagelab("webhooks", "sign", "https://example.com/it's?a=b", "--status", "sent")
        words = shlex.split(ran.out.replace("\\\n", ""))
        headers = dict(word.split(": ", 1) for word in words if ": " in word and word[0] != "{")
        (event,) = parse(words[-1])

        assert ["curl", "-i", "https://example.com/it's?a=b", "-H"] == words[:4]
        assert "application/json" == headers["Content-Type"]
        assert isinstance(event, MessageStatus)
        assert "sent" == event.status
        Verifier(USERNAME, SECRET).verify(headers, words[-1].encode())

    def test_each_is_another(self, engagelab: Engagelab) -> None:
        """Two of them are not taken for one and its replay."""
        assert engagelab("webhooks", "sign").out != engagelab("webhooks", "sign").out

    def test_a_body_of_one_s_own(self, engagelab: Engagelab, tmp_path: Path) -> None:
        """It is read from a file."""
        path = tmp_path / "it's.json"
        path.write_bytes(body_of(ROW))
        ran = engagelab("webhooks", "sign", "--body", str(path))

        assert f"@{path}" == shlex.split(ran.out.replace("\\\n", ""))[-1]

    @pytest.mark.asyncio
    async def test_a_body_from_standard_input(self) -> None:
        """A hyphen is standard input."""
        handled: list[Event] = []
        async with served(WebhookApp(Verifier(USERNAME, SECRET), handled.append)) as address:
            url = "http://{}:{}/".format(*address)
            process = await asyncio.create_subprocess_exec(
                *(*COMMAND, "webhooks", "sign", url, "--body", "-", "--send"),
                stdin=subprocess.PIPE,
            )
            await process.communicate(body_of(ROW))

        assert 0 == process.returncode
        assert [ROW] == [dict(event.raw) for event in handled]

    def test_nobody_answers(self, engagelab: Engagelab) -> None:
        """It says so."""
        ran = engagelab("webhooks", "sign", "http://127.0.0.1:1/", "--send")

        assert 1 == ran.exit_code
        assert "✗ No answer: no connection" in ran.err

    def test_a_file_that_is_not_there(self, engagelab: Engagelab, tmp_path: Path) -> None:
        """It is named."""
        ran = engagelab("webhooks", "sign", "--body", str(tmp_path / "nothing"))

        assert 2 == ran.exit_code
        assert "nothing" in ran.err

    def test_a_name_that_cannot_be(self, engagelab: Engagelab) -> None:
        """It is named."""
        ran = engagelab("webhooks", "sign", "--username", "a b")

        assert 2 == ran.exit_code
        assert "✗ --username: " in ran.err


def test_an_account_s_repr_is_discreet() -> None:
    """A traceback that shows variables does not show the secret."""
    assert "Account(username='shop')" == repr(Account(username=USERNAME, secret=SECRET))


EVENTS: list[Event] = [
    MessageStatus(
        message_id="7",
        status="sent_fail",
        to="+6591234567",
        channel="sms",
        error_code=4001,
        error_message="refused at +6591234567",
        raw=ROW,
    ),
    UplinkMessage(sender="+6591234567", text="see you", raw=ROW),
    SystemEvent(event="account_login", action="login_failed", data={"email": "user@example.com"}),
    Notification(event="insufficient_balance", data={"to": "user@example.com"}),
    UnknownEvent(raw=ROW),
    MessageStatus(message_id="7", status="sent", custom_args={"name": "see you"}, raw=ROW),
    Notification(
        event="insufficient_balance", remain_balance=Decimal("1.50"), reason="see you", raw=ROW
    ),
]


@pytest.mark.parametrize(
    ("event", "shown", "in_full"),
    [
        (EVENTS[0], "sent_fail 7 …67 sms code 4001", "+6591234567 sms code 4001 refused at"),
        (EVENTS[1], "reply …67 <7 characters>", "reply +6591234567 see you"),
        (EVENTS[2], "account_login login_failed", "login_failed {'email': 'user@example.com'}"),
        (EVENTS[3], "insufficient_balance", "insufficient_balance {'to': 'user@example.com'}"),
        (EVENTS[4], "of an unknown kind", "'+8613800138000'"),
    ],
)
def test_lines(event: Event, shown: str, in_full: str) -> None:
    """A line holds what matters, and what is personal only if asked."""
    assert shown == " ".join(line(event, personal=False).plain.split())
    assert in_full in " ".join(line(event, personal=True).plain.split())


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_documents(event: Event) -> None:
    """A JSON object holds nothing personal, unless asked."""
    shown = json.dumps(document(event, personal=False))
    in_full = document(event, personal=True)

    assert [] == [each for each in PERSONAL if each in shown]
    assert event.raw == in_full["raw"]
    assert json.loads(json.dumps(in_full)) == in_full


def test_an_amount_is_not_rounded() -> None:
    """It is written as a text."""
    assert "1.50" == document(EVENTS[-1], personal=False)["remain_balance"]


def test_a_line_moves_no_cursor() -> None:
    """What others wrote cannot play with the terminal."""
    event = UplinkMessage(sender="+6591234567", text="\x1b[2J")

    assert "\x1b" not in line(event, personal=True).plain


@pytest.mark.parametrize(
    ("event", "styles"),
    [
        (MessageStatus(message_id="7", status="delivered"), ["dim", "green"]),
        (MessageStatus(message_id="7", status="sent_fail"), ["dim", "red"]),
        (MessageStatus(message_id="7", status="sent"), ["dim"]),
        (Notification(event="insufficient_balance"), ["dim", "yellow"]),
    ],
)
def test_colors(event: Event, styles: list[str]) -> None:
    """What failed is found at a glance."""
    assert styles == [span.style for span in line(event, personal=False).spans]
