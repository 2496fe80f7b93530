"""Callbacks settle the uncertain messages of a run.

A run locks its journal, while its callbacks arrive, often at another process. So they are written
to a file beside the journal, which any number of processes may write to. The next process that
opens the journal takes them into account::

    run.db              locked by the run       <── read when a run begins, and by readers
    run.db-callbacks    message ids, statuses   <── Journal.settle

A row is a message: its id, the operation and the run that it belongs to, and the furthest status
that it is known to have reached. What that proves is said in `proofs`.
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
from typing import TYPE_CHECKING, Final, Self

from anyio import to_thread
from attrs import astuple

from .files import Kind, inode, translate_sqlite_errors
from .proofs import Doubt, Proof, Receipt, prove
from .protocol import State
from .schema import collect_known

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
    SELECT id, digest, targets, token, status, rank, went, code FROM messages
    WHERE digest IN (SELECT value FROM json_each(?))
"""
_COUNT: Final = """
    SELECT status, count(*) FROM callbacks.messages
    WHERE token IN (SELECT token FROM runs)
        OR token IS NULL AND id IN (SELECT id FROM known WHERE id IS NOT NULL)
    GROUP BY status ORDER BY max(rank), status
"""
_PATIENCE: Final = 30.0  # seconds that another process may take to write
_AT_ONCE: Final = 1000


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
        receipt = Receipt.of(event)
        if receipt is not None:
            await to_thread.run_sync(self._put, receipt)
        return receipt is not None

    async def open(self) -> None:
        """Open the file of callbacks, or make it; the first event would do so, too.

        Raises:
            JournalError: It cannot be used.
        """
        await to_thread.run_sync(self._put, None)

    def _put(self, receipt: Receipt | None) -> None:
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
            if receipt is not None:
                self._connection.execute(_PUT, astuple(receipt))

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


def proofs(journal: Path, connection: sqlite3.Connection) -> list[Proof]:
    """Look up what callbacks say of all that is uncertain.

    Args:
        journal: The journal's file.
        connection: The journal, open.

    Raises:
        JournalError: The file of callbacks cannot be used.
    """
    path = beside(journal)
    if not path.exists():
        return []
    collect_known(connection)
    # All of them at once: a statement that is not finished would keep the file if this failed.
    doubts = {
        digest: Doubt(digest, State(state), error, token)
        for digest, state, error, token in connection.execute(_DOUBTFUL).fetchall()
    }
    tokens = {token for (token,) in connection.execute("SELECT token FROM runs").fetchall()}
    with translate_sqlite_errors(path), closing(_connected(path)) as callbacks:
        return prove(doubts, _receipts(callbacks, doubts), tokens)


def _receipts(callbacks: sqlite3.Connection, digests: Iterable[str]) -> Iterator[Receipt]:
    remaining = iter(digests)
    while batch := list(islice(remaining, _AT_ONCE)):
        for row in callbacks.execute(_FIND, (json.dumps(batch),)).fetchall():
            yield Receipt(*row)


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
        collect_known(connection)
        connection.execute("ATTACH DATABASE ? AS callbacks", (f"{path.as_uri()}?mode=ro",))
        return dict(connection.execute(_COUNT).fetchall())
