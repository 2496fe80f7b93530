"""What is personal stays with its owner: files, rows that are taken for a header, texts."""

import gzip
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import WriteList, numbers

SMS = ("sms", "bulk", "people.csv", "--template", "7")
FILES = ("--failed", "failed.csv", "--uncertain", "uncertain.csv", "--report", "report.html")
WRITTEN = ("failed.csv", "uncertain.csv", "report.html", "people.csv.journal.db")
REFUSED, UNCERTAIN = "+10000003002", "+10000001000"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


def mode(path: str | Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(Path(path).stat().st_mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Have files made with a mask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


class TestFiles:
    """Files that hold numbers, texts or what became of people."""

    @pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
    def test_are_for_their_owner_alone(
        self, at_sandbox: Engagelab, write: WriteList, mask: int
    ) -> None:
        """Whatever the mask of the shell is."""
        write(*numbers(2), REFUSED, UNCERTAIN, header="phone")
        with umask(mask):
            at_sandbox(*SMS, *FILES)

        assert dict.fromkeys(WRITTEN, 0o600) == {name: mode(name) for name in WRITTEN}

    def test_are_so_from_their_first_moment(self, at_sandbox: Engagelab, write: WriteList) -> None:
        """A file that others can read does not come to be, not even while it is empty."""
        write(*numbers(2), REFUSED, UNCERTAIN, header="phone")
        made: dict[str, int] = {}

        def look(event: str, arguments: tuple[object, ...]) -> None:
            # A hook cannot be taken away; it has seen all once all are there.
            if event == "open" and len(made) < len(WRITTEN[:3]):
                made.update((n, mode(n)) for n in WRITTEN[:3] if n not in made and Path(n).exists())

        sys.addaudithook(look)
        with umask(0):
            at_sandbox(*SMS, *FILES)
        made.update((name, mode(name)) for name in WRITTEN[:3])

        assert {0o600} == set(made.values())

    def test_keep_what_somebody_gave_them(self, at_sandbox: Engagelab, write: WriteList) -> None:
        """A colleague who was let in stays let in when a later run adds rows."""
        write(*numbers(2), REFUSED, UNCERTAIN, header="phone")
        at_sandbox(*SMS, *FILES)
        for name in WRITTEN[:3]:
            Path(name).chmod(0o640)
        at_sandbox(*SMS, *FILES, "--resume")

        assert [0o640] * 3 == [mode(name) for name in WRITTEN[:3]]

    def test_are_not_written_where_another_put_a_link(
        self, at_sandbox: Engagelab, write: WriteList
    ) -> None:
        """In a directory of everybody, a name that leads elsewhere is refused."""
        write(*numbers(2), REFUSED, header="phone")
        Path("failed.csv").symlink_to("elsewhere.csv")

        ran = at_sandbox(*SMS, "--failed", "failed.csv")

        assert 2 == ran.exit_code
        assert "failed.csv cannot be written: File exists" in ran.err
        assert not Path("elsewhere.csv").exists()

    @pytest.mark.parametrize("mask", [0o000, 0o022])
    def test_of_the_sandbox(self, tmp_path: Path, mask: int) -> None:
        """What a sandbox keeps, its log included."""
        with umask(mask), Sandbox(store=tmp_path / "sandbox.json"):
            modes = {each.name: mode(each) for each in tmp_path.iterdir()}

        assert {0o600} == set(modes.values())
        assert "sandbox.json" in modes


PEOPLE = (
    ["Your code 482", "Ada Lovelace", "+65 912 345 67"],
    ["Ada Lovelace", "ada@example.com"],
    ["ADA", "65-9123-4567", "Lovelace"],
    ["91234567", "Ada"],
    ["Dear Ada, your order is on its way and will be there soon, we hope", "+6591234567"],
    ["Zoë", "(0)20 7946 0958"],
    ["Ada\u202e", "Lovelace", "\uff11\uff12\uff13\uff14"],
    ["=1+1", "Ada"],
)


class TestAListWithoutAHeader:
    """Its first row is somebody."""

    @pytest.mark.parametrize("row", PEOPLE)
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize(
        "options", [(), ("--json",), ("--dry-run", "--template-text", "Hi"), ("--verbose",)]
    )
    def test_is_not_quoted(
        self,
        at_shared_sandbox: Engagelab,
        tmp_path: Path,
        row: list[str],
        separator: str,
        options: tuple[str, ...],
    ) -> None:
        """No name is shown when one of them is none."""
        path = tmp_path / "people.csv"
        line = separator.join(f'"{each}"' for each in row)
        path.write_bytes(gzip.compress(f"{line}\n{line}\n".encode(), mtime=0))

        ran = at_shared_sandbox("sms", "bulk", str(path), "--template", "7", *options)

        assert 2 == ran.exit_code
        assert [] == [each for each in row if each in ran.seen or json.dumps(each) in ran.seen]
        assert "it has no column 'phone', but …, …" in (
            ran.error["message"] if "--json" in options else ran.err
        )

    def test_is_not_quoted_when_it_is_named(self, at_sandbox: Engagelab, write: WriteList) -> None:
        """Nor when an option takes a number for a column."""
        write("+6591234568,Bob", "nobody,Eve", header="+6591234567,Ada")

        ran = at_sandbox(*SMS, "--to-column", "+6591234567", "--json")

        assert (
            "…: not a phone number with its country code"
            == (ran.document["problems"][0]["problem"])
        )
        assert "6591234567" not in ran.seen

    def test_two_of_a_kind_are_not_quoted(self, at_sandbox: Engagelab, write: WriteList) -> None:
        """Nor in another complaint about the header."""
        write(header="+6591234567,Ada,Ada")

        ran = at_sandbox(*SMS)

        assert "two columns have one name: …, …, …" in ran.err

    @pytest.mark.parametrize(
        "header",
        [
            "mobile,name",
            "Phone (mobile),First name,Order-ID,address_2",
            "电话,名字",
            "Телефон,Имя",
            "e-mail,Nr.,_id",
        ],
    )
    def test_a_header_is_shown(self, at_sandbox: Engagelab, write: WriteList, header: str) -> None:
        """With names that are names, people see which one they meant."""
        write(header=header)

        assert f"but {header.replace(',', ', ')}; see --to-column" in at_sandbox(*SMS).err
