"""What is said of a run at its end."""

import re
import shlex
from collections.abc import Callable

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import REFUSED, SMS, WriteList, numbers, rows, words

RED = re.compile(r"\x1b\[[0-9;]*31m")


def test_the_pace_is_that_of_what_was_sent(at_sandbox: Engagelab, write: WriteList) -> None:
    """What was settled earlier took no request."""
    write(*rows(*numbers(30)))
    at_sandbox(*SMS)
    write(*rows(*numbers(31)))

    ran = at_sandbox(*SMS, "--resume")
    again = at_sandbox(*SMS, "--resume", "--json").document["result"]

    assert "pace 1 requests in" in words(ran.out)
    assert (0, 31) == (again["requests"], again["earlier"])


def test_without_requests_there_is_no_latency(at_sandbox: Engagelab, write: WriteList) -> None:
    """Half of nothing took no time."""
    write(*rows(*numbers(3)))
    at_sandbox(*SMS)

    assert "latency" not in at_sandbox(*SMS, "--resume").out


def test_the_command_to_go_on_is_one_line(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However narrow the terminal is, so that it can be copied."""
    monkeypatch.setenv("COLUMNS", "40")
    write(*rows(*numbers(50)))

    ran = at_sandbox(
        *("sms", "bulk", "people.csv", "--template", "missing", "--param", "name=name"),
        *("--report", "a report with a long name.html", "--max-in-flight", "1"),
    )

    (line,) = (line for line in ran.out.splitlines() if line.startswith("To go on: "))
    command = shlex.split(line.removeprefix("To go on: "))
    assert ["engagelab", "sms", "bulk", "people.csv"] == command[:4]
    assert "--resume" == command[-1]


def test_what_is_safe_is_not_red(
    at_sandbox: Engagelab, write: WriteList, at_terminal: Callable[[str], None], sandbox: Sandbox
) -> None:
    """That nothing was sent is no alarm; a refused row is."""
    write(*rows(*numbers(2)))
    at_terminal("n\n")
    declined = at_sandbox(*SMS)

    assert (2, 0) == (declined.exit_code, len(sandbox.messages))
    assert not RED.search(declined.err)


def test_a_refused_row_is_in_the_title(at_sandbox: Engagelab, write: WriteList) -> None:
    """With the mark of a failure."""
    write(*rows(*numbers(2), REFUSED))

    assert at_sandbox(*SMS).out.startswith("✗ Sent to 2 of 3")
