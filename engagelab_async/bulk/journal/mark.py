"""How far a journal's log has come, kept in the journal's file: so that a lost log is noticed.

What a run writes is in SQLite's log, `run.db-wal`, until it is copied to `run.db`. SQLite takes
whatever log it finds, and none for an empty one. A log that was deleted, cut off, replaced by an
earlier copy, or left behind when its file was renamed is not missed: what it held is sent again.

So each transaction is counted, in the log: a batch by its number, others in `log_head`. When it is
on the disk, the count is written into the file itself, over the row of `log_mark`, without SQLite:
that row has a page of its own, which no transaction touches. It is not flushed. It is there for
logs that get lost, and after a power cut it is behind the log, never ahead of it.
"""

import os
import re
import sqlite3
from io import FileIO
from pathlib import Path
from typing import Final

from attrs import frozen

FOLD: Final = "PRAGMA wal_checkpoint(FULL)"
"""Copies all that the log holds to the file; the log stays until it is overwritten."""

_LARGEST_PAGE: Final = 65536
_TABLE: Final = re.compile(rb"tablelog_marklog_mark(.{1,4}?)CREATE TABLE log_mark", re.DOTALL)
"""The row of the table in the schema, which begins on the first page, around the page's number."""

_MARK: Final = re.compile(rb"([0-9a-f]{16})([+=])([0-9a-f]{15})")
_READ: Final = "SELECT journal, reached FROM log_mark"
_HEAD: Final = "SELECT journal, sequence FROM log_head"
_LAST_BATCH: Final = "SELECT coalesce(max(number), 0) FROM batches"
_SIGNS: Final = {False: "+", True: "="}
"""What a mark begins with: the file needs its log; or it holds all that there is."""

NO_MARK: Final = "it has no mark of its log"


class Mark:
    """The mark in the file of a journal that is open.

    Args:
        path: The file.
        connection: The journal, which has it locked. Close this after it: on POSIX systems, closing
            any descriptor of a file gives up the process's locks on it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._file = path.open("r+b", buffering=0)
        found = _find(self._file)
        if found is None:
            # The file has just become one of this version, which stands in the log only.
            connection.execute(FOLD).fetchone()
            found = _find(self._file)
        if found is None:
            self._file.close()
            raise sqlite3.DatabaseError(NO_MARK)
        self._place, _ = found

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
        with path.open("rb", buffering=0) as file:
            found = _find(file)
        return None if found is None else found[1]

    @classmethod
    def found(cls, connection: sqlite3.Connection, *, batched: bool) -> "Reached | None":
        """Read how far file and log have come together.

        Args:
            connection: The journal, open.
            batched: Whether it has batches.
        """
        row = connection.execute(_HEAD).fetchone()
        if row is None:
            return None
        journal, sequence = row
        (last,) = connection.execute(_LAST_BATCH).fetchone() if batched else (0,)
        return cls(journal, max(sequence, last))


def is_marked(connection: sqlite3.Connection) -> bool:
    """Return whether an open file has a mark, or is of version 1 and needs none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    row = ("", "") if version == 1 else connection.execute(_READ).fetchone()
    return version == 1 or (row is not None and _MARK.fullmatch("".join(row).encode()) is not None)


def _find(file: FileIO) -> tuple[int, Reached] | None:
    """Find the mark in a file: where what it says begins, and what that is.

    Not by SQLite, for which a file is damaged that a log was copied to halfway.
    """
    file.seek(0)
    head = file.read(_LARGEST_PAGE)
    size = int.from_bytes(head[16:18]) if head[16:18] != b"\0\1" else _LARGEST_PAGE
    table = _TABLE.search(head[:size])
    if table is None:
        return None
    start = (int.from_bytes(table[1]) - 1) * size
    file.seek(start)
    mark = _MARK.search(file.read(size))
    if mark is None:
        return None
    journal, sign, sequence = (part.decode() for part in mark.groups())
    return start + mark.start(2), Reached(journal, int(sequence, 16), sign == _SIGNS[True])
