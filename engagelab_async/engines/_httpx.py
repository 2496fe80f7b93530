"""What the two engines on httpx share: how a request is watched, sent and read.

httpx has a continuation under another name, httpx2, with the same API and unrelated classes.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import anyio
import httpx

from ._sending import SendingEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
    from types import ModuleType

    from ._engine import Request, Response

    Trace = Callable[[str, Mapping[str, Any]], Awaitable[object]]

_NEVER_LEFT: Final = (
    "ConnectError",
    "ConnectTimeout",
    "InvalidURL",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
)
"""What a mock raises to say that nothing was sent; of a real transport it proves nothing."""

_ROOTS: Final = ("HTTPError", "InvalidURL", "CookieConflict", "StreamError")
"""The roots of httpx's exceptions."""


class Body:
    """A request body that counts how often a transport comes for it, or for a hook's replacement.

    By then every transport, httpx's own or another, has its connection. No server can act
    on a request whose body it was promised and never got, so until then nothing was sent.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.replaced: AsyncIterable[bytes] | None = None
        self.taken: int = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.taken += 1
        return _Once(self.data) if self.replaced is None else aiter(self.replaced)


class _Once:
    """One chunk. A generator would be left to the garbage collector when its sending breaks."""

    def __init__(self, data: bytes) -> None:
        self._left = [data] if data else []

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class Departure:
    """What is seen of one request: that its body is taken, and what httpcore traces of it.

    Attributes:
        body: The body, as a stream of the library's own kind.
        traced: Whether httpcore was seen at work. It is not where a mock stands in its place.
        progress: What to add to an error's text, once the head of an answer has arrived.
        status: The status of the last answer that httpcore has brought.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self.traced: bool = False
        self.progress: str = ""
        self.status: int | None = None
        self._headers_left = 0
        self._bodies_left = 0
        self._to_proxy = False
        self._connection: Any = None
        self._in_handshake = False

    @property
    def times(self) -> int:
        if not self.traced:
            return 0
        # A request without a body is complete with its headers. A transport of the caller's may
        # have made another body of the bytes.
        left = self._bodies_left if self.body.data else self._headers_left
        return max(self.body.taken, left)

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow the request through httpcore, by its extension ``trace``."""
        self.traced = True
        if event.endswith("send_request_headers.started"):
            self._to_proxy = info["request"].method == b"CONNECT"
            self._headers_left += not self._to_proxy
            self.progress = ""
        elif event.endswith("send_request_body.started"):
            self._bodies_left += not self._to_proxy
        elif event.endswith("receive_response_headers.complete") and not self._to_proxy:
            self.status = next(part for part in info["return_value"] if isinstance(part, int))
            self.progress = f" after HTTP {self.status} had arrived"
        elif event.endswith("connect_tcp.complete"):
            self._connection = info["return_value"]
        elif "start_tls" in event:
            self._in_handshake = not event.endswith("complete")

    async def abandon(self) -> None:
        """Close the connection whose TLS handshake was cancelled, which httpcore forgets."""
        if self._in_handshake:
            with anyio.CancelScope(shield=True):
                await self._connection.aclose()


class HTTPXLibrary:
    """httpx or httpx2: the same API in two modules, with unrelated classes."""

    def __init__(self, module: ModuleType) -> None:
        self.module: Any = module
        self.body: type[Body] = type("Body", (Body, self.module.AsyncByteStream), {})
        self.failures: tuple[type[Exception], ...] = tuple(getattr(module, x) for x in _ROOTS)
        self.timeouts: tuple[type[Exception], ...] = (self.module.TimeoutException,)
        self.never_left: tuple[type[Exception], ...] = tuple(
            getattr(module, name) for name in _NEVER_LEFT
        )


HTTPX: Final = HTTPXLibrary(httpx)

D = TypeVar("D", bound=Departure)


class HTTPXSendingEngine(SendingEngine[D], Generic[D]):
    """An engine on httpx or httpx2."""

    def __init__(self, library: HTTPXLibrary) -> None:
        super().__init__(library.failures, library.timeouts)
        self._library = library

    async def exchange(self, request: Request, departure: D, max_bytes: int) -> Response:
        try:
            return await self._exchange(request, departure, max_bytes)
        finally:
            await departure.abandon()

    @abstractmethod
    async def _exchange(self, request: Request, departure: D, max_bytes: int) -> Response: ...

    def never_left(self, error: Exception, departure: D) -> bool:
        if departure.times:
            return False
        if departure.traced:
            return True
        # Of a mock nothing is to be seen. What it raises is what it plays.
        if isinstance(error, self._library.failures):
            return isinstance(error, self._library.never_left)
        return not departure.body.taken


async def read(chunks: AsyncIterable[bytes], max_bytes: int) -> bytes:
    """Read a body, and stop once it is too large."""
    body = bytearray()
    left = aiter(chunks)
    async for chunk in left:
        body += chunk
        if len(body) > max_bytes:
            await _end(left)
            break
    return bytes(body)


async def _end(chunks: AsyncIterator[bytes]) -> None:
    """Cancel the reading: after a mere ``break``, the garbage collector would have to."""
    spare = _RECEIVED
    with anyio.CancelScope() as scope:
        scope.cancel()
        async for chunk in chunks:
            spare -= len(chunk)
            # Not from the network, or it would have had to wait: a mock's.
            if spare < 0:
                break


_RECEIVED: Final = 1024 * 1024
"""More than what a transport has received but not handed out yet, in bytes."""


def length(body: bytes) -> list[tuple[str, str]]:
    """Make the header that says how long the body is."""
    return [("Content-Length", str(len(body)))] if body else []
