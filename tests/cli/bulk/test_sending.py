"""Sending to a list, from the command line to an exit code."""

import os
import re
import signal
from collections.abc import Callable
from itertools import count
from pathlib import Path

import anyio
import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import (
    BLACKLISTED,
    JOURNAL,
    REFUSED,
    SMS,
    UNCERTAIN,
    Stdin,
    WriteList,
    csv_of,
    numbers,
    read,
    rows,
)


def test_each_row_becomes_a_message(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Each row is a message with its own variables, and the exit code is 0."""
    write("65 9123-4567,Ada", "+6591234568,Bob")

    ran = at_sandbox(*SMS)

    assert 0 == ran.exit_code
    assert "✓ Sent to all 2" in ran.out
    assert {("+6591234567", "[7] name=Ada"), ("+6591234568", "[7] name=Bob")} == {
        (sent.recipient, sent.text) for sent in sandbox.messages
    }


def test_no_number_is_printed(at_sandbox: Engagelab, write: WriteList) -> None:
    """No number and no value of a row is in the output, whatever goes wrong."""
    write(*rows(*numbers(3), BLACKLISTED, REFUSED, UNCERTAIN, "nobody here"))

    ran = at_sandbox(*SMS, "--skip-bad", "--verbose")

    assert not re.search(r"\d{7}|Ada|nobody here", ran.seen.replace(JOURNAL, ""))


def test_custom_messages(at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList) -> None:
    """They go to numbers and addresses, from any column."""
    write("ada@example.com,17", "+6591234567,18", header="who,order")

    ran = at_sandbox(
        *("otp", "bulk-message", "people.csv", "--template", "shipped"),
        *("--to-column", "who", "--param", "number=order", "--json"),
    )

    assert (0, "otp.send_custom_message") == (ran.exit_code, ran.document["operation"])
    assert {("ada@example.com", "[shipped] number=17"), ("+6591234567", "[shipped] number=18")} == {
        (sent.recipient, sent.text) for sent in sandbox.messages
    }


def test_standard_input(
    at_sandbox: Engagelab,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A list can be piped in, if the journal is told its place."""
    command = ("sms", "bulk", "-", "--template", "7")
    monkeypatch.setattr("sys.stdin", Stdin(csv_of(*rows(*numbers(3)))))
    assert "--journal: say where to keep it" in at_sandbox(*command).err

    monkeypatch.setattr("sys.stdin", Stdin(csv_of(*rows(*numbers(3)))))
    ran = at_sandbox(*command, "--journal", str(tmp_path / "run.db"))

    assert (0, 3) == (ran.exit_code, len(sandbox.messages))


def test_many_share_a_request(at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList) -> None:
    """Rows with equal variables go together, and a bad target does not take the others along."""
    write(*rows(*numbers(7), REFUSED), "+6591234567,Bob")

    ran = at_sandbox(*SMS, "--targets-per-request", "4", "--json", "--failed", "failed.csv")

    result = ran.document["result"]
    assert (1, 8, 1) == (ran.exit_code, result["accepted"], result["rejected"])
    assert 8 == len({sent.recipient for sent in sandbox.messages})
    assert [REFUSED] == [row["phone"] for row in read("failed.csv")]


def test_every_status_is_reported(at_sandbox: Engagelab, write: WriteList) -> None:
    """The summary has all statuses, and what to do about each code."""
    write(*rows(*numbers(3), BLACKLISTED, REFUSED, UNCERTAIN))

    ran = at_sandbox(
        *SMS, "--failed", "failed.csv", "--uncertain", "uncertain.csv", "--report", "report.html"
    )

    assert 3 == ran.exit_code
    seen = " ".join(ran.out.split())
    for expected in (
        "? Sent to 3 of 6, and perhaps to 1 more",
        "accepted 3",
        "dropped 1",
        "rejected 1",
        "uncertain 1",
        "3002 1 invalid parameters (HTTP 400). Correct the argument",
        "failed rows failed.csv",
        "uncertain rows uncertain.csv",
        "report report.html",
        f"journal {JOURNAL}",
    ):
        assert expected in seen
    assert [(BLACKLISTED, "dropped"), (REFUSED, "3002")] == sorted(
        ((row["phone"], row["error_code"]) for row in read("failed.csv")),
        reverse=True,
    )
    assert [UNCERTAIN] == [row["phone"] for row in read("uncertain.csv")]


def test_json_reports_the_same(at_sandbox: Engagelab, write: WriteList) -> None:
    """One object on standard output, for scripts."""
    write(*rows(*numbers(3), BLACKLISTED, REFUSED))

    ran = at_sandbox(*SMS, "--json", "--failed", "failed.csv", "--report", "report.html")

    document = ran.document
    result = document["result"]
    assert (1, False, "sms.send") == (ran.exit_code, document["ok"], document["operation"])
    assert {
        "rows": 5,
        "accepted": 3,
        "dropped": 1,
        "rejected": 1,
        "uncertain": 0,
        "suppressed": 0,
        "earlier": 0,
        "rejected_earlier": 0,
        "left": 0,
        "bad": 0,
        "left_out": 0,
        "errors": {"3002": 1},
        "requests": 5,
        "repeats": 0,
        "stopped": None,
        "interrupted": False,
        "journal": JOURNAL,
        "failed": "failed.csv",
        "uncertain_rows": None,
        "page": "report.html",
        "resume": None,
    } == {
        name: value
        for name, value in result.items()
        if name not in ("elapsed", "rate", "p50", "p99")
    }


def test_an_empty_list_is_no_error(at_sandbox: Engagelab, write: WriteList) -> None:
    """A header alone is an empty list."""
    write()

    ran = at_sandbox(*SMS)

    assert (0, "The list is empty") == (ran.exit_code, ran.out.splitlines()[0][2:])


@pytest.mark.parametrize("options", [(), ("--no-reference",)])
def test_an_sms_bears_a_reference(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList, options: tuple[str, ...]
) -> None:
    """For its callbacks to bring back, unless it is not wanted."""
    write(*rows(*numbers(1)))

    assert 0 == at_sandbox(*SMS, *options).exit_code
    assert bool(options) is not bool(sandbox.last_message().custom_args)


def test_a_wrong_template_ends_the_run(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """What all others would meet ends it, and they are left to be resumed."""
    write(*rows(*numbers(500)))

    ran = at_sandbox(
        "sms", "bulk", "people.csv", "--template", "missing", "--max-in-flight", "2",
        "--report", "report.html",
    )  # fmt: skip

    assert (1, 0) == (ran.exit_code, len(sandbox.messages))
    assert "the template does not exist" in ran.out
    assert "left  500" in ran.out
    assert re.search(r"^To go on: engagelab sms bulk people.csv .*--resume$", ran.out, re.MULTILINE)
    assert "The run ended before the list" in Path("report.html").read_text()


def test_progress_goes_to_standard_error(
    at_sandbox: Engagelab, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """On a terminal it is drawn, and taken away in the end."""
    write(*rows(*numbers(3)))
    at_terminal("y\n")

    ran = at_sandbox(*SMS, "--json")

    assert 0 == ran.exit_code
    assert "of 3" in ran.err
    assert ran.document["ok"] is True


def test_a_list_that_is_not_there(at_sandbox: Engagelab) -> None:
    """Scripts are told in JSON."""
    ran = at_sandbox("sms", "bulk", "nothing.csv", "--template", "7", "--json")

    assert (2, "UsageError") == (ran.exit_code, ran.error["type"])


def test_a_client_that_cannot_be_made(
    engagelab: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a key pair is reported as for a single send."""
    write(*rows(*numbers(3)))
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_KEY", "key")

    ran = engagelab(*SMS, "--json")

    assert (2, "ConfigurationError") == (ran.exit_code, ran.error["type"])


def test_a_bug_is_uncertain(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an unforeseen error, nothing is claimed to be unsent."""
    write(*rows(*numbers(3)))

    make, calls = anyio.create_task_group, count()

    def broken() -> anyio.abc.TaskGroup:
        # The first one is the run's own.
        if next(calls):
            raise LookupError
        return make()

    monkeypatch.setattr("anyio.create_task_group", broken)

    ran = at_sandbox(*SMS, "--json")

    assert (3, "LookupError") == (ran.exit_code, ran.error["type"])


def test_ctrl_c_beside_the_run_is_uncertain(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pressed before the run listens for signals, it promises nothing."""
    write(*rows(*numbers(3)))
    open_file = os.open

    def press(path: str, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith("failed.csv"):
            signal.raise_signal(signal.SIGINT)
        return open_file(path, flags, mode)

    monkeypatch.setattr("os.open", press)

    ran = at_sandbox(*SMS, "--json", "--failed", "failed.csv")

    assert (3, "Interrupted") == (ran.exit_code, ran.error["type"])
