"""The journal of a run: what it is about to do, durable before it does it, and what came of it.

One SQLite file in WAL mode. A row is a digest and a state; no recipient, no text, no code::

    (no row) ── claim ──> sending ── settle ──> accepted
       ↑                     │                  refused     the API will not take it
       │                     │                  uncertain   it may have been sent
       └───── (unsent) <─────┘                  unsent      it was not, and may be tried again
                             └ the process ends here: uncertain

`Database` is the file, used from worker threads; `Journal` puts whatever the tasks of a run want
written at the same moment into one transaction.
"""

import json
import os
import sqlite3
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from enum import IntEnum
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread
from attrs import define, field, frozen

from engagelab_async.errors import ConfigurationError

_APPLICATION_ID: Final = 0x454C4A31
_VERSION: Final = 1
# The first 72 bytes of an SQLite file, of which bytes 60 to 63 are the user's version and 68 to 71
# the application's id (section 1.3 of the file format).
_HEADER: Final = struct.Struct(">60xi4xi")
_SCHEMA: Final = """
    CREATE TABLE runs (number INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL) STRICT;
    CREATE TABLE operations (
        digest TEXT PRIMARY KEY,
        state INTEGER NOT NULL,
        run INTEGER NOT NULL,
        id TEXT,
        code INTEGER,
        error TEXT,
        at REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
"""


_SETTLE: Final = """
    INSERT OR REPLACE INTO operations (run, at, digest, state, id, code, error)
    SELECT ?, ?, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
        json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]')
    FROM json_each(?)
"""
_CLAIM: Final = """
    INSERT OR REPLACE INTO operations (run, at, digest, state)
    SELECT ?, ?, value, 0 FROM json_each(?)
"""
_LOOK_UP: Final = """
    SELECT json_group_array(json_array(digest, state, run, code, error))
    FROM operations WHERE digest IN (SELECT value FROM json_each(?))
"""


class JournalError(ConfigurationError):
    """A journal cannot be used: it is in use, damaged, of another version, or no journal."""


class State(IntEnum):
    """What a journal knows of an operation."""

    SENDING = 0
    ACCEPTED = 1
    REFUSED = 2
    UNCERTAIN = 3
    UNSENT = 4


@frozen
class Entry:
    """What the journal knew of an operation when it was claimed.

    Attributes:
        state: Its state.
        run: The number of the run that left it so.
        code: The API's error code, or ``None``.
        error: The name of the error's class, or ``None``.
    """

    state: State
    run: int
    code: int | None
    error: str | None


@frozen
class Claim:
    """A wish to send an operation.

    Attributes:
        digest: The operation's identity.
        resend_uncertain: Whether it may be sent though it may have been sent before.
    """

    digest: str
    resend_uncertain: bool


@frozen
class Settlement:
    """The end of an operation.

    Attributes:
        digest: The operation's identity.
        state: What became of it.
        id: The plan's or message's id.
        code: The API's error code.
        error: The name of the error's class.
    """

    digest: str
    state: State
    id: str | None = None
    code: int | None = None
    error: str | None = None


class Database:
    """The file of a journal, held by one process at a time.

    Args:
        path: The file; it is made if it does not exist.
        wall_clock: Unix seconds.

    Raises:
        JournalError: The file cannot be used; it is left as it was.
    """

    def __init__(self, path: Path, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall_clock = wall_clock
        self._connection = _opened(path)
        self.run = self._begin_run()

    def _begin_run(self) -> int:
        cursor = self._connection.execute(
            "INSERT INTO runs (started) VALUES (?)", (self._wall_clock(),)
        )
        return int(cursor.lastrowid or 0)

    def write(self, ends: Sequence[Settlement], claims: Sequence[Claim]) -> Mapping[str, Entry]:
        """Write settlements, then claims, in one transaction.

        Each statement takes all rows at once, as JSON: a statement for each row would give the
        interpreter's lock away, and wait for it, as many times.

        Returns:
            What keeps operations from being sent, by their digests. All other claims hold.
        """
        self._connection.execute("BEGIN")
        try:
            self._settle(ends)
            refused = self._claim(claims)
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        return refused

    def _settle(self, ends: Sequence[Settlement]) -> None:
        rows = [(end.digest, end.state, end.id, end.code, end.error) for end in ends]
        self._connection.execute(_SETTLE, (self.run, self._wall_clock(), json.dumps(rows)))

    def _claim(self, claims: Sequence[Claim]) -> Mapping[str, Entry]:
        digests = json.dumps([claim.digest for claim in claims])
        (known,) = self._connection.execute(_LOOK_UP, (digests,)).fetchone()
        found = {row[0]: Entry(State(row[1]), *row[2:]) for row in json.loads(known)}
        refused = {
            claim.digest: entry
            for claim in claims
            if (entry := found.get(claim.digest)) and not self._may_send(entry, claim)
        }
        held = [claim.digest for claim in claims if claim.digest not in refused]
        self._connection.execute(_CLAIM, (self.run, self._wall_clock(), json.dumps(held)))
        return refused

    def _may_send(self, entry: Entry, claim: Claim) -> bool:
        if entry.state is State.UNSENT:
            return True
        uncertain = entry.state in (State.SENDING, State.UNCERTAIN)
        return uncertain and claim.resend_uncertain and entry.run != self.run

    def close(self) -> None:
        """End the run and close the file; its log is folded into it."""
        self._connection.execute(
            "UPDATE runs SET ended = ? WHERE number = ?", (self._wall_clock(), self.run)
        )
        self._connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    try:
        if path.exists():
            _check(path)
        else:
            _create(path)
        return _taken(path)
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorname in ("SQLITE_BUSY", "SQLITE_LOCKED")
        why = "is in use by another process" if busy else f"cannot be opened ({error})"
        raise JournalError(f"journal: {path} {why}") from error
    except sqlite3.DatabaseError as error:
        raise JournalError(f"journal: {path} is damaged ({error})") from error
    except OSError as error:
        raise JournalError(f"journal: {path} cannot be opened ({error.strerror})") from error


def _create(path: Path) -> None:
    # Made aside and put in its place whole: a journal is there or not, but never half of one, and
    # of two processes that make it at once, one finds that of the other.
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    connection = sqlite3.connect(aside, isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    finally:
        connection.close()
    with suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()


def _check(path: Path) -> None:
    """Look at a file before SQLite may change anything in it."""
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(b"SQLite format 3\0"):
        raise JournalError(f"journal: {path} is not a journal")
    version, application = _HEADER.unpack(header)
    if application != _APPLICATION_ID:
        raise JournalError(f"journal: {path} is not a journal")
    if version != _VERSION:
        raise JournalError(f"journal: {path} is of version {version}; this one reads {_VERSION}")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as db:
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _taken(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # Held until the process ends, however it ends: a second one is told so.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        # Durable against a loss of power too, at the price of one fsync for each transaction.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


@define(eq=False)
class _Batch:
    """What is written in one transaction."""

    ends: list[Settlement] = field(factory=list)
    claims: dict[str, Claim] = field(factory=dict)
    durable: list[Callable[[], None]] = field(factory=list)
    wanted: anyio.Event = field(factory=anyio.Event)
    done: anyio.Event = field(factory=anyio.Event)
    refused: Mapping[str, Entry] = field(factory=dict)
    error: Exception | None = None


class Journal:
    """The journal of one run, for its tasks.

    While one transaction is on its way to the disk, in a worker thread, what all tasks want
    written gathers for the next: the more are under way, the more share an fsync.

    Args:
        database: The open file.
        on_failure: Called when it cannot be written any longer.
    """

    def __init__(self, database: Database, on_failure: Callable[[JournalError], None]) -> None:
        self._database = database
        self._on_failure = on_failure
        self._gathering = _Batch()
        self._closing = False

    @property
    def run(self) -> int:
        """The number of this run."""
        return self._database.run

    async def claim(self, digest: str, *, resend_uncertain: bool) -> Entry | None:
        """Write down that an operation is about to be sent.

        Returns:
            ``None`` when that is durable, or what keeps the operation from being sent.

        Raises:
            JournalError: It cannot be written.
        """
        batch = self._gathering
        if digest in batch.claims:
            return Entry(State.SENDING, self.run, None, None)
        batch.claims[digest] = Claim(digest, resend_uncertain)
        batch.wanted.set()
        await batch.done.wait()
        if batch.error is not None:
            raise JournalError("journal: it cannot be written") from batch.error
        return batch.refused.get(digest)

    def settle(self, end: Settlement, durable: Callable[[], None]) -> None:
        """Have it written down what became of an operation.

        Args:
            end: What became of it.
            durable: Called when it is on the disk, or has failed to get there.
        """
        batch = self._gathering
        batch.ends.append(end)
        batch.durable.append(durable)
        batch.wanted.set()

    async def write(self) -> None:
        """Write what is wanted, until the journal is closed."""
        # Cancelled with the rest of a run, it still writes down how that ended.
        with anyio.CancelScope(shield=True):
            while not self._closing or self._gathering.wanted.is_set():
                await self._gathering.wanted.wait()
                batch, self._gathering = self._gathering, _Batch()
                await self._write(batch)
            await to_thread.run_sync(self._database.close)

    async def _write(self, batch: _Batch) -> None:
        try:
            batch.refused = await to_thread.run_sync(
                self._database.write, batch.ends, list(batch.claims.values())
            )
        except (sqlite3.Error, OSError) as error:
            batch.error = error
            failure = JournalError("journal: it cannot be written")
            failure.__cause__ = error
            self._on_failure(failure)
        batch.done.set()
        for durable in batch.durable:
            durable()

    def close(self) -> None:
        """Write what is left, and end `write`."""
        self._closing = True
        self._gathering.wanted.set()
