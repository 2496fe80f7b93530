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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from anyio import to_thread

from engagelab_async._version import __version__
from engagelab_async.engines import current_task
from engagelab_async.serialization import compact_json

from .files import inode, log_of, open_inodes, open_lock, translate_sqlite_errors
from .mark import FOLD, Mark
from .proofs import Proof
from .protocol import JournalError, Record, SendIntent, Settlement, State
from .receipts import proofs
from .schema import JOURNAL, merge, sequence_of
from .sites import Site, recorded_sites, refuse_another

_PUT: Final = "INSERT INTO batches (number, at, accepted, others, begun) VALUES (?, ?, ?, ?, ?)"
_LOOK_UP: Final = """
    SELECT json_group_array(json_array(digest, state, run))
    FROM operations WHERE digest IN (SELECT value FROM json_each(?))
"""
"""One row for all: each step of a statement gives the interpreter's lock away and waits for it."""

_PROVE: Final = """
    INSERT OR REPLACE INTO operations (run, at, digest, state, id, code, error)
    VALUES ((SELECT max(number) FROM runs), ?, ?, ?, ?, ?, ?)
"""
_HAS_INDEX: Final = "SELECT EXISTS (SELECT 1 FROM operations)"
_BEGIN: Final = "INSERT INTO runs (token, started, library) VALUES (?, ?, ?)"
_END: Final = "UPDATE runs SET ended = ? WHERE number = ?"
_REACH: Final = "UPDATE log_head SET sequence = ?"
_PAGES_OF_LOG: Final = 250
"""After so many pages, the log is folded into the file, and begins again."""
_BYTES_OF_LOG: Final = 1 << 20
"""What so many pages take."""

_USE: Final = "INSERT OR IGNORE INTO sites (product, digest, origin) VALUES (?, ?, ?)"

IN_MEMORY: Final = 100_000
"""That many operations need about 15 MB."""

# To look up a member of an enumeration takes Python 3.11 as long as to make a small object.
_SENDING: Final = State.SENDING
_ACCEPTED: Final = State.ACCEPTED


class Database:
    """The file of a journal, held by one process at a time.

    Args:
        path: The file; it is made if it does not exist, and migrated if it is of an older version.
        sites: Where each product is that may be sent to; ``None`` if that does not matter.
        wall_clock: Unix seconds.
        in_memory: How many operations of the run are kept in memory, to find duplicates.

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
        in_memory: int = IN_MEMORY,
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
            found, sequence = _proofs_of(path, self._sites)
            # Its real name: a name such as ":memory:" means something else to SQLite.
            self._path = path.resolve()
            self._inode = inode(path)
            self._connection = _connected(self._path)
            self._mark = Mark(self._path, self._connection)
            self._sequence = sequence_of(self._connection)
            try:
                self._begin(found, sequence)
            except BaseException:
                self._shut()
                raise
            open_inodes.add(self._inode)
        # The operations of this run that stand in batches, and not yet in the index.
        self._states: dict[str, State] = {}
        self._in_memory = in_memory
        # An event loop that is torn down closes the file while a thread may still write.
        self._in_use = threading.Lock()
        self._is_open = True

    def _begin(self, found: Sequence[Proof], sequence: int) -> None:
        """Begin a run, and have that in the file itself, which then knows when its log is lost.

        Args:
            found: What callbacks proved.
            sequence: The number of the last transaction when that was looked up.
        """
        if self._sequence != sequence:
            # It had the file between the look and the lock: what was found is out of date.
            raise JournalError(f"journal: {self._path} is in use by another run")
        connection, now = self._connection, self._wall_clock()
        connection.execute("PRAGMA temp_store = MEMORY")
        with self._counting():
            merge(connection)
            for each in found:
                settled = (each.doubt.digest, each.state, each.id, each.code, each.error)
                connection.execute(_PROVE, (now, *settled))
            (self._has_index,) = connection.execute(_HAS_INDEX).fetchone()
            self.run = connection.execute(_BEGIN, (self.token, now, __version__)).lastrowid or 0
        self._mark.flush()
        # Nothing gets into the file before its mark says that it needs the log.
        connection.execute(FOLD).fetchone()
        # Restarts the log: it now holds what the file does not.
        with self._counting():
            pass
        self._mark.flush()
        _lengthen(log_of(self._path))
        connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_LOG}")

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Make a transaction that is counted, and mark that it is on the disk."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute(_REACH, (self._sequence + 1,))
            self._connection.execute("COMMIT")
        except BaseException:
            # After an error of the disk, SQLite has often done so itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._sequence += 1
        self._mark.reach(self._sequence)

    @property
    def is_forked(self) -> bool:
        """Whether this is a fork of the process that has the file."""
        return self._process != os.getpid()

    def check(self) -> None:
        """Check that the file can be written.

        Raises:
            JournalError: It is closed, or this is a fork of the process that has it.
        """
        if self.is_forked:
            raise JournalError(f"journal: {self._path} is in use by the process that was forked")
        if not self._is_open:
            raise JournalError(f"journal: it cannot be written ({self._path} is closed)")

    def write(
        self, ends: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write settlements, then intents, in one transaction; see `JournalStore.write`.

        Raises:
            JournalError: As for `check`.
        """
        self.check()
        with self._in_use:
            if len(self._states) >= self._in_memory:
                self._merge()
            ended = {end.digest: end.state for end in ends}
            known = self._known([intent.digest for intent in intents], ended)
            found = {
                intent.digest: record
                for intent in intents
                if intent.digest in known
                and (record := intent.check(known[intent.digest], self.run)) is not None
            }
            granted = [
                intent
                for intent in intents
                if not intent.ask_only
                and (intent.digest not in found or found[intent.digest].granted)
            ]
            # With only questions, a transaction would count and flush for nothing.
            if ends or granted:
                self._use_sites(granted)
                begun = [intent.digest for intent in granted]
                self._put(ends, begun)
                self._states |= ended | dict.fromkeys(begun, _SENDING)
        return found

    def _put(self, ends: Sequence[Settlement], begun: Sequence[str]) -> None:
        number = self._sequence + 1
        self._connection.execute(
            _PUT, (number, self._wall_clock(), *_settled(ends), compact_json(begun))
        )
        self._sequence = number
        self._mark.reach(number)

    def _merge(self) -> None:
        """Make room in memory: from now on, the index knows what this run did before."""
        with self._counting():
            merge(self._connection)
        self._states.clear()
        self._has_index = True

    def _use_sites(self, intents: Sequence[SendIntent]) -> None:
        if not self._sites:
            return
        products = {intent.product for intent in intents}
        for product in [each for each in self._sites if each in products]:
            site = self._sites[product]
            self._connection.execute(_USE, (product, site.digest, site.origin))
            del self._sites[product]

    def _known(self, digests: Sequence[str], ended: Mapping[str, State]) -> dict[str, Record]:
        """Look up what is known of operations; what was ended just now counts."""
        known: dict[str, Record] = {}
        if self._has_index and digests:
            (rows,) = self._connection.execute(_LOOK_UP, (compact_json(digests),)).fetchone()
            known = {digest: Record(State(state), run) for digest, state, run in json.loads(rows)}
        for states in (self._states, ended):
            # Hardly ever is there one.
            for digest in states.keys() & digests:
                known[digest] = Record(states[digest], self.run)
        return known

    def close(self) -> None:
        """End the run and close the file; its log is folded into it. May be called twice."""
        if self.is_forked:
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


def _proofs_of(path: Path, sites: dict[str, Site]) -> tuple[Sequence[Proof], int]:
    """Look what callbacks say, and whether the file can be used, before anything is changed.

    The second of the two is the number of the last transaction.

    Args:
        path: The file.
        sites: Where it is to be used; those that it knows are taken out.
    """
    with JOURNAL.open_readonly(path) as connection:
        recorded = recorded_sites(connection)
        refuse_another(path, recorded, sites)
        for product in recorded:
            sites.pop(product, None)
        return proofs(path, connection), sequence_of(connection)


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


def _never_finalize(connection: sqlite3.Connection, *, undo: bool = False) -> None:
    """Keep a connection from being closed by anything but `Database.close`.

    SQLite deletes the log when the last connection closes, and a forked child would do so: at its
    exit the interpreter finalizes the connection that it inherited. So there is one reference too
    many on purpose.
    """
    change = ctypes.pythonapi.Py_DecRef if undo else ctypes.pythonapi.Py_IncRef
    change(ctypes.py_object(connection))


def _lengthen(log: Path) -> None:
    """Make a log as long as it will be; SQLite ignores what does not have its checksums.

    A flush takes half the time if the file does not grow.
    """
    with suppress(OSError), log.open("ab", buffering=0) as file:
        file.write(bytes(_BYTES_OF_LOG))
        os.fsync(file.fileno())


def _settled(ends: Sequence[Settlement]) -> tuple[str, str]:
    accepted = {end.digest: end.id for end in ends if end.state is _ACCEPTED}
    others = [
        (end.digest, end.state, end.id, end.code, end.error)
        for end in ends
        if end.state is not _ACCEPTED
    ]
    return compact_json(accepted), compact_json(others)


class SQLiteJournal:
    """A `JournalStore` in a file: written in a thread of its own on asyncio, in workers on trio.

    It belongs to no event loop: it may be opened in one, and used in another.

    Args:
        database: The open file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="engagelab-journal")
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
                for database in opened:  # pragma: no cover - in the very moment it was opened
                    database.close()
            raise
        return cls(opened[0])

    async def write(
        self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write settlements, then intents; see `JournalStore.write`.

        Raises:
            JournalError: The file cannot be written, or as for `Database.check`.
        """
        # Here, not in the thread: a fork would wait for one that it does not have.
        self._database.check()
        task = current_task()
        try:
            if task is None:
                return await to_thread.run_sync(self._database.write, settlements, intents)
            # The way to this thread and back costs half of what it costs to one of anyio's.
            known: Mapping[str, Record] = await task.get_loop().run_in_executor(
                self._thread, self._database.write, settlements, intents
            )
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"journal: it cannot be written ({error})") from error
        return known

    async def close(self) -> None:
        """End the run and close the file."""
        # As in `write`; and a fork has nothing to close.
        if not self._database.is_forked:
            await to_thread.run_sync(self._database.close)
        self._thread.shutdown(wait=False)

    def abandon(self) -> None:
        """Close the file at once, but not in the middle of a write."""
        self._database.close()
        self._thread.shutdown(wait=False)
