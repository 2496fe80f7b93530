"""A list to send to: a file, standard input or a pipe.

What can be read only once is kept in a temporary file: a list is read to be checked, and again to
be sent, so that one of any length takes little memory.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from engagelab_async.bulk.content import ListError, is_text
from engagelab_async.bulk.lists import BadRow, PeopleList, Row, column_name, shown

__all__ = [
    "STDIN",
    "BadRow",
    "ListError",
    "PeopleList",
    "Row",
    "column_name",
    "is_text",
    "open_list",
    "shown",
]

STDIN: Final = "-"


@contextmanager
def open_list(
    path: str, *, encoding: str | None = None, delimiter: str | None = None
) -> Iterator[PeopleList]:
    """Open a list.

    Args:
        path: A file, or ``-`` for standard input.
        encoding: Its encoding, if it has no byte order mark; defaults to UTF-8.
        delimiter: What separates the fields of a CSV; found in the header by default.

    Raises:
        ListError: It cannot be read, or is not a list.
    """
    name = "standard input" if path == STDIN else path
    with _stdin() if path == STDIN else _file(path) as file:
        yield PeopleList(file, name, encoding, delimiter)


@contextmanager
def _stdin() -> Iterator[BinaryIO]:
    # It is closed under systemd and cron.
    if sys.stdin is None:
        raise ListError("standard input: it is closed")
    with _spooled(sys.stdin.buffer, "standard input") as file:
        yield file


@contextmanager
def _file(path: str) -> Iterator[BinaryIO]:
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - the block is below
    except OSError as error:
        raise ListError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ListError(f"{path!r}: no file can have this name") from None
    with file:
        if file.seekable():
            yield file
        else:
            with _spooled(file, path) as spooled:
                yield spooled


@contextmanager
def _spooled(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        try:
            shutil.copyfileobj(stream, file)
        except OSError as error:
            raise ListError(f"{name}: {error.strerror}") from None
        yield file
