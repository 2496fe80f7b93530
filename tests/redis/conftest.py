"""What the tests with Redis share."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import valkey.asyncio
from redis.asyncio import Redis

from support import services


@pytest.fixture
def server() -> services.Redis:
    """A server that the test leaves running."""
    return services.shared_redis()


@pytest.fixture(params=["bytes", "texts", "valkey"])
def kind(request: pytest.FixtureRequest) -> str:
    """The clients that users have."""
    return str(request.param)


@pytest_asyncio.fixture
async def redis(server: services.Redis, kind: str) -> AsyncIterator[Redis]:
    """A client."""
    make = valkey.asyncio.Valkey if kind == "valkey" else Redis
    async with make.from_url(server.url, decode_responses=kind == "texts") as client:
        yield client


@pytest.fixture
def prefix() -> str:
    """What the keys of a test begin with."""
    return f"test:{secrets.token_hex(4)}:"
