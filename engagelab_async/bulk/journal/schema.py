"""The tables of a journal, version by version."""

import sqlite3
from pathlib import Path
from typing import Final

from .files import Kind, log_of
from .mark import NO_MARK, Reached, is_marked
from .protocol import JournalError, State
from .wal import is_log

# Digests are in no order, so each row of `operations` that is written is a page of its own in
# SQLite's log. What is in flight is in a table that grows at its end, which costs a third less.
_VERSION_1: Final = f"""
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        token TEXT NOT NULL,
        started REAL NOT NULL,
        ended REAL
    );
    CREATE TABLE sending (number INTEGER PRIMARY KEY, digest TEXT NOT NULL);
    CREATE TABLE operations (
        digest TEXT PRIMARY KEY,
        state INTEGER NOT NULL,
        run INTEGER NOT NULL,
        id TEXT,
        code INTEGER,
        error TEXT,
        at REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE VIEW known AS
        SELECT digest, {State.SENDING:d} AS state, (SELECT max(number) FROM runs) AS run,
            NULL AS code, NULL AS error FROM sending
        UNION ALL
        SELECT digest, state, run, code, error FROM operations
        WHERE digest NOT IN (SELECT digest FROM sending);
"""  # noqa: S608 - of a number

# `log_head` counts the transactions, and is written with each. `log_mark` says in the file itself
# how far the count has come; see `mark`.
_VERSION_2: Final = """
    ALTER TABLE runs ADD COLUMN library TEXT;
    CREATE TABLE sites (
        product TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        origin TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE log_mark (journal TEXT NOT NULL, reached TEXT NOT NULL);
    INSERT INTO log_mark VALUES (lower(hex(randomblob(8))), '+000000000000000');
    CREATE TABLE log_head (journal TEXT NOT NULL, sequence INTEGER NOT NULL);
    INSERT INTO log_head SELECT journal, 0 FROM log_mark;
"""

_LAST: Final = "SELECT ended FROM runs ORDER BY number DESC LIMIT 1"
_STATES: Final = ", ".join(f"{state:d}" for state in State)
_UNKNOWN: Final = f"""
    SELECT state FROM operations
    WHERE typeof(state) != 'integer' OR state NOT IN ({_STATES}) LIMIT 1
"""  # noqa: S608 - of numbers


class _Journal(Kind):
    """A journal: it must have its log, and hold only states that are known."""

    def verify(self, connection: sqlite3.Connection, path: Path) -> None:
        """Check that an open file is a journal, and intact."""
        self._verify_log(connection, path)
        super().verify(connection, path)
        if not is_marked(connection):
            raise sqlite3.DatabaseError(NO_MARK)
        unknown = connection.execute(_UNKNOWN).fetchone()
        if unknown is not None:
            raise JournalError(
                f"journal: {path} holds an operation in a state that is not known, {unknown[0]!r}: "
                "nothing is sent, and nothing is changed"
            )

    def _verify_log(self, connection: sqlite3.Connection, path: Path) -> None:
        # If the file cannot be read, the first statement raises, before anything is concluded.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        log, mark = log_of(path), Reached.marked(path)
        try:
            last = connection.execute(_LAST).fetchone()
            found = None if mark is None else Reached.found(connection)
        except sqlite3.OperationalError:
            # With that log, it is none of our files.
            last = found = None
        if _is_whole(mark, found, last) and not (_needs_log(mark, last) and not is_log(log)):
            return
        if mark is not None and mark.alone:
            what = f"was closed by its last run, and the log {log} is not its own: move that away"
        else:
            what = "is missing" if not log.exists() else "is truncated, or belongs to another file"
            what = (
                f"was not closed by its last run, and its log {log} {what}. Without it, some "
                "recipients could get the message twice: put it back beside the file, both under "
                "the names that the run gave them"
            )
        raise JournalError(f"journal: {path} {what}")


def _is_whole(
    mark: Reached | None, found: Reached | None, last: tuple[float | None] | None
) -> bool:
    if mark is None:
        # A file of version 1, which its first run begins in the log.
        return last is not None
    return found is not None and found.journal == mark.journal and found.sequence >= mark.sequence


def _needs_log(mark: Reached | None, last: tuple[float | None] | None) -> bool:
    """Return whether there has to be a log; of no run, or of one that was closed, there is none."""
    return last is not None and (last[0] is None if mark is None else not mark.alone)


JOURNAL: Final = _Journal(0x454C4A31, (_VERSION_1, _VERSION_2))
"""The file of a journal."""
