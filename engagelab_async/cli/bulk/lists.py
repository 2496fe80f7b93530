"""A list to send to: a file, standard input or a pipe.

What can be read only once is kept in a temporary file: a list is read to be checked, and again to
be sent, so that one of any length takes little memory.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    is_file = path != STDIN
    name = path if is_file else "standard input"
    with ExitStack() as stack:
        file: BinaryIO
        try:
            file = stack.enter_context(Path(path).open("rb")) if is_file else sys.stdin.buffer
            if not (is_file and file.seekable()):
                stream, file = file, stack.enter_context(tempfile.TemporaryFile())
                shutil.copyfileobj(stream, file)
        except OSError as error:
            raise ListError(f"{name}: {error.strerror}") from None
        except ValueError:
            raise ListError(f"{path!r}: no file can have this name") from None
        yield PeopleList(file, name, encoding, delimiter)
