"""What the tests of bulk sending share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab, Ran
from support.lists import Stdin, WriteList, csv_of

TEXT = "Order {{order}} is ready, {{name}}"
BULK = ("sms", "bulk", "people.csv", "--template", "order")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteList:
    """Write a list into an empty working directory, and return its name."""
    monkeypatch.chdir(tmp_path)

    def write_list(*lines: str, header: str = "phone,name", name: str = "people.csv") -> str:
        Path(name).write_bytes(csv_of(*lines, header=header))
        return name

    return write_list


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make it a terminal at which something is typed."""

    def sit(answer: str) -> None:
        monkeypatch.setattr("sys.stdin", Stdin(answer.encode(), is_terminal=True))
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    return sit


@pytest.fixture
def shop() -> Iterator[Sandbox]:
    """A running sandbox with a template, whose text has two variables."""
    with Sandbox(templates={"order": TEXT}) as sandbox:
        yield sandbox


@pytest.fixture
def at_shop(engagelab: Engagelab, shop: Sandbox) -> Engagelab:
    """The bulk command with that template."""

    def run(*arguments: str) -> Ran:
        origin = shop.otp_base_url.removesuffix("/otp")
        return engagelab(*BULK, *arguments, "--sandbox", origin)

    return run
