"""Lists for the tests to send to."""

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engagelab_async.cli.bulk.checks import Checker, Columns, Findings, check, phone
from engagelab_async.cli.bulk.rows import Row, Sheet, sheet
from engagelab_async.cli.bulk.source import Source, opened

WriteList = Callable[..., str]
NAMES = Columns("phone", {"name": "name"})


def numbers(count: int) -> list[str]:
    """Make up numbers."""
    return [f"+65{91_000_000 + number}" for number in range(count)]


def csv_of(*lines: str, header: str = "phone,name") -> bytes:
    """Write lines below a header."""
    return "\n".join([header, *lines, ""]).encode()


@contextmanager
def written(content: bytes, directory: Path) -> Iterator[Source]:
    """Open a list with some content."""
    path = directory / "list"
    path.write_bytes(content)
    with opened(str(path)) as source:
        yield source


def zipped(content: bytes) -> bytes:
    """Compress a list."""
    return gzip.compress(content, mtime=0)


@contextmanager
def sheet_of(content: bytes, directory: Path) -> Iterator[Sheet]:
    """Open a list with some content, and find out its form."""
    with written(content, directory) as source:
        yield sheet(source)


def rows_of(content: bytes, directory: Path) -> list[Row]:
    """Read the rows of a list."""
    with sheet_of(content, directory) as found:
        return list(found.rows())


def findings_of(content: bytes, directory: Path, columns: Columns = NAMES) -> Findings:
    """Check a list."""
    with sheet_of(content, directory) as found:
        return check(found, Checker(columns, phone))


class Stdin(io.TextIOWrapper):
    """Standard input with some content, at a terminal or not."""

    def __init__(self, content: bytes, *, is_terminal: bool = False) -> None:
        """Take the content."""
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Tell whether somebody sits there."""
        return self._is_terminal
