"""Lists for the tests to send to."""

import csv
import gzip
import io
import re
from collections.abc import Callable
from pathlib import Path

from engagelab_async.bulk.lists import PeopleList

WriteList = Callable[..., str]

SMS = ("sms", "bulk", "people.csv", "--template", "7", "--param", "name=name")
JOURNAL = "people.csv.journal.db"
BLACKLISTED, REFUSED, UNCERTAIN = "+10000005013", "+10000003002", "+10000001000"


def numbers(count: int) -> list[str]:
    """Make up numbers."""
    return [f"+65{91_000_000 + number}" for number in range(count)]


def csv_of(*lines: str, header: str = "phone,name") -> bytes:
    """Write lines below a header."""
    return "\n".join([header, *lines, ""]).encode()


def rows(*people: str) -> list[str]:
    """Make rows with the same name."""
    return [f"{number},Ada" for number in people]


def read(name: str) -> list[dict[str, str]]:
    """Read a file of rows."""
    return list(csv.DictReader(Path(name).read_text(encoding="utf-8-sig").splitlines()))


def words(text: str) -> str:
    """Return a text without escape sequences, and with single blanks."""
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).split())


def people_of(content: bytes, name: str = "people.csv") -> PeopleList:
    """Open a list with some content."""
    return PeopleList(io.BytesIO(content), name)


def zipped(content: bytes) -> bytes:
    """Compress a list."""
    return gzip.compress(content, mtime=0)


class Stdin(io.TextIOWrapper):
    """Standard input with some content, at a terminal or not."""

    def __init__(self, content: bytes, *, is_terminal: bool = False) -> None:
        """Take the content."""
        super().__init__(io.BytesIO(content), encoding="utf-8")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._is_terminal
