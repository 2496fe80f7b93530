"""The file that keeps a sandbox's state: one SQLite file of JSON documents, by kind and key.

It belongs to one sandbox at a time. What it is told is written at once, so that a process which is
killed loses nothing; only a machine that loses its power may.
"""

import json
import os
import sqlite3
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from engagelab_async.errors import ConfigurationError

_APPLICATION_ID: Final = 0x454C5331
_VERSION: Final = 1
# The first 72 bytes of an SQLite file, of which bytes 60 to 63 are the user's version and 68 to 71
# the application's id (section 1.3 of the file format).
_HEADER: Final = struct.Struct(">60xi4xi")
_SCHEMA: Final = f"""
    BEGIN EXCLUSIVE;
    CREATE TABLE documents (
        kind TEXT NOT NULL,
        key INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITHOUT ROWID;
    PRAGMA application_id = {_APPLICATION_ID};
    PRAGMA user_version = {_VERSION};
    COMMIT;
"""


class StoreError(ConfigurationError):
    """A store cannot be used: it is in use, damaged, of another version, or no store.

    .. versionadded:: 0.1.0
    """


class Store:
    """An open store.

    Args:
        path: The file; it is made if it does not exist.

    Raises:
        StoreError: The file cannot be used; it is left as it was.
    """

    def __init__(self, path: Path) -> None:
        # A name such as ":memory:" means something else to SQLite.
        self._path = path.absolute()
        self._lock = threading.Lock()
        with _told(self._path):
            self._connection = _opened(self._path)
        _held.add(self._path.resolve())

    def put(self, kind: str, key: int, document: object) -> None:
        """Keep a document, in place of one of the same kind and key.

        Raises:
            StoreError: It cannot be written.
        """
        row = (kind, key, json.dumps(document))
        with self._lock, _told(self._path):
            self._connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", row)

    def clear(self, kind: str) -> None:
        """Forget the documents of a kind.

        Raises:
            StoreError: They cannot be removed.
        """
        with self._lock, _told(self._path):
            self._connection.execute("DELETE FROM documents WHERE kind = ?", (kind,))

    def all(self, kind: str) -> list[object]:
        """Return the documents of a kind, in the order of their keys.

        Raises:
            StoreError: They cannot be read.
        """
        query = "SELECT document FROM documents WHERE kind = ? ORDER BY key"
        with self._lock, _told(self._path):
            return [json.loads(text) for (text,) in self._connection.execute(query, (kind,))]

    def close(self) -> None:
        """Close the file; its log is folded into it."""
        with self._lock:
            self._connection.close()
        _held.discard(self._path.resolve())

    def damaged(self, why: str) -> StoreError:
        """Make the error for a file whose documents make no sense."""
        return StoreError(f"store: {self._path} is damaged ({why})")


_held: Final[set[Path]] = set()
"""The stores that sandboxes of this process have open."""


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say what is wrong with a file in words of ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorname == "SQLITE_BUSY"
        why = "is in use by another sandbox" if busy else f"cannot be used ({error})"
        raise StoreError(f"store: {path} {why}") from error
    except (sqlite3.DatabaseError, ValueError) as error:
        raise StoreError(f"store: {path} is damaged ({error})") from error
    except OSError as error:
        raise StoreError(f"store: {path} cannot be opened ({error.strerror})") from error


def _opened(path: Path) -> sqlite3.Connection:
    # Where locks belong to the process, closing the file after a look at it would give away that
    # of a sandbox which has it open.
    if path.resolve() in _held:
        raise StoreError(f"store: {path} is in use by another sandbox")
    is_new = not path.exists() or not path.stat().st_size
    if is_new:
        # It holds numbers and texts: its owner alone can read it, and the log that SQLite makes
        # with the permissions of the file.
        with suppress(OSError):  # which SQLite meets, too
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    else:
        _check_header(path)
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # Held until the process ends, however it ends: a second one is told so.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        if is_new:
            # Before there is a log: what tells a store from other files must be in the file.
            connection.executescript(_SCHEMA)
        _check_content(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_header(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(b"SQLite format 3\0"):
        raise StoreError(f"store: {path} is no store of a sandbox")
    version, application = _HEADER.unpack(header)
    if application != _APPLICATION_ID:
        raise StoreError(f"store: {path} is no store of a sandbox")
    if version != _VERSION:
        raise StoreError(
            f"store: {path} is of version {version}; this engagelab-async reads {_VERSION}"
        )


def _check_content(connection: sqlite3.Connection) -> None:
    (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise sqlite3.DatabaseError(problem)
