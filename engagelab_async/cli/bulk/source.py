"""A list to read: a file or standard input, plain or gzipped, as text that can be read twice.

Everything is read once to be checked and once to be sent, so that a list of any length takes
little memory. Standard input or a pipe, which can be read once, is kept in a temporary file
meanwhile.
"""

import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from attrs import define

STDIN: Final = "-"

_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
# What spreadsheets save when nobody tells them otherwise.
_WRONG_KINDS: Final = {
    b"PK\x03\x04": "it is a workbook or a zip archive; save the sheet as CSV, UTF-8",
    b"\xd0\xcf\x11\xe0": "it is a workbook; save the sheet as CSV, UTF-8",
    b"\xff\xfe": "it is UTF-16; save it as CSV, UTF-8",
    b"\xfe\xff": "it is UTF-16; save it as CSV, UTF-8",
}


_Bytes: TypeAlias = io.BufferedReader | io.BufferedRandom | gzip.GzipFile


class SourceError(ValueError):
    """A list cannot be read, or is no list; the text quotes nothing that stands in it."""


@define(eq=False)
class Source:
    """An open list.

    Attributes:
        name: What people call it.
    """

    name: str
    _file: _Bytes
    _zipped: bool

    @property
    def has_bom(self) -> bool:
        """Whether the text begins with a byte order mark, as spreadsheets want it."""
        with self._content() as content:
            return content.read(len(_BOM)) == _BOM

    def lines(self) -> Generator[str, None, None]:
        """Read it from its beginning, line by line, with the line ends.

        Bytes that are not UTF-8 come as lone surrogates: one bad row is not to hide the others.

        Raises:
            SourceError: The file is damaged.
        """
        with self._content() as content:
            text = io.TextIOWrapper(content, "utf-8-sig", errors="surrogateescape", newline="")
            try:
                # Not from the file itself, which would be closed with this generator.
                yield from iter(text.readline, "")
            finally:
                # A run that was ended may let go of this after the file was closed.
                if not content.closed:
                    text.detach()

    @contextmanager
    def _content(self) -> Iterator[_Bytes]:
        self._file.seek(0)
        try:
            if self._zipped:
                with gzip.open(self._file) as content:
                    yield content
            else:
                yield self._file
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{self.name}: cannot be read to its end; is it whole?") from error


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """Open a list.

    Args:
        path: A file, or ``-`` for standard input.

    Raises:
        SourceError: It cannot be opened, or is of a kind that cannot be read.
    """
    name = "standard input" if path == STDIN else path
    with _spooled(sys.stdin.buffer) if path == STDIN else _file(path) as file:
        start = file.read(4)
        for magic, what in _WRONG_KINDS.items():
            if start.startswith(magic):
                raise SourceError(f"{name}: {what}")
        yield Source(name, file, start.startswith(_GZIP))


@contextmanager
def _file(path: str) -> Iterator[_Bytes]:
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - the block is below
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from None
    with file:
        if file.seekable():
            yield file
        else:
            with _spooled(file) as spooled:
                yield spooled


@contextmanager
def _spooled(stream: BinaryIO) -> Iterator[_Bytes]:
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        file.seek(0)
        yield file
