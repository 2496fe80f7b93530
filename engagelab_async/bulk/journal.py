"""The journal of a run: what it is about to do, durable before it does it, and what came of it.

One SQLite file in WAL mode. It holds digests and states; no recipient, no text, no code::

    (no row) ── intent ──> sending ── settle ──> accepted
       ↑                     │                  refused     the API will not take it
       │                     │                  uncertain   it may have been sent
       │                     │                  split       its halves are sent instead
       └───── (unsent) <─────┘                  unsent      it was not, and may be tried again
                             └ the process ends here: uncertain

`Database` is the file, used from worker threads; `RunJournal` puts whatever the tasks of a run want
written at the same moment into one transaction.
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
from typing import Final

import anyio
from anyio import to_thread
from attrs import define, field, frozen

from engagelab_async._version import __version__

from .files import JournalError, inode, log_of, open_inodes, open_lock, translate_sqlite_errors
from .mark import FOLD, Mark
from .schema import JOURNAL
from .settling import Proof, proofs
from .sites import Site, refuse_another
from .states import State

__all__ = [
    "JOURNAL",
    "Database",
    "Record",
    "RunJournal",
    "SendIntent",
    "Settlement",
    "open_database",
]

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

_SITES: Final = "SELECT product, digest, origin FROM sites"
_USE: Final = "INSERT OR IGNORE INTO sites (product, digest, origin) VALUES (?, ?, ?)"


@frozen
class Record:
    """What a journal knows of an operation.

    Attributes:
        state: Its state.
        run: The number of the run that recorded it.
    """

    state: State
    run: int


@frozen
class SendIntent:
    """The intent to send an operation, or a question whether it may be sent.

    Attributes:
        digest: The operation's identity.
        resend: Whether it may be sent though an earlier run may have sent it.
        again: Whether this run has written the intent before and withdrawn it.
        ask_only: Whether nothing is written.
        product: The product that it belongs to.
    """

    digest: str
    resend: bool = False
    again: bool = False
    ask_only: bool = False
    product: str | None = None

    def is_blocked_by(self, record: Record | None, run: int) -> bool:
        """Return whether the record forbids sending the operation in a run."""
        if record is None or record.state is State.UNSENT:
            return False
        if record.run == run:
            return not (self.again and record.state is State.UNCERTAIN)
        return not (self.resend and record.state.doubtful)


@frozen
class Settlement:
    """The outcome of an operation, as it is recorded.

    Attributes:
        digest: The operation's identity.
        state: Its final state.
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
        rows = [(each.digest, each.state, each.id, each.code, each.error) for each in found]
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
        """Write settlements, then intents, in one transaction.

        Returns:
            The records of the operations before, by their digests. The intents that these do not
            block are written.

        Raises:
            JournalError: This is a fork of the process that has the file.
        """
        if self._process != os.getpid():
            raise JournalError(f"journal: {self._path} is in use by the process that was forked")
        with self._in_use:
            known = self._look_up(intents) | {
                end.digest: Record(end.state, self.run) for end in ends
            }
            granted = [
                intent
                for intent in intents
                if not intent.ask_only
                and not intent.is_blocked_by(known.get(intent.digest), self.run)
            ]
            if not ends and not granted:
                # Only questions: a transaction would count and flush for nothing.
                return known
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
        return known

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


async def open_database(path: Path, sites: Mapping[str, Site] | None = None) -> Database:
    """Open a journal in a worker thread.

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
            database = Database(path) if sites is None else Database(path, sites=sites)
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
    return opened[0]


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


def recorded_sites(connection: sqlite3.Connection) -> Mapping[str, Site]:
    """Read where a journal was used, by product; one of version 1 does not know.

    Args:
        connection: The journal, open.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    rows = connection.execute(_SITES).fetchall() if version > 1 else []
    return {product: Site(digest, origin) for product, digest, origin in rows}


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


def do_nothing() -> None:
    """Do nothing: no task waits."""


@define(eq=False)
class _Batch:
    """What is written in one transaction."""

    ends: list[Settlement] = field(factory=list)
    intents: dict[str, SendIntent] = field(factory=dict)
    questions: list[SendIntent] = field(factory=list)
    withdrawn: list[SendIntent] = field(factory=list)
    durable: list[Callable[[], None]] = field(factory=list)
    wanted: anyio.Event = field(factory=anyio.Event)
    done: anyio.Event = field(factory=anyio.Event)
    known: Mapping[str, Record] = field(factory=dict)
    error: BaseException | None = None

    def finish(self) -> None:
        """Wake all tasks that wait for it."""
        self.done.set()
        durable, self.durable = self.durable, []
        for each in durable:
            each()


class RunJournal:
    """The journal of one run, for its tasks.

    While one transaction is written to disk, in a worker thread, what all tasks want
    written collects for the next: the more are in flight, the more share an fsync.

    Args:
        database: The open file.
        on_failure: Called when it cannot be written any longer.

    Attributes:
        written: In a callback of `settle`, whether what was settled is on the disk.
    """

    def __init__(self, database: Database, on_failure: Callable[[JournalError], None]) -> None:
        self._database = database
        self._on_failure = on_failure
        self._gathering = _Batch()
        self._closing = False
        self.written: bool = True

    @property
    def run(self) -> int:
        """The number of this run."""
        return self._database.run

    @property
    def token(self) -> str:
        """What distinguishes this run from those of other journals."""
        return self._database.token

    async def intend(self, intent: SendIntent) -> Record | None:
        """Write an intent, unless the record of the operation blocks it.

        Returns:
            The operation's record before. Unless that blocks the intent, see
            `SendIntent.is_blocked_by`, the intent is durable.

        Raises:
            JournalError: It cannot be written.
        """
        batch = self._gathering
        if intent.ask_only:
            batch.questions.append(intent)
        elif intent.digest in batch.intents:
            # Another worker has the same intent at the same moment.
            return Record(State.SENDING, self.run)
        else:
            batch.intents[intent.digest] = intent
        batch.wanted.set()
        try:
            await batch.done.wait()
        except BaseException:
            if batch.done.is_set():
                self._withdraw(intent, batch)
            else:
                batch.withdrawn.append(intent)
            raise
        if batch.error is not None:
            raise _unwritable(batch.error)
        return batch.known.get(intent.digest)

    def settle(self, end: Settlement, durable: Callable[[], None] = do_nothing) -> None:
        """Have it written down what became of an operation.

        Args:
            end: What became of it.
            durable: Called when it is on the disk, or has failed to get there.
        """
        batch = self._gathering
        batch.ends.append(end)
        batch.durable.append(durable)
        batch.wanted.set()
        if batch.done.is_set():
            # The writer has ended.
            self._finish(batch)

    def close(self) -> None:
        """Write what is left, and end `write`."""
        self._closing = True
        self._gathering.wanted.set()

    async def write(self) -> None:
        """Write what is wanted, until the journal is closed."""
        try:
            # Cancelled with the rest of a run, it still writes down how that ended.
            with anyio.CancelScope(shield=True):
                while not self._closing or self._gathering.wanted.is_set():
                    await self._gathering.wanted.wait()
                    batch, self._gathering = self._gathering, _Batch()
                    await self._write(batch)
                await to_thread.run_sync(self._database.close)
        except BaseException as error:
            # Only an event loop that is torn down gets here.
            self._gathering.error = error
            self._finish(self._gathering)
            self._database.close()
            raise

    async def _write(self, batch: _Batch) -> None:
        intents = [*batch.questions, *batch.intents.values()]
        try:
            batch.known = await to_thread.run_sync(self._database.write, batch.ends, intents)
        except BaseException as error:
            batch.error = error
            if not isinstance(error, sqlite3.Error | OSError | JournalError):
                raise
            self._on_failure(_unwritable(error))
        finally:
            for intent in batch.withdrawn:
                self._withdraw(intent, batch)
            self._finish(batch)

    def _finish(self, batch: _Batch) -> None:
        self.written = batch.error is None
        batch.finish()

    def _withdraw(self, intent: SendIntent, batch: _Batch) -> None:
        """Withdraw the intent of a task that was cancelled."""
        record = batch.known.get(intent.digest)
        written = batch.error is None and not intent.ask_only
        if written and not intent.is_blocked_by(record, self.run):
            doubtful = record is not None and record.state.doubtful
            self.settle(Settlement(intent.digest, State.UNCERTAIN if doubtful else State.UNSENT))


def _unwritable(error: BaseException) -> JournalError:
    failure = JournalError(f"journal: it cannot be written ({error})")
    failure.__cause__ = error
    return failure
