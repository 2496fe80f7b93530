"""Who is measured: each client sends the same message, in the way that its documentation shows.

A client is an async context manager. It yields a coroutine function that sends the message once
and reads the answer's JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from engagelab_async import Credentials, EngageLab

if TYPE_CHECKING:
    from engagelab_async.engines import HTTP
    from server import Server

Send = Callable[[], Awaitable[object]]
Opened = AbstractAsyncContextManager[Send]

TO: Final = "+6591234567"
CODE: Final = "039487"
TEMPLATE: Final = "login"
KEY: Final = "key"
SECRET: Final = "secret"  # noqa: S105 - the server takes any
PATH: Final = "/v1/codes"
MESSAGE: Final = {"to": TO, "code": CODE, "template": {"id": TEMPLATE}}

# A wide run keeps a slow client busy for longer than the usual limits.
PATIENCE: Final = 120.0
# As many as our own engines open connections.
THREADS: Final = 256


@frozen
class Client:
    """One line of the chart.

    Attributes:
        name: How tables and the chart call it.
        library: The module that must be installed.
        open: Makes it, for a server.
    """

    name: str
    library: str
    open: Callable[[Server], Opened]

    @property
    def installed(self) -> bool:
        """Whether it can be measured here."""
        return find_spec(self.library) is not None


# ------------------------------------------------------------------------------- others


@asynccontextmanager
async def raw_streams(server: Server) -> AsyncIterator[Send]:
    """HTTP written directly to asyncio streams, without any library."""
    credentials = b64encode(f"{KEY}:{SECRET}".encode()).decode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
        f"Authorization: Basic {credentials}\r\nContent-Type: application/json\r\n"
    )
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send() -> object:
        connection = idle.pop() if idle else await asyncio.open_connection(server.host, server.port)
        reader, writer = connection
        body = json.dumps(MESSAGE)
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer_head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", answer_head)
        assert length is not None
        answer: object = json.loads(await reader.readexactly(int(length[1])))
        idle.append(connection)
        return answer

    yield send
    for _, writer in idle:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def bare_httpx(server: Server, library: str) -> AsyncIterator[Send]:
    """An ``AsyncClient``; with its limits it would reconnect all the time."""
    httpx: Any = import_module(library)
    unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(auth=(KEY, SECRET), limits=unlimited, timeout=PATIENCE) as client:

        async def send() -> object:
            response = await client.post(server.url + PATH, json=MESSAGE)
            return response.json()

        yield send


@asynccontextmanager
async def bare_aiohttp(server: Server) -> AsyncIterator[Send]:
    """One ``ClientSession`` for all requests."""
    import aiohttp

    async with aiohttp.ClientSession(auth=aiohttp.BasicAuth(KEY, SECRET)) as session:

        async def send() -> object:
            async with session.post(server.url + PATH, json=MESSAGE) as response:
                return await response.json()

        yield send


@asynccontextmanager
async def vendor_in_threads(server: Server) -> AsyncIterator[Send]:
    """The vendor's synchronous package, which opens a connection for each call."""
    from engagelab_otp import OTPClient

    client = OTPClient(KEY, SECRET, timeout=PATIENCE)
    client.BASE_URL = server.url + "/v1"
    message = partial(client.send_custom, TO, TEMPLATE, {"code": CODE})
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(max_workers=THREADS) as threads:

        async def send() -> object:
            return await loop.run_in_executor(threads, message)

        yield send


@asynccontextmanager
async def twilio(server: Server) -> AsyncIterator[Send]:
    """The asynchronous client of another platform, for scale; aiohttp is below it."""
    from twilio.http.async_http_client import AsyncTwilioHttpClient
    from twilio.rest import Client as Twilio

    async with AsyncTwilioHttpClient() as http:
        client = Twilio(KEY, SECRET, http_client=http)
        client.api.base_url = server.url

        async def send() -> object:
            return await client.messages.create_async(to=TO, from_=TO, body=CODE)

        yield send


# ------------------------------------------------------------------------------- ours


@asynccontextmanager
async def ours(server: Server, http: HTTP) -> AsyncIterator[Send]:
    """This library, on an engine."""
    async with EngageLab(
        otp=Credentials(KEY, SECRET),
        http=http,
        timeout=PATIENCE,
        deadline=2 * PATIENCE,
        otp_base_url=server.url,
    ) as engagelab:
        yield partial(engagelab.otp.send_code, TO, CODE, TEMPLATE)


@asynccontextmanager
async def ours_on_session(server: Server) -> AsyncIterator[Send]:
    """This library, on a session that the program has anyway."""
    import aiohttp

    async with aiohttp.ClientSession() as session, ours(server, session) as send:
        yield send


RAW: Final = Client("raw asyncio streams", "asyncio", raw_streams)
AIOHTTP: Final = Client("aiohttp", "aiohttp", bare_aiohttp)
OURS_ASYNCIO: Final = Client("ours on asyncio", "httptools", partial(ours, http="asyncio"))
OURS_AIOHTTP: Final = Client("ours on aiohttp", "aiohttp", partial(ours, http="aiohttp"))
OURS_SESSION: Final = Client("ours on a shared aiohttp session", "aiohttp", ours_on_session)
HTTPX: Final = Client("httpx", "httpx", partial(bare_httpx, library="httpx"))
OURS_HTTPX: Final = Client("ours on httpx", "httpx", partial(ours, http="httpx"))
HTTPX2: Final = Client("httpx2", "httpx2", partial(bare_httpx, library="httpx2"))
OURS_HTTPX2: Final = Client("ours on httpx2", "httpx2", partial(ours, http="httpx2"))
VENDOR: Final = Client("engagelab-otp in threads", "engagelab_otp", vendor_in_threads)
TWILIO: Final = Client("twilio", "twilio", twilio)

# What is compared most stands side by side, so that the machine's moods meet both.
CLIENTS: Final = (
    RAW,
    OURS_ASYNCIO,
    AIOHTTP,
    OURS_AIOHTTP,
    OURS_SESSION,
    HTTPX,
    OURS_HTTPX,
    HTTPX2,
    OURS_HTTPX2,
    VENDOR,
    TWILIO,
)
OURS: Final = (OURS_ASYNCIO, OURS_HTTPX, OURS_HTTPX2, OURS_AIOHTTP, OURS_SESSION)
OVER_TLS: Final = (OURS_ASYNCIO, AIOHTTP, OURS_AIOHTTP, HTTPX, OURS_HTTPX)
