"""A fleet on pgqueuer: the queue is a table of the fleet's PostgreSQL, and needs no other service.

The engine's own function runs a worker, and restarts it when PostgreSQL has been away::

    pgqueuer.run(bulk.worker, max_concurrent_tasks=2, batch_size=1, restart_on_failure=True)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.queries import Queries

from engagelab_async.arguments import check_instance
from engagelab_async.client import EngageLab

from .fleet import Fleet
from .postgresql import PostgreSQL

if TYPE_CHECKING:
    import asyncpg
    from pgqueuer.models import Job

ENTRYPOINT: Final = "engagelab_bulk"
"""The name of the entry point."""


class Served:
    """A fleet's queue in PostgreSQL: the ``via`` of its runs. Made by `serve`.

    Attributes:
        fleet: The fleet.

    .. versionadded:: 0.1.0
    """

    def __init__(self, fleet: Fleet, store: PostgreSQL, client: Callable[[], EngageLab]) -> None:
        self.fleet: Fleet = fleet
        self._store = store
        self._client = client
        self._connection: asyncpg.Connection[Any] | None = None
        self._line = asyncio.Lock()

    async def create_tables(self) -> None:
        """Create pgqueuer's own tables, unless they are there; ``pgq install`` does the same."""
        connection = await self._store.connect()
        try:
            queries = Queries(AsyncpgDriver(connection))
            if not await queries.schema_is_installed():
                await queries.install()
        finally:
            await connection.close()

    async def __call__(self, message: Mapping[str, Any], /) -> None:
        """Put a message into the queue."""
        async with self._line:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._store.connect()
                self.fleet.close_with(self._connection.close)
            queries = Queries(AsyncpgDriver(self._connection))
            await queries.enqueue(ENTRYPOINT, json.dumps(message).encode())

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[PgQueuer]:
        """Make the manager of a worker process: what ``pgqueuer.run`` is given."""
        connection = await self._store.connect()
        try:
            async with self._client() as engagelab, self.fleet:
                manager = PgQueuer(AsyncpgDriver(connection))

                @manager.entrypoint(ENTRYPOINT, accepts_context=False)
                async def deliver(job: Job) -> None:
                    try:
                        await self.fleet.deliver(json.loads(job.payload or b""), engagelab)
                    except asyncio.CancelledError:
                        # pgqueuer would delete the job.
                        raise RetryRequested(reason="the worker ends") from None

                yield manager
        finally:
            await connection.close()


def serve(fleet: Fleet, client: Callable[[], EngageLab]) -> Served:
    """Let the fleet's PostgreSQL carry its messages, and workers of pgqueuer send them.

    Args:
        fleet: The fleet.
        client: Makes the client of a worker process, such as `EngageLab.from_env`.

    Returns:
        The ``via`` of the fleet's runs; its `Served.worker` is for ``pgqueuer.run``.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: The fleet has no PostgreSQL.

    .. versionadded:: 0.1.0
    """
    store = check_instance(fleet, "fleet", Fleet).store
    if not isinstance(store, PostgreSQL):
        raise ValueError("fleet: pgqueuer needs one with a PostgreSQL")  # noqa: TRY004 - its kind
    if not callable(client):
        raise TypeError(f"client: expected a function, got {type(client).__name__}")
    return Served(fleet, store, client)
