"""A journal in a file: SQLite, in WAL mode.

It holds digests and states; no recipient, no text, no code. `Database` is the file, used from
worker threads; `SQLiteJournal` is the `JournalStore` over it.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final, Self

from anyio import to_thread

from engagelab_async._version import __version__

from .files import inode, log_of, open_inodes, open_lock, translate_sqlite_errors
from .mark import FOLD, Mark
from .proofs import Proof
from .protocol import JournalError, Record, SendIntent, Settlement, State
from .receipts import proofs
from .schema import JOURNAL
from .sites import Site, recorded_sites, refuse_another

# A transaction is one statement, with all rows as JSON. Each statement gives the interpreter's lock
# away and waits for it, and beside an event loop that has much to do it waits for milliseconds.
_SET_UP: Final = f"""
    PRAGMA temp_store = MEMORY;
    CREATE TEMP VIEW work AS
        SELECT 0 AS run, 0 AS at, '' AS accepted, '' AS others, '' AS ended,
            0 AS first, '' AS begun;
    CREATE TEMP TRIGGER working INSTEAD OF INSERT ON work BEGIN
        -- Most are accepted, and two values take half the time of five.
        INSERT INTO operations (run, at, digest, state, id)
            SELECT new.run, new.at, key, {State.ACCEPTED:d}, value
            FROM json_each(new.accepted) WHERE true
            ON CONFLICT (digest) DO UPDATE SET run = excluded.run, at = excluded.at,
                state = excluded.state, id = excluded.id, code = NULL, error = NULL;
        INSERT OR REPLACE INTO operations (run, at, digest, state, id, code, error)
            SELECT new.run, new.at, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                json_extract(value, '$[2]'), json_extract(value, '$[3]'),
                json_extract(value, '$[4]')
            FROM json_each(new.others);
        DELETE FROM sending WHERE number IN (SELECT value FROM json_each(new.ended));
        INSERT INTO sending SELECT new.first + key, value FROM json_each(new.begun);
        UPDATE log_head SET sequence = sequence + 1;
    END;
"""  # noqa: S608 - of a number
_WORK: Final = "INSERT INTO work VALUES (?, ?, ?, ?, ?, ?, ?)"
_LOOK_UP: Final = """
    SELECT json_group_array(json_array(digest, state, run))
    FROM operations WHERE digest IN (SELECT value FROM json_each(?))
"""
# What was in flight when the previous process ended: it belongs to the last run.
_CUT_OFF: Final = f"""
    INSERT OR REPLACE INTO operations (run, at, digest, state)
    SELECT (SELECT max(number) FROM runs), ?, digest, {State.SENDING:d} FROM sending
"""  # noqa: S608 - of a number
_BEGIN: Final = "INSERT INTO runs (token, started, library) VALUES (?, ?, ?)"
_END: Final = "UPDATE runs SET ended = ? WHERE number = ?"
_COUNT: Final = "UPDATE log_head SET sequence = sequence + 1"
_PAGES_OF_LOG: Final = 1000
"""After so many pages, the log is folded into the file; SQLite's own default."""

_USE: Final = "INSERT OR IGNORE INTO sites (product, digest, origin) VALUES (?, ?, ?)"


class Database:
    """The file of a journal, held by one process at a time.

    Args:
        path: The file; it is made if it does not exist, and migrated if it is of an older version.
        sites: Where each product is that may be sent to; ``None`` if that does not matter.
        wall_clock: Unix seconds.

    Attributes:
        run: The number of the run that has begun.
        token: What distinguishes the run from those of other journals.

    Raises:
        JournalError: The file cannot be used; it is not changed.
    """

    def __init__(
        self,
        path: Path,
        *,
        sites: Mapping[str, Site] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._wall_clock = wall_clock
        self.run: int
        self.token: str = secrets.token_hex(8)
        self._sites = dict(sites or {})
        self._process = os.getpid()
        with translate_sqlite_errors(path):
            if not path.exists():
                _refuse_lone_log(path)
                JOURNAL.create(path)
        with open_lock, translate_sqlite_errors(path):
            found = _proofs_of(path, self._sites)
            # Its real name: a name such as ":memory:" means something else to SQLite.
            self._path = path.resolve()
            self._inode = inode(path)
            self._connection = _connected(self._path)
            self._mark = Mark(self._path, self._connection)
            self._sequence = _sequence_of(self._connection)
            try:
                self._begin(found)
            except BaseException:
                self._shut()
                raise
            open_inodes.add(self._inode)
        # Row numbers of the operations that are in flight.
        self._sending: dict[str, int] = {}
        self._last = 0
        # An event loop that is torn down closes the file while a thread may still write.
        self._in_use = threading.Lock()
        self._is_open = True

    def _begin(self, found: Sequence[Proof]) -> None:
        """Begin a run, and have that in the file itself, which then knows when its log is lost."""
        connection, now = self._connection, self._wall_clock()
        connection.executescript(_SET_UP)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_CUT_OFF, (now,))
        connection.execute("DELETE FROM sending")
        rows = [(each.doubt.digest, each.state, each.id, each.code, each.error) for each in found]
        (last,) = connection.execute("SELECT max(number) FROM runs").fetchone()
        connection.execute(_WORK, (last, now, "{}", json.dumps(rows), "[]", 0, "[]"))
        self.run = connection.execute(_BEGIN, (self.token, now, __version__)).lastrowid or 0
        connection.execute("COMMIT")
        self._sequence = _sequence_of(connection)
        # Nothing gets into the file before its mark says that it needs the log.
        self._mark.reach(self._sequence)
        self._mark.flush()
        connection.execute(FOLD).fetchone()
        # Restarts the log: it now holds what the file does not.
        self._advance(_COUNT)
        self._mark.flush()
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_LOG}")

    def _advance(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Execute a transaction that counts, and mark that it is on the disk."""
        self._connection.execute(statement, parameters)
        self._sequence += 1
        self._mark.reach(self._sequence)

    def write(
        self, ends: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write settlements, then intents, in one transaction; see `JournalStore.write`.

        Raises:
            JournalError: This is a fork of the process that has the file.
        """
        if self._process != os.getpid():
            raise JournalError(f"journal: {self._path} is in use by the process that was forked")
        with self._in_use:
            known = self._look_up(intents) | {
                end.digest: Record(end.state, self.run) for end in ends
            }
            found = {each.digest: each.check(known.get(each.digest), self.run) for each in intents}
            granted = [
                each
                for each in intents
                if not each.ask_only and ((record := found[each.digest]) is None or record.granted)
            ]
            # With only questions, a transaction would count and flush for nothing.
            if ends or granted:
                self._put(ends, granted)
        return {digest: record for digest, record in found.items() if record is not None}

    def _put(self, ends: Sequence[Settlement], granted: Sequence[SendIntent]) -> None:
        self._use_sites(granted)
        free = [intent.digest for intent in granted]
        numbers = [self._sending[end.digest] for end in ends if end.digest in self._sending]
        first = self._last + 1
        row = (*_settled(ends), json.dumps(numbers), first, json.dumps(free))
        self._advance(_WORK, (self.run, self._wall_clock(), *row))
        for end in ends:
            self._sending.pop(end.digest, None)
        self._sending.update(zip(free, count(first), strict=False))
        self._last += len(free)

    def _use_sites(self, intents: Sequence[SendIntent]) -> None:
        if not self._sites:
            return
        products = {intent.product for intent in intents}
        for product in [each for each in self._sites if each in products]:
            site = self._sites[product]
            self._connection.execute(_USE, (product, site.digest, site.origin))
            del self._sites[product]

    def _look_up(self, intents: Sequence[SendIntent]) -> dict[str, Record]:
        digests = [intent.digest for intent in intents]
        (rows,) = self._connection.execute(_LOOK_UP, (json.dumps(digests),)).fetchone()
        known = {digest: Record(State(state), run) for digest, state, run in json.loads(rows)}
        in_flight = Record(State.SENDING, self.run)
        return known | {digest: in_flight for digest in digests if digest in self._sending}

    def close(self) -> None:
        """End the run and close the file; its log is folded into it. May be called twice."""
        if self._process != os.getpid():
            # A forked process must not close what belongs to its parent.
            return
        with self._in_use:
            if not self._is_open:
                return
            self._is_open = False
            with suppress(sqlite3.Error):
                self._connection.execute(_END, (self._wall_clock(), self.run))
            with suppress(sqlite3.Error):
                self._fold()
            self._shut()
            open_inodes.discard(self._inode)

    def _fold(self) -> None:
        self._connection.execute(FOLD).fetchone()
        self._mark.reach(self._sequence, alone=True)
        self._mark.flush()

    def _shut(self) -> None:
        log = log_of(self._path)
        there = log.exists()
        self._connection.close()
        _never_finalize(self._connection, undo=True)
        if there and not log.exists():
            # SQLite folds it, too, and has deleted it then.
            self._mark.reach(self._sequence, alone=True)
        # Last: on POSIX systems, closing any descriptor of a file gives up its locks.
        self._mark.close()


def _refuse_lone_log(path: Path) -> None:
    log = log_of(path)
    if log.exists():
        raise JournalError(
            f"journal: {path} is missing, and its log {log} is there: put back the one, or, to "
            "send to all recipients again, move away the other"
        )


def _proofs_of(path: Path, sites: dict[str, Site]) -> Sequence[Proof]:
    """Look what callbacks say, and whether the file can be used, before anything is changed.

    Args:
        path: The file.
        sites: Where it is to be used; those that it knows are taken out.
    """
    with JOURNAL.open_readonly(path) as connection:
        recorded = recorded_sites(connection)
        refuse_another(path, recorded, sites)
        for product in recorded:
            sites.pop(product, None)
        return proofs(path, connection)


def _connected(path: Path) -> sqlite3.Connection:
    """Open the file, alone, and bring it to the version that is written."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # Locked until the process ends, however it ends: a second one gets an error.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        # Durable against a loss of power too, at the price of one fsync for each transaction.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        # The lock, for what follows.
        connection.execute("BEGIN IMMEDIATE")
    except BaseException:
        connection.close()
        raise
    _never_finalize(connection)
    # What fails here leaves the file open: closing it would take the log of a run that was cut off
    # into a file of an older version, which has no mark to say so.
    JOURNAL.migrate(connection)
    connection.execute("COMMIT")
    return connection


def _sequence_of(connection: sqlite3.Connection) -> int:
    (sequence,) = connection.execute("SELECT sequence FROM log_head").fetchone()
    return int(sequence)


def _never_finalize(connection: sqlite3.Connection, *, undo: bool = False) -> None:
    """Keep a connection from being closed by anything but `Database.close`.

    SQLite deletes the log when the last connection closes, and a forked child would do so: at its
    exit the interpreter finalizes the connection that it inherited. So there is one reference too
    many on purpose.
    """
    change = ctypes.pythonapi.Py_DecRef if undo else ctypes.pythonapi.Py_IncRef
    change(ctypes.py_object(connection))


def _settled(ends: Sequence[Settlement]) -> tuple[str, str]:
    accepted = {end.digest: end.id for end in ends if end.state is State.ACCEPTED}
    others = [
        (end.digest, end.state, end.id, end.code, end.error)
        for end in ends
        if end.state is not State.ACCEPTED
    ]
    return json.dumps(accepted), json.dumps(others)


class SQLiteJournal:
    """A `JournalStore` in a file, used in worker threads.

    Args:
        database: The open file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.run: int = database.run
        self.token: str = database.token

    @classmethod
    async def open(cls, path: Path, sites: Mapping[str, Site] | None = None) -> Self:
        """Open a file.

        Args:
            path: As for `Database`.
            sites: As for `Database`.

        Raises:
            JournalError: The file cannot be used; it is left as it was.
        """
        opened: list[Database] = []
        given_up = threading.Event()
        handing_over = threading.Lock()

        def open_it() -> None:
            # The next one that opens the file waits here until it is closed again.
            with open_lock:
                database = Database(path, sites=sites)
                with handing_over:
                    opened.append(database)
                if given_up.is_set():
                    database.close()

        try:
            await to_thread.run_sync(open_it)
        except BaseException:
            # A thread cannot be cancelled: it may open the file after its caller has gone.
            given_up.set()
            with handing_over:
                for database in opened:
                    database.close()
            raise
        return cls(opened[0])

    async def write(
        self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write settlements, then intents; see `JournalStore.write`."""
        try:
            return await to_thread.run_sync(self._database.write, settlements, intents)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"journal: it cannot be written ({error})") from error

    async def close(self) -> None:
        """End the run and close the file."""
        await to_thread.run_sync(self._database.close)

    def abandon(self) -> None:
        """Close the file at once."""
        self._database.close()
