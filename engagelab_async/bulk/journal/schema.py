"""The tables of a journal, version by version."""

import sqlite3
from pathlib import Path
from typing import Final

from .files import Kind, log_of
from .mark import NO_MARK, Reached, is_marked
from .protocol import JournalError, State
from .wal import is_log

_VERSION_1: Final = """
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
"""

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

# Digests are in no order: in a table that is sorted by them, each row that is written is a page of
# its own. So a run appends to `batches`, a row for each transaction, and `operations` is updated in
# bulk, in the order of the digests. A batch holds what was settled, then what was begun:
# `accepted` is {digest: id}, `others` is [[digest, state, id, code, error]], `begun` is [digest].
_VERSION_3: Final = f"""
    CREATE TABLE batches (
        number INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        accepted TEXT NOT NULL,
        others TEXT NOT NULL,
        begun TEXT NOT NULL
    );
    INSERT OR REPLACE INTO operations (digest, state, run, at)
        SELECT digest, {State.SENDING:d}, last.number, last.started
        FROM sending, (SELECT * FROM runs ORDER BY number DESC LIMIT 1) AS last;
    DROP VIEW IF EXISTS known;
    DROP TABLE sending;
"""  # noqa: S608 - of a number

_BATCHED: Final = f"""
    SELECT digest, state, (SELECT max(number) FROM runs) AS run, id, code, error, at,
        max(place) AS place
    FROM (
        SELECT 2 * number AS place, at, key AS digest, {State.ACCEPTED:d} AS state, value AS id,
            NULL AS code, NULL AS error
        FROM batches, json_each(accepted)
        UNION ALL
        SELECT 2 * number, at, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
            json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]')
        FROM batches, json_each(others)
        UNION ALL
        SELECT 2 * number + 1, at, value, {State.SENDING:d}, NULL, NULL, NULL
        FROM batches, json_each(begun)
    )
    GROUP BY digest
"""  # noqa: S608 - of numbers
"""The last that the batches, which are all of the last run, say of each operation: beside max(),
SQLite takes the columns of the row that has it."""

_COLLECT: Final = f"CREATE TEMP TABLE merged AS {_BATCHED} ORDER BY digest"
_MERGE: Final = """
    INSERT OR REPLACE INTO operations (digest, state, run, id, code, error, at)
        SELECT digest, state, run, id, code, error, at FROM merged WHERE rowid BETWEEN ? AND ?
"""
_AT_ONCE: Final = 1000
"""For each statement, SQLite keeps a copy in memory of all pages of the index that it changes."""

_SENDING: Final = f"""
    SELECT digest, {State.SENDING:d} AS state, (SELECT max(number) FROM runs) AS run, NULL AS id,
        NULL AS code, NULL AS error
    FROM sending
"""  # noqa: S608 - of a number
_KNOWN: Final = """
    CREATE TEMP VIEW IF NOT EXISTS known AS
        SELECT digest, state, run, id, code, error FROM recent
        UNION ALL
        SELECT digest, state, run, id, code, error FROM operations
        WHERE digest NOT IN (SELECT digest FROM recent)
"""

_WITH_BATCHES: Final = 3

_LAST: Final = "SELECT ended FROM runs ORDER BY number DESC LIMIT 1"
# The states are numbered without a gap: a range takes half of the time that a list of them takes.
_IS_UNKNOWN: Final = f"typeof(state) != 'integer' OR state NOT BETWEEN 0 AND {max(State):d}"
_UNKNOWN: Final = f"SELECT state FROM operations WHERE {_IS_UNKNOWN} LIMIT 1"  # noqa: S608 - of numbers
_UNKNOWN_IN_BATCHES: Final = f"""
    SELECT json_extract(value, '$[1]') AS state FROM batches, json_each(others)
    WHERE {_IS_UNKNOWN} LIMIT 1
"""  # noqa: S608 - of numbers


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of an open file."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def sequence_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last transaction of an open file."""
    version = version_of(connection)
    if version == 1:
        return 0
    reached = Reached.found(connection, batched=version >= _WITH_BATCHES)
    return 0 if reached is None else reached.sequence


def merge(connection: sqlite3.Connection) -> None:
    """Bring `operations` up to date with the batches, and delete those."""
    connection.execute(_COLLECT)
    (count,) = connection.execute("SELECT count(*) FROM merged").fetchone()
    for first in range(1, count + 1, _AT_ONCE):
        connection.execute(_MERGE, (first, first + _AT_ONCE - 1))
    connection.execute("DROP TABLE merged")
    connection.execute("DELETE FROM batches")


def collect_known(connection: sqlite3.Connection) -> None:
    """Make a temporary view ``known`` of all records of a file that is open to be read.

    Its columns are digest, state, run, id, code and error.
    """
    recent = _SENDING if version_of(connection) < _WITH_BATCHES else _BATCHED
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"CREATE TEMP TABLE IF NOT EXISTS recent AS {recent}")
    connection.execute(_KNOWN)


class _Journal(Kind):
    """A journal: it must have its log, and hold only states that are known."""

    def verify(self, connection: sqlite3.Connection, path: Path) -> None:
        """Check that an open file is a journal, and intact."""
        self._verify_log(connection, path)
        super().verify(connection, path)
        if not is_marked(connection):
            raise sqlite3.DatabaseError(NO_MARK)
        unknown = connection.execute(_UNKNOWN).fetchone()
        if unknown is None and version_of(connection) >= _WITH_BATCHES:
            unknown = connection.execute(_UNKNOWN_IN_BATCHES).fetchone()
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
            batched = version_of(connection) >= _WITH_BATCHES
            found = None if mark is None else Reached.found(connection, batched=batched)
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


JOURNAL: Final = _Journal(0x454C4A31, (_VERSION_1, _VERSION_2, _VERSION_3))
"""The file of a journal."""
