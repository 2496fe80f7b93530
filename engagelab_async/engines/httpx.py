"""The default engine, on httpx; and on httpx2, which continues it under another name."""

from __future__ import annotations

import math
import ssl
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from engagelab_async.errors import ConfigurationError

from ._engine import (
    IDLE_SECONDS,
    MAX_AGE_SECONDS,
    MAX_CONNECTIONS,
    Request,
    Response,
    keep_alive,
)
from ._httpx import HTTPX, Departure, HTTPXLibrary, HTTPXSendingEngine, length, read
from ._loops import PerLoop
from ._proxy import PROXY_SCHEMES, environment_proxy
from ._slots import Slots, Sweeper
from ._tls import is_temporary

if TYPE_CHECKING:
    import httpx


@frozen(eq=False)
class _Pool:
    """The connections of one event loop, and what sweeps them."""

    slots: Slots[httpx.AsyncHTTPTransport]
    sweeper: Sweeper

    async def aclose(self) -> None:
        """Close the connections; one that is busy, when its request has ended."""
        await self.sweeper.aclose()
        await self.slots.aclose()


class HTTPXEngine(HTTPXSendingEngine[Departure]):
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
        library: HTTPXLibrary = HTTPX,
    ) -> None:
        super().__init__(library)
        self._max_connections = max_connections
        self._max_age = max_connection_age
        self._pools = PerLoop(self._pool)
        # Per engine, not per process: the headers hold a secret.
        self._prepared = lru_cache(maxsize=64)(self._prepare)
        self._tls = lru_cache(library.module.create_ssl_context)

    def prepare(self, request: Request) -> Departure:
        """Make what notices that the request leaves."""
        return Departure(self._library.body(request.body))

    async def _exchange(self, request: Request, departure: Departure, max_bytes: int) -> Response:
        url, headers, origin = self._prepared(request.url, request.headers)
        prepared = self._library.module.Request(
            request.method,
            url,
            headers=headers,
            stream=departure.body,
            extensions={**_NO_TIMEOUTS, "trace": departure.trace},
        )
        prepared.headers.update(length(request.body))
        pool = self._pools.get()
        slot = await pool.slots.take(origin)
        try:
            response: Any = await slot.connection.handle_async_request(prepared)
            try:
                data = await read(response.stream, max_bytes)
            finally:
                await response.stream.aclose()
        except BaseException:
            await pool.slots.drop(slot)
            raise
        is_reusable = len(data) <= max_bytes and not _has_more(slot.connection)
        if is_reusable and pool.slots.give_back(slot, keep=keep_alive(response.headers)):
            pool.sweeper.wake()
        else:
            await pool.slots.drop(slot)
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
            if is_temporary(error):
                raise
            raise ConfigurationError(
                f"the environment's proxy or certificates cannot be used ({type(error).__name__})"
            ) from error
        return transport

    async def aclose(self) -> None:
        """Close the connections; one that is busy, when its request has ended."""
        await super().aclose()
        await self._pools.aclose()


# httpx's timeouts are for one read or write each, and each costs a timer; see `time_limit`.
_NO_TIMEOUTS: Final = {"timeout": {"connect": None, "read": None, "write": None, "pool": None}}


@lru_cache
def _no_certificates() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


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
