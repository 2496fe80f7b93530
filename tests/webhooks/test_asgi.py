"""Callbacks as an ASGI app, under a real server and on both event loops."""

import asyncio
import socket
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from engagelab_async.webhooks import CALLBACK_ADDRESSES, Counts, Event
from engagelab_async.webhooks.asgi import Message, WebhookApp
from support.callback_requests import ROW, body_of, make_verifier, signed
from support.servers import exchanged, served, serving


def head(*lines: str) -> bytes:
    """Write the head of a signed request."""
    proof = f"X-CALLBACK-ID: {signed()['X-CALLBACK-ID']}"
    return "\r\n".join(["POST / HTTP/1.1", "Host: x", proof, *lines, "", ""]).encode()


async def post(address: tuple[str, int], body: bytes, **headers: str) -> httpx.Response:
    """Send a signed callback."""
    async with httpx.AsyncClient(trust_env=False) as client:
        url = "http://{}:{}/any/path".format(*address)
        return await client.post(url, content=body, headers=signed() | headers)


@pytest.mark.asyncio
async def test_a_callback_over_http() -> None:
    """It is answered 200 with an empty body, and handled by the time the server has ended."""
    handled: list[Event] = []
    async with served(WebhookApp(make_verifier(), handled.append)) as address:
        answer = await post(address, body_of(ROW))

    assert (200, b"") == (answer.status_code, answer.content)
    assert [ROW] == [dict(event.raw) for event in handled]


@pytest.mark.asyncio
async def test_a_slow_handler_holds_up_no_answer() -> None:
    """The answer is there while the handler has not even got anywhere."""
    go_on = asyncio.Event()

    async def handler(_: Event) -> None:
        await go_on.wait()

    counts = Counts()
    async with served(WebhookApp(make_verifier(), handler, counts=counts)) as address:
        answer = await post(address, body_of(ROW))
        before = counts.handled
        go_on.set()

    assert (200, 0, 1) == (answer.status_code, before, counts.handled)


@pytest.mark.asyncio
async def test_a_chunked_body_that_is_too_large() -> None:
    """Without a Content-Length it is counted; the connection is closed on the rest."""
    app = WebhookApp(make_verifier(), print, max_body=100)
    chunk = b"40\r\n" + b"x" * 64 + b"\r\n"
    async with served(app) as address:
        answer = await exchanged(address, head("Transfer-Encoding: chunked"), chunk, chunk)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()


@pytest.mark.asyncio
async def test_a_body_that_is_announced_too_large() -> None:
    """It is not waited for: the answer comes with the first bytes that are too many."""
    app = WebhookApp(make_verifier(), print, max_body=100)
    async with served(app) as address:
        answer = await exchanged(address, head("Content-Length: 1000000"), b"x" * 101)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.asyncio
async def test_a_caller_that_hangs_up(caplog: pytest.LogCaptureFixture) -> None:
    """Half a callback is none, and no reason to complain."""
    handled: list[Event] = []
    app = WebhookApp(make_verifier(), handled.append)
    over = asyncio.Event()

    async def watched(scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 - of ASGI
        await app(scope, receive, send)
        if scope["type"] == "http":
            over.set()

    async with served(watched) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(head("Content-Length: 1000") + body_of(ROW))
        await writer.drain()
        writer.close()
        await over.wait()

    assert [] == handled
    assert [] == [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.asyncio
async def test_mounted_in_another_app() -> None:
    """There its events are handled while the outer app says so."""
    handled: list[Event] = []
    callbacks = WebhookApp(make_verifier(), handled.append)
    app = Starlette(routes=[Mount("/any", app=callbacks)], lifespan=lambda _: callbacks.running())
    async with served(app) as address:
        assert 200 == (await post(address, body_of(ROW))).status_code

    assert 1 == len(handled)


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/callbacks", "/callbacks/"])
@pytest.mark.parametrize("framework", [Starlette, FastAPI])
async def test_as_routes(framework: Any, path: str) -> None:  # noqa: ANN401 - either
    """With and without a slash there is no redirect, which the platform does not follow."""
    handled: list[Event] = []
    callbacks = WebhookApp(make_verifier(), handled.append)
    app = framework(
        routes=[Route(each, callbacks) for each in ("/callbacks", "/callbacks/")],
        lifespan=lambda _: callbacks.running(),
    )
    async with served(app) as address, httpx.AsyncClient(trust_env=False) as client:
        url = "http://{}:{}{}".format(*address, path)
        answer = await client.post(url, content=body_of(ROW), headers=signed())

    assert (200, 1) == (answer.status_code, len(handled))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("forwarded", "status"), [("119.8.170.74", 200), ("8.8.8.8", 403), (None, 403)]
)
async def test_behind_a_unix_socket(tmp_path: Path, forwarded: str | None, status: int) -> None:
    """A proxy that connects there may be trusted to say where callbacks come from."""
    verifier = make_verifier(allowed_addresses=CALLBACK_ADDRESSES, trusted_proxies=["unix"])
    app = WebhookApp(verifier, lambda _: None)
    path = str(tmp_path / "app.sock")
    headers = signed() | ({} if forwarded is None else {"X-Forwarded-For": forwarded})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        transport = httpx.AsyncHTTPTransport(uds=path)
        async with serving(app, listener), httpx.AsyncClient(transport=transport) as client:
            answer = await client.post("http://x/", content=body_of(ROW), headers=headers)

    assert status == answer.status_code


@pytest.mark.asyncio
async def test_handlers_see_the_request_s_context() -> None:
    """What a middleware sets is set for the handler as well."""
    request_id = ContextVar("request_id", default="none")
    seen: list[str] = []
    callbacks = WebhookApp(make_verifier(), lambda _: seen.append(request_id.get()))

    async def app(scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 - of ASGI
        if scope["type"] == "http":
            request_id.set(dict(scope["headers"])[b"x-request-id"].decode())
        await callbacks(scope, receive, send)

    async with served(app) as address:
        await post(address, body_of(ROW), **{"X-Request-Id": "7"})

    assert ["7"] == seen


@pytest.mark.asyncio
async def test_a_body_that_something_else_has_read() -> None:
    """An empty one in its place is not taken for the check of a URL, which is answered 200."""
    app = WebhookApp(make_verifier(), print)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = http_scope()
    scope["headers"] = [*scope["headers"], (b"content-length", b"300")]
    async with app.running():
        await app(scope, messages(b""), send)

    assert 400 == sent[0]["status"]


@pytest.mark.asyncio
async def test_mounted_and_forgotten() -> None:
    """Without a lifespan the answer is no 200, so that the platform sends it again."""
    app = Starlette(routes=[Mount("/any", app=WebhookApp(make_verifier(), print))])
    async with served(app) as address:
        assert 500 == (await post(address, body_of(ROW))).status_code


@pytest.mark.asyncio
async def test_what_is_no_http() -> None:
    """A WebSocket is none of its business."""
    app: Any = WebhookApp(make_verifier(), print)
    with pytest.raises(RuntimeError, match="not by websocket"):
        await app({"type": "websocket"}, None, None)


@pytest.mark.anyio
async def test_on_both_event_loops() -> None:
    """A server of either kind can run it, its lifespan included."""
    handled: list[Event] = []
    sent: list[Message] = []
    app = WebhookApp(make_verifier(), handled.append)

    async def send(message: Message) -> None:
        sent.append(message)

    lifespan, in_lifespan = anyio.create_memory_object_stream[Message](2)
    async with lifespan, in_lifespan, anyio.create_task_group() as tasks:
        tasks.start_soon(app, {"type": "lifespan"}, in_lifespan.receive, send)
        await lifespan.send({"type": "lifespan.startup"})
        await anyio.wait_all_tasks_blocked()
        await app(http_scope(), messages(body_of(ROW)), send)
        await lifespan.send({"type": "lifespan.shutdown"})

    assert [
        {"type": "lifespan.startup.complete"},
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body"},
        {"type": "lifespan.shutdown.complete"},
    ] == sent
    assert 1 == len(handled)


def http_scope() -> Message:
    """Describe a signed request, as a server that listens on a Unix socket does."""
    headers = [(name.lower().encode(), value.encode()) for name, value in signed().items()]
    return {"type": "http", "method": "POST", "headers": headers, "client": None}


def messages(*pieces: bytes) -> Callable[[], Any]:
    """Make the channel that a body comes by."""
    left = list(pieces)

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive
