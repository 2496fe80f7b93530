"""How far a journal's log has come, kept in the journal's file: so that a lost log is noticed.

What a run writes stands in SQLite's log, `run.db-wal`, until it is copied to `run.db`. SQLite takes
whatever log it finds, and none for an empty one: a log that was deleted, cut off, taken back to an
earlier copy, or left behind when its file was renamed is not missed, and what it held is sent again.

So each transaction is counted in `log_head`, in the log, and when it is on the disk the count is
written into the file itself, over the row of `log_mark`, without SQLite. That row has a page of its
own, which no transaction touches. It is not flushed: it is for logs that get lost, not for power
cuts, after which it is behind the log and never ahead of it.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from attrs import frozen

FOLD: Final = "PRAGMA wal_checkpoint(FULL)"
"""Copies all that the log holds to the file; the log stays until it is written anew."""

_FIND: Final = "SELECT rootpage FROM sqlite_schema WHERE name = 'log_mark'"
_READ: Final = "SELECT journal, reached FROM log_mark"
_HEAD: Final = "SELECT journal, sequence FROM log_head"
_SIGNS: Final = ("+", "=")
"""What a mark begins with: the file needs its log; or it holds all that there is."""

_NONE: Final = "it has no mark of its log"


class Mark:
    """The mark in the file of a journal that is open.

    Args:
        path: The file.
        connection: The journal, which has it locked. Close this after it: on POSIX systems, closing
            any descriptor of a file gives up the process's locks on it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._file = path.open("r+b", buffering=0)
        found = self._find(connection)
        if found is None:
            # The file has just become one of this version, which stands in the log only.
            connection.execute(FOLD).fetchone()
            found = self._find(connection)
        if found is None:
            raise sqlite3.DatabaseError(_NONE)
        self._place = found

    def _find(self, connection: sqlite3.Connection) -> int | None:
        (root,) = connection.execute(_FIND).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        journal, mark = connection.execute(_READ).fetchone()
        self._file.seek((root - 1) * size)
        place = self._file.read(size).find(f"{journal}{mark}".encode())
        return None if place < 0 else (root - 1) * size + place + len(journal)

    def reach(self, sequence: int, *, alone: bool = False) -> None:
        """Record that the transactions up to one are on the disk.

        Args:
            sequence: Its number.
            alone: Whether the file holds all of them, and needs no log.
        """
        self._file.seek(self._place)
        self._file.write(f"{_SIGNS[alone]}{sequence:015x}".encode())

    def flush(self) -> None:
        """Have the mark itself on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@frozen
class Reached:
    """How far the transactions of a journal have come.

    Attributes:
        journal: The journal's own name, drawn when it was made.
        sequence: The number of its last transaction.
        alone: Whether its file needs no log.
    """

    journal: str
    sequence: int
    alone: bool = False

    @classmethod
    def marked(cls, path: Path) -> "Reached | None":
        """Read the mark of a file, whatever stands in its log; one of version 1 has none."""
        uri = f"{path.resolve().as_uri()}?immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            if connection.execute(_FIND).fetchone() is None:
                return None
            try:
                journal, mark = connection.execute(_READ).fetchone()
                return cls(journal, int(mark[1:], 16), _SIGNS.index(mark[0]) == 1)
            except (TypeError, ValueError, IndexError):
                raise sqlite3.DatabaseError(_NONE) from None

    @classmethod
    def found(cls, connection: sqlite3.Connection) -> "Reached | None":
        """Read how far file and log have come together."""
        row = connection.execute(_HEAD).fetchone()
        return None if row is None else cls(*row)
