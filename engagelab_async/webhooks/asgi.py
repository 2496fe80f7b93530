"""Callbacks as an ASGI app, for any server and under any framework; on asyncio and trio."""

from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Unpack

from .delivery import DeliveryOptions, Handler
from .receiving import MAX_BODY, CallbackRequest, Receiver
from .verification import Verifier, folded

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _HungUpError(Exception):
    """The client disconnected before its body was complete."""


class WebhookApp:
    """Receives callbacks on every path, as an app of its own or as part of another.

    As an app of its own it handles events while the server runs it. Frameworks do not run the
    lifespan of an app that they mount; there, enter `running` in the outer app's lifespan.

    Args:
        verifier: Checks which requests are the platform's.
        handler: Called with each event, after the answer.
        max_body: How many bytes a body may have.
        options: See ``DeliveryOptions``.

    Example:
        >>> from engagelab_async.webhooks import Verifier
        >>> app = WebhookApp(Verifier("shop", "my_secret"), print)

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        verifier: Verifier,
        handler: Handler,
        *,
        max_body: int = MAX_BODY,
        **options: Unpack[DeliveryOptions],
    ) -> None:
        self._receiver = Receiver(verifier, handler, max_body=max_body, **options)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Handle events within the block, and at its end the remaining ones.

        Raises:
            RuntimeError: It is running already.
        """
        return self._receiver.running()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            raise RuntimeError(f"callbacks come by HTTP, not by {scope['type']}")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        async with aclosing(_body(receive)) as body:
            request = CallbackRequest(_headers(scope), _address(scope), body)
            try:
                answer = await self._receiver.answer(scope["method"], request)
            except _HungUpError:
                return
        headers = [
            (name.lower().encode(), value.encode()) for name, value in answer.headers.items()
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body"})


def _headers(scope: Message) -> dict[str, str]:
    return folded(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    )


def _address(scope: Message) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


async def _body(receive: Receive) -> AsyncGenerator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _HungUpError
        yield message.get("body", b"")
        more = message.get("more_body", False)
