"""Templates and signatures over real connections, with every HTTP library."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import pytest_asyncio
from attrs import define, field

import engagelab_async
from engagelab_async import ConnectionLostError, EngageLab, RetryPolicy
from engagelab_async.engines import HTTP
from support.calls import DONE, KEY_PAIR, SMS_TEMPLATE, WORDING

Call = Callable[[EngageLab], Awaitable[object]]


@define(eq=False)
class Server:
    """Keeps what it was sent, and answers unless it is told to hang up.

    Attributes:
        heads: What came before each body.
        hangs_up: Whether the next request is answered with the end of the connection.
    """

    answer: object = field(factory=lambda: DONE)
    heads: list[str] = field(factory=list)
    hangs_up: bool = False
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while not reader.at_eof():
                await self._exchange(reader, writer)
                if self.hangs_up:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        await reader.readexactly(int(length or 0))
        self.heads.append(head)
        body = json.dumps(self.answer).encode()
        if not self.hangs_up:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    """Serve on a free port."""
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        server.url = "http://{}:{}".format(*listener.sockets[0].getsockname())
        yield server


@asynccontextmanager
async def library(name: str) -> AsyncIterator[HTTP]:
    """Open what is given as ``http``: a name, or a client of the caller's."""
    clients: dict[str, Callable[[], Any]] = {
        "httpx.AsyncClient": httpx.AsyncClient,
        "httpx2.AsyncClient": httpx2.AsyncClient,
        "aiohttp.ClientSession": aiohttp.ClientSession,
    }
    if name not in clients:
        yield name
        return
    async with clients[name]() as client:
        yield client


@pytest_asyncio.fixture(
    params=[
        "httpx",
        "httpx2",
        "asyncio",
        "aiohttp",
        "httpx.AsyncClient",
        "httpx2.AsyncClient",
        "aiohttp.ClientSession",
    ]
)
async def engagelab(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[EngageLab]:
    """A client of the server, over each library."""
    once = RetryPolicy(attempts=1)
    async with (
        library(request.param) as http,
        EngageLab(sms=KEY_PAIR, http=http, sms_base_url=server.url, retry=once) as engagelab,
    ):
        yield engagelab


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("template_id", "segment"),
    [
        ("1233", "1233"),
        ("../x", "..%2fx"),
        ("..", "%2e%2e"),
        (".", "%2e"),
        ("...", "%2e%2e%2e"),
        ("a/b", "a%2fb"),
        ("a?b#c", "a%3fb%23c"),
        ("%2e%2e", "%252e%252e"),
        (" ", None),
        ("测", "%e6%b5%8b"),
    ],
)
async def test_an_id_is_one_segment(
    engagelab: EngageLab, server: Server, template_id: str, segment: str | None
) -> None:
    """Whatever is in an id, it neither ends its segment of the path nor leads out of it."""
    if segment is None:
        with pytest.raises(ValueError, match=r"^template_id: must not be empty"):
            await engagelab.sms.templates.delete(template_id)
        assert [] == server.heads
        return
    await engagelab.sms.templates.delete(template_id)

    assert [f"delete /v1/template-configs/{segment} http/1.1"] == [
        head.partition("\r\n")[0] for head in server.heads
    ]


@pytest.mark.asyncio
async def test_no_body_and_no_word_of_one(engagelab: EngageLab, server: Server) -> None:
    """Reading and deleting send no body, and do not say of which type it is."""
    await engagelab.sms.templates.delete("1")
    server.answer = [SMS_TEMPLATE]
    await engagelab.sms.templates.list()

    assert [False, False] == ["content-type" in head for head in server.heads]
    assert "transfer-encoding" not in "".join(server.heads)
    assert "content-length: 0" in server.heads[0] or "content-length" not in server.heads[0]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "change",
    [
        lambda engagelab: engagelab.sms.templates.update("1", **WORDING),
        lambda engagelab: engagelab.sms.templates.delete("1"),
        lambda engagelab: engagelab.sms.signatures.create("Acme"),
    ],
    ids=["PUT", "DELETE", "POST"],
)
async def test_changes_are_sent_once(engagelab: EngageLab, server: Server, change: Call) -> None:
    """On a connection that was used before and now ends, no library sends a change again."""
    await engagelab.sms.signatures.delete("7")
    server.hangs_up = True

    with pytest.raises(ConnectionLostError):
        await change(engagelab)
    assert 2 == len(server.heads)


class TestNames:
    """Names that are looked up when they are first used."""

    def test_unknown_names(self) -> None:
        """A name that is not there is missed as in any module."""
        with pytest.raises(AttributeError, match=r"^module 'engagelab_async' has no attribute 'X'"):
            engagelab_async.X  # type: ignore[attr-defined]  # noqa: B018

    def test_all_are_listed(self) -> None:
        """``dir`` shows them, also before they are used."""
        assert set(engagelab_async.__all__) <= set(dir(engagelab_async))

    def test_sending_makes_none_of_their_classes(self) -> None:
        """A program that only sends does not wait for the classes of templates."""
        script = (
            "import sys, engagelab_async as e; e.EngageLab().sms.send\n"
            "print(*(m for m in sys.modules if m.endswith(('templates', 'signatures'))))"
        )
        shown = subprocess.check_output([sys.executable, "-c", script], text=True)

        assert "" == shown.strip()
