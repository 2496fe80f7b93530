"""Every engine: how long a connection is used."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import anyio
import pytest

from engagelab_async.engines import Engine, HTTPXEngine
from engagelab_async.engines._httpx import HTTPXLibrary
from engagelab_async.engines.aiohttp import AiohttpEngine
from engagelab_async.engines.asyncio import AsyncioEngine
from support.engine_cases import every_owner, every_watcher, send
from support.hostile import Hostile, answers

Make = Callable[..., HTTPXEngine | AiohttpEngine | AsyncioEngine]

MAKERS: dict[str, Make] = {
    "httpx": HTTPXEngine,
    "httpx2": partial(HTTPXEngine, library=HTTPXLibrary(import_module("httpx2"))),
    "asyncio": AsyncioEngine,
    "aiohttp": AiohttpEngine,
}
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@pytest.mark.asyncio
@every_maker
@pytest.mark.parametrize(("age", "connections"), [(1e-9, 3), (300.0, 1)])
async def test_connection_that_is_old_is_replaced(make: Make, age: float, connections: int) -> None:
    """However busy a connection is, after its time the next request opens another one."""
    engine = make(max_connection_age=age)
    with Hostile(answers(200)) as server:
        for _ in range(3):
            await send(engine, server.url)

        assert connections == server.connections
        await engine.aclose()
        await server.until(lambda: server.open == 0)


@pytest.mark.asyncio
async def test_age_counts_from_the_connecting() -> None:
    """Being used makes a connection no younger."""
    now = [0.0]
    engine = AiohttpEngine(max_connection_age=300.0, clock=lambda: now[0])
    opened = []
    with Hostile(answers(200)) as server:
        for now[0] in (0.0, 200.0, 299.0, 301.0, 599.0, 602.0):
            await send(engine, server.url)
            opened.append(server.connections)
        await engine.aclose()

    assert [1, 1, 1, 2, 2, 3] == opened


@every_watcher
@pytest.mark.parametrize(
    ("promise", "connections"),
    [("timeout=0", 3), ("timeout=0, max=100", 3), ("timeout=60", 1), ("max=100", 1), ("", 1)],
)
async def test_promise_of_the_server_is_heeded(
    engine: Engine, promise: str, connections: int
) -> None:
    """A connection that its server closes after a while is not used at that edge."""
    with Hostile(answers(200, headers={"Keep-Alive": promise})) as server:
        for _ in range(3):
            await send(engine, server.url)

        assert connections == server.connections


@every_owner
async def test_connection_that_was_closed_is_let_go(engine: Engine) -> None:
    """What the server closes is closed on this side, too, without waiting for a request."""
    with Hostile(answers(200)) as server:
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(send, engine, server.url)
        assert connected(server.port) > 0
    with anyio.fail_after(50):
        while connected(server.port):  # noqa: ASYNC110 - the system tells nobody
            await anyio.sleep(0.05)


def connected(port: int) -> int:
    """Count the sockets that lead to a port of this machine and were not closed on this side."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] in {"01", "08"} for row in rows)
