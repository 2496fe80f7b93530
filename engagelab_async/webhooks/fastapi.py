"""Callbacks in FastAPI: a router that does it all, or the events in an endpoint of your own."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Unpack

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from engagelab_async.errors import InvalidCallbackError, SignatureError

from .delivery import DeliveryOptions, Handler
from .events import Event
from .receiving import MAX_BODY, BodyTooLargeError, CallbackRequest, Receiver, answer_to, read
from .verification import Verifier

_HUNG_UP = 400


def webhook_router(
    verifier: Verifier,
    handler: Handler,
    *,
    path: str = "/callbacks",
    max_body: int = MAX_BODY,
    **options: Unpack[DeliveryOptions],
) -> APIRouter:
    """Make a router that answers callbacks at once, and then hands their events to a handler.

    Include it in the app itself, or in a router before that is included: FastAPI takes the
    router's lifespan along, in which events are handled. It does not do that for mounted apps.

    Args:
        verifier: Checks which requests are the platform's.
        handler: Called with each event, after the answer.
        path: The path of the callback URL, below the prefix of the router; empty for the prefix
            alone. It is served with and without a slash at its end, as the platform follows no
            redirects.
        max_body: How many bytes a body may have.
        options: See ``DeliveryOptions``.

    Returns:
        The router, to be included once.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument is invalid.

    Example:
        >>> from fastapi import FastAPI
        >>> app = FastAPI()
        >>> app.include_router(webhook_router(Verifier("shop", "my_secret"), print))

    .. versionadded:: 0.1.0
    """
    receiver = Receiver(verifier, handler, max_body=max_body, **options)

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        async with receiver.running():
            yield

    async def receive(request: Request) -> Response:
        try:
            async with _translated(request) as translated:
                answer = await receiver.answer(request.method, translated)
        except ClientDisconnect:
            return Response(status_code=_HUNG_UP)  # the client is gone
        return Response(status_code=answer.status, headers=dict(answer.headers))

    router = APIRouter(lifespan=lifespan)
    for each in _with_and_without_slash(path):
        router.add_api_route(each, receive, methods=["POST"], include_in_schema=False)
    return router


def _with_and_without_slash(path: str) -> list[str]:
    # A router without a prefix can have no empty path; one with a prefix can be asked for it.
    return (
        [path]
        if path == "/"
        else [path, path.removesuffix("/") if path.endswith("/") else f"{path}/"]
    )


class Events:
    """A dependency: the events of a callback, verified, in an endpoint of your own.

    The endpoint answers when it returns, which the vendor wants within 3 seconds. If it raises,
    the platform sends the callback again. It may get an event twice: compare ``Event.identity``.
    The request keeps its body, so that others can read it before and afterwards.

    Args:
        verifier: Checks which requests are the platform's; others are answered 401, 403, 400 or
            413 before the endpoint is called.
        max_body: How many bytes a body may have.

    Example:
        >>> from typing import Annotated
        >>> from fastapi import Depends, FastAPI
        >>> app = FastAPI()
        >>> events = Events(Verifier("shop", "my_secret"))
        >>> @app.post("/callbacks")
        ... async def receive(events: Annotated[tuple[Event, ...], Depends(events)]) -> None:
        ...     for event in events:
        ...         print(event)

    .. versionadded:: 0.1.0
    """

    def __init__(self, verifier: Verifier, *, max_body: int = MAX_BODY) -> None:
        self._verifier = verifier
        self._max_body = max_body

    async def __call__(self, request: Request) -> tuple[Event, ...]:
        """Read the request."""
        try:
            async with _translated(request) as translated:
                return await read(translated, self._verifier, self._max_body)
        except (InvalidCallbackError, SignatureError, BodyTooLargeError) as error:
            answer = answer_to(error)
            raise HTTPException(answer.status, headers=dict(answer.headers)) from None
        except ClientDisconnect:
            raise HTTPException(_HUNG_UP) from None


@asynccontextmanager
async def _translated(request: Request) -> AsyncIterator[CallbackRequest]:
    address = request.client.host if request.client else None
    pieces: list[bytes] = []
    async with aclosing(_body(request, pieces)) as body:
        try:
            yield CallbackRequest(request.headers, address, body)
        finally:
            if pieces and not hasattr(request, "_body"):
                _put_back(request, b"".join(pieces))


async def _body(request: Request, pieces: list[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(request.stream()) as stream:
        async for piece in stream:
            pieces.append(piece)
            yield piece


def _put_back(request: Request, body: bytes) -> None:
    """Leave what was read where Starlette looks for it: a stream can be read only once.

    There is no public place. All of the body goes to where ``request.body()`` keeps it; a part of
    it, after which reading was given up, in front of the rest.
    """
    if request._stream_consumed:  # noqa: SLF001
        request._body = body  # noqa: SLF001
    else:
        request._receive = _resumed(body, request.receive)  # noqa: SLF001


def _resumed(body: bytes, receive: Receive) -> Receive:
    read: list[Message] = [{"type": "http.request", "body": body, "more_body": True}]

    async def resumed() -> Message:
        return read.pop() if read else await receive()

    return resumed
