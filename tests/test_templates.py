"""Templates and signatures over real connections, with every HTTP library."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
import pytest_asyncio

import engagelab_async
from engagelab_async import ConnectionLostError, EngageLab, RetryPolicy
from engagelab_async.engines import HTTP
from support.calls import DONE, KEY_PAIR, SMS_TEMPLATE, WORDING
from support.hostile import Hostile, Peer, http

Call = Callable[[EngageLab], Awaitable[object]]


def behave(peer: Peer) -> None:
    """Answer what is read, and the first change; hang up on a second one."""
    request = peer.reads()
    if request.method == "GET":
        peer.sends(http(200, json.dumps([SMS_TEMPLATE]).encode()))
    elif len(peer.server.requests) == 1:
        peer.sends(http(200, json.dumps(DONE).encode()))
    else:
        peer.closes()


@pytest.fixture
def server() -> Iterator[Hostile]:
    """A server of templates."""
    with Hostile(behave) as server:
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
async def engagelab(request: pytest.FixtureRequest, server: Hostile) -> AsyncIterator[EngageLab]:
    """A client of the server, over each library."""
    once = RetryPolicy(attempts=1)
    async with (
        library(request.param) as chosen,
        EngageLab(sms=KEY_PAIR, http=chosen, sms_base_url=server.url, retry=once) as engagelab,
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
    engagelab: EngageLab, server: Hostile, template_id: str, segment: str | None
) -> None:
    """Whatever is in an id, it neither ends its segment of the path nor leads out of it."""
    if segment is None:
        with pytest.raises(ValueError, match=r"^template_id: must not be empty"):
            await engagelab.sms.templates.delete(template_id)
        assert [] == server.requests
        return
    await engagelab.sms.templates.delete(template_id)

    assert [("DELETE", f"/v1/template-configs/{segment}")] == [
        (each.method, each.target.lower()) for each in server.requests
    ]


@pytest.mark.asyncio
async def test_no_body_and_no_word_of_one(engagelab: EngageLab, server: Hostile) -> None:
    """Reading and deleting send no body, and do not say of which type it is."""
    await engagelab.sms.templates.delete("1")
    await engagelab.sms.templates.list()

    assert [[], []] == [each.values("content-type") for each in server.requests]
    assert [[], []] == [each.values("transfer-encoding") for each in server.requests]
    assert server.requests[0].values("content-length") in ([], ["0"])


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
async def test_changes_are_sent_once(engagelab: EngageLab, server: Hostile, change: Call) -> None:
    """On a connection that was used before and now ends, no library sends a change again."""
    await engagelab.sms.signatures.delete("7")

    with pytest.raises(ConnectionLostError):
        await change(engagelab)
    assert 2 == len(server.requests)


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
