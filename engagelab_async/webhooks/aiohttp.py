"""Callbacks in aiohttp: a handler for a route, that lives as long as the app."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Unpack

from aiohttp import web

from .delivery import DeliveryOptions, Handler
from .receiving import MAX_BODY, CallbackRequest, Receiver
from .verification import Verifier


def webhook_handler(
    app: web.Application,
    verifier: Verifier,
    handler: Handler,
    *,
    max_body: int = MAX_BODY,
    **options: Unpack[DeliveryOptions],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Make an aiohttp handler that answers callbacks at once, and then hands on their events.

    Args:
        app: The app; events are handled while it runs, and in its cleanup those that are left.
        verifier: Tells which requests are the platform's.
        handler: Called with each event, after the answer.
        max_body: How many bytes a body may have, whatever the app's ``client_max_size``.
        options: See ``DeliveryOptions``.

    Returns:
        What a route takes.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument can never be right.

    Example:
        >>> app = web.Application()
        >>> receive = webhook_handler(app, Verifier("shop", "my_secret"), print)
        >>> app.add_routes([web.post("/callbacks", receive)])
        [<ResourceRoute [POST] <PlainResource  /callbacks> ...

    .. versionadded:: 0.1.0
    """
    receiver = Receiver(verifier, handler, max_body=max_body, **options)

    async def receive(request: web.Request) -> web.Response:
        body = request.content.iter_any()
        translated = CallbackRequest(request.headers, request.remote, body)
        answer = await receiver.answer(request.method, translated)
        return web.Response(status=answer.status, headers=answer.headers)

    app.cleanup_ctx.append(_lifetime(receiver))
    return receive


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
