"""The default engine, on httpx; and on httpx2, which continues it under another name.

`HTTPXEngine` owns its connections, `HTTPXClientEngine` sends with a client of the caller.
"""

from __future__ import annotations

import ssl
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import httpx

from engagelab_async.errors import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ResponseTimeoutError,
    TransportError,
)

from ._engine import IDLE_SECONDS, MAX_CONNECTIONS, Request, Response, reason, time_limit
from ._proxy import environment_proxy
from ._slots import Slots

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Mapping
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

_PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")

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
        self.taken: bool = not data

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.taken = True
        return _Once(self._data)


class _Once:
    """One chunk. A generator would be left to the garbage collector when its sending breaks."""

    def __init__(self, data: bytes) -> None:
        self._left = [data]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class _Handshake:
    """The connection whose TLS handshake is under way.

    httpcore closes it when the handshake fails, but forgets it when the handshake is cancelled.
    """

    def __init__(self) -> None:
        self._connection: Any = None
        self._under_way = False

    def watch(self, request: httpx.Request) -> None:
        """Follow what is opened for a request, by httpcore's extension ``trace``."""
        if request.url.scheme == "https":
            request.extensions = {**request.extensions, "trace": self._notice}

    async def _notice(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            self._connection = info["return_value"]
        elif "start_tls" in event:
            self._under_way = not event.endswith("complete")

    async def abandon(self) -> None:
        """Close the connection, if it got no further."""
        if self._under_way:
            with anyio.CancelScope(shield=True):
                await self._connection.aclose()


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
        self.failures: tuple[type[Exception], ...] = (
            *(getattr(module, name) for name in _ROOTS),
            OSError,
        )
        self._never_left = tuple(getattr(module, name) for name in _NEVER_LEFT)

    def translated(self, error: Exception, *, unsent: bool) -> TransportError:
        """Find the place of one of the library's exceptions in the error tree.

        Args:
            error: What was raised.
            unsent: Whether it is known that nothing was sent, whatever was raised.
        """
        # The exceptions' own texts stay in the cause: they may quote a URL with a password.
        if unsent or isinstance(error, self._never_left):
            return ConnectError(f"no connection ({reason(error)})")
        if isinstance(error, self.module.TimeoutException):
            return ResponseTimeoutError(f"no answer in time ({reason(error)})")
        return ConnectionLostError(f"the connection broke ({reason(error)})")


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
        handshake = _Handshake()
        try:
            async with time_limit(timeout):
                return await self._exchange(request, body, handshake, max_bytes)
        except TimeoutError:
            if body.taken:
                raise ResponseTimeoutError("no answer in time") from None
            raise ConnectError("no connection in time") from None
        except self._library.failures as error:
            unsent = self._knows_when_it_leaves and not body.taken
            raise self._library.translated(error, unsent=unsent) from error
        finally:
            await handshake.abandon()

    @abstractmethod
    async def _exchange(
        self, request: Request, body: _Body, handshake: _Handshake, max_bytes: int
    ) -> Response: ...


class HTTPXEngine(_HTTPXEngine):
    """Sends over its own connections: the default.

    Each connection has an ``AsyncHTTPTransport`` of its own, and they wait in a free list (see
    ``Slots``): httpx's pool, which looks at all of its connections for every request, takes the
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

    async def _exchange(
        self, request: Request, body: _Body, handshake: _Handshake, max_bytes: int
    ) -> Response:
        url, headers, origin = self._prepared(request.url, request.headers)
        prepared = self._library.module.Request(
            request.method, url, headers=headers, stream=body, extensions=_NO_TIMEOUTS
        )
        prepared.headers.update(_length(request.body))
        slot = await self._slots.take(origin)
        handshake.watch(prepared)
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
        proxy = environment_proxy(origin, _PROXY_SCHEMES)
        # Loading certificates blocks the event loop for 30 ms, which plain HTTP need not pay.
        needs_tls = any(url.startswith("https:") for url in (origin, proxy or ""))
        try:
            transport: httpx.AsyncHTTPTransport = self._library.module.AsyncHTTPTransport(
                verify=self._tls() if needs_tls else _trusting_nobody(), limits=limits, proxy=proxy
            )
        # No SOCKS support, no such certificates, no URL: it will not get better by repeating.
        except (ImportError, ValueError, OSError, self._library.module.InvalidURL) as error:
            msg = f"the environment's proxy or certificates cannot be used ({type(error).__name__})"
            raise ConfigurationError(msg) from error
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

    async def _exchange(
        self, request: Request, body: _Body, handshake: _Handshake, max_bytes: int
    ) -> Response:
        prepared = self._client.build_request(
            request.method,
            request.url,
            headers=[*request.headers, *_length(request.body)],
            content=body if request.body else None,
            # httpx's own limits are for one read or write each.
            timeout=None,
        )
        # Without the generator that httpx wraps it in; see `_Once`.
        prepared.stream = cast("httpx.AsyncByteStream", body)
        handshake.watch(prepared)
        response = await self._send(prepared, body)
        if response.is_closed:
            return _without_reading(response)
        try:
            data = await _read(response.aiter_raw(), max_bytes)
            return Response(response.status_code, response.headers, data)
        finally:
            await response.aclose()

    async def _send(self, prepared: httpx.Request, body: _Body) -> httpx.Response:
        try:
            return await self._client.send(prepared, stream=True, auth=None, follow_redirects=False)
        except self._library.module.HTTPError as error:
            if not _is_about(error, prepared):
                # An event hook failed with a request of its own, before or after ours.
                lost = ConnectionLostError if body.taken else ConnectError
                raise lost(f"an event hook failed ({type(error).__name__})") from error
            if not isinstance(error, self._library.module.HTTPStatusError):
                raise
            # An event hook may call raise_for_status; it is an answer all the same.
            answer: httpx.Response = error.response
            return answer

    async def aclose(self) -> None:
        """Leave the client to its owner."""


# httpx's timeouts are for one read or write each, and each costs a timer; see `time_limit`.
_NO_TIMEOUTS: Final = {"timeout": {"connect": None, "read": None, "write": None, "pool": None}}

_RECEIVED: Final = 1024 * 1024
"""More than what a transport has received but not handed out yet, in bytes."""


@lru_cache
def tls_context() -> ssl.SSLContext:
    """Trust what httpx trusts: ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else certifi's list.

    Raises:
        ConfigurationError: There are no such certificates.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        msg = f"the environment's certificates cannot be used ({type(error).__name__})"
        raise ConfigurationError(msg) from error


@lru_cache
def _trusting_nobody() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _read(chunks: AsyncIterable[bytes], max_bytes: int) -> bytes:
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


def _length(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Length", str(len(body)))] if body else []


def _without_reading(response: httpx.Response) -> Response:
    """Take what an event hook, or a mocked transport, has left of an answer."""
    if not response.is_stream_consumed:
        return Response(response.status_code, response.headers, b"")
    # Whoever read it has undone its compression.
    headers = dict(response.headers)
    headers.pop("content-encoding", None)
    return Response(response.status_code, headers, response.content)


def _is_about(error: httpx.HTTPError, request: httpx.Request) -> bool:
    try:
        return error.request is request
    except RuntimeError:
        # httpx tells it to what a transport raises, but not to what a hook does.
        return False
