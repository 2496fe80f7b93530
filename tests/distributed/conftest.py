"""Fixtures of the tests of several machines."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from engagelab_async.distributed import Fleet
from support.services import PostgreSQL, schema_name, shared_postgresql


@pytest.fixture
def postgresql() -> PostgreSQL:
    """A PostgreSQL, which the test leaves running."""
    return shared_postgresql()


@pytest_asyncio.fixture
async def fleet(postgresql: PostgreSQL) -> AsyncIterator[Fleet]:
    """A fleet with tables of its own."""
    async with Fleet(postgresql.dsn, name=schema_name()) as fleet:
        await fleet.create_tables()
        yield fleet
