"""Every engine: connections are used again, and none outlives its use."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import anyio
import anyio.lowlevel
import pytest

from engagelab_async import ConnectError
from engagelab_async.engines import Engine, HTTPXEngine
from engagelab_async.engines.aiohttp import AiohttpEngine
from engagelab_async.engines.asyncio import AsyncioEngine
from support.engine_cases import LARGE, every_engine, every_owner, every_sharer, send
from support.hostile import (
    Behaviour,
    Hostile,
    Peer,
    answers,
    authority,
    drips,
    hangs,
    http,
    says,
)


def echoes(peer: Peer) -> None:
    """Answer with the body of the request."""
    peer.sends(http(200, peer.reads().body))


@asynccontextmanager
async def cancelled(engine: Engine, url: str, body: bytes = b"{}") -> AsyncIterator[None]:
    """Begin to send, and cancel it when the block has ended."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send, engine, url, body)
        yield
        tasks.cancel_scope.cancel()


@every_engine
async def test_connection_is_used_again(engine: Engine) -> None:
    """Requests that follow each other share one connection."""
    with Hostile(echoes) as server:
        bodies = [(await send(engine, server.url, b"%d" % n)).body for n in range(5)]

        assert [b"0", b"1", b"2", b"3", b"4"] == bodies
        assert 1 == server.connections


async def many(engine: Engine, url: str, count: int) -> None:
    """Have many requests under way, and see that each gets its own answer."""
    bodies: dict[int, bytes] = {}

    async def run(number: int) -> None:
        bodies[number] = (await send(engine, url, b"%d" % number)).body

    async with anyio.create_task_group() as tasks:
        for number in range(count):
            tasks.start_soon(run, number)

    assert {number: b"%d" % number for number in range(count)} == bodies


@every_engine
async def test_a_hundred_at_once(engine: Engine) -> None:
    """However many requests are under way, each gets its own answer."""
    with Hostile(echoes) as server:
        await many(engine, server.url, 100)

        assert server.connections <= 100


@every_owner
async def test_as_many_connections_as_requests_under_way(engine: Engine) -> None:
    """However many requests there are, they open no more connections than are needed at once."""

    async def run() -> None:
        for _ in range(5):
            await send(engine, server.url)

    with Hostile(echoes) as server:
        async with anyio.create_task_group() as tasks:
            for _ in range(40):
                tasks.start_soon(run)

        assert 200 == len(server.requests)
        assert server.connections <= 40


@pytest.mark.asyncio
@pytest.mark.parametrize("make", [HTTPXEngine, AiohttpEngine, AsyncioEngine])
async def test_number_of_connections_is_bounded(
    make: type[HTTPXEngine | AiohttpEngine | AsyncioEngine],
) -> None:
    """A request that waits for a connection in vain never left; others get the place in time."""
    engine = make(max_connections=1)
    with Hostile(hangs, echoes) as server:
        async with cancelled(engine, server.url):
            await server.until(lambda: len(server.requests) == 1)
            with pytest.raises(ConnectError):
                await send(engine, server.url, timeout=0.05)

        assert b"next" == (await send(engine, server.url, b"next")).body
        assert 2 == server.connections == len(server.requests)
    await engine.aclose()


@every_engine
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(says(http(200, b"1"), Peer.closes), id="unannounced"),
        pytest.param(
            answers(200, 1, headers={"Connection": "close"}, then=Peer.closes), id="announced"
        ),
        pytest.param(says(b"HTTP/1.0 200 OK\r\n\r\n1", Peer.closes), id="http_1_0"),
    ],
)
async def test_server_closes_an_idle_connection(engine: Engine, last: Behaviour) -> None:
    """A connection that the server closed after an answer is not used for the next request."""
    with Hostile(last, answers(200, 2)) as server:
        first = await send(engine, server.url)
        await server.until(lambda: server.open == 0)
        second = await send(engine, server.url)

        assert [b"1", b"2"] == [first.body, second.body]
        assert 2 == server.connections == len(server.requests)


@every_engine
async def test_unasked_answer_is_nobodys(engine: Engine) -> None:
    """What a server says about an idle connection is not taken for the answer to a request."""
    idle = Event()

    def times_out(peer: Peer) -> None:
        peer.reads()
        peer.sends(http(200, b"1"))
        idle.wait()
        peer.sends(http(408, b"you were idle"))
        peer.closes()

    with Hostile(times_out, answers(200, 2)) as server:
        await send(engine, server.url)
        idle.set()
        await server.until(lambda: server.open == 0)
        # Time for the loop to read this and, at another turn, the end behind it.
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        response = await send(engine, server.url)

    assert (200, b"2") == (response.status, response.body)


@every_engine
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(hangs, id="waiting"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nX: ", Peer.hangs), id="in_the_headers"),
        pytest.param(says(http(200, b"{", {"Content-Length": "9"}), Peer.hangs), id="in_the_body"),
        pytest.param(drips(http(200, b"{", {"Content-Length": "999999"}), 0.01), id="dripping"),
    ],
)
async def test_cancelled_send_leaves_nothing(engine: Engine, behaviour: Behaviour) -> None:
    """A cancelled send closes its connection, and the engine works on."""
    with Hostile(behaviour, echoes) as server:
        async with cancelled(engine, server.url):
            await server.until(lambda: len(server.requests) == 1)

        await server.until(lambda: server.open == 0)
        assert b"next" == (await send(engine, server.url, b"next")).body


@every_engine
async def test_cancelled_handshake_leaves_nothing(engine: Engine) -> None:
    """A send that is cancelled before its TLS is agreed on closes its connection."""
    with Hostile(Peer.hangs) as server:
        async with cancelled(engine, server.url.replace("http://", "https://")):
            await server.until(lambda: server.connections == 1)

        await server.until(lambda: server.open == 0)


@every_engine
async def test_cancelled_upload_leaves_nothing(engine: Engine) -> None:
    """A send that is cancelled while its body leaves closes its connection."""
    stop = Event()

    def dawdles(peer: Peer) -> None:
        stop.wait()
        peer.hangs()

    with Hostile(dawdles) as server:
        async with cancelled(engine, server.url, LARGE):
            await server.until(lambda: server.connections == 1)

        stop.set()
        await server.until(lambda: server.open == 0)
        assert [] == server.requests


async def storm(engine: Engine, url: str) -> None:
    """Send much, and cancel it at random moments."""
    moments = random.Random(1)  # noqa: S311

    async def run() -> None:
        with anyio.move_on_after(moments.random() / 50):
            await send(engine, url)

    for _ in range(2):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(run)


@every_engine
async def test_cancelled_sends_give_their_places_back(engine: Engine) -> None:
    """After many sends that were cancelled somewhere, others succeed at once."""
    with Hostile(echoes) as server:
        await storm(engine, server.url)
        await many(engine, server.url, 20)


@every_owner
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_cancelled_sends_leave_nothing_open(engine: Engine, secure: bool) -> None:
    """After many sends that were cancelled somewhere, closing the engine closes everything."""
    with Hostile(echoes, ca=authority() if secure else None) as server:
        await storm(engine, server.url)
        await engine.aclose()

        await server.until(lambda: server.open == 0)


@every_owner
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_closed_engine_has_nothing_open(engine: Engine, secure: bool) -> None:
    """Closing an engine closes its connections; once more does no harm."""
    with Hostile(echoes, ca=authority() if secure else None) as server:
        await send(engine, server.url)
        await engine.aclose()
        await engine.aclose()

        await server.until(lambda: server.open == 0)


@every_owner
async def test_engine_that_was_never_used_can_be_closed(engine: Engine) -> None:
    """Closing needs no connection."""
    await engine.aclose()


@every_sharer
async def test_callers_client_stays_open(engine: Engine) -> None:
    """Closing an engine leaves the client of the caller and its connections as they are."""
    with Hostile(echoes) as server:
        await send(engine, server.url)
        await engine.aclose()
        response = await send(engine, server.url, b"again")

        assert b"again" == response.body
        assert 1 == server.connections
