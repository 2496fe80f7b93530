"""Callbacks settle what a run was left uncertain of.

A run holds its journal for itself, while its callbacks come in, often at another process. So these
stand in a file beside the journal that any number of processes may write to, and whoever opens the
journal next takes them into account::

    run.db              held by the run         <── looked at when a run begins, and by readers
    run.db-callbacks    message ids, statuses   <── Journal.settle

A row is a message: its id, the digest of the operation that it belongs to, and the furthest that
it is known to have come. Callbacks arrive late, twice, and in any order.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, runtime_checkable

from anyio import to_thread
from attrs import frozen

from .files import Kind, told
from .identity import REFERENCE, referenced
from .states import State

if TYPE_CHECKING:
    from types import TracebackType

_CALLBACKS: Final = Kind(
    0x454C4331,
    1,
    """
    CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        digest TEXT,
        status TEXT NOT NULL,
        rank INTEGER NOT NULL,
        proof INTEGER NOT NULL,
        code INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX by_digest ON messages (digest) WHERE digest IS NOT NULL;
    """,
)
_PUT: Final = """
    INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET
        status = excluded.status, rank = excluded.rank, proof = excluded.proof,
        code = excluded.code, digest = coalesce(excluded.digest, digest)
    WHERE excluded.rank >= rank
"""
_FIND: Final = """
    SELECT digest, proof, id, code, status FROM messages
    WHERE digest IN (SELECT value FROM json_each(?)) ORDER BY proof
"""
_COUNT: Final = """
    SELECT status, count(*) FROM callbacks.messages
    WHERE digest IN (SELECT digest FROM known)
        OR id IN (SELECT id FROM operations WHERE id IS NOT NULL)
    GROUP BY status ORDER BY max(rank), status
"""
_RANKS: Final = {
    "plan": 0,
    "target_valid": 1,
    # The others are 2, those that will be invented among them.
    "target_invalid": 3,
    "sent_failed": 3,
    "sent_fail": 3,
    "delivered": 4,
    "delivered_failed": 4,
    "verified_failed": 5,
    "verified_timeout": 5,
    "verified": 6,
}
_PROOFS: Final = {
    # Of a message that is the only one of its operation.
    "sent_failed": State.UNSENT,
    "sent_fail": State.UNSENT,
    "target_invalid": State.REFUSED,
}
_STATES: Final = (State.UNSENT, State.REFUSED, State.ACCEPTED)
"""What is proven, by the number that a row has for it: of several messages, the highest counts."""

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
    """The journal of bulk runs, for whoever receives their callbacks.

    What a run was left uncertain of is settled by the first callback of it: it was accepted, and
    is not sent again; or it was certainly not sent, and the next run sends it. That shows when the
    next run begins, and in ``engagelab journal show``. A run may have the journal open meanwhile.

    It is a handler for the receivers of ``engagelab_async.webhooks``. Close it with ``async with``,
    or with `aclose`.

    Args:
        path: The journal's file, as it is given to `EngageLab.fan_out`. It need not be there yet;
            its directory does.

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
        self._in_use = threading.Lock()

    async def settle(self, event: object) -> bool:
        """Take note of what became of a message.

        Args:
            event: Any `webhooks.Event`; those that tell no message's status are left alone. Twice
                does no harm.

        Returns:
            Whether it told a message's status.

        Raises:
            JournalError: The file of callbacks cannot be used.
        """
        if not isinstance(event, _Status):
            return False
        await to_thread.run_sync(self._put, _row(event))
        return True

    def _put(self, row: tuple[object, ...]) -> None:
        with self._in_use, told(self._path):
            if self._connection is None:
                if not self._path.exists():
                    _CALLBACKS.create(self._path)
                self._connection = _connected(self._path)
            self._connection.execute(_PUT, row)

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
    digest, targets = referenced(event.custom_args.get(REFERENCE))
    # One of many that was not sent says nothing of the others.
    proof = _PROOFS.get(event.status, State.ACCEPTED) if targets == 1 else State.ACCEPTED
    rank = _RANKS.get(event.status, 2)
    code = event.error_code or None
    return event.message_id, digest, event.status, rank, _STATES.index(proof), code


def _connected(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        _CALLBACKS.insist_on(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        # No flush for each: what a power cut takes away leaves an operation uncertain, no more.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def beside(journal: Path) -> Path:
    """Tell where the callbacks of a journal stand."""
    real = journal.resolve()
    return real.with_name(f"{real.name}-callbacks")


@frozen
class Proof:
    """What callbacks say of an operation.

    Attributes:
        digest: Its identity.
        state: What it is proven to be: accepted, refused or unsent.
        id: The message's id.
        code: The API's code of why it was not sent, or ``None``.
        status: The message's status.
    """

    digest: str
    state: State
    id: str
    code: int | None
    status: str


def proofs(journal: Path, digests: Iterable[str]) -> Mapping[str, Proof]:
    """Look up what callbacks say of operations.

    Args:
        journal: The journal's file.
        digests: Their identities.

    Raises:
        JournalError: The file of callbacks cannot be used.
    """
    path = beside(journal)
    if not path.exists():
        return {}
    found: dict[str, Proof] = {}
    remaining = iter(digests)
    with told(path), closing(_connected(path)) as connection:
        while batch := list(islice(remaining, _AT_ONCE)):
            for digest, proof, *rest in connection.execute(_FIND, (json.dumps(batch),)):
                found[digest] = Proof(digest, _STATES[proof], *rest)
    return found


def count_messages(journal: Path, connection: sqlite3.Connection) -> Mapping[str, int]:
    """Count the messages of a journal that callbacks told of, by their last status.

    Args:
        journal: The journal's file.
        connection: The journal, open to be read.
    """
    path = beside(journal)
    if not path.exists():
        return {}
    with told(path):
        _connected(path).close()
        connection.execute("ATTACH DATABASE ? AS callbacks", (f"{path.as_uri()}?mode=ro",))
        return dict(connection.execute(_COUNT).fetchall())
