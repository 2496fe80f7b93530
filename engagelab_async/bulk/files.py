"""The SQLite files of bulk runs: made whole, told from others by their header, and read untouched."""

from __future__ import annotations

import os
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import frozen

from engagelab_async.errors import ConfigurationError

# The first 72 bytes of an SQLite file, of which bytes 60 to 63 are the user's version and 68 to 71
# the application's id (section 1.3 of the file format).
_HEADER: Final = struct.Struct(">60xi4xi")

held: Final[set[Path]] = set()
"""The journals that runs of this process have open."""


class JournalError(ConfigurationError):
    """A journal cannot be used: it is in use, damaged, of another version, or no journal."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say what is wrong with a file in words of ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorname == "SQLITE_BUSY"
        why = "is in use by another run" if busy else f"cannot be opened ({error})"
        raise JournalError(f"journal: {path} {why}") from error
    except sqlite3.DatabaseError as error:
        raise JournalError(f"journal: {path} is damaged ({error})") from error
    except OSError as error:
        raise JournalError(f"journal: {path} cannot be opened ({error.strerror})") from error


@frozen
class Kind:
    """A kind of file.

    Attributes:
        application: Its id in the header.
        version: Its version there.
        schema: The statements that make its tables.
    """

    application: int
    version: int
    schema: str

    def create(self, path: Path) -> None:
        """Make a file, unless somebody else makes it at the same moment."""
        # Made aside and put in its place whole: a file is there or not, but never half of one, and
        # of two processes that make it at once, one finds that of the other.
        number, aside = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(number)
        try:
            with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
                connection.executescript(self.schema)
                connection.execute(f"PRAGMA application_id = {self.application}")
                connection.execute(f"PRAGMA user_version = {self.version}")
            with suppress(FileExistsError):
                os.link(aside, path)
        finally:
            Path(aside).unlink()

    def check(self, path: Path) -> None:
        """Look at a file without changing anything in it or beside it.

        Raises:
            JournalError: It is of another kind, damaged, of another version, or in use.
        """
        with self.reading(path):
            pass

    @contextmanager
    def reading(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Open a file to read it, without taking it or changing anything in it or beside it.

        Raises:
            JournalError: It is of another kind, damaged, of another version, or in use.
        """
        # Where locks belong to the process, closing the file, which is done below, would give away
        # that of a run which has it open.
        if path.resolve() in held:
            raise JournalError(f"journal: {path} is in use by another run")
        with told(path):
            self._check_header(path)
            # Without a log beside it nobody has it open, and SQLite need not make one to read it.
            mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
            uri = f"{path.absolute().as_uri()}?{mode}"
            with closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection:
                (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if problem != "ok":
                    raise sqlite3.DatabaseError(problem)
                yield connection

    def _check_header(self, path: Path) -> None:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(b"SQLite format 3\0"):
            raise JournalError(f"journal: {path} is no journal")
        version, application = _HEADER.unpack(header)
        if application != self.application:
            raise JournalError(f"journal: {path} is no journal")
        if version != self.version:
            msg = f"is of version {version}; this engagelab-async reads {self.version}"
            raise JournalError(f"journal: {path} {msg}")
