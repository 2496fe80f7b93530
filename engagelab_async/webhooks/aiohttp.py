"""Callbacks in aiohttp: a handler for a route, which runs as long as the app."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Final, Unpack

from aiohttp import web
from aiohttp.hdrs import CONTENT_ENCODING
from multidict import CIMultiDict

from engagelab_async.errors import InvalidCallbackError

from .delivery import DeliveryOptions, Handler
from .receiving import MAX_BODY, CallbackRequest, Receiver
from .verification import Verifier

_DECODED_BY_AIOHTTP: Final = {"gzip", "deflate"}


def webhook_handler(
    app: web.Application,
    verifier: Verifier,
    handler: Handler,
    *,
    max_body: int = MAX_BODY,
    **options: Unpack[DeliveryOptions],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make an aiohttp handler that answers callbacks at once, and handles their events afterwards.

    Args:
        app: The app; events are handled while it runs, and in its cleanup those that are left.
        verifier: Checks which requests are the platform's.
        handler: Called with each event, after the answer.
        max_body: How many bytes a body may have, whatever the app's ``client_max_size``.
        options: See ``DeliveryOptions``.

    Returns:
        A handler for a route.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument is out of range.

    Example:
        >>> app = web.Application()
        >>> receive = webhook_handler(app, Verifier("shop", "my_secret"), print)
        >>> app.add_routes([web.post("/callbacks", receive)])
        [<ResourceRoute [POST] <PlainResource  /callbacks> ...

    .. versionadded:: 0.1.0
    """
    receiver = Receiver(verifier, handler, max_body=max_body, **options)

    async def receive(request: web.Request) -> web.Response:
        async with aclosing(_body(request)) as body:
            translated = CallbackRequest(_headers(request), request.remote, body)
            answer = await receiver.answer(request.method, translated)
        return web.Response(status=answer.status, headers=answer.headers)

    app.cleanup_ctx.append(_lifetime(receiver))
    return receive


def _headers(request: web.Request) -> Mapping[str, str]:
    headers = CIMultiDict(request.headers)
    if headers.get(CONTENT_ENCODING, "").lower() in _DECODED_BY_AIOHTTP:
        headers.popone(CONTENT_ENCODING)
    return headers


async def _body(request: web.Request) -> AsyncGenerator[bytes]:
    if request.content.at_eof():  # it is empty, or a middleware has read it, and aiohttp has it
        yield await request.read()
        return
    pieces: list[bytes] = []
    try:
        async for piece in request.content.iter_any():
            pieces.append(piece)
            yield piece
    except (web.RequestPayloadError, ConnectionResetError):
        # Its encoding is not what its headers say, or the caller has left. That was all of it:
        # after the answer aiohttp would read on, and log what it meets.
        request.content.feed_eof()
        raise InvalidCallbackError("the body did not come as a whole") from None
    finally:
        # Where `request.read()` keeps it, for a middleware that reads it afterwards; of one that is
        # too large, what was read.
        request._read_bytes = b"".join(pieces)  # noqa: SLF001 - there is no public place


def _lifetime(receiver: Receiver) -> Callable[[web.Application], AsyncIterator[None]]:
    async def lifetime(_: web.Application) -> AsyncIterator[None]:
        # In a task of its own, because apps may be started in one task and ended in another.
        started, ended = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(_run(receiver, started, ended))
        await started.wait()
        yield
        ended.set()
        await task

    return lifetime


async def _run(receiver: Receiver, started: asyncio.Event, ended: asyncio.Event) -> None:
    async with receiver.running():
        started.set()
        await ended.wait()
