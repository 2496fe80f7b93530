"""Going on where an earlier run ended."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import (
    BLACKLISTED,
    JOURNAL,
    REFUSED,
    SMS,
    UNCERTAIN,
    WriteList,
    numbers,
    read,
    rows,
)


def test_the_same_list_is_not_sent_twice(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Its journal is in the way, and says what was sent."""
    write(*rows(*numbers(3), REFUSED))
    at_sandbox(*SMS)

    ran = at_sandbox(*SMS)

    assert (2, 3) == (ran.exit_code, len(sandbox.messages))
    assert f"{JOURNAL} has an earlier run of this list: 3 accepted, 1 rejected" in ran.err
    assert "--resume; or, to send to all again, move it away" in ran.err


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
    """However often the run is resumed; new bad rows are added."""
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
def test_at_a_terminal_it_is_asked_whether_to_go_on(
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
    assert "Nothing was sent" in first.err
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
    """Requests that the journal does not know could reach people that it knows."""
    write(*rows(*numbers(5)))
    at_sandbox("sms", "bulk", "people.csv", *before.split())

    ran = at_sandbox("sms", "bulk", "people.csv", *after.split(), "--resume", "--json")

    assert (2, 5) == (ran.exit_code, len(sandbox.messages))
    assert "are none that this command would make" in ran.error["message"]


def test_another_text_is_not_taken_for_the_rest_of_this_one(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Though some of the requests are the same by chance."""
    write(
        *(f"{number},Ada,{nick}" for number, nick in zip(numbers(3), "ABA", strict=True)),
        f"{numbers(4)[3]},Ada,Ada",
        header="phone,name,nick",
    )
    at_sandbox(*SMS)

    ran = at_sandbox(*SMS[:-1], "name=nick", "--resume", "--json")

    assert (2, 4) == (ran.exit_code, len(sandbox.messages))
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
    """The next run reports it, writes it to the file, and has the exit code for it."""
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
    """The journal does not know which numbers the platform dropped."""
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
