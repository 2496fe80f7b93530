"""The SQLite files of bulk runs: create them, recognize them, and read them unchanged."""

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

from .protocol import JournalError
from .wal import is_damaged

# The first 72 bytes of an SQLite file, of which bytes 60 to 63 are the user's version and 68 to 71
# the application's id (section 1.3 of the file format).
_HEADER: Final = struct.Struct(">60xi4xi")

open_inodes: Final[set[tuple[int, int]]] = set()
"""The journals that runs in this process have open, by `inode`: a file can have several names."""

open_lock: Final = threading.RLock()
"""Held while a file is opened or read. SQLite's locks belong to the process: a reader that closed
a file which a run has opened meanwhile would release the run's lock."""


def inode(path: Path) -> tuple[int, int]:
    """Identify a file, whatever its name."""
    found = path.stat()
    return found.st_dev, found.st_ino


def log_of(path: Path) -> Path:
    """Return the path of a file's log: SQLite puts it beside the real file, not beside a link."""
    real = path.resolve()
    return real.with_name(f"{real.name}-wal")


@contextmanager
def translate_sqlite_errors(path: Path) -> Iterator[None]:
    """Raise `JournalError` in place of errors of SQLite and of the operating system."""
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
        """Create the file, unless another process does so at the same moment."""
        # Created under another name and then linked, so that a file is never incomplete. If two
        # processes create it at once, one finds that of the other.
        number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(number)
        aside = Path(name)
        try:
            with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
                # All at once, for each transaction is flushed several times.
                connection.execute("BEGIN")
                connection.execute(f"PRAGMA application_id = {self.application}")
                self.migrate(connection)
                connection.execute("COMMIT")
            _put(aside, path)
        finally:
            aside.unlink(missing_ok=True)

    def migrate(self, connection: sqlite3.Connection) -> None:
        """Upgrade an open file to the current version.

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
        """Open a file for reading, without locking or changing it.

        Raises:
            JournalError: It is of another kind, damaged, of another version, or in use.
        """
        with open_lock, translate_sqlite_errors(path), self.open_readonly(path) as connection:
            yield connection

    @contextmanager
    def open_readonly(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Open a file as `reading` does; the caller holds the `open_lock`."""
        if inode(path) in open_inodes:
            raise JournalError(f"journal: {path} is in use by another run")
        log = log_of(path)
        for each in (path, log):
            if each.exists() and not each.is_file():
                # To open a pipe waits for its writer.
                raise JournalError(f"journal: {each} cannot be opened (not a file)")
        self._check_header(path)
        if log.exists() and is_damaged(log):
            raise sqlite3.DatabaseError("its log has a flaw")
        # The log is beside the real file. And a name such as ":memory:" is special to SQLite.
        # Without a log no process has the file open, and SQLite need not create one for reading.
        uri = f"{path.resolve().as_uri()}?{'mode=ro' if log.exists() else 'immutable=1'}"
        with (
            _without_a_trace(log.with_name(f"{path.resolve().name}-shm")),
            closing(sqlite3.connect(uri, uri=True, timeout=0)) as connection,
        ):
            self.verify(connection, path)
            yield connection

    def verify(self, connection: sqlite3.Connection, path: Path) -> None:
        """Check that an open file is of this kind, and intact.

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
    """Delete the index of the log that SQLite creates for reading; a run keeps it in memory."""
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
            # Some file systems, of memory cards and of networks, have no links.
            aside.rename(path)
