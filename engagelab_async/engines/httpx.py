"""The default engine, on httpx; and on httpx2, which continues it under another name.

`HTTPXEngine` owns its connections, `HTTPXClientEngine` sends with a client of the caller.
"""

from __future__ import annotations

import math
import ssl
from abc import abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import httpx
from attrs import frozen

from engagelab_async.errors import ConfigurationError, ConnectError, ConnectionLostError

from ._engine import (
    IDLE_SECONDS,
    MAX_AGE_SECONDS,
    MAX_CONNECTIONS,
    Request,
    Response,
    keep_alive,
)
from ._loops import Owner, PerLoop
from ._proxy import PROXY_SCHEMES, environment_proxy
from ._sending import SendingEngine
from ._slots import Slots, Sweeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
    from types import ModuleType

    from engagelab_async.errors import EngageLabError

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


class _Body:
    """A request body that counts how often a transport comes for it.

    By then every transport, httpx's own or another, has its connection. No server can act
    on a request whose body it was promised and never got, so until then nothing was sent.

    Attributes:
        data: The body.
        replaced: What an event hook has put in its place.
        taken: How often either was taken.
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


class _Departure:
    """What is seen of one request: that its body is taken, and what httpcore traces of it.

    Attributes:
        body: The body, as a stream of the library's own kind.
        transport: What sends it: httpx's own ``"network"``, a ``"mock"``, or ``"other"``.
        traced: Whether httpcore was seen at work. It is not where a mock stands in its place.
        in_hooks: Whether a client of the caller's is still at its request hooks.
        handed_over: Whether such a client has given the request to its transport.
        reads: How often the body was read past the stream after that.
        progress: What to add to an error's text, once the head of an answer has arrived.
        request: The request, in the library's own words, once there is one.
    """

    def __init__(self, body: _Body, transport: str) -> None:
        self.body = body
        self.transport: str = transport
        self.traced: bool = False
        self.in_hooks: bool = False
        self.handed_over: bool = False
        self.reads: int = 0
        self.progress: str = ""
        self.request: httpx.Request | None = None
        self._status: int | None = None
        self._unseen = 0
        self._also: Trace | None = None
        self._headers_left = 0
        self._bodies_left = 0
        self._to_proxy = False
        self._connection: Any = None
        self._in_handshake = False

    @property
    def times(self) -> int:
        """How often the request left, or began to."""
        if self.traced:
            # A request without a body is complete with its headers. A transport of the caller's may
            # have made another body of the bytes.
            left = self._bodies_left if self.body.data else self._headers_left
            return max(self.body.taken, left) + self._unseen
        if self.transport == "other":
            unseen = self.reads if self.body.data else int(self.handed_over)
            return self.body.taken or unseen
        return 0

    @property
    def may_have_left(self) -> bool:
        """Whether it was sent, or a transport of the caller may have sent it unseen."""
        return self.times > 0 or (self.transport == "other" and self.reads > 0)

    def hand_over(self, transport: str, extensions: Mapping[str, Any]) -> Mapping[str, Any]:
        """Note that a transport of the caller's gets the request.

        Args:
            transport: Its kind. A hook may have changed where the request goes.
            extensions: Those of the request. A hook may have replaced them.

        Returns:
            The same, with `trace` among them.
        """
        self.transport = transport
        self.in_hooks = False
        self.handed_over = True
        if extensions.get("trace") != self.trace:
            self._also = extensions.get("trace")
        return {**extensions, "trace": self.trace}

    def answered(self, status: int) -> None:
        """Note which answer the caller's client has brought."""
        # If it is not the last one that was traced, it answers a copy that was sent unseen.
        self._unseen = int(self.reads > 0 and status != self._status)

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
            self._status = next(part for part in info["return_value"] if isinstance(part, int))
            self.progress = f" after HTTP {self._status} had arrived"
        elif event.endswith("connect_tcp.complete"):
            self._connection = info["return_value"]
        elif "start_tls" in event:
            self._in_handshake = not event.endswith("complete")
        if self._also is not None:
            await self._also(event, info)

    async def abandon(self) -> None:
        """Close the connection whose TLS handshake was cancelled, which httpcore forgets."""
        if self._in_handshake:
            with anyio.CancelScope(shield=True):
                await self._connection.aclose()


class HTTPXLibrary:
    """httpx or httpx2: the same API in two modules, with unrelated classes.

    Args:
        module: The one or the other.

    Attributes:
        module: The module; typed as ``Any``, since only one of the two is a dependency.
        body: `_Body` as the library's own kind of stream.
        watched: The library's request, which notices that its transport reads the body.
        failures: All that the library raises when a request fails.
        timeouts: Those that say that time ran out.
        never_left: Those that say that nothing was sent.
    """

    def __init__(self, module: ModuleType) -> None:
        """Look up what differs."""
        self.module: Any = module
        self.body: type[_Body] = type("Body", (_Body, self.module.AsyncByteStream), {})
        self.watched: Any = type("Request", (_Watched, self.module.Request), {})
        self.failures: tuple[type[Exception], ...] = tuple(getattr(module, x) for x in _ROOTS)
        self.timeouts: tuple[type[Exception], ...] = (self.module.TimeoutException,)
        self.never_left: tuple[type[Exception], ...] = tuple(
            getattr(module, name) for name in _NEVER_LEFT
        )


class _Watched:
    """A request for a client of the caller's, which notices who comes for its body.

    Attributes:
        departure: Who takes note, once the request is complete.
        kind: Returns the kind of transport for a URL.
    """

    departure: _Departure | None = None
    kind: Callable[[httpx.URL], str]
    url: httpx.URL
    extensions: Mapping[str, Any]

    @property
    def stream(self) -> _Body:
        """The body; the client asks for it when it hands the request over to its transport."""
        # Nothing asks for it before the request is complete.
        departure = cast("_Departure", self.departure)
        self.extensions = departure.hand_over(self.kind(self.url), self.extensions)
        body: _Body = vars(self)["stream"]
        return body

    @stream.setter
    def stream(self, body: _Body) -> None:
        if self.departure is None:
            vars(self)["stream"] = body
        else:
            self.departure.body.replaced = body

    @property
    def content(self) -> bytes:
        """The body, past the stream."""
        return self.read()

    def read(self) -> bytes:
        """Return the body, past the stream."""
        if self.departure is None:
            copied: bytes = vars(self)["_content"]
            return copied
        if self.departure.handed_over:
            self.departure.reads += 1
        return self.departure.body.data

    async def aread(self) -> bytes:
        """Return the body, past the stream."""
        return self.read()

    def __getstate__(self) -> dict[str, object]:
        """Make copies as the library does: with the content, and without a stream."""
        left_out = {"departure", "extensions", "kind", "stream"}
        state = {name: value for name, value in vars(self).items() if name not in left_out}
        return {**state, "_content": self.content}


_HTTPX: Final = HTTPXLibrary(httpx)


class _HTTPXEngine(SendingEngine[_Departure]):
    """What the two engines have in common."""

    def __init__(self, library: HTTPXLibrary) -> None:
        super().__init__(library.failures, library.timeouts)
        self._library = library

    async def exchange(self, request: Request, departure: _Departure, max_bytes: int) -> Response:
        """Send the request, and read its answer."""
        try:
            return await self._exchange(request, departure, max_bytes)
        finally:
            await departure.abandon()

    @abstractmethod
    async def _exchange(
        self, request: Request, departure: _Departure, max_bytes: int
    ) -> Response: ...

    def never_left(self, error: Exception, departure: _Departure) -> bool:
        """Return whether it is certain that a request that failed was not sent."""
        if departure.may_have_left:
            return False
        if departure.traced or departure.in_hooks:
            return True
        # Of a mock nothing is to be seen. What it raises is what it plays.
        if isinstance(error, self._library.failures):
            return isinstance(error, self._library.never_left)
        return departure.transport != "mock" and not departure.body.taken


@frozen(eq=False)
class _Pool:
    """The connections of one event loop, and what sweeps them."""

    slots: Slots[httpx.AsyncHTTPTransport]
    sweeper: Sweeper

    async def aclose(self) -> None:
        """Close the connections; one that is busy, when its request has ended."""
        await self.sweeper.aclose()
        await self.slots.aclose()


class HTTPXEngine(_HTTPXEngine):
    """Sends over its own connections: the default.

    Each connection has an ``AsyncHTTPTransport`` of its own, and they wait in a free list (see
    ``Slots``): httpx's pool, which looks at all of its connections for every request, takes the
    longer the more requests are in flight. Proxies and certificates are taken from the
    environment as httpx does.

    Args:
        max_connections: How many connections there may be; more requests wait, in their order.
        max_connection_age: Seconds after which a connection is replaced, so that a name whose
            address has changed is looked up again.
        library: httpx, or httpx2.
    """

    def __init__(
        self,
        *,
        max_connections: int = MAX_CONNECTIONS,
        max_connection_age: float = MAX_AGE_SECONDS,
        library: HTTPXLibrary = _HTTPX,
    ) -> None:
        """Open nothing yet."""
        super().__init__(library)
        self._max_connections = max_connections
        self._max_age = max_connection_age
        self._pools = PerLoop(self._pool)
        # Per engine, not per process: the headers hold a secret.
        self._prepared = lru_cache(maxsize=64)(self._prepare)
        self._tls = lru_cache(library.module.create_ssl_context)

    def prepare(self, request: Request) -> _Departure:
        """Make what notices that the request leaves."""
        return _Departure(self._library.body(request.body), "network")

    async def _exchange(self, request: Request, departure: _Departure, max_bytes: int) -> Response:
        url, headers, origin = self._prepared(request.url, request.headers)
        prepared = self._library.module.Request(
            request.method,
            url,
            headers=headers,
            stream=departure.body,
            extensions={**_NO_TIMEOUTS, "trace": departure.trace},
        )
        prepared.headers.update(_length(request.body))
        pool = self._pools.get()
        slot = await pool.slots.take(origin)
        try:
            response: Any = await slot.connection.handle_async_request(prepared)
            try:
                data = await _read(response.stream, max_bytes)
            finally:
                await response.stream.aclose()
        except BaseException:
            await pool.slots.drop(slot)
            raise
        if len(data) > max_bytes or _has_more(slot.connection):
            await pool.slots.drop(slot)
        else:
            await pool.slots.give_back(slot, keep=keep_alive(response.headers))
            pool.sweeper.wake()
        return Response(response.status_code, response.headers, data)

    def _pool(self) -> _Pool:
        slots: Slots[httpx.AsyncHTTPTransport] = Slots(
            self._transport,
            limit=self._max_connections,
            idle_seconds=IDLE_SECONDS,
            max_age=self._max_age,
            is_stale=_is_stale,
        )
        return _Pool(slots, Sweeper(slots, rounds=math.ceil(IDLE_SECONDS) + 1))

    def _prepare(self, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Any, Any, str]:
        parsed = self._library.module.URL(url)
        host = parsed.netloc.decode("ascii")
        with_host = self._library.module.Headers([("Host", host), *headers])
        return parsed, with_host, f"{parsed.scheme}://{host}"

    def _transport(self, origin: str) -> httpx.AsyncHTTPTransport:
        limits = self._library.module.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS
        )
        proxy = environment_proxy(origin, PROXY_SCHEMES)
        # Loading certificates blocks the event loop for 30 ms, which plain HTTP need not pay.
        needs_tls = any(url.startswith("https:") for url in (origin, proxy or ""))
        try:
            transport: httpx.AsyncHTTPTransport = self._library.module.AsyncHTTPTransport(
                verify=self._tls() if needs_tls else _no_certificates(), limits=limits, proxy=proxy
            )
        # No SOCKS support, no such certificates, no URL: it will not get better by repeating.
        except (ImportError, ValueError, OSError, self._library.module.InvalidURL) as error:
            msg = f"the environment's proxy or certificates cannot be used ({type(error).__name__})"
            raise ConfigurationError(msg) from error
        return transport

    async def aclose(self) -> None:
        """Close the connections; one that is busy, when its request has ended."""
        await super().aclose()
        await self._pools.aclose()


class HTTPXClientEngine(_HTTPXEngine):
    """Sends with a client that the caller made and closes, for custom TLS, proxies or tests.

    The client's default headers, cookies and event hooks apply. Its timeouts, its authentication
    and its following of redirects do not.

    Args:
        client: An ``httpx.AsyncClient``, or an ``httpx2.AsyncClient`` with that library.
        library: httpx, or httpx2.
    """

    def __init__(self, client: httpx.AsyncClient, *, library: HTTPXLibrary = _HTTPX) -> None:
        """Use `client` until the end of its life."""
        super().__init__(library)
        self._client = client
        self._owner = Owner(f"the {library.module.__name__}.AsyncClient")

    def prepare(self, request: Request) -> _Departure:
        """Make what notices that the request leaves.

        Raises:
            ConfigurationError: The client belongs to another event loop or process.
        """
        transport = self._kind(self._library.module.URL(request.url))
        # A mock opens no connections.
        if transport != "mock":
            self._owner.check()
        departure = _Departure(self._library.body(request.body), transport)
        if self._sends_in_its_own_way():
            departure.handed_over = True
        else:
            # Where the library's method was replaced, by a mock perhaps, there may be no hooks.
            departure.in_hooks = _is_of(self._library.module, self._client.send)
        return departure

    def _kind(self, url: httpx.URL) -> str:
        module = self._library.module
        # Not public, and there is no other way to know; a client without it is not trusted.
        find = getattr(self._client, "_transport_for_url", None)
        transport = find(url) if find else None
        if isinstance(transport, module.MockTransport):
            return "mock"
        # A replaced method may retry requests.
        patched = "handle_async_request" in getattr(transport, "__dict__", ())
        is_plain = type(transport) is module.AsyncHTTPTransport and not patched
        return "network" if is_plain and not self._sends_in_its_own_way() else "other"

    def _sends_in_its_own_way(self) -> bool:
        # For all clients alike, error tools and mocks replace it.
        is_shared = type(self._client).send is self._library.module.AsyncClient.send
        return "send" in vars(self._client) or not is_shared

    async def _exchange(self, request: Request, departure: _Departure, max_bytes: int) -> Response:
        prepared = self._client.build_request(
            request.method,
            request.url,
            headers=[*request.headers, *_length(request.body)],
            # Event hooks may look at it.
            content=request.body or None,
            # httpx's own limits are for one read or write each.
            timeout=None,
            extensions={"trace": departure.trace},
        )
        prepared = self._watched(prepared, departure)
        departure.request = prepared
        response = await self._send(prepared)
        departure.answered(response.status_code)
        if response.is_closed:
            return _without_reading(response)
        try:
            data = await _read(response.aiter_raw(), max_bytes)
            return Response(response.status_code, response.headers, data)
        finally:
            await response.aclose()

    def _watched(self, prepared: httpx.Request, departure: _Departure) -> httpx.Request:
        request: httpx.Request = self._library.watched(
            prepared.method,
            prepared.url,
            headers=prepared.headers,
            stream=departure.body,
            extensions=prepared.extensions,
        )
        vars(request).update(departure=departure, kind=self._kind)
        return request

    async def _send(self, prepared: httpx.Request) -> httpx.Response:
        try:
            return await self._client.send(prepared, stream=True, auth=None, follow_redirects=False)
        except self._library.module.HTTPStatusError as error:
            # An event hook may call raise_for_status; it is an answer all the same.
            if not _is_about(error, prepared):
                raise
            answer: httpx.Response = error.response
            return answer

    def never_left(self, error: Exception, departure: _Departure) -> bool:
        """Return whether it is certain that a request that failed was not sent."""
        if self._is_from_a_hook(error, departure):
            return departure.in_hooks
        return super().never_left(error, departure)

    def failed(self, error: Exception, departure: _Departure) -> EngageLabError:
        """Translate what was raised in place of an answer."""
        if not self._is_from_a_hook(error, departure):
            return super().failed(error, departure)
        lost = ConnectError if self.never_left(error, departure) else ConnectionLostError
        return lost(f"an event hook failed ({type(error).__name__}){departure.progress}")

    def _is_from_a_hook(self, error: Exception, departure: _Departure) -> bool:
        """Return whether an error of the library comes from a request that a hook made itself."""
        if self._sends_in_its_own_way() or not (departure.in_hooks or departure.handed_over):
            return False
        if not isinstance(error, self._library.module.HTTPError):
            return False
        return not _is_about(error, departure.request)

    async def aclose(self) -> None:
        """Leave the client to its owner."""
        await super().aclose()


# httpx's timeouts are for one read or write each, and each costs a timer; see `time_limit`.
_NO_TIMEOUTS: Final = {"timeout": {"connect": None, "read": None, "write": None, "pool": None}}

_RECEIVED: Final = 1024 * 1024
"""More than what a transport has received but not handed out yet, in bytes."""


@lru_cache
def _no_certificates() -> ssl.SSLContext:
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


def _is_stale(transport: httpx.AsyncHTTPTransport) -> bool:
    """Return whether the server has closed a free connection, or spoken on it."""
    connections: list[Any] = transport._pool.connections  # noqa: SLF001 - see _has_more
    return any(connection.has_expired() for connection in connections)


def _has_more(transport: httpx.AsyncHTTPTransport) -> bool:
    """Return whether a connection has received more than the answer that was read from it.

    Whatever it is, the next request would take it for its own answer. httpx has no public way to
    ask, so this knows the insides of httpcore; where they change, no connection is used twice.
    """
    try:
        connections: list[Any] = transport._pool.connections  # noqa: SLF001
        return any(map(_holds_bytes, connections))
    except AttributeError:
        return True


def _holds_bytes(connection: Any) -> bool:  # noqa: ANN401
    while not hasattr(connection, "_h11_state"):
        # Around it are the connection that has yet to be made, and a proxy's.
        connection = connection._connection  # noqa: SLF001
    if connection._h11_state.trailing_data[0]:  # noqa: SLF001
        return True
    stream = connection._network_stream._stream  # noqa: SLF001
    # TLS, as anyio and as trio keep what they have not decrypted yet.
    undecrypted = getattr(stream, "_read_bio", None) or getattr(stream, "_incoming", None)
    if undecrypted is not None and (undecrypted.pending or stream._ssl_object.pending()):  # noqa: SLF001
        return True
    # What anyio's protocol on asyncio took from the socket while nothing was being read.
    protocol = getattr(getattr(stream, "transport_stream", stream), "_protocol", None)
    return bool(getattr(protocol, "read_queue", None))


def _is_of(module: Any, function: object) -> bool:  # noqa: ANN401
    return getattr(function, "__module__", "").startswith(f"{module.__name__}.")


def _length(body: bytes) -> list[tuple[str, str]]:
    return [("Content-Length", str(len(body)))] if body else []


def _without_reading(response: httpx.Response) -> Response:
    """Take what an event hook, or a mocked transport, has left of an answer."""
    if not response.is_stream_consumed:
        return Response(response.status_code, response.headers, b"")
    # Reading it has undone its compression.
    headers = dict(response.headers)
    headers.pop("content-encoding", None)
    return Response(response.status_code, headers, response.content)


def _is_about(error: httpx.HTTPError, request: httpx.Request | None) -> bool:
    try:
        return error.request is request
    except RuntimeError:
        # httpx attaches the request to errors of a transport, but not to those of a hook.
        return False
