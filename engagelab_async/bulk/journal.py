"""The journal of a run: what it is about to do, durable before it does it, and what came of it.

One SQLite file in WAL mode. It holds digests and states; no recipient, no text, no code::

    (no row) ── claim ──> sending ── settle ──> accepted
       ↑                     │                  refused     the API will not take it
       │                     │                  uncertain   it may have been sent
       │                     │                  split       its halves are sent instead
       └───── (unsent) <─────┘                  unsent      it was not, and may be tried again
                             └ the process ends here: uncertain

`Database` is the file, used from worker threads; `RunJournal` puts whatever the tasks of a run want
written at the same moment into one transaction.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Final

import anyio
from anyio import to_thread
from attrs import define, field, frozen

from .files import JournalError, Kind, door, held, told
from .settling import proofs
from .states import State

# Digests are in no order, so each row of `operations` that is written is a page of its own in
# SQLite's log. What is under way stands in a table that grows at its end, which costs a third less.
JOURNAL: Final = Kind(
    0x454C4A31,
    1,
    """
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
        SELECT digest, 0 AS state, (SELECT max(number) FROM runs) AS run,
            NULL AS code, NULL AS error FROM sending
        UNION ALL
        SELECT digest, state, run, code, error FROM operations
        WHERE digest NOT IN (SELECT digest FROM sending);
    """,
)

# A transaction is one statement, with all rows as JSON. Each statement gives the interpreter's lock
# away and waits for it, and beside an event loop that has much to do it waits for milliseconds.
_SET_UP: Final = """
    PRAGMA temp_store = MEMORY;
    CREATE TEMP VIEW work AS
        SELECT 0 AS run, 0 AS at, '' AS accepted, '' AS others, '' AS ended,
            0 AS first, '' AS begun;
    CREATE TEMP TRIGGER working INSTEAD OF INSERT ON work BEGIN
        -- Most are accepted, and two values take half the time of five.
        INSERT INTO operations (run, at, digest, state, id)
            SELECT new.run, new.at, key, 1, value FROM json_each(new.accepted) WHERE true
            ON CONFLICT (digest) DO UPDATE SET run = excluded.run, at = excluded.at,
                state = excluded.state, id = excluded.id, code = NULL, error = NULL;
        INSERT OR REPLACE INTO operations (run, at, digest, state, id, code, error)
            SELECT new.run, new.at, json_extract(value, '$[0]'), json_extract(value, '$[1]'),
                json_extract(value, '$[2]'), json_extract(value, '$[3]'),
                json_extract(value, '$[4]')
            FROM json_each(new.others);
        DELETE FROM sending WHERE number IN (SELECT value FROM json_each(new.ended));
        INSERT INTO sending SELECT new.first + key, value FROM json_each(new.begun);
    END;
"""
_WORK: Final = "INSERT INTO work VALUES (?, ?, ?, ?, ?, ?, ?)"
_LOOK_UP: Final = """
    SELECT json_group_array(json_array(digest, state, run))
    FROM operations WHERE digest IN (SELECT value FROM json_each(?))
"""
# What was under way when a process ended, in its last run: there was no other since.
_CUT_OFF: Final = """
    INSERT OR REPLACE INTO operations (run, at, digest, state)
    SELECT (SELECT max(number) FROM runs), ?, digest, 0 FROM sending
"""


@frozen
class Entry:
    """What a journal knows of an operation.

    Attributes:
        state: Its state.
        run: The number of the run that left it so.
    """

    state: State
    run: int


@frozen
class Claim:
    """The wish to send an operation, or only to know whether it may be sent.

    Attributes:
        digest: The operation's identity.
        resend: Whether it may be sent though an earlier run may have sent it.
        again: Whether this run has claimed it before and taken that back.
        ask_only: Whether nothing is to be written.
    """

    digest: str
    resend: bool = False
    again: bool = False
    ask_only: bool = False

    def held_up_by(self, entry: Entry | None, run: int) -> bool:
        """Tell whether what is known keeps the operation from being sent in a run."""
        if entry is None or entry.state is State.UNSENT:
            return False
        if entry.run == run:
            return not (self.again and entry.state is State.UNCERTAIN)
        return not (self.resend and entry.state.doubtful)


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

    Attributes:
        run: The number of the run that has begun.
        token: What tells it from those of other journals.

    Raises:
        JournalError: The file cannot be used; it is left as it was.
    """

    def __init__(self, path: Path, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._path = path
        self.run: int
        self.token: str = secrets.token_hex(8)
        self._connection, self.run = _opened(self._path, self.token, wall_clock())
        # Where what is under way stands in its table.
        self._sending: dict[str, int] = {}
        self._last = 0
        # An event loop that is torn down closes the file while a thread may still write.
        self._in_use = threading.Lock()

    def write(self, ends: Sequence[Settlement], claims: Sequence[Claim]) -> Mapping[str, Entry]:
        """Write settlements, then claims, in one transaction.

        Returns:
            What was known of the claimed operations, by their digests. The claims that it does
            not hold up are written.
        """
        with self._in_use:
            known = self._look_up(claims) | {end.digest: Entry(end.state, self.run) for end in ends}
            free = [
                claim.digest
                for claim in claims
                if not claim.ask_only and not claim.held_up_by(known.get(claim.digest), self.run)
            ]
            numbers = [self._sending[end.digest] for end in ends if end.digest in self._sending]
            first = self._last + 1
            row = (*_settled(ends), json.dumps(numbers), first, json.dumps(free))
            self._connection.execute(_WORK, (self.run, self._wall_clock(), *row))
            for end in ends:
                self._sending.pop(end.digest, None)
            self._sending.update(zip(free, count(first), strict=False))
            self._last += len(free)
        return known

    def _look_up(self, claims: Sequence[Claim]) -> dict[str, Entry]:
        digests = [claim.digest for claim in claims]
        (rows,) = self._connection.execute(_LOOK_UP, (json.dumps(digests),)).fetchone()
        known = {digest: Entry(State(state), run) for digest, state, run in json.loads(rows)}
        under_way = Entry(State.SENDING, self.run)
        return known | {digest: under_way for digest in digests if digest in self._sending}

    def close(self) -> None:
        """End the run and close the file; its log is folded into it. Again does no harm."""
        with self._in_use, suppress(sqlite3.Error), closing(self._connection):
            self._connection.execute(
                "UPDATE runs SET ended = ? WHERE number = ?", (self._wall_clock(), self.run)
            )
        held.discard(self._path.resolve())


async def open_database(path: Path) -> Database:
    """Open a journal in a worker thread.

    Args:
        path: As for `Database`.

    Raises:
        JournalError: The file cannot be used; it is left as it was.
    """
    opened: list[Database] = []
    gone = threading.Event()
    handing_over = threading.Lock()

    def open_it() -> None:
        database = Database(path)
        with handing_over:
            opened.append(database)
        if gone.is_set():
            database.close()

    try:
        await to_thread.run_sync(open_it)
    except BaseException:
        # Nobody cancels a thread: it may open the file when there is nobody left to close it.
        gone.set()
        with handing_over:
            for database in opened:
                database.close()
        raise
    return opened[0]


def _opened(path: Path, token: str, now: float) -> tuple[sqlite3.Connection, int]:
    """Open the file, and begin a run."""
    with told(path):
        if not path.exists():
            JOURNAL.create(path)
    with door, told(path):
        with JOURNAL.looked_at(path):
            pass
        taken = _taken(path.resolve(), token, now)
        held.add(path.resolve())
        return taken


def _taken(path: Path, token: str, now: float) -> tuple[sqlite3.Connection, int]:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # Held until the process ends, however it ends: a second one is told so.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        # Durable against a loss of power too, at the price of one fsync for each transaction.
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SET_UP)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_CUT_OFF, (now,))
        connection.execute("DELETE FROM sending")
        _settle_what_was_uncertain(connection, path, now)
        begun = "INSERT INTO runs (token, started) VALUES (?, ?)"
        run = connection.execute(begun, (token, now)).lastrowid
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection, run or 0


def _settle_what_was_uncertain(connection: sqlite3.Connection, path: Path, now: float) -> None:
    rows = [
        (each.digest, each.state, each.id, each.code, each.error)
        for each in proofs(path, connection)
    ]
    (last,) = connection.execute("SELECT max(number) FROM runs").fetchone()
    connection.execute(_WORK, (last, now, "{}", json.dumps(rows), "[]", 0, "[]"))


def _settled(ends: Sequence[Settlement]) -> tuple[str, str]:
    accepted = {end.digest: end.id for end in ends if end.state is State.ACCEPTED}
    others = [
        (end.digest, end.state, end.id, end.code, end.error)
        for end in ends
        if end.state is not State.ACCEPTED
    ]
    return json.dumps(accepted), json.dumps(others)


def _nothing() -> None:
    """Do nothing, for nobody waits."""


@define(eq=False)
class _Batch:
    """What is written in one transaction."""

    ends: list[Settlement] = field(factory=list)
    claims: dict[str, Claim] = field(factory=dict)
    questions: list[Claim] = field(factory=list)
    withdrawn: list[Claim] = field(factory=list)
    durable: list[Callable[[], None]] = field(factory=list)
    wanted: anyio.Event = field(factory=anyio.Event)
    done: anyio.Event = field(factory=anyio.Event)
    known: Mapping[str, Entry] = field(factory=dict)
    error: BaseException | None = None

    def finish(self) -> None:
        """Wake everybody who waits for it."""
        self.done.set()
        for durable in self.durable:
            durable()


class RunJournal:
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

    @property
    def token(self) -> str:
        """What tells this run from those of other journals."""
        return self._database.token

    async def claim(self, claim: Claim) -> Entry | None:
        """Have an intent written down, if what is known does not hold it up.

        Returns:
            What was known: ask `Claim.held_up_by` what it means. When it holds nothing up, the
            intent is durable.

        Raises:
            JournalError: It cannot be written.
        """
        batch = self._gathering
        if claim.ask_only:
            batch.questions.append(claim)
        elif claim.digest in batch.claims:
            # Somebody claims the same operation at the same moment.
            return Entry(State.SENDING, self.run)
        else:
            batch.claims[claim.digest] = claim
        batch.wanted.set()
        try:
            await batch.done.wait()
        except BaseException:
            if batch.done.is_set():
                self._unclaim(claim, batch)
            else:
                batch.withdrawn.append(claim)
            raise
        if batch.error is not None:
            raise _unwritable(batch.error)
        return batch.known.get(claim.digest)

    def settle(self, end: Settlement, durable: Callable[[], None] = _nothing) -> None:
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
            # Nobody writes any longer.
            durable()

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
            self._gathering.finish()
            self._database.close()
            raise

    async def _write(self, batch: _Batch) -> None:
        claims = [*batch.questions, *batch.claims.values()]
        try:
            batch.known = await to_thread.run_sync(self._database.write, batch.ends, claims)
        except BaseException as error:
            batch.error = error
            if not isinstance(error, sqlite3.Error | OSError):
                raise
            self._on_failure(_unwritable(error))
        finally:
            for claim in batch.withdrawn:
                self._unclaim(claim, batch)
            batch.finish()

    def _unclaim(self, claim: Claim, batch: _Batch) -> None:
        """Take back what was written for somebody who has gone."""
        entry = batch.known.get(claim.digest)
        written = batch.error is None and not claim.ask_only
        if written and not claim.held_up_by(entry, self.run):
            doubtful = entry is not None and entry.state.doubtful
            self.settle(Settlement(claim.digest, State.UNCERTAIN if doubtful else State.UNSENT))


def _unwritable(error: BaseException) -> JournalError:
    failure = JournalError(f"journal: it cannot be written ({error})")
    failure.__cause__ = error
    return failure
