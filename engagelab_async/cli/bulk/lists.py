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

from engagelab_async.bulk.content import ListError
from engagelab_async.bulk.lists import PeopleList

STDIN: Final = "-"


def has_place(path: str) -> bool:
    """Return whether a journal can be kept beside a list, which a pipe has no place for."""
    return path != STDIN and not path.startswith(("/dev/", "/proc/"))


@contextmanager
def open_list(
    path: str, *, encoding: str | None = None, delimiter: str | None = None
) -> Iterator[PeopleList]:
    """Open a file, or ``-`` for standard input, as a `PeopleList`; raise as that does."""
    name = "standard input" if path == STDIN else path
    if path == STDIN and sys.stdin is None:  # under systemd and cron
        raise ListError(f"{name}: it is closed")
    with _spooled(sys.stdin.buffer, name) if path == STDIN else _file(path) as file:
        yield PeopleList(file, name, encoding, delimiter)


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
