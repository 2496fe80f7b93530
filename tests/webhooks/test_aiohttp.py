"""Callbacks in aiohttp, under a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engagelab_async.webhooks import CALLBACK_ADDRESSES, Counts, Event
from engagelab_async.webhooks.aiohttp import webhook_handler
from webhooks.requests import ROW, body_of, make_verifier, row, signed
from webhooks.servers import exchanged

Client = TestClient[web.Request, web.Application]


def client_of(handler: Any, **options: Any) -> Client:  # noqa: ANN401 - any of its options
    """Make a client of an app that receives callbacks."""
    app = web.Application()
    verifier = options.pop("verifier", make_verifier())
    receive = webhook_handler(app, verifier, handler, **options)
    app.add_routes([web.post("/callbacks", receive), web.put("/callbacks", receive)])
    return TestClient(TestServer(app))


@asynccontextmanager
async def running(app: web.Application, **options: Any) -> AsyncIterator[tuple[str, int]]:  # noqa: ANN401
    """Run an app as programs do; `TestServer` has other defaults. Yield the address."""
    runner = web.AppRunner(app, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0]
    finally:
        await runner.cleanup()


async def test_a_callback() -> None:
    """It is answered 200, and handled by the time the app has ended."""
    handled: list[Event] = []
    async with client_of(handled.append) as client:
        answer = await client.post("/callbacks", data=body_of(ROW, row("8")), headers=signed())
        assert (200, b"") == (answer.status, await answer.read())

    assert [ROW, row("8")] == [dict(event.raw) for event in handled]


async def test_a_slow_handler_holds_up_no_answer() -> None:
    """The answer is there while the handler has not even got anywhere."""
    go_on = asyncio.Event()

    async def handler(_: Event) -> None:
        await go_on.wait()

    counts = Counts()
    async with client_of(handler, counts=counts) as client:
        answer = await client.post("/callbacks", data=body_of(ROW), headers=signed())
        before = counts.handled
        go_on.set()

    assert (200, 0, 1) == (answer.status, before, counts.handled)


async def test_refusals() -> None:
    """They are those of every other way to receive callbacks."""
    async with client_of(print, max_body=100) as client:
        answers = [
            await client.post("/callbacks", data=b"[]", headers=signed()),
            await client.post("/callbacks", data=b"x"),
            await client.post("/callbacks", data=b"x" * 101, headers=signed("b")),
            await client.put("/callbacks", data=b"", headers=signed()),
        ]

    assert [400, 401, 413, 405] == [answer.status for answer in answers]


async def test_the_app_s_own_limit_does_not_matter() -> None:
    """A callback may be larger than the app's other requests, or may not."""
    app = web.Application(client_max_size=10)
    receive = webhook_handler(app, make_verifier(), print)
    app.add_routes([web.post("/callbacks", receive)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/callbacks", data=body_of(ROW), headers=signed())

    assert 200 == answer.status


async def test_the_address_is_looked_at() -> None:
    """It is the other end of the connection."""
    for allowed, status in ((CALLBACK_ADDRESSES, 403), (["127.0.0.1"], 200)):
        verifier = make_verifier(allowed_addresses=allowed)
        async with client_of(print, verifier=verifier) as client:
            answer = await client.post("/callbacks", data=body_of(ROW), headers=signed())

        assert status == answer.status


async def test_a_chunked_body_that_is_too_large() -> None:
    """Without a Content-Length it is counted."""
    head = (
        "POST /callbacks HTTP/1.1\r\nHost: x\r\n"
        f"X-CALLBACK-ID: {signed()['X-CALLBACK-ID']}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    async with client_of(print, max_body=100) as client:
        address = ("127.0.0.1", client.port or 0)
        answer = await exchanged(address, head.encode(), b"80\r\n" + b"x" * 128 + b"\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("proof", "status"),
    [
        ("", b"400"),
        (f"X-CALLBACK-ID: {signed()['X-CALLBACK-ID']}\r\n", b"400"),
    ],
    ids=["unsigned", "signed"],
)
async def test_a_body_that_cannot_be_read(
    caplog: pytest.LogCaptureFixture, proof: str, status: bytes
) -> None:
    """Anybody can send one, and gets no traceback out of it."""
    counts = Counts()
    head = (
        f"POST /callbacks HTTP/1.1\r\nHost: x\r\n{proof}"
        "Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\n"
    )
    async with client_of(print, counts=counts) as client:
        address = ("127.0.0.1", client.port or 0)
        answer = await exchanged(address, head.encode() + b"garbage!")

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert Counts(refused=1) == counts
    assert [] == [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    ("cancelling", "expected"),
    [(False, Counts(refused=1)), (True, Counts())],
    ids=["by default", "a server that cancels handlers then"],
)
async def test_a_caller_that_hangs_up(
    caplog: pytest.LogCaptureFixture, cancelling: bool, expected: Counts
) -> None:
    """Half a callback is none, and no reason to complain."""
    handled: list[Event] = []
    counts = Counts()
    asked, over = asyncio.Event(), asyncio.Event()

    @web.middleware
    async def watch(request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        asked.set()
        try:
            response: web.StreamResponse = await handler(request)
        finally:
            over.set()
        return response

    app = web.Application(middlewares=[watch])
    receive = webhook_handler(app, make_verifier(), handled.append, counts=counts)
    app.add_routes([web.post("/", receive)])
    async with running(app, handler_cancellation=cancelling) as address:
        _, writer = await asyncio.open_connection(*address)
        proof = f"X-CALLBACK-ID: {signed()['X-CALLBACK-ID']}"
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n{proof}\r\n\r\n"
        writer.write(head.encode() + body_of(ROW))
        await writer.drain()
        await asked.wait()
        writer.close()
        await over.wait()

    assert [] == handled
    assert expected == counts
    assert [] == [record for record in caplog.records if record.levelname == "ERROR"]


async def test_an_app_that_is_started_and_ended_in_different_tasks() -> None:
    """As fixtures of tests and some runners do."""
    handled: list[Event] = []
    app = web.Application()
    app.add_routes([web.post("/", webhook_handler(app, make_verifier(), handled.append))])
    server = TestServer(app)
    await asyncio.create_task(server.start_server())
    async with aiohttp.ClientSession() as session:
        await session.post(server.make_url("/"), data=body_of(ROW), headers=signed())
    await asyncio.create_task(server.close())

    assert 1 == len(handled)
