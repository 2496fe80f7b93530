"""Rows that cannot be sent."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import JOURNAL, SMS, WriteList, numbers, read, rows


def test_bad_rows_stop_everything(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Without a terminal to ask at, nothing is sent, and the lines are named."""
    write(*rows(*numbers(2), "nobody"))

    ran = at_sandbox(*SMS)

    assert (2, 0) == (ran.exit_code, len(sandbox.messages))
    assert "1 of 3 rows cannot be sent:\n  line 4: phone: not a phone number" in ran.err
    assert "--skip-bad" in ran.err
    assert not Path(JOURNAL).exists()


def test_bad_rows_for_scripts(at_sandbox: Engagelab, write: WriteList) -> None:
    """The JSON object lists them."""
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


def test_an_open_quote_hides_no_row(
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
def test_at_a_terminal_it_is_asked(
    at_sandbox: Engagelab,
    write: WriteList,
    at_terminal: Callable[[str], None],
    answer: str,
    exit_code: int,
) -> None:
    """Only a yes sends to the others."""
    write(*rows(*numbers(2), "nobody"))
    at_terminal(answer)

    ran = at_sandbox(*SMS)

    assert "Send to the other 2? [y/N]" in ran.err
    assert exit_code == ran.exit_code
    assert ("✓ Sent to all 2" in ran.out) is (exit_code == 0)
