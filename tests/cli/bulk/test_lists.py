"""Lists as files, pipes and standard input."""

import io
import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from engagelab_async.bulk.content import ListError
from engagelab_async.bulk.lists import Row
from engagelab_async.cli.bulk.lists import open_list
from support.command import Engagelab
from support.lists import Stdin, csv_of, zipped

LIST = csv_of("+6591234567,Ada", "+6591234568,Zoë")
NAMES = ["Ada", "Zoë"]


def names(path: str) -> list[list[str]]:
    """Read the names of a list, twice."""
    with open_list(path) as people:
        return [[row.values["name"] for row in people if isinstance(row, Row)] for _ in range(2)]


@pytest.mark.parametrize("content", [LIST, zipped(LIST)])
def test_a_file_is_read_twice(content: bytes, tmp_path: Path) -> None:
    """Once to be checked, and once to be sent."""
    (tmp_path / "people.csv").write_bytes(content)

    assert [NAMES, NAMES] == names(str(tmp_path / "people.csv"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("content", [LIST, zipped(LIST)])
def test_a_pipe_is_read_twice_as_well(content: bytes, tmp_path: Path) -> None:
    """A shell makes one of ``<(zcat people.csv.gz)``."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()

    assert [NAMES, NAMES] == names(str(pipe))

    writer.join()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd")
def test_process_substitution_is_read_twice_as_well() -> None:
    """A shell names the pipe by its descriptor, as ``/dev/stdin`` does."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as writer:
        writer.write(LIST)
    try:
        assert [NAMES, NAMES] == names(f"/dev/fd/{read}")
    finally:
        os.close(read)


@pytest.mark.parametrize("content", [LIST, zipped(LIST), b"\xef\xbb\xbf" + LIST])
def test_standard_input_is_read_twice_as_well(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be read once is kept for the second time; a mark at its start goes away."""
    monkeypatch.setattr("sys.stdin", Stdin(content))

    assert [NAMES, NAMES] == names("-")


@pytest.mark.skipif(os.name != "posix", reason="no modes of files")
def test_what_is_kept_is_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing but this process can read the copy of standard input."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("sys.stdin", Stdin(LIST))
    before = os.umask(0)
    try:
        with open_list("-"):
            modes = [stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()]
    finally:
        os.umask(before)

    assert set(modes) <= {0o600}


def test_options_are_passed_on(tmp_path: Path) -> None:
    """An encoding, and a delimiter."""
    path = tmp_path / "people.csv"
    path.write_bytes("phone;name,\n1;José\n".encode("cp1252"))

    with open_list(str(path), encoding="cp1252", delimiter=";") as people:
        (row,) = people
        assert Row(2, {"phone": "1", "name,": "José"}, "1;José") == row
        assert str(path) == people.name


def test_standard_input_may_be_closed(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a service manager nothing can be read from it."""
    monkeypatch.setattr("sys.stdin", None)

    ran = engagelab("sms", "bulk", "-", "--template", "7", "--template-text", "Hi", "--dry-run")

    assert 2 == ran.exit_code
    assert "standard input: it is empty" in ran.err


@pytest.mark.skipif(os.name != "posix", reason="a directory cannot be opened")
def test_a_directory_as_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reason is the system's: ``< people/``."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with (
        io.FileIO(os.dup(0), closefd=True) as raw,
        io.TextIOWrapper(io.BufferedReader(raw)) as text,
    ):
        os.dup2(descriptor, raw.fileno())
        os.close(descriptor)
        monkeypatch.setattr("sys.stdin", text)

        with pytest.raises(ListError, match="standard input: Is a directory"), open_list("-"):
            pass


@pytest.mark.parametrize(
    ("name", "reason"), [("nothing", "No such file"), (".", "directory"), ("a\0b", "no file can")]
)
def test_a_file_that_cannot_be_opened(name: str, reason: str, tmp_path: Path) -> None:
    """The reason is the system's."""
    with pytest.raises(ListError, match=reason), open_list(f"{tmp_path}/{name}"):
        pass


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd")
def test_a_pipe_has_no_place_for_a_journal(engagelab: Engagelab, origin: str) -> None:
    """It has to be named; a dry run needs none."""
    command = ("sms", "bulk", "--template", "7", "--sandbox", origin, "--json")
    read, write = os.pipe()
    try:
        os.write(write, b"phone\n+6591234567\n")
        os.close(write)

        refused = engagelab(*command, f"/dev/fd/{read}")
        dry = engagelab(*command, f"/dev/fd/{read}", "--dry-run")
    finally:
        os.close(read)

    assert (2, 0) == (refused.exit_code, dry.exit_code)
    assert "--journal: say where to keep it" in refused.error["message"]
    assert dry.document["result"]["journal"] is None
