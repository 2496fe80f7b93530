"""Options that cannot be used, and files that cannot be read or written."""

from pathlib import Path
from typing import Any

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import JOURNAL, REFUSED, SMS, Stdin, WriteList, numbers, rows

FAILED = ("--failed", "failed.csv")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--rate", "0"), "--rate: must be a finite number above 0"),
        (("--max-in-flight", "0"), "--max-in-flight: must be at least 1"),
        (("--targets-per-request", "0"), "--targets-per-request: must be at least 1"),
        (("--attempts", "0"), "--attempts"),
        (("--param", "name"), "--param: expected name=value"),
        (("--template", " "), "--template"),
        (("--to-column", "mobile"), "it has no column 'mobile', but phone, name"),
        (("--template-text", "Hi"), "--template-text: goes with --dry-run"),
        (("--failed", "people.csv"), "--failed: people.csv is used already"),
        (("--failed", JOURNAL), f"--failed: {JOURNAL} is used already"),
        (("--failed", f"{JOURNAL}-wal"), f"--failed: {JOURNAL}-wal is used already"),
        (("--uncertain", f"./{JOURNAL}-callbacks"), f"{JOURNAL}-callbacks is used already"),
        (("--failed", "here/people.csv"), "--failed: here/people.csv is used already"),
        (("--report", f"sub/../{JOURNAL}"), f"--report: sub/../{JOURNAL} is used already"),
        (("--failed", "a.csv", "--uncertain", "a.csv"), "--uncertain: a.csv is used already"),
        (("--report", "nowhere/report.html"), "--report: there is no directory nowhere"),
        (("--uncertain", "old.csv"), "--uncertain: old.csv is there already"),
        (("--report", "old.csv"), "--report: old.csv is there already"),
    ],
)
def test_what_can_never_be_right_sends_nothing(
    at_sandbox: Engagelab,
    sandbox: Sandbox,
    write: WriteList,
    options: tuple[str, ...],
    what: str,
) -> None:
    """The option is named, and the exit code is 2."""
    write(*rows(*numbers(3)))
    Path("old.csv").write_text("old")
    Path("here").symlink_to(".")
    Path("sub").mkdir()
    defaults = [] if "--template" in options else ["--template", "7"]

    ran = at_sandbox("sms", "bulk", "people.csv", *defaults, *options)

    assert (2, 0) == (ran.exit_code, len(sandbox.messages))
    assert what in ran.err


def test_the_list_by_another_name(at_sandbox: Engagelab, write: WriteList) -> None:
    """A run that goes on adds rows to a file that is there, but not to the list itself."""
    write(*rows(*numbers(3)))
    at_sandbox(*SMS)
    Path("failed.csv").hardlink_to("people.csv")

    ran = at_sandbox(*SMS, "--resume", "--failed", "failed.csv")

    assert 2 == ran.exit_code
    assert "--failed: failed.csv is used already" in ran.err


def test_a_file_that_cannot_be_made(at_sandbox: Engagelab, write: WriteList) -> None:
    """Nothing is sent if there is no place for what fails."""
    write(*rows(*numbers(3)))

    ran = at_sandbox(*SMS, "--failed", "x" * 300, "--json")

    assert (2, "UsageError") == (ran.exit_code, ran.error["type"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file that cannot be written to")
def test_a_full_disk_ends_the_run(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """When rows cannot be written down any longer, no more are sent, and the rest is left."""
    write(*rows(REFUSED, *numbers(2)))
    at_sandbox(*SMS)
    write(*rows("+10000003004", *numbers(500)))
    Path("failed.csv").symlink_to("/dev/full")

    ran = at_sandbox(*SMS, "--resume", "--failed", "failed.csv", "--max-in-flight", "1", "--json")

    result = ran.document["result"]
    assert (1, 2) == (ran.exit_code, len(sandbox.messages))
    assert "a file of rows cannot be written: No space left on device" == result["stopped"]
    assert 500 == result["left"]


def test_a_list_that_is_changed_before_it_is_sent(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not checked is not sent: it is said that the list was changed, with exit code 2."""
    write(*rows(*["nobody"] * 30, *numbers(3)))

    class Slow(Stdin):
        """Changes the list after it was checked."""

        def isatty(self) -> bool:
            write(*rows(*numbers(3)))
            return True

    monkeypatch.setattr("sys.stdin", Slow(b"y\n", is_terminal=True))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    ran = at_sandbox(*SMS, "--failed", "failed.csv", "--json")

    assert (2, 0) == (ran.exit_code, len(sandbox.messages))
    assert "people.csv: it was changed meanwhile" == ran.error["message"]


def test_a_name_that_no_file_can_have(at_sandbox: Engagelab, write: WriteList) -> None:
    """It is bad usage, seen before anything is sent."""
    write(*rows(*numbers(3)))

    ran = at_sandbox(*SMS, "--failed", "failed\0.csv", "--json")

    assert (2, "failed\0.csv cannot be written: ValueError") == (
        ran.exit_code,
        ran.error["message"],
    )


def test_a_place_that_cannot_be_written_to(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """It is seen before anything is sent."""
    write(*rows(*numbers(3)))
    at_sandbox(*SMS)
    write(*rows(*numbers(5)))
    Path("failed.csv").mkdir()

    ran = at_sandbox(*SMS, "--resume", "--failed", "failed.csv", "--json")

    assert (2, 3) == (ran.exit_code, len(sandbox.messages))
    assert "failed.csv cannot be written" in ran.error["message"]


def test_a_report_that_cannot_be_written(at_sandbox: Engagelab, write: WriteList) -> None:
    """What was sent stays sent: it is said, and the exit code is that of the run."""
    write(*rows(*numbers(3)))
    Path("report.html").symlink_to("nowhere/report.html")

    ran = at_sandbox(*SMS, "--report", "report.html")

    assert 0 == ran.exit_code
    assert "report.html cannot be written" in ran.err


def test_a_report_is_replaced_by_that_of_the_rest(at_sandbox: Engagelab, write: WriteList) -> None:
    """A run that goes on replaces a report of an earlier one, and no other file."""
    write(*rows(*numbers(3)))
    Path("notes.html").write_bytes(b"<p>Notes\xff")
    at_sandbox(*SMS, "--report", "report.html")
    first = Path("report.html").read_text(encoding="utf-8")

    refused = at_sandbox(*SMS, "--resume", "--report", "notes.html", "--json")

    assert (2, b"<p>Notes\xff") == (refused.exit_code, Path("notes.html").read_bytes())
    assert "--report: notes.html is there already" in refused.error["message"]

    again = at_sandbox(*SMS, "--report", "report.html", "--json")

    assert (2, first) == (again.exit_code, Path("report.html").read_text(encoding="utf-8"))

    assert 0 == at_sandbox(*SMS, "--resume", "--report", "report.html").exit_code
    assert "All 3 settled earlier" in Path("report.html").read_text(encoding="utf-8")


class Changing(Stdin):
    """A terminal at which somebody answers, and changes the list meanwhile."""

    def readline(self, size: Any = -1, /) -> str:  # type: ignore[override]  # noqa: ANN401
        """Answer."""
        Path("people.csv").write_text("phone\n" + "other\n" * 40)
        return super().readline(size)


def test_a_file_of_an_earlier_version_is_refused(at_sandbox: Engagelab, write: WriteList) -> None:
    """It is left as it is, and nothing is sent."""
    write(*rows(*numbers(2)))
    at_sandbox(*SMS)
    Path("failed.csv").write_text("phone,error_code,error_reason\n")
    ran = at_sandbox(*SMS, *FAILED, "--resume")

    assert 2 == ran.exit_code
    assert "other columns" in ran.err
    assert "phone,error_code,error_reason\n" == Path("failed.csv").read_text()


def test_a_list_that_changes_while_it_is_asked_about(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bad rows are read again, and are others by now."""
    write(*rows(*numbers(2), *(f"bad {n}" for n in range(40))))
    monkeypatch.setattr("sys.stdin", Changing(b"y\n", is_terminal=True))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    ran = at_sandbox(*SMS, *FAILED, "--skip-bad")

    assert 2 == ran.exit_code
    assert "changed" in ran.err
