"""An inbox without a server: what it is made of, and a client that calls its paths."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from engagelab_async.sandbox import DEMO_CREDENTIALS
from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.inbox import Inbox
from support.fake_clock import FakeClock
from support.platforms import Platform


@pytest.fixture
def inbox(platform: Platform, clock: FakeClock) -> Inbox:
    """The inbox of `platform`, which keeps four messages."""
    return Inbox(platform, keep=4, clock=clock)


@pytest_asyncio.fixture
async def http(platform: Platform, inbox: Inbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API and of the inbox."""
    app = create_app(platform, recorded=inbox.recorded, further_routes=inbox.routes)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://sandbox", auth=DEMO_CREDENTIALS
    ) as client:
        yield client
