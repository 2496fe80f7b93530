"""An inbox without a server: what it is made of, and a client that calls its paths."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from engagelab_async.sandbox import DEMO_CREDENTIALS
from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.faults.register import Faults
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.inbox.control import routes
from support.fake_clock import FakeClock
from support.platforms import Platform


@pytest.fixture
def calls(platform: Platform, clock: FakeClock) -> Calls:
    """The calls of `platform`, of which four messages are kept."""
    return Calls(platform, keep=4, clock=clock)


@pytest_asyncio.fixture
async def http(platform: Platform, calls: Calls) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API and of the inbox."""
    app = create_app(
        platform, recorded=calls.recorded, further_routes=routes(calls, platform, Faults())
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://sandbox", auth=DEMO_CREDENTIALS
    ) as client:
        yield client
