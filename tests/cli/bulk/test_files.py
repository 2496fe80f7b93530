"""Files for rows that cannot be written."""

from pathlib import Path
from typing import Any

import pytest

from support.command import Engagelab
from support.lists import Stdin, WriteList, numbers

SEND = ("sms", "bulk", "people.csv", "--template", "7", "--failed", "failed.csv")


class Changing(Stdin):
    """A terminal at which somebody answers, and changes the list meanwhile."""

    def readline(self, size: Any = -1, /) -> str:  # type: ignore[override]  # noqa: ANN401
        """Answer."""
        Path("people.csv").write_text("phone\n" + "other\n" * 40)
        return super().readline(size)


def test_a_file_of_an_earlier_version_is_refused(at_sandbox: Engagelab, write: WriteList) -> None:
    """It is left as it is, and nothing is sent."""
    write(*numbers(2), header="phone")
    at_sandbox(*SEND[:-2])
    Path("failed.csv").write_text("phone,error_code,error_reason\n")
    ran = at_sandbox(*SEND, "--resume")

    assert 2 == ran.exit_code
    assert "other columns" in ran.err
    assert "phone,error_code,error_reason\n" == Path("failed.csv").read_text()


def test_a_list_that_changes_while_it_is_asked_about(
    at_sandbox: Engagelab, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bad rows are read again, and are others by now."""
    write(*numbers(2), *(f"bad {n}" for n in range(40)), header="phone")
    monkeypatch.setattr("sys.stdin", Changing(b"y\n", is_terminal=True))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    ran = at_sandbox(*SEND, "--skip-bad")

    assert 2 == ran.exit_code
    assert "changed" in ran.err
