"""``engagelab sms bulk`` and ``engagelab otp bulk-message``, from a list to an exit code."""

import asyncio
import csv
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from engagelab_async.cli.bulk.report_style import STYLE
from engagelab_async.cli.bulk.source import SourceError
from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import Stdin, WriteList, csv_of, numbers

SMS = ("sms", "bulk", "people.csv", "--template", "7", "--param", "name=name")
BLACKLISTED, REFUSED, UNCERTAIN = "+10000005013", "+10000003002", "+10000001000"
JOURNAL = "people.csv.journal.db"


def rows(*people: str) -> list[str]:
    """Make rows that are told a name."""
    return [f"{number},Ada" for number in people]


def read(name: str) -> list[dict[str, str]]:
    """Read a file of rows."""
    return list(csv.DictReader(Path(name).read_text(encoding="utf-8").splitlines()))


def test_everybody_gets_the_message(
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


def test_nobodys_number_is_printed(at_sandbox: Engagelab, write: WriteList) -> None:
    """Nor a text, whatever goes wrong."""
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


def test_every_fate_is_told(at_sandbox: Engagelab, write: WriteList) -> None:
    """In lines for people, with what to do about each code."""
    write(*rows(*numbers(3), BLACKLISTED, REFUSED, UNCERTAIN))

    ran = at_sandbox(
        *SMS, "--failed", "failed.csv", "--uncertain", "uncertain.csv", "--report", "report.html"
    )

    assert 3 == ran.exit_code
    seen = " ".join(ran.out.split())
    for told in (
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
        assert told in seen
    assert [(BLACKLISTED, "dropped"), (REFUSED, "3002")] == sorted(
        ((row["phone"], row["error_code"]) for row in read("failed.csv")),
        reverse=True,
    )
    assert [UNCERTAIN] == [row["phone"] for row in read("uncertain.csv")]


def test_json_tells_the_same(at_sandbox: Engagelab, write: WriteList) -> None:
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
        "earlier": 0,
        "rejected_earlier": 0,
        "left": 0,
        "bad": 0,
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


def test_an_empty_list_is_sent_to_nobody(at_sandbox: Engagelab, write: WriteList) -> None:
    """A header alone is no error."""
    write()

    ran = at_sandbox(*SMS)

    assert (0, "There is nobody to send to") == (ran.exit_code, ran.out.splitlines()[0][2:])


# ------------------------------------------------------------------------------- bad rows


def test_bad_rows_stop_everything(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Where nobody can be asked, nothing is sent, and the lines are told."""
    write(*rows(*numbers(2), "nobody"))

    ran = at_sandbox(*SMS)

    assert (2, 0) == (ran.exit_code, len(sandbox.messages))
    assert "1 of 3 rows cannot be sent:\n  line 4: phone: not a phone number" in ran.err
    assert "--skip-bad" in ran.err
    assert not Path(JOURNAL).exists()


def test_bad_rows_for_scripts(at_sandbox: Engagelab, write: WriteList) -> None:
    """The object lists them."""
    write("nobody,Ada", "+6591234567,")

    assert [
        {"line": 2, "problem": "phone: not a phone number with its country code"},
        {"line": 3, "problem": "name: empty"},
    ] == at_sandbox(*SMS, "--json", "--skip-bad").document["problems"]


def test_many_bad_rows_are_not_all_listed(at_sandbox: Engagelab, write: WriteList) -> None:
    """Twenty are enough to see what is wrong."""
    write(*["nobody,Ada"] * 30)

    assert "  and 10 more\n" in at_sandbox(*SMS).err


def test_bad_rows_can_be_left_out(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """With --skip-bad the others are sent, and the bad ones are in the file of failed rows."""
    write(*rows(*numbers(2), "nobody"), numbers(1)[0] + ",Ada")

    ran = at_sandbox(*SMS, "--skip-bad", "--failed", "failed.csv")

    assert (0, 2) == (ran.exit_code, len(sandbox.messages))
    assert "bad rows 2 (left out)" in " ".join(ran.out.split())
    assert ["phone: not a phone number with its country code", "the same as line 2"] == [
        row["error_reason"] for row in read("failed.csv")
    ]


def test_an_open_quote_hides_nobody(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """All rows that it swallows are counted and kept; with the quote gone, they are sent."""
    people = rows(*numbers(30))
    write(*people[:10], people[10].replace("Ada", '"Ada'), *people[11:])

    ran = at_sandbox(*SMS, "--skip-bad", "--failed", "failed.csv")

    assert (0, 10) == (ran.exit_code, len(sandbox.messages))
    assert "20 of 30 rows cannot be sent" in ran.err
    assert (
        "line 12: its quotes do not close where they should: lines 12 to 31 are one row" in ran.err
    )
    assert "bad rows 20 (left out)" in " ".join(ran.out.split())

    failed = Path("failed.csv")
    failed.write_text(failed.read_text().replace('"Ada', "Ada"))
    at_sandbox(*SMS[:2], "failed.csv", *SMS[3:])

    assert set(numbers(30)) == {sent.recipient for sent in sandbox.messages}


@pytest.mark.parametrize(("answer", "exit_code"), [("y\n", 0), ("n\n", 2), ("", 2)])
def test_at_a_terminal_somebody_is_asked(
    at_sandbox: Engagelab,
    write: WriteList,
    at_terminal: Callable[[str], None],
    answer: str,
    exit_code: int,
) -> None:
    """Only a yes is one."""
    write(*rows(*numbers(2), "nobody"))
    at_terminal(answer)

    ran = at_sandbox(*SMS)

    assert "Send to the other 2? [y/N]" in ran.err
    assert exit_code == ran.exit_code
    assert ("✓ Sent to all 2" in ran.out) is (exit_code == 0)


# ------------------------------------------------------------------------------- resuming


def test_the_same_list_is_not_sent_twice(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Its journal is in the way, and says what was sent."""
    write(*rows(*numbers(3), REFUSED))
    at_sandbox(*SMS)

    ran = at_sandbox(*SMS)

    assert (2, 3) == (ran.exit_code, len(sandbox.messages))
    assert f"{JOURNAL} tells that this list was sent, or begun: 3 accepted, 1 rejected" in ran.err
    assert "--resume; or, to send to everybody again, move it away" in ran.err


def test_resuming_sends_what_is_new(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Corrected rows are sent; those that are settled, or may have been sent, are not."""
    write(*rows(*numbers(3), REFUSED, UNCERTAIN))
    at_sandbox(*SMS)
    write(*rows(*numbers(4), UNCERTAIN))

    ran = at_sandbox(*SMS, "--resume", "--json", "--uncertain", "uncertain.csv")

    result = ran.document["result"]
    assert (3, 1, 3, 1) == (
        ran.exit_code,
        result["accepted"],
        result["earlier"],
        result["uncertain"],
    )
    assert 4 == len(sandbox.messages)
    assert "Going on: 3 requests are settled already; 1 that are settled are no longer" in ran.err
    assert [UNCERTAIN] == [row["phone"] for row in read("uncertain.csv")]


def test_failed_rows_are_added_to(at_sandbox: Engagelab, write: WriteList) -> None:
    """What a run adds stands below what the run before it wrote; bad rows are there once."""
    write(*rows(REFUSED, "nobody"))
    at_sandbox(*SMS, "--failed", "failed.csv", "--skip-bad")
    write(*rows(REFUSED, "nobody", BLACKLISTED))

    at_sandbox(*SMS, "--failed", "failed.csv", "--skip-bad", "--resume")

    assert ["nobody", REFUSED, BLACKLISTED] == [row["phone"] for row in read("failed.csv")]


def test_uncertain_rows_are_written_down_once(at_sandbox: Engagelab, write: WriteList) -> None:
    """However often a run that may not send them goes on; bad rows that are new are added."""
    write(*rows(UNCERTAIN))
    for _ in range(3):
        at_sandbox(*SMS, "--uncertain", "uncertain.csv", "--failed", "failed.csv", "--resume")
        at_sandbox(*SMS, "--uncertain", "uncertain.csv", "--failed", "failed.csv")

    assert [UNCERTAIN] == [row["phone"] for row in read("uncertain.csv")]

    write(*rows(UNCERTAIN, "nobody"))
    at_sandbox(*SMS, "--failed", "failed.csv", "--resume", "--skip-bad")

    assert ["nobody"] == [row["phone"] for row in read("failed.csv")]


def test_what_is_uncertain_can_be_sent_again(at_sandbox: Engagelab, write: WriteList) -> None:
    """On request only."""
    write(*rows(UNCERTAIN))
    at_sandbox(*SMS)

    ran = at_sandbox(*SMS, "--resume", "--resend-uncertain", "--json")

    assert {"1000": 1} == ran.document["result"]["errors"]


@pytest.mark.parametrize(("answer", "exit_code"), [("yes\n", 0), ("\n", 2)])
def test_somebody_is_asked_whether_to_resume(
    at_sandbox: Engagelab,
    write: WriteList,
    at_terminal: Callable[[str], None],
    answer: str,
    exit_code: int,
) -> None:
    """At a terminal, a journal is a question."""
    write(*rows(*numbers(3)))
    at_sandbox(*SMS)
    at_terminal(answer)

    ran = at_sandbox(*SMS)

    assert "Go on where it ended? [y/N]" in ran.err
    assert exit_code == ran.exit_code


def test_a_journal_in_which_nothing_was_sent_is_no_obstacle(
    engagelab: Engagelab, at_sandbox: Engagelab, write: WriteList
) -> None:
    """A first try that failed as a whole is not in the way of the second."""
    write(*rows(*numbers(3)))
    first = engagelab(*SMS)

    assert 2 == first.exit_code
    assert "Nothing was sent" in first.out
    assert 0 == at_sandbox(*SMS).exit_code


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("--template 7", "--template 8"),
        ("--template 7 --targets-per-request 2", "--template 7 --targets-per-request 3"),
        ("--template 7 --targets-per-request 5", "--template 7"),
    ],
)
def test_another_job_is_not_taken_for_the_rest_of_this_one(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList, before: str, after: str
) -> None:
    """Requests that the journal does not know could reach people whom it knows."""
    write(*rows(*numbers(5)))
    at_sandbox("sms", "bulk", "people.csv", *before.split())

    ran = at_sandbox("sms", "bulk", "people.csv", *after.split(), "--resume", "--json")

    assert (2, 5) == (ran.exit_code, len(sandbox.messages))
    assert "are none that this command would make" in ran.error["message"]


def test_divided_requests_are_known_again(at_sandbox: Engagelab, write: WriteList) -> None:
    """A request that was sent in halves is settled by them."""
    write(*rows(*numbers(3), REFUSED))
    command = (*SMS, "--targets-per-request", "4", "--json")
    at_sandbox(*command)

    ran = at_sandbox(*command, "--resume")

    result = ran.document["result"]
    assert (1, 3, 1) == (ran.exit_code, result["earlier"], result["rejected_earlier"])


def test_what_was_refused_earlier_is_not_taken_for_sent(
    at_sandbox: Engagelab, write: WriteList
) -> None:
    """A run that goes on tells it, writes it down, and has the exit code for it."""
    write(*rows(*numbers(2), REFUSED))
    at_sandbox(*SMS)

    ran = at_sandbox(*SMS, "--resume", "--failed", "failed.csv", "--report", "report.html")

    seen = " ".join(ran.out.split())
    assert 1 == ran.exit_code
    assert "✗ Sent to 0 of 3; 2 settled earlier" in seen
    assert "rejected earlier 1 (refused in an earlier run; not tried again)" in seen
    assert [(REFUSED, "", "refused in an earlier run")] == [
        (row["phone"], row["error_code"], row["error_reason"]) for row in read("failed.csv")
    ]
    page = Path("report.html").read_text(encoding="utf-8")
    assert "rejected earlier</span>" in page
    assert "Correct what was refused in <code>failed.csv</code>" in page


def test_what_was_settled_earlier_is_not_called_sent(
    at_sandbox: Engagelab, write: WriteList
) -> None:
    """The journal does not know whom the platform dropped without a word."""
    write(*rows(*numbers(2), BLACKLISTED))
    at_sandbox(*SMS)

    assert "✓ All 3 settled earlier" in at_sandbox(*SMS, "--resume").out

    write(*rows(*numbers(3), BLACKLISTED))

    assert "✓ Sent to 1 of 4; 3 settled earlier" in at_sandbox(*SMS, "--resume").out


def test_there_has_to_be_something_to_resume(at_sandbox: Engagelab, write: WriteList) -> None:
    """A journal that is missing is no reason to begin from the beginning."""
    write(*rows(*numbers(3)))

    ran = at_sandbox(*SMS, "--resume", "--journal", "typo.db")

    assert 2 == ran.exit_code
    assert "--resume: there is no journal typo.db" in ran.err


def test_what_is_no_journal_is_left_alone(at_sandbox: Engagelab, write: WriteList) -> None:
    """Another file of that name is refused."""
    write(*rows(*numbers(3)))
    Path(JOURNAL).write_text("notes")

    ran = at_sandbox(*SMS, "--resume")

    assert (2, "notes") == (ran.exit_code, Path(JOURNAL).read_text())
    assert "is no journal" in ran.err
    assert "--journal" in ran.err


# ------------------------------------------------------------------------------- bad usage


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


def test_a_list_that_is_not_there(at_sandbox: Engagelab) -> None:
    """Scripts are told in JSON."""
    ran = at_sandbox("sms", "bulk", "nothing.csv", "--template", "7", "--json")

    assert (2, "UsageError") == (ran.exit_code, ran.error["type"])


def test_a_client_that_cannot_be_made(
    engagelab: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a key pair is told as for a single send."""
    write(*rows(*numbers(3)))
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_KEY", "key")

    ran = engagelab(*SMS, "--json")

    assert (2, "ConfigurationError") == (ran.exit_code, ran.error["type"])


def test_a_file_that_cannot_be_made(at_sandbox: Engagelab, write: WriteList) -> None:
    """Nothing is sent if there is no place for what fails."""
    write(*rows(*numbers(3)))

    ran = at_sandbox(*SMS, "--failed", "x" * 300, "--json")

    assert (2, "UsageError") == (ran.exit_code, ran.error["type"])


# ------------------------------------------------------------------------------- the way


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
    assert re.search(r"to go on\s+engagelab sms bulk people.csv .*--resume", ran.out)
    assert "The run was ended before the list was" in Path("report.html").read_text()


def test_progress_goes_to_standard_error(
    at_sandbox: Engagelab, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """On a terminal it is drawn, and taken away in the end."""
    write(*rows(*numbers(3)))
    at_terminal("")

    ran = at_sandbox(*SMS, "--json")

    assert 0 == ran.exit_code
    assert "of 3" in ran.err
    assert ran.document["ok"] is True


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


def test_a_row_that_cannot_be_written_ends_the_run(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no file can hold is told like a full disk, and is no crash after sending."""
    write('{"phone": "+10000003002", "note": "\\ud83d"}', header="", name="people.jsonl")
    monkeypatch.setattr("engagelab_async.cli.bulk.failed_rows.is_text", lambda _: True)

    ran = at_sandbox(
        "sms", "bulk", "people.jsonl", "--template", "7", "--failed", "failed.jsonl", "--json"
    )

    assert (1, 1) == (ran.exit_code, ran.document["result"]["rejected"])
    assert (
        "a file of rows cannot be written: UnicodeEncodeError" == ran.document["result"]["stopped"]
    )


def test_a_list_that_is_changed_before_it_is_sent(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told as what it is, and that nothing was sent."""
    write(*rows(*numbers(3)))

    def changed(*_: object) -> None:
        raise SourceError("people.csv: it was changed meanwhile")

    monkeypatch.setattr("engagelab_async.cli.bulk.sending.unsendable", changed)

    ran = at_sandbox(*SMS, "--failed", "failed.csv", "--json")

    assert (2, "people.csv: it was changed meanwhile") == (ran.exit_code, ran.error["message"])


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


def test_a_bug_is_uncertain(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw does not promise that nothing was sent."""
    write(*rows(*numbers(3)))

    def broken(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr("engagelab_async.cli.bulk.sending.Ledger", broken)

    ran = at_sandbox(*SMS, "--json")

    assert (3, "LookupError") == (ran.exit_code, ran.error["type"])


def test_ctrl_c_beside_the_run_is_uncertain(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pressed while the client is opened or closed, it promises nothing."""
    write(*rows(*numbers(3)))

    async def press(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(30)

    monkeypatch.setattr("engagelab_async.cli.bulk.command.send", press)

    ran = at_sandbox(*SMS, "--json")

    assert (3, "Interrupted") == (ran.exit_code, ran.error["type"])


def test_the_report_is_one_page(at_sandbox: Engagelab, write: WriteList) -> None:
    """It loads nothing, names nobody, and tells every count."""
    write(*rows(*numbers(30), BLACKLISTED, REFUSED, UNCERTAIN, "nobody"))

    at_sandbox(*SMS, "--skip-bad", "--report", "report.html", "--failed", "f&.csv")

    page = Path("report.html").read_text(encoding="utf-8")
    assert not re.search(r"\bsrc=|\bhref=|url\(|@import|<script", page)
    assert not re.search(r"\d{7}|Ada", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))
    assert "Sent to 30 of 33, and perhaps to 1 more" in page
    assert "f&amp;.csv" in page
    for section in ("What to do", "Rows a second", "Outcomes by code", "Time of a request"):
        assert f"<h2>{section}</h2>" in page
    assert STYLE in page


def test_a_report_of_nothing(at_sandbox: Engagelab, write: WriteList) -> None:
    """Sections without content are left out."""
    write()

    at_sandbox(*SMS, "--report", "report.html", "--rate", "5")

    page = Path("report.html").read_text(encoding="utf-8")
    assert ["The run"] == re.findall("<h2>(.*?)</h2>", page)
    assert "64 requests under way, 5 a second" in page


@pytest.mark.parametrize("options", [(), ("--no-reference",)])
def test_an_sms_bears_a_reference(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList, options: tuple[str, ...]
) -> None:
    """For its callbacks to bring back, unless it is not wanted."""
    write(*rows(*numbers(1)))

    assert 0 == at_sandbox(*SMS, *options).exit_code
    assert bool(options) is not bool(sandbox.last_message().custom_args)
