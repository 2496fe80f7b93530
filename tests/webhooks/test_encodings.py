"""Encoded bodies: all adapters answer them alike."""

import gzip
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import Depends, FastAPI, Request
from starlette.testclient import TestClient

from engagelab_async.webhooks import Event
from engagelab_async.webhooks.aiohttp import webhook_handler
from engagelab_async.webhooks.asgi import WebhookApp
from engagelab_async.webhooks.encodings import decoded
from engagelab_async.webhooks.fastapi import Events, webhook_router
from support.callback_requests import ROW, body_of, make_verifier, signed

BODY = body_of(ROW)
BOMB = gzip.compress(b" " * 20_000_000, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    """Compress without the header that half the world leaves out."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


def corrupt(data: bytes) -> bytes:
    """Change the checksum."""
    return data[:-8] + bytes(8)


CASES: dict[str, tuple[str, bytes, int]] = {
    "identity": ("identity", BODY, 200),
    "empty name": ("", BODY, 200),
    "gzip": ("gzip", gzip.compress(BODY, mtime=0), 200),
    "GZIP": ("GZIP", gzip.compress(BODY, mtime=0), 200),
    "x-gzip": ("x-gzip", gzip.compress(BODY, mtime=0), 200),
    "gzip and identity": ("gzip, identity", gzip.compress(BODY, mtime=0), 200),
    "deflate": ("deflate", zlib.compress(BODY), 200),
    "raw deflate": ("deflate", raw_deflate(BODY), 200),
    "gzip of a URL's check": ("gzip", gzip.compress(b"{}", mtime=0), 200),
    "gzip of nothing": ("gzip", gzip.compress(b"", mtime=0), 400),
    "nothing": ("gzip", b"", 200),
    "gzip with its end missing": ("gzip", gzip.compress(BODY, mtime=0)[:-8], 200),
    "gzip with more behind it": ("gzip", gzip.compress(BODY, mtime=0) + b"more", 400),
    "gzip in two members": (
        "gzip",
        gzip.compress(BODY[:50], mtime=0) + gzip.compress(BODY[50:], mtime=0),
        200,
    ),
    "deflate with more behind it": ("deflate", zlib.compress(BODY) + b"more", 400),
    "half of gzip": ("gzip", gzip.compress(BODY, mtime=0)[:60], 400),
    "half of deflate": ("deflate", zlib.compress(BODY)[:60], 400),
    "deflate with its end missing": ("deflate", zlib.compress(BODY)[:-1], 400),
    "corrupt gzip": ("gzip", corrupt(gzip.compress(BODY, mtime=0)), 400),
    "not gzip": ("gzip", BODY, 400),
    "not deflate": ("deflate", b"\xff" * 50, 400),
    "gzip of garbage": ("gzip", gzip.compress(b"garbage", mtime=0), 400),
    "gzip twice": ("gzip, gzip", gzip.compress(gzip.compress(BODY), mtime=0), 400),
    "compress": ("compress", BODY, 400),
    "brotli": ("br", BODY, 400),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd" + BODY, 400),
    "a bomb": ("gzip", BOMB, 413),
    "a bomb of deflate": ("deflate", zlib.compress(b" " * 10_000_000), 413),
    "a bomb that is not signed": ("gzip", BOMB, 401),
    "not signed": ("gzip", gzip.compress(BODY, mtime=0), 401),
    "a URL's check that is not signed": ("gzip", gzip.compress(b"{}", mtime=0), 200),
}

Post = Callable[[bytes, dict[str, str]], Any]


async def by_asgi(app: Any, body: bytes, headers: dict[str, str]) -> int:  # noqa: ANN401 - any
    """Post a body to an ASGI app."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        return (await client.post("/callbacks", content=body, headers=headers)).status_code


@asynccontextmanager
async def plain(handle: Callable[[Event], None]) -> AsyncIterator[Post]:
    """Receive by the ASGI app."""
    app = WebhookApp(make_verifier(), handle)
    async with app.running():
        yield lambda body, headers: by_asgi(app, body, headers)


@asynccontextmanager
async def router(handle: Callable[[Event], None]) -> AsyncIterator[Post]:
    """Receive by FastAPI's router."""
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), handle))
    async with app.router.lifespan_context(app):
        yield lambda body, headers: by_asgi(app, body, headers)


@asynccontextmanager
async def dependency(handle: Callable[[Event], None]) -> AsyncIterator[Post]:
    """Receive by FastAPI's dependency."""
    app = FastAPI()
    known = Events(make_verifier())

    @app.post("/callbacks")
    async def receive(events: Annotated[tuple[Event, ...], Depends(known)]) -> None:
        for event in events:
            handle(event)

    yield lambda body, headers: by_asgi(app, body, headers)


@asynccontextmanager
async def aiohttp(handle: Callable[[Event], None]) -> AsyncIterator[Post]:
    """Receive by aiohttp."""
    app = web.Application()
    app.add_routes([web.post("/callbacks", webhook_handler(app, make_verifier(), handle))])

    async with TestServer(app) as server, httpx.AsyncClient(trust_env=False) as client:

        async def post(body: bytes, headers: dict[str, str]) -> int:
            url = str(server.make_url("/callbacks"))
            return (await client.post(url, content=body, headers=headers)).status_code

        yield post


@pytest.mark.asyncio
@pytest.mark.parametrize("adapter", [plain, router, dependency, aiohttp])
@pytest.mark.parametrize("case", CASES)
async def test_it_is_answered_alike(adapter: Any, case: str) -> None:  # noqa: ANN401 - any of these
    """Whatever receives it; and what is answered 200 is handled."""
    encoding, body, status = CASES[case]
    headers = {"Content-Encoding": encoding} | ({} if "not signed" in case else signed())
    handled: list[Event] = []
    async with adapter(handled.append) as post:
        assert status == await post(body, headers)

    has_row = status == 200 and len(body) > 30
    assert ([ROW] if has_row else []) == [dict(event.raw) for event in handled]


@pytest.mark.asyncio
async def test_a_bomb_comes_in_small_pieces() -> None:
    """So that who counts them can stop before it hurts."""

    async def pieces() -> AsyncIterator[bytes]:
        yield BOMB

    lengths = [len(piece) async for piece in decoded(pieces(), "gzip")]

    assert (20_000_000, True) == (sum(lengths), max(lengths) <= 65_536)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("encoding", "cut"),
    [("deflate", raw_deflate), ("gzip", lambda data: gzip.compress(data, mtime=0)[:-8])],
)
@pytest.mark.parametrize("length", range(65_530, 65_550))
async def test_a_step_that_is_full_is_not_the_last(
    encoding: str, cut: Callable[[bytes], bytes], length: int
) -> None:
    """The last bytes of a body may decode to more than one step takes."""

    async def pieces() -> AsyncIterator[bytes]:
        body = cut(b" " * length)
        yield body[:20]
        yield body[20:]

    assert length == sum([len(piece) async for piece in decoded(pieces(), encoding)])


@pytest.mark.asyncio
async def test_nothing_is_decoded_without_end() -> None:
    """Bytes that decode to nothing are counted, too."""
    empty_block = b"\x00\x00\x00\xff\xff"
    body = b"\x78\x9c" + empty_block * 500_000
    headers = signed() | {"Content-Encoding": "deflate"}
    async with plain(print) as post:
        assert 413 == await post(body, headers)


def test_what_starlette_keeps_is_what_came() -> None:
    """Who reads the body afterwards has to decode it, as the headers say."""
    app = FastAPI()
    known = Events(make_verifier())
    kept: list[bytes] = []

    @app.post("/callbacks", dependencies=[Depends(known)])
    async def receive(request: Request) -> None:
        kept.append(await request.body())

    headers = signed() | {"Content-Encoding": "gzip"}
    content = gzip.compress(BODY, mtime=0)
    answer = TestClient(app).post("/callbacks", content=content, headers=headers)

    assert (200, [content]) == (answer.status_code, kept)
