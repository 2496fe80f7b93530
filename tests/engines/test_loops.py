"""Every engine in a second event loop, in another thread and after a fork.

Each test is a program of its own: what is left of a loop, or of a fork, would meet the other tests.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from support.hostile import Hostile, Peer, http

OWNERS: Final = ("httpx", "httpx2", "asyncio", "aiohttp")
CLIENTS: Final = ("httpx.AsyncClient", "httpx2.AsyncClient", "aiohttp.ClientSession")

every_owner = pytest.mark.parametrize("name", OWNERS)
every_client = pytest.mark.parametrize("make", CLIENTS)
no_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

PROLOGUE: Final = """
import asyncio, os, sys, threading
from concurrent.futures import ThreadPoolExecutor

from engagelab_async import ConfigurationError
from engagelab_async.engines import Request, choose

HEADERS = (("Authorization", "Basic a2V5OnNlY3JldA=="),)


async def send(engine, body=b"{}"):
    request = Request("POST", sys.argv[1], HEADERS, body)
    return (await engine.send(request, timeout=50, max_bytes=1000)).body


async def refused(engine):
    try:
        await send(engine)
    except ConfigurationError as error:
        assert not error.may_have_been_sent, error
        return str(error)
    raise AssertionError("not refused")
"""


def echoes(peer: Peer) -> None:
    """Answer with the body of the request."""
    peer.sends(http(200, peer.reads().body))


def run(program: str, server: Hostile, *arguments: str) -> None:
    """Run a program that must end well and say nothing, not even warn."""
    ended = subprocess.run(
        [
            sys.executable,
            "-W",
            "default::ResourceWarning",
            "-c",
            PROLOGUE + program,
            server.url,
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)


@every_owner
def test_second_event_loop(name: str) -> None:
    """What was made for the whole program serves one loop after the other."""
    program = """
engine, _ = choose(sys.argv[2])

async def main():
    assert [b"1", b"2"] == [await send(engine, b"1"), await send(engine, b"2")]

for _ in range(3):
    asyncio.run(main())
"""
    with Hostile(echoes) as server:
        run(program, server, name)

        assert (6, 3) == (len(server.requests), server.connections)


@every_owner
def test_loop_that_ended_without_a_word(name: str) -> None:
    """A loop that was closed without finishing its generators leaves the next one free."""
    program = """
import warnings

# asyncio's, of the sockets that nobody closed.
warnings.simplefilter("ignore", ResourceWarning)
engine, _ = choose(sys.argv[2])
for _ in range(3):
    loop = asyncio.new_event_loop()
    assert b"{}" == loop.run_until_complete(send(engine))
    loop.close()
"""
    with Hostile(echoes) as server:
        run(program, server, name)

        assert 3 == len(server.requests)


@every_owner
def test_two_threads(name: str) -> None:
    """Threads with a loop each share an engine, and each request gets its own answer."""
    program = """
engine, _ = choose(sys.argv[2])
together = threading.Barrier(4)

async def many(thread):
    together.wait()
    bodies = [b"%d-%d" % (thread, number) for number in range(50)]
    assert bodies == await asyncio.gather(*[send(engine, body) for body in bodies])

with ThreadPoolExecutor(4) as threads:
    list(threads.map(lambda thread: asyncio.run(many(thread)), range(4)))
"""
    with Hostile(echoes) as server:
        run(program, server, name)

        assert 200 == len(server.requests)


FORK: Final = """
engine, _ = choose(sys.argv[2])

async def several(name):
    for number in range(5):
        body = b"%s-%d" % (name, number)
        assert body == await send(engine, body)

def child(number):
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        asyncio.run(several(b"child-%d" % number))
        code = 0
    finally:
        os._exit(code)
"""


@no_fork
@every_owner
def test_fork_inside_a_loop(name: str) -> None:
    """Children of a running program use connections of their own, and leave it the old ones."""
    program = (
        FORK
        + """
async def main():
    await several(b"parent")
    children = [child(number) for number in range(3)]
    await several(b"parent")
    assert [0, 0, 0] == [os.waitpid(pid, 0)[1] for pid in children]
    await several(b"parent")

asyncio.run(main())
"""
    )
    with Hostile(echoes) as server:
        run(program, server, name)

        assert (30, 4) == (len(server.requests), server.connections)


@no_fork
@every_owner
def test_fork_between_loops(name: str) -> None:
    """So do those of a program whose loop has ended."""
    program = (
        FORK
        + """
asyncio.run(several(b"parent"))
children = [child(number) for number in range(3)]
asyncio.run(several(b"parent"))
assert [0, 0, 0] == [os.waitpid(pid, 0)[1] for pid in children]
"""
    )
    with Hostile(echoes) as server:
        run(program, server, name)

        assert 25 == len(server.requests)


@no_fork
@every_owner
def test_worker_processes(name: str) -> None:
    """So do workers that ``multiprocessing`` forks."""
    program = (
        FORK
        + """
import multiprocessing

def work(number):
    asyncio.run(several(b"worker-%d" % number))

async def main():
    await several(b"parent")
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [0, 0] == [worker.exitcode for worker in workers]
    await several(b"parent")

asyncio.run(main())
"""
    )
    with Hostile(echoes) as server:
        run(program, server, name)

        assert 20 == len(server.requests)


@every_client
def test_client_of_a_loop_that_has_ended(make: str) -> None:
    """A client of the caller's serves the loop that it was used in, and no other."""
    program = f"""
import {make.partition(".")[0]}

async def first():
    global client, engine
    client = {make}()
    engine, _ = choose(client)
    assert b"{{}}" == await send(engine)

async def second():
    said = await refused(engine)
    assert "belongs to another event loop" in said, said

loop = asyncio.new_event_loop()
loop.run_until_complete(first())
asyncio.run(second())
loop.run_until_complete(getattr(client, "aclose", None or getattr(client, "close", None))())
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
"""
    with Hostile(echoes) as server:
        run(program, server)

        assert 1 == len(server.requests)


@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
def test_session_of_another_loop(used: bool) -> None:
    """A session belongs to the loop that it was made in, even at its first use."""
    program = f"""
import aiohttp

async def first():
    session = aiohttp.ClientSession()
    engine, _ = choose(session)
    if {used}:
        await send(engine)
    return session, engine

async def second():
    said = await refused(engine)
    assert "belongs to another event loop" in said, said

loop = asyncio.new_event_loop()
session, engine = loop.run_until_complete(first())
asyncio.run(second())
with ThreadPoolExecutor(1) as thread:
    thread.submit(asyncio.run, second()).result()
loop.run_until_complete(session.close())
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
"""
    with Hostile(echoes) as server:
        run(program, server)

        assert int(used) == len(server.requests)


def test_session_that_is_closed() -> None:
    """A closed session is no outage: nothing is sent, and repeating would not help."""
    program = """
import aiohttp

async def main():
    session = aiohttp.ClientSession()
    engine, _ = choose(session)
    await session.close()
    said = await refused(engine)
    assert "is closed" in said, said

asyncio.run(main())
"""
    with Hostile(echoes) as server:
        run(program, server)

        assert [] == server.requests


@no_fork
@every_client
def test_client_after_a_fork(make: str) -> None:
    """A child must not write to the connections of its parent's client."""
    program = f"""
import {make.partition(".")[0]}

async def child():
    said = await refused(engine)
    assert "another event loop or process" in said, said

async def main():
    global engine
    async with {make}() as client:
        engine, _ = choose(client)
        await send(engine)
        pid = os.fork()
        if not pid:
            code = 1
            try:
                asyncio.run(child())
                code = 0
            finally:
                os._exit(code)
        assert 0 == os.waitpid(pid, 0)[1]
        await send(engine)

asyncio.run(main())
"""
    with Hostile(echoes) as server:
        run(program, server)

        assert (2, 1) == (len(server.requests), server.connections)
