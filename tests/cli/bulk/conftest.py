"""What the tests of bulk sending share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.lists import Stdin, WriteList, csv_of


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteList:
    """Write a list into an empty working directory, and give its name."""
    monkeypatch.chdir(tmp_path)

    def write_list(*lines: str, header: str = "phone,name", name: str = "people.csv") -> str:
        Path(name).write_bytes(csv_of(*lines, header=header))
        return name

    return write_list


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Somebody sits there, and types something."""

    def sit(answer: str) -> None:
        monkeypatch.setattr("sys.stdin", Stdin(answer.encode(), is_terminal=True))
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    return sit
