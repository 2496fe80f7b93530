"""The engine on asyncio's own transports, faster than any HTTP library (extra ``fast``).

It speaks HTTP/1.1, with TLS and without, but through no proxy. What it does for each request::

    take a connection ── connect, if it is new ── one write ── Answer ── give the connection back
    (last in, first out)                            │
                      ConnectError before it <──────┴──────> after it, the request may have left

A request counts as sent once it is written to a transport that is open, even if the system has not
taken its first byte yet: asyncio does not report that in every case, and a wrong "not sent" would
send a message twice.
"""

from __future__ import annotations

import asyncio
import math
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import httpx

from engagelab_async.errors import ConfigurationError

from . import _loops
from ._answer import FAILURES, Answer
from ._engine import (
    IDLE_SECONDS,
    MAX_AGE_SECONDS,
    MAX_CONNECTIONS,
    Request,
    Response,
    in_asyncio,
)
from ._limits import Limit, Limits
from ._loops import PerLoop
from ._proxy import PROXY_SCHEMES, environment_proxy
from ._sending import SendingEngine
from ._slots import Slots, Sweeper
from ._sockets import open_socket, readable
from ._tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Callable

_PORTS: Final = {"http": 80, "https": 443}

_LINE: Final = re.compile(r"[!-9;-~]+: ?[\t -~]*")
"""A header in one line. The names and values that this library sends are all ASCII."""

_WITHOUT_BODY: Final = ("DELETE", "GET", "HEAD")
"""The methods that need not say that there is no body."""


_READ_BYTES: Final = 256 * 1024
"""What asyncio reads, and decrypts, at once: in a smaller buffer the end of an answer would be lost
if the server closes a connection with TLS behind it."""


class _Connection(asyncio.BufferedProtocol):
    """A connection, which is closed as soon as its server sends what was not asked for.

    ::

        new ── connect ──> idle <── exchange ──> busy
                            └── anything arrives ──┴── what is no answer ──> closed

    Args:
        origin: Where it leads, such as ``https://example.com:8443``.
        buffer: Where data arrives. An event loop fills it and passes on what is in it in one step,
            so all its connections share one. Else asyncio would make one for each read, so large
            that the system maps and clears memory for it.
    """

    def __init__(self, origin: str, buffer: memoryview) -> None:
        if environment_proxy(origin, PROXY_SCHEMES) is not None:
            raise ConfigurationError(
                'the proxy in the environment cannot be used with http="asyncio", and nothing was '
                'sent: take http="auto", or name the host in NO_PROXY'
            )
        self.is_connected: bool = False
        self._origin = origin
        self._forks = _loops.forks
        self._buffer = buffer
        self._tcp: asyncio.Transport | None = None
        self._tls: asyncio.Transport | None = None
        self._readable: Callable[[], object] = bool
        self._departure: _Departure | None = None
        self._answered: asyncio.Future[Answer] | None = None

    async def connect(self) -> None:
        parts = urlsplit(self._origin)
        host = cast("str", parts.hostname)
        context = tls_context() if parts.scheme == "https" else None
        sock = await open_socket(host, parts.port or _PORTS[parts.scheme])
        loop = asyncio.get_running_loop()
        tcp, _ = await loop.create_connection(lambda: self, sock=sock)
        if context is not None:
            # Not in one step: only the transport below TLS knows what is still to be written.
            self._tls = await loop.start_tls(tcp, self, context, server_hostname=host.rstrip("."))
        # Behind a new handshake comes what TLS has to say.
        elif self._readable():
            raise ConnectionError("the server spoke before it was asked")

    def send(self, data: bytes, departure: _Departure) -> asyncio.Future[Answer]:
        """Send a request, and return its complete answer; it raises what breaks the connection."""
        transport = self._tls or self._tcp
        # A forked child inherits the task that sends, and the connection of its parent.
        if transport is None or transport.is_closing() or self._forks != _loops.forks:
            raise ConnectionError("the connection cannot be used")
        departure.times = 1
        self._departure = departure
        self._answered = answered = departure.pool.loop.create_future()
        transport.write(data)
        return answered

    def is_stale(self) -> bool:
        """Return whether it was closed, or its server has spoken unasked."""
        return self._tcp is None or self._tcp.is_closing() or bool(self._readable())

    def is_written(self) -> bool:
        """Return whether nothing is left of the request: an answer may come early."""
        tcp, tls = self._tcp, self._tls
        return not ((tcp and tcp.get_write_buffer_size()) or (tls and tls.get_write_buffer_size()))

    async def aclose(self) -> None:
        self._departure = None
        if self._tcp is not None:
            self._tcp.abort()

    def _end(self, outcome: Answer | Exception) -> None:
        self._departure = None
        answered, self._answered = self._answered, None
        # The request may have been cancelled.
        if answered is None or answered.done():
            return
        if isinstance(outcome, Answer):
            answered.set_result(outcome)
        else:
            answered.set_exception(outcome)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.is_connected = True
        self._tcp = cast("asyncio.Transport", transport)
        self._readable = readable(transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio does not know either
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what was asked for, and close the connection if nothing was."""
        departure = self._departure
        if departure is None:
            cast("asyncio.Transport", self._tcp).abort()
            return
        answer = departure.answer
        if answer is None:
            answer = departure.answer = Answer(departure.max_bytes, is_head=departure.is_head)
        try:
            if answer.feed(self._buffer[:nbytes].tobytes()):
                self._end(answer)
        except FAILURES as error:
            self._end(error)

    def eof_received(self) -> None:
        """End the exchange, and close the connection: with TLS, asyncio does so a turn later."""
        if self._departure is not None:
            answer = self._departure.answer
            self._end(answer if answer is not None and answer.end() else EOFError())
        cast("asyncio.Transport", self._tcp).abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._departure is not None:
            self._end(exc or EOFError())


class _Pool:
    """The connections and the time limits of one event loop."""

    def __init__(self, *, limit: int, max_age: float) -> None:
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self.limits: Limits = Limits()
        self.slots: Slots[_Connection] = Slots(
            partial(_Connection, buffer=memoryview(bytearray(_READ_BYTES))),
            limit=limit,
            idle_seconds=IDLE_SECONDS,
            max_age=max_age,
            is_stale=_Connection.is_stale,
        )
        self.sweeper: Sweeper = Sweeper(self.slots, rounds=math.ceil(IDLE_SECONDS) + 1)

    async def aclose(self) -> None:
        """Close the connections; one that is busy, when its request has ended."""
        await self.limits.aclose()
        await self.sweeper.aclose()
        await self.slots.aclose()
        # The sockets are closed in the next turn of the loop, which may be its last.
        await asyncio.sleep(0)


class _Departure:
    """What is known of one request.

    Attributes:
        times: 1 once the request was written.
        answer: What has arrived of the answer. It is not made sooner: with many requests in flight,
            it would not stay in the processor's caches until its first byte arrives.
    """

    __slots__ = ("answer", "is_head", "max_bytes", "pool", "times")

    def __init__(self, pool: _Pool, *, is_head: bool) -> None:
        self.pool: _Pool = pool
        self.is_head: bool = is_head
        self.max_bytes: int = 0
        self.times: int = 0
        self.answer: Answer | None = None

    @property
    def progress(self) -> str:
        status = 0 if self.answer is None else self.answer.status
        return f" after HTTP {status} had arrived" if status else ""


class AsyncioEngine(SendingEngine[_Departure]):
    """Sends over its own connections, and does all of it itself.

    Args:
        max_connections: How many connections there may be; more requests wait, in their order.
        max_connection_age: Seconds after which a connection is replaced, so that a name whose
            address has changed is looked up again.
    """

    def __init__(
        self,
        *,
        max_connections: int = MAX_CONNECTIONS,
        max_connection_age: float = MAX_AGE_SECONDS,
    ) -> None:
        super().__init__((*FAILURES, EOFError))
        self._max_connections = max_connections
        self._max_age = max_connection_age
        self._pools = PerLoop(self._pool)
        # Per engine, not per process: the headers hold a secret.
        self._prepared = lru_cache(maxsize=64)(_prepare)

    def _pool(self) -> _Pool:
        if not in_asyncio():
            raise ConfigurationError('http="asyncio" needs asyncio; on trio take "httpx" or "auto"')
        return _Pool(limit=self._max_connections, max_age=self._max_age)

    def prepare(self, request: Request) -> _Departure:
        """Make what notices that the request leaves."""
        return _Departure(self._pools.get(), is_head=request.method == "HEAD")

    def limit(self, seconds: float | None, departure: _Departure) -> Limit:
        """Make a context that raises ``TimeoutError`` when time runs out in it."""
        return departure.pool.limits.limit(seconds)

    async def exchange(self, request: Request, departure: _Departure, max_bytes: int) -> Response:
        """Send the request, and read its answer."""
        origin, head = self._prepared(request.method, request.url, request.headers)
        departure.max_bytes = max_bytes
        pool = departure.pool
        slot = await pool.slots.take(origin)
        connection = slot.connection
        try:
            if not connection.is_connected:
                await connection.connect()
            answer = await connection.send(_with_body(head, request), departure)
        except BaseException:
            await pool.slots.drop(slot)
            raise
        is_reusable = answer.is_reusable and connection.is_written()
        if is_reusable and pool.slots.give_back(slot, keep=answer.keep):
            pool.sweeper.wake()
        else:
            await pool.slots.drop(slot)
        return Response(answer.status, answer.headers, bytes(answer.body))

    async def aclose(self) -> None:
        """Close the connections; one that is busy, when its request has ended."""
        await super().aclose()
        if in_asyncio():
            await self._pools.aclose()


def _prepare(method: str, url: str, headers: tuple[tuple[str, str], ...]) -> tuple[str, bytes]:
    """Return where a request goes, and its head but for the length of the body."""
    parsed = httpx.URL(url)
    host = parsed.netloc.decode("ascii")
    target = parsed.raw_path.decode("ascii")
    lines = [f"{name}: {value}" for name, value in [("Host", host), *headers]]
    if not (method.isalpha() and all(map(_LINE.fullmatch, lines))):
        raise ValueError("the request cannot be written")
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, ""])
    return f"{parsed.scheme}://{host}", head.encode("ascii")


def _with_body(head: bytes, request: Request) -> bytes:
    body = request.body
    if body or request.method not in _WITHOUT_BODY:
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
    return head + b"\r\n"
