"""The SQLite files of bulk runs: made whole, told from others, and read without a change."""

from __future__ import annotations

import os
import sqlite3
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import frozen

from engagelab_async.errors import ConfigurationError

from .wal import is_damaged

# The first 72 bytes of an SQLite file, of which bytes 60 to 63 are the user's version and 68 to 71
# the application's id (section 1.3 of the file format).
_HEADER: Final = struct.Struct(">60xi4xi")

held: Final[set[tuple[int, int]]] = set()
"""The journals that runs of this process have open, by `inode`: a file can have several names."""

door: Final = threading.RLock()
"""One at a time opens or reads a file. Locks belong to the process: closing it, as a reader does,
would give away the lock of a run that has opened it meanwhile."""


class JournalError(ConfigurationError):
    """A journal cannot be used.

    It is in use, damaged, parted from its log, of another version, of another place, or no journal.
    """


def inode(path: Path) -> tuple[int, int]:
    """Identify a file, whatever its name."""
    found = path.stat()
    return found.st_dev, found.st_ino


def log_of(path: Path) -> Path:
    """Return where SQLite keeps the log of a file: where that really is."""
    real = path.resolve()
    return real.with_name(f"{real.name}-wal")


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
    except ValueError as error:
        # No file can have such a name.
        raise JournalError(f"journal: {str(path)!r} cannot be opened ({error})") from error


@frozen
class Kind:
    """A kind of file.

    Attributes:
        application: Its id in the header.
        versions: The statements that make each version out of the one before.
    """

    application: int
    versions: tuple[str, ...]

    @property
    def version(self) -> int:
        """The version that is written."""
        return len(self.versions)

    def create(self, path: Path) -> None:
        """Make a file, unless somebody else makes it at the same moment."""
        # Made aside and put in its place whole: a file is there or not, but never half of one, and
        # of two processes that make it at once, one finds that of the other.
        number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(number)
        aside = Path(name)
        try:
            with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
                connection.execute(f"PRAGMA application_id = {self.application}")
                self.migrate(connection)
            _put(aside, path)
        finally:
            aside.unlink(missing_ok=True)

    def migrate(self, connection: sqlite3.Connection) -> None:
        """Bring an open file to the version that is written, from any before.

        Args:
            connection: The file, in a transaction if there is to be one.
        """
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, statements in enumerate(self.versions[version:], version + 1):
            for statement in statements.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def reading(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Open a file to read it, without taking it or changing anything in it.

        Raises:
            JournalError: It is of another kind, damaged, of another version, or in use.
        """
        with door, told(path), self.looked_at(path) as connection:
            yield connection

    @contextmanager
    def looked_at(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Open a file as `reading` does, for who stands in the `door` already."""
        if inode(path) in held:
            raise JournalError(f"journal: {path} is in use by another run")
        log = log_of(path)
        for each in (path, log):
            if each.exists() and not each.is_file():
                # To open a pipe waits for its writer.
                raise JournalError(f"journal: {each} cannot be opened (not a file)")
        self._check_header(path)
        if log.exists() and is_damaged(log):
            raise sqlite3.DatabaseError("its log has a flaw")
        # Where it really is, its log is. And a name such as ":memory:" means something else to
        # SQLite. Without a log beside it nobody has it open, and SQLite need not make one to read.
        uri = f"{path.resolve().as_uri()}?{'mode=ro' if log.exists() else 'immutable=1'}"
        with (
            _without_a_trace(log.with_name(f"{path.resolve().name}-shm")),
            closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection,
        ):
            self.insist_on(connection, path)
            yield connection

    def insist_on(self, connection: sqlite3.Connection, path: Path) -> None:
        """Look whether an open file is one, and whole.

        Raises:
            JournalError: It is of another kind, or of another version.
            sqlite3.DatabaseError: It is damaged.
        """
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        self._compare(path, application, version)
        (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if problem != "ok":
            raise sqlite3.DatabaseError(problem)

    def _check_header(self, path: Path) -> None:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(b"SQLite format 3\0"):
            raise JournalError(f"journal: {path} is no journal")
        version, application = _HEADER.unpack(header)
        self._compare(path, application, version)

    def _compare(self, path: Path, application: int, version: int) -> None:
        if application != self.application:
            raise JournalError(f"journal: {path} is no journal")
        if not 1 <= version <= self.version:
            known = "1" if self.version == 1 else f"1 to {self.version}"
            msg = f"is of version {version}; this engagelab-async reads {known}"
            raise JournalError(f"journal: {path} {msg}: use the one that wrote it, or a later one")


@contextmanager
def _without_a_trace(shared_memory: Path) -> Iterator[None]:
    """Delete the index that SQLite makes of a log to read it; a run has it in its own memory."""
    was_there = shared_memory.exists()
    try:
        yield
    finally:
        if not was_there:
            shared_memory.unlink(missing_ok=True)


def _put(aside: Path, path: Path) -> None:
    with suppress(FileExistsError):
        try:
            os.link(aside, path)
        except PermissionError:
            # Some file systems of memory cards and of networks have no links.
            aside.rename(path)
