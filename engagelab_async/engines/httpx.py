"""The default engine, on httpx; and on httpx2, which continues it under another name.

`HTTPXEngine` owns its connections, `HTTPXClientEngine` sends with a client of the caller.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import httpx

from engagelab_async.errors import (
    ConnectError,
    ConnectionLostError,
    ResponseTimeoutError,
    TransportError,
)

from ._engine import IDLE_SECONDS, MAX_CONNECTIONS, Request, Response, time_limit
from ._proxy import environment_proxy
from ._slots import Slots

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator
    from types import ModuleType

_NEVER_LEFT: Final = (
    "ConnectError",
    "ConnectTimeout",
    "InvalidURL",
    "LocalProtocolError",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
)
"""What httpx raises when its connection, its pool or its own checks failed: nothing was sent."""

_ROOTS: Final = ("HTTPError", "InvalidURL", "CookieConflict", "StreamError")
"""The roots of httpx's exceptions."""


class _Body:
    """A request body that notices when the transport comes for it.

    By then every transport, httpx's own or somebody else's, has its connection. No server can act
    on a request whose body it was promised and never got, so until then nothing was sent.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        # A request without a body is complete with its headers, which leave unnoticed.
        self.taken = not data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.taken = True
        yield self._data


class HTTPXLibrary:
    """httpx or httpx2: the same API in two modules, with unrelated classes.

    Args:
        module: The one or the other.

    Attributes:
        module: The module; typed as ``Any``, since only one of the two is a dependency.
        body: `_Body` as the library's own kind of stream.
        failures: All that the library raises when a request fails.
    """

    def __init__(self, module: ModuleType) -> None:
        """Look up what differs."""
        self.module: Any = module
        self.body: type[_Body] = type("Body", (_Body, self.module.AsyncByteStream), {})
        # Not all that the socket and TLS layers raise is wrapped.
        self.failures = (*(getattr(module, name) for name in _ROOTS), OSError)
        self._never_left = tuple(getattr(module, name) for name in _NEVER_LEFT)

    def translated(self, error: Exception, *, unsent: bool) -> TransportError:
        """Find the place of one of the library's exceptions in the error tree.

        Args:
            error: What was raised.
            unsent: Whether it is known that nothing was sent, whatever was raised.
        """
        # The exceptions' own texts stay in the cause: they may quote a URL with a password.
        if unsent or isinstance(error, self._never_left):
            return ConnectError(f"no connection ({type(error).__name__})")
        if isinstance(error, self.module.TimeoutException):
            return ResponseTimeoutError(f"no answer in time ({type(error).__name__})")
        return ConnectionLostError(f"the connection broke ({type(error).__name__})")


_HTTPX: Final = HTTPXLibrary(httpx)


class _HTTPXEngine(ABC):
    """What the two engines have in common: the time limit and the error tree."""

    _knows_when_it_leaves: bool
    """Whether a body that was not taken proves that nothing was sent."""

    def __init__(self, library: HTTPXLibrary) -> None:
        self._library = library

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Send one request; see `Engine.send`."""
        body = self._library.body(request.body)
        try:
            async with time_limit(timeout):
                return await self._exchange(request, body, max_bytes)
        except TimeoutError:
            if body.taken:
                raise ResponseTimeoutError("no answer in time") from None
            raise ConnectError("no connection in time") from None
        except self._library.failures as error:
            unsent = self._knows_when_it_leaves and not body.taken
            raise self._library.translated(error, unsent=unsent) from error

    @abstractmethod
    async def _exchange(self, request: Request, body: _Body, max_bytes: int) -> Response: ...


class HTTPXEngine(_HTTPXEngine):
    """Sends over its own connections: the default.

    Each connection has an ``AsyncHTTPTransport`` of its own, and they wait in a free list (see
    `Slots`): httpx's pool, which looks at all of its connections for every request, takes the
    longer the more requests are under way. Proxies and certificates are taken from the
    environment as httpx does.

    Args:
        max_connections: How many connections there may be; more requests wait, in their order.
        library: httpx, or httpx2.
    """

    _knows_when_it_leaves = True

    def __init__(
        self, *, max_connections: int = MAX_CONNECTIONS, library: HTTPXLibrary = _HTTPX
    ) -> None:
        """Open nothing yet."""
        super().__init__(library)
        self._slots: Slots[httpx.AsyncHTTPTransport] = Slots(
            self._transport, limit=max_connections, idle_seconds=IDLE_SECONDS
        )
        # Per engine, not per process: the headers hold a secret.
        self._prepared = lru_cache(maxsize=64)(self._prepare)
        self._tls = lru_cache(library.module.create_ssl_context)

    async def _exchange(self, request: Request, body: _Body, max_bytes: int) -> Response:
        url, headers, origin = self._prepared(request.url, request.headers)
        prepared = self._library.module.Request(
            request.method, url, headers=headers, stream=body, extensions=_NO_TIMEOUTS
        )
        prepared.headers["Content-Length"] = str(len(request.body))
        slot = await self._slots.take(origin)
        try:
            response: Any = await slot.connection.handle_async_request(prepared)
            try:
                data = await _read(response.stream, max_bytes)
            finally:
                await response.stream.aclose()
        except BaseException:
            await self._slots.drop(slot)
            raise
        if len(data) > max_bytes:
            await self._slots.drop(slot)
        else:
            await self._slots.give_back(slot)
        return Response(response.status_code, response.headers, data)

    def _prepare(self, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Any, Any, str]:
        parsed = self._library.module.URL(url)
        host = parsed.netloc.decode("ascii")
        with_host = self._library.module.Headers([("Host", host), *headers])
        return parsed, with_host, f"{parsed.scheme}://{host}"

    def _transport(self, origin: str) -> httpx.AsyncHTTPTransport:
        limits = self._library.module.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS
        )
        transport: httpx.AsyncHTTPTransport = self._library.module.AsyncHTTPTransport(
            verify=self._tls(), limits=limits, proxy=environment_proxy(origin)
        )
        return transport

    async def aclose(self) -> None:
        """Close the connections; one that is busy, when its request has ended."""
        await self._slots.aclose()


class HTTPXClientEngine(_HTTPXEngine):
    """Sends with a client that the caller made and closes, for custom TLS, proxies or tests.

    The client's default headers, cookies and event hooks apply. Its timeouts, its authentication
    and its following of redirects do not.

    Args:
        client: An ``httpx.AsyncClient``, or an ``httpx2.AsyncClient`` with that library.
        library: httpx, or httpx2.
    """

    # Somebody else's transport may fail in its own ways, and need not have come for the body.
    _knows_when_it_leaves = False

    def __init__(self, client: httpx.AsyncClient, *, library: HTTPXLibrary = _HTTPX) -> None:
        """Use `client` until the end of its life."""
        super().__init__(library)
        self._client = client

    async def _exchange(self, request: Request, body: _Body, max_bytes: int) -> Response:
        prepared = self._client.build_request(
            request.method,
            request.url,
            headers=[*request.headers, ("Content-Length", str(len(request.body)))],
            content=body,
            # httpx's own limits are for one read or write each.
            timeout=None,
        )
        try:
            response = await self._client.send(
                prepared, stream=True, auth=None, follow_redirects=False
            )
        except self._library.module.HTTPStatusError as error:
            # An event hook of the caller's may call raise_for_status; it is an answer all the same.
            return Response(error.response.status_code, error.response.headers, b"")
        try:
            # An event hook, or a mocked transport, may have read the body already.
            read = response.is_stream_consumed
            chunks = response.aiter_bytes() if read else response.aiter_raw()
            return Response(response.status_code, response.headers, await _read(chunks, max_bytes))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Leave the client to its owner."""


# httpx's timeouts are for one read or write each, and each costs a timer; see `time_limit`.
_NO_TIMEOUTS: Final = {"timeout": {"connect": None, "read": None, "write": None, "pool": None}}


async def _read(chunks: AsyncIterable[bytes], max_bytes: int) -> bytes:
    body = b""
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            break
    return body
