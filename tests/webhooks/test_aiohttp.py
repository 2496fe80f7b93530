"""Callbacks in aiohttp, under a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engagelab_async.webhooks import CALLBACK_ADDRESSES, Counts, Event
from engagelab_async.webhooks.aiohttp import webhook_handler
from support.callback_requests import ROW, body_of, make_verifier, row, signed
from support.servers import exchanged

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


@pytest.mark.asyncio
async def test_a_callback() -> None:
    """It is answered 200, and handled by the time the app has ended."""
    handled: list[Event] = []
    async with client_of(handled.append) as client:
        answer = await client.post("/callbacks", data=body_of(ROW, row("8")), headers=signed())
        assert (200, b"") == (answer.status, await answer.read())

    assert [ROW, row("8")] == [dict(event.raw) for event in handled]


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
async def test_the_app_s_own_limit_does_not_matter() -> None:
    """A callback may be larger than the app's other requests, or may not."""
    app = web.Application(client_max_size=10)
    receive = webhook_handler(app, make_verifier(), print)
    app.add_routes([web.post("/callbacks", receive)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/callbacks", data=body_of(ROW), headers=signed())

    assert 200 == answer.status


@pytest.mark.asyncio
async def test_the_address_is_looked_at() -> None:
    """It is the other end of the connection."""
    for allowed, status in ((CALLBACK_ADDRESSES, 403), (["127.0.0.1"], 200)):
        verifier = make_verifier(allowed_addresses=allowed)
        async with client_of(print, verifier=verifier) as client:
            answer = await client.post("/callbacks", data=body_of(ROW), headers=signed())

        assert status == answer.status


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("headers", "status"), [(signed(), 200), ({}, 401), ({"x-callback-id": "?"}, 401)]
)
@pytest.mark.parametrize("first", [True, False])
async def test_a_middleware_that_reads_the_body(
    headers: dict[str, str], status: int, first: bool
) -> None:
    """Before the callback is read or after it was answered, all of it is there."""
    handled: list[Event] = []
    kept: list[bytes] = []

    @web.middleware
    async def log(request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        if first:
            kept.append(await request.read())
        response: web.StreamResponse = await handler(request)
        kept.append(await request.read())
        return response

    app = web.Application(middlewares=[log])
    receive = webhook_handler(app, make_verifier(), handled.append)
    app.add_routes([web.post("/callbacks", receive)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/callbacks", data=body_of(ROW), headers=headers)

    assert (status, [body_of(ROW)] * len(kept)) == (answer.status, kept)
    assert (status == 200) == (len(handled) == 1)


@pytest.mark.asyncio
async def test_a_middleware_that_reads_the_stream() -> None:
    """Then nobody has the body any more, and what is missing is not answered 200."""

    @web.middleware
    async def drain(request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        async for _ in request.content.iter_any():
            pass
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(middlewares=[drain])
    app.add_routes([web.post("/callbacks", webhook_handler(app, make_verifier(), print))])
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/callbacks", data=body_of(ROW), headers=signed())

    assert 400 == answer.status


@pytest.mark.asyncio
async def test_the_limit_holds_for_a_body_that_was_read() -> None:
    """It is measured all the same."""

    @web.middleware
    async def log(request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        await request.read()
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(middlewares=[log])
    receive = webhook_handler(app, make_verifier(), print, max_body=100)
    app.add_routes([web.post("/callbacks", receive)])
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/callbacks", data=b"x" * 101, headers=signed())

    assert 413 == answer.status


@pytest.mark.asyncio
async def test_handlers_see_the_request_s_context() -> None:
    """What a middleware sets is set for the handler as well."""
    request_id = ContextVar("request_id", default="none")
    seen: list[str] = []

    @web.middleware
    async def identify(request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        request_id.set(request.headers["x-request-id"])
        response: web.StreamResponse = await handler(request)
        return response

    app = web.Application(middlewares=[identify])
    receive = webhook_handler(app, make_verifier(), lambda _: seen.append(request_id.get()))
    app.add_routes([web.post("/callbacks", receive)])
    async with TestClient(TestServer(app)) as client:
        for number in ("1", "2"):
            headers = signed(number) | {"X-Request-Id": number}
            await client.post("/callbacks", data=body_of(row(number)), headers=headers)

    assert ["1", "2"] == seen


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("forwarded", "status"), [("119.8.170.74", 200), ("8.8.8.8", 403), (None, 403)]
)
async def test_behind_a_unix_socket(tmp_path: Path, forwarded: str | None, status: int) -> None:
    """A proxy that connects there may be trusted to say where callbacks come from."""
    verifier = make_verifier(allowed_addresses=CALLBACK_ADDRESSES, trusted_proxies=["unix"])
    app = web.Application()
    app.add_routes([web.post("/", webhook_handler(app, verifier, lambda _: None))])
    path = str(tmp_path / "app.sock")
    headers = signed() | ({} if forwarded is None else {"X-Forwarded-For": forwarded})
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.UnixSite(runner, path).start()
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as session:
            answer = await session.post("http://x/", data=body_of(ROW), headers=headers)
    finally:
        await runner.cleanup()

    assert status == answer.status
