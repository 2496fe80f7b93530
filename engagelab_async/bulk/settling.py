"""Callbacks settle the uncertain messages of a run.

A run locks its journal, while its callbacks arrive, often at another process. So they are written
to a file beside the journal, which any number of processes may write to. The next process that
opens the journal takes them into account::

    run.db              locked by the run       <── read when a run begins, and by readers
    run.db-callbacks    message ids, statuses   <── Journal.settle

A row is a message: its id, the operation and the run that it belongs to, and the furthest that it
is known to have come. Callbacks arrive late, twice, in any order, and for other journals, too.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, runtime_checkable

from anyio import to_thread
from attrs import evolve, frozen

from engagelab_async.arguments import is_integer

from .files import JournalError, Kind, inode, translate_sqlite_errors
from .identity import REFERENCE, Reference
from .states import State

if TYPE_CHECKING:
    from types import TracebackType

_CALLBACKS: Final = Kind(
    0x454C4331,
    (
        """
    CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        digest TEXT,
        targets INTEGER,
        token TEXT,
        status TEXT NOT NULL,
        rank INTEGER NOT NULL,
        went INTEGER NOT NULL,
        code INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX by_digest ON messages (digest) WHERE digest IS NOT NULL;
    """,
    ),
)
_PUT: Final = """
    INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        digest = coalesce(digest, excluded.digest),
        targets = coalesce(targets, excluded.targets),
        token = coalesce(token, excluded.token),
        status = iif(excluded.rank >= rank, excluded.status, status),
        code = iif(excluded.rank >= rank, excluded.code, code),
        rank = max(rank, excluded.rank),
        went = max(went, excluded.went)
"""
_DOUBTFUL: Final = f"""
    SELECT digest, state, coalesce(code, error), runs.token
    FROM known JOIN runs ON runs.number = known.run
    WHERE state IN ({State.SENDING:d}, {State.UNCERTAIN:d})
"""  # noqa: S608 - of numbers
_FIND: Final = """
    SELECT digest, token, targets, status, went, id, code FROM messages
    WHERE digest IN (SELECT value FROM json_each(?))
"""
_COUNT: Final = """
    SELECT status, count(*) FROM callbacks.messages
    WHERE token IN (SELECT token FROM runs)
        OR token IS NULL AND id IN (SELECT id FROM operations WHERE id IS NOT NULL)
    GROUP BY status ORDER BY max(rank), status
"""
_RANKS: Final = {
    "plan": 0,
    "target_valid": 1,
    # All others are 2: "sent", and statuses that are not known yet.
    "target_invalid": 3,
    "sent_failed": 4,
    "sent_fail": 4,
    "delivered": 5,
    "delivered_failed": 5,
    "verified_failed": 6,
    "verified_timeout": 6,
    "verified": 7,
}
_NOT_SENT_STATUSES: Final = {
    # Statuses of a message that was not sent; with any other, it may have been.
    "plan": State.ACCEPTED,
    "target_valid": State.ACCEPTED,
    "target_invalid": State.REFUSED,
    "sent_failed": State.UNSENT,
    "sent_fail": State.UNSENT,
}
_PROOF_ORDER: Final = (State.UNSENT, State.REFUSED, State.ACCEPTED)
"""If an operation has several messages, the last of these states counts."""

_LARGEST: Final = 2**63
"""Integers of SQLite are less than this."""

_PATIENCE: Final = 30.0  # seconds that another process may take to write
_AT_ONCE: Final = 1000


@runtime_checkable
class _Status(Protocol):
    """What is looked at of a `webhooks.MessageStatus`."""

    message_id: str
    status: str
    custom_args: Mapping[str, Any]
    error_code: int | None


class Journal:
    """The journal of bulk runs, for a program that receives their callbacks.

    An uncertain message is settled by its first callback: it was accepted, and is not sent again;
    or it was certainly not sent, and the next run sends it. This takes effect when the next run
    begins, and in ``engagelab journal show``. A run may have the journal open at the time.

    It is a handler for the receivers of ``engagelab_async.webhooks``. Close it with ``async with``,
    or with `aclose`.

    Args:
        path: The journal's file, as passed to `EngageLab.fan_out`. It need not exist yet;
            its directory must.

    Example:
        >>> async def main():
        ...     async with Journal("run.db") as journal:
        ...         app.include_router(webhook_router(verifier, journal.settle))

    .. versionadded:: 0.1.0
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open nothing yet."""
        self._path = beside(Path(path))
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, ...] = ()
        self._in_use = threading.Lock()

    async def settle(self, event: object) -> bool:
        """Record the status of a message.

        Args:
            event: Any `webhooks.Event`; others than a message's status are ignored. The same event
                may be settled twice.

        Returns:
            Whether it was a message's status.

        Raises:
            JournalError: The file of callbacks cannot be used.
        """
        if not isinstance(event, _Status):
            return False
        await to_thread.run_sync(self._put, _row(event))
        return True

    async def open(self) -> None:
        """Open the file of callbacks, or make it; the first event would do so, too.

        Raises:
            JournalError: It cannot be used.
        """
        await to_thread.run_sync(self._put, None)

    def _put(self, row: tuple[object, ...] | None) -> None:
        with self._in_use, translate_sqlite_errors(self._path):
            if self._connection is not None and not self._is_in_place():
                # The journal was moved or deleted, to start again; or the process has forked, and
                # the locks are its parent's.
                self._connection.close()
                self._connection = None
            if self._connection is None:
                if not self._path.exists():
                    _CALLBACKS.create(self._path)
                self._connection = _connected(self._path)
                self._file = self._identified()
            if row is not None:
                self._connection.execute(_PUT, row)

    def _is_in_place(self) -> bool:
        return self._path.exists() and self._identified() == self._file

    def _identified(self) -> tuple[int, ...]:
        return os.getpid(), *inode(self._path)

    async def aclose(self) -> None:
        """Close the file; the next event opens it again."""
        await to_thread.run_sync(self._close)

    def _close(self) -> None:
        with self._in_use:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def __aenter__(self) -> Self:
        """Open nothing yet."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        await self.aclose()


def _row(event: _Status) -> tuple[object, ...]:
    found = Reference.read(event.custom_args.get(REFERENCE))
    whose = (None, None, None) if found is None else (found.digest, found.targets, found.token)
    status = _storable(event.status)
    rank = _RANKS.get(status, 2)
    went = status not in _NOT_SENT_STATUSES
    return _storable(event.message_id), *whose, status, rank, went, _code(event.error_code)


def _storable(text: str) -> str:
    # JSON can hold half of a surrogate pair, and SQLite cannot.
    return text.encode(errors="backslashreplace").decode()


def _code(code: int | None) -> int | None:
    """Return a code if it is one: what no code can be must not cost the proof beside it."""
    is_code = is_integer(code) and 0 < abs(code) < _LARGEST
    return code if is_code else None


def _connected(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        _CALLBACKS.verify(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # No flush for each: what a power cut takes away leaves an operation uncertain, no more.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def beside(journal: Path) -> Path:
    """Return the path of the callbacks of a journal."""
    real = journal.resolve()
    return real.with_name(f"{real.name}-callbacks")


@frozen
class Proof:
    """What callbacks say of an operation that a run was left uncertain of.

    Attributes:
        digest: Its identity.
        before: Its state in the journal: being sent, or uncertain.
        before_error: Its error in the journal.
        state: What it is proven to be: accepted, refused or unsent.
        id: The message's id.
        code: The API's code of why it was not sent, or ``None``.
        error: The status that says so, or ``None``.
    """

    digest: str
    before: State
    before_error: str | int | None
    state: State
    id: str
    code: int | None = None
    error: str | None = None


@frozen
class _Doubt:
    """What a run was left uncertain of, and which run."""

    before: State
    error: str | int | None
    token: str


@frozen
class _Message:
    """A row of the file of callbacks."""

    digest: str
    token: str
    targets: int
    status: str
    went: int
    id: str
    code: int | None

    @property
    def proves(self) -> State | None:
        """What it proves of its operation."""
        # One of many that was not sent says nothing of the others.
        if self.went or self.targets > 1:
            return State.ACCEPTED
        state = _NOT_SENT_STATUSES.get(self.status)
        if state is None:
            raise JournalError(
                f"journal: its callbacks hold a status that is not known, {self.status!r}: "
                "nothing is sent, and nothing is changed"
            )
        return state if self.targets or state is State.ACCEPTED else None


def proofs(journal: Path, connection: sqlite3.Connection) -> list[Proof]:
    """Look up what callbacks say of all that is uncertain.

    That it was accepted or refused is proven by a message of any run of this journal. That it was
    not sent is proven only by a message of the run that left it uncertain: an earlier one's may
    have failed, and this one's have arrived.

    Args:
        journal: The journal's file.
        connection: The journal, open.

    Raises:
        JournalError: The file of callbacks cannot be used.
    """
    path = beside(journal)
    if not path.exists():
        return []
    # All of them at once: a statement that is not finished would keep the file if this failed.
    doubts = {
        digest: _Doubt(State(state), error, token)
        for digest, state, error, token in connection.execute(_DOUBTFUL).fetchall()
    }
    tokens = {token for (token,) in connection.execute("SELECT token FROM runs").fetchall()}
    found: dict[str, Proof] = {}
    with translate_sqlite_errors(path), closing(_connected(path)) as callbacks:
        for message in _messages(callbacks, doubts):
            doubt, state = doubts[message.digest], message.proves
            known = tokens if state is not State.UNSENT else {doubt.token}
            if state is not None and message.token in known:
                proof = _proof(message, doubt, state)
                found[proof.digest] = max(found.get(proof.digest, proof), proof, key=_weight)
    return list(found.values())


def _messages(callbacks: sqlite3.Connection, digests: Iterable[str]) -> Iterator[_Message]:
    remaining = iter(digests)
    while batch := list(islice(remaining, _AT_ONCE)):
        for row in callbacks.execute(_FIND, (json.dumps(batch),)).fetchall():
            yield _Message(*row)


def _proof(message: _Message, doubt: _Doubt, state: State) -> Proof:
    proof = Proof(message.digest, doubt.before, doubt.error, state, message.id)
    if state is State.ACCEPTED:
        return proof
    return evolve(proof, code=message.code, error=message.status)


def _weight(proof: Proof) -> int:
    return _PROOF_ORDER.index(proof.state)


def count_messages(journal: Path, connection: sqlite3.Connection) -> Mapping[str, int]:
    """Count the messages of a journal that callbacks reported, by their last status.

    Args:
        journal: The journal's file.
        connection: The journal, open to be read.
    """
    path = beside(journal)
    if not path.exists():
        return {}
    with translate_sqlite_errors(path):
        _connected(path).close()
        connection.execute("ATTACH DATABASE ? AS callbacks", (f"{path.as_uri()}?mode=ro",))
        return dict(connection.execute(_COUNT).fetchall())
