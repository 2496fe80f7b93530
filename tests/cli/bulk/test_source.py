"""Lists as files, and as standard input."""

import os
import threading
from pathlib import Path

import pytest

from engagelab_async.cli.bulk.source import SourceError, opened
from support.lists import Stdin, csv_of, written, zipped

LIST = csv_of("+6591234567,Ada", "+6591234568,Zoë")
LINES = ["phone,name\n", "+6591234567,Ada\n", "+6591234568,Zoë\n"]
BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize("is_zipped", [False, True])
@pytest.mark.parametrize("bom", [b"", BOM])
def test_a_file_is_read_as_often_as_wanted(bom: bytes, is_zipped: bool, tmp_path: Path) -> None:
    """Plain or gzipped, with or without a byte order mark, it gives the same lines twice."""
    content = zipped(bom + LIST) if is_zipped else bom + LIST

    with written(content, tmp_path) as source:
        assert [LINES, LINES] == [list(source.lines()), list(source.lines())]
        assert bool(bom) is source.has_bom


def test_reading_may_be_given_up_and_begun_again(tmp_path: Path) -> None:
    """Leaving a list in the middle does not close it."""
    with written(LIST, tmp_path) as source:
        lines = source.lines()
        assert LINES[0] == next(lines)
        lines.close()

        assert LINES == list(source.lines())


@pytest.mark.parametrize("content", [LIST, zipped(LIST)])
def test_reading_may_be_given_up_after_the_file_is_closed(content: bytes, tmp_path: Path) -> None:
    """Whoever still holds lines of it can let go of them."""
    with written(content, tmp_path) as source:
        lines = source.lines()
        next(lines)

    lines.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("content", [LIST, zipped(LIST)])
def test_a_pipe_is_read_twice_as_well(content: bytes, tmp_path: Path) -> None:
    """A shell makes one of ``<(zcat people.csv.gz)``."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()

    with opened(str(pipe)) as source:
        assert [LINES, LINES] == [list(source.lines()), list(source.lines())]

    writer.join()


@pytest.mark.parametrize("content", [LIST, zipped(LIST)])
def test_standard_input_is_read_twice_as_well(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be read once is kept for the second time."""
    monkeypatch.setattr("sys.stdin", Stdin(content))

    with opened("-") as source:
        assert "standard input" == source.name
        assert [LINES, LINES] == [list(source.lines()), list(source.lines())]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04rest", "it is a workbook or a zip archive"),
        (b"\xd0\xcf\x11\xe0rest", "it is a workbook"),
        ("phone".encode("utf-16"), "it is UTF-16; save it as CSV, UTF-8"),
        (b"\xfe\xff\x00p", "it is UTF-16"),
    ],
)
def test_what_spreadsheets_save_otherwise_is_named(
    content: bytes, what: str, tmp_path: Path
) -> None:
    """A file of the wrong kind is refused with what to do about it."""
    with pytest.raises(SourceError, match=what), written(content, tmp_path):
        pass


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The reason is the system's."""
    with pytest.raises(SourceError, match="No such file"), opened(str(tmp_path / "nothing")):
        pass


@pytest.mark.parametrize("damaged", [zipped(LIST)[:-12], zipped(LIST)[:20] + b"x" * 40])
def test_a_damaged_archive(damaged: bytes, tmp_path: Path) -> None:
    """A gzipped list that ends early, or was changed, is refused."""
    with (
        written(damaged, tmp_path) as source,
        pytest.raises(SourceError, match="cannot be read to its end"),
    ):
        list(source.lines())
