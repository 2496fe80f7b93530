"""The engine on aiohttp, the fastest of them; for asyncio only (extra ``aiohttp``).

`AiohttpEngine` owns its connections, `AiohttpSessionEngine` sends with a session of the caller.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from abc import abstractmethod
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.client_proto import ResponseHandler
from attrs import define
from multidict import CIMultiDict
from yarl import URL

from engagelab_async.errors import ConfigurationError

from ._engine import (
    IDLE_SECONDS,
    MAX_AGE_SECONDS,
    MAX_CONNECTIONS,
    Request,
    Response,
    in_asyncio,
    keep_alive,
)
from ._limits import Limit, Limits
from ._loops import Owner, PerLoop
from ._proxy import environment_proxy
from ._sending import SendingEngine
from ._sockets import readable
from ._tls import tls_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.client_middlewares import ClientHandlerType, ClientMiddlewareType
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.http_parser import HttpResponseParser

    from engagelab_async.errors import EngageLabError


# aiohttp, and asyncio.timeout() as well, would set a timer for each request, which takes a tenth of
# the throughput.
_NO_TIMERS: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)

# It would name one for the body that is not there.
_NO_CONTENT_TYPE: Final = ("Content-Type",)


class _Departure(aiohttp.BytesPayload):
    """The body of a request, which notices that aiohttp comes for it.

    It is asked even for a body that is empty, and the headers leave together with it.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.taken: int = 0
        self._process: int = os.getpid()
        self.heed: Callable[[Mapping[str, str]], None] = _heed_nothing
        self.status: int | None = None

    @property
    def times(self) -> int:
        return self.taken

    @property
    def progress(self) -> str:
        return "" if self.status is None else f" after HTTP {self.status} had arrived"

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        transport = writer.transport
        # A forked child inherits the task that writes, and the connection of its parent.
        if transport is None or transport.is_closing() or self._process != os.getpid():
            raise aiohttp.ClientConnectionResetError(
                "the connection was closed before the request was written"
            )
        handler = transport.get_protocol()
        if isinstance(handler, _Handler):
            if handler.has_spoken():
                raise aiohttp.ClientConnectionError(_SPOKE)
            handler.begin()
            self.heed = handler.heed
        self.taken += 1
        await super().write_with_length(writer, content_length)

    @property
    def consumed(self) -> bool:
        """Forbid aiohttp to send it again, as it would do with a PUT or a DELETE."""
        return True


def _heed_nothing(_: Mapping[str, str]) -> None:
    """Do nothing: the connection is the caller's, or was never reached."""


_Route = tuple[URL, "CIMultiDict[str]", str | None, "ssl.SSLContext | bool"]
"""URL, headers, proxy and TLS of a request: what all requests like it share."""

D = TypeVar("D", bound=_Departure)


class _AiohttpEngine(SendingEngine[D]):
    """What the two engines have in common."""

    def __init__(self) -> None:
        super().__init__((aiohttp.ClientError,))
        # Per engine, not per process: the headers hold a secret.
        self._route_to = lru_cache(maxsize=64)(self._route)

    async def exchange(self, request: Request, departure: D, max_bytes: int) -> Response:
        response = await self._request(request, departure)
        departure.status = response.status
        try:
            data = await _read(response.content, max_bytes)
        except BaseException:
            response.close()
            raise
        if len(data) > max_bytes:
            response.close()
        return Response(response.status, response.headers, data)

    async def _send(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        departure: D,
        middlewares: Sequence[ClientMiddlewareType] = (),
    ) -> aiohttp.ClientResponse:
        # Headers of one request: those of a session go to its proxy as well, in clear.
        url, headers, proxy, tls = self._route_to(request.url, request.headers)
        return await session.request(
            request.method,
            url,
            data=departure,
            headers=headers,
            skip_auto_headers=None if request.body else _NO_CONTENT_TYPE,
            proxy=proxy,
            ssl=tls,
            timeout=_NO_TIMERS,
            allow_redirects=False,
            auto_decompress=False,
            raise_for_status=False,
            middlewares=middlewares,
        )

    def failed(self, error: Exception, departure: D) -> EngageLabError:
        if isinstance(error, aiohttp.InvalidURL) and self.never_left(error, departure):
            # That of the request is sound; that of a session's proxy may be anything.
            return ConfigurationError(f"aiohttp was given no URL ({type(error).__name__})")
        return super().failed(error, departure)

    @abstractmethod
    async def _request(self, request: Request, departure: D) -> aiohttp.ClientResponse: ...

    @abstractmethod
    def _route(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Route: ...


# ------------------------------------------------------------------------------- our connections


class _Handler(ResponseHandler):
    """A connection that is closed when its server sends anything unasked.

    What a server says on an idle connection, or behind an answer, would be taken for the answer to
    the next request.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float], max_age: float
    ) -> None:
        super().__init__(loop)
        self._clock = clock
        self._idle = False
        self._is_new = False
        self._receiving = False
        self._head = self._length = 0
        self._good_until = self._expires = clock() + max_age
        self._readable: Callable[[], object] = bool

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._readable = readable(transport)
        # Behind a new handshake comes what TLS has to say.
        self._is_new = transport.get_extra_info("ssl_object") is None

    def has_spoken(self) -> bool:
        """Return whether the server has spoken before it was asked.

        The connector has looked at a connection that was used before; at a new one it has not.
        """
        return self._is_new and (self.should_close or bool(self._readable()))

    def begin(self) -> None:
        """Begin to be used: from now on its server is asked."""
        self._idle = self._is_new = False
        self._head = self._length = 0

    def data_received(self, data: bytes) -> None:
        """Pass on what was asked for."""
        if self._idle:
            # aiohttp hands in nothing, too, to go on after a pause.
            if data:
                self._end()
            return
        self._head = 0 if self._length else data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        self._length += len(data)
        self._receiving = True
        super().data_received(data)
        self._receiving = False
        # Its last byte may have put the connection to rest, and others may have followed.
        if self._idle and (self.should_close or self._has_more()):
            self._end()

    def rest(self) -> bool:
        """End to be used, and return whether it can be used again, where aiohttp would do so."""
        self._idle = True
        return self._receiving or not self._has_more()

    def heed(self, headers: Mapping[str, str]) -> None:
        """Record how long the server will keep the connection open."""
        self._good_until = min(self._expires, self._clock() + keep_alive(headers))

    def is_connected(self) -> bool:
        """Return whether it can be used again; the connector asks this of those that are free."""
        # One that was not put to rest is of a version of aiohttp that is not known here.
        if not self._idle or self.transport is None or self.transport.is_closing():
            return False
        return self._clock() < self._good_until and not self._readable()

    def _has_more(self) -> bool:
        """Return whether more has arrived than the answer, where aiohttp has seen nothing more."""
        answer, parser = self._payload, self._parser
        if answer is not None and self._head and self._head + answer.total_bytes == self._length:
            return False
        # Of half an answer nothing is to be seen from here. But the parser, which the next request
        # replaces, takes this for its other half, or does not take it at all.
        try:
            ((message, _),), _, _ = cast("HttpResponseParser", parser).feed_data(_PROBE)
        except Exception:  # noqa: BLE001 - whatever it is
            return True
        return bool(message.code != _PROBE_STATUS or message.headers)

    def _end(self) -> None:
        # What says something has a transport.
        cast("asyncio.Transport", self.transport).abort()


_END_OF_HEAD: Final = b"\r\n\r\n"

_PROBE_STATUS: Final = 204
_PROBE: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


class _Connector(aiohttp.TCPConnector):
    """Opens connections that use `_Handler`."""

    def __init__(self, *, limit: int, clock: Callable[[], float], max_age: float) -> None:
        super().__init__(limit=limit, keepalive_timeout=IDLE_SECONDS)
        self._factory: Any = partial(_Handler, self._loop, clock, max_age)

    # Neither this nor the factory is public. Where another version of aiohttp knows nothing of
    # them, no connection is put to rest, and so none is used again.
    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        reusable = not should_close and isinstance(protocol, _Handler) and protocol.rest()
        super()._release(key, protocol, should_close=not reusable)

    def __del__(self, *_: object) -> None:
        """Complain of nothing: of a loop that is gone, connections cannot be closed."""


class _Pool:
    """The connections and the time limits of one event loop."""

    def __init__(self, connector: _Connector) -> None:
        self.limits: Limits = Limits()
        self.session: aiohttp.ClientSession = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def aclose(self) -> None:
        await self.limits.aclose()
        await self.session.close()

    def __del__(self) -> None:
        """Keep aiohttp from complaining, as the connector does."""
        self.session.detach()


class _OwnDeparture(_Departure):
    """What is seen of a request over our own connections."""

    def __init__(self, body: bytes, pool: _Pool) -> None:
        super().__init__(body)
        self.pool = pool


class AiohttpEngine(_AiohttpEngine[_OwnDeparture]):
    """Sends over its own connections, with proxies from the environment.

    Args:
        max_connections: How many connections there may be; more requests wait, in their order.
        max_connection_age: Seconds after which a connection is replaced, so that a name whose
            address has changed is looked up again.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        *,
        max_connections: int = MAX_CONNECTIONS,
        max_connection_age: float = MAX_AGE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._max_connections = max_connections
        self._max_age = max_connection_age
        self._clock = clock
        self._pools = PerLoop(self._pool)

    def _pool(self) -> _Pool:
        if not in_asyncio():
            raise ConfigurationError('http="aiohttp" needs asyncio; on trio take "httpx" or "auto"')
        return _Pool(
            _Connector(limit=self._max_connections, clock=self._clock, max_age=self._max_age)
        )

    def prepare(self, request: Request) -> _OwnDeparture:
        """Make what notices that the request leaves."""
        return _OwnDeparture(request.body, self._pools.get())

    def limit(self, seconds: float | None, departure: _OwnDeparture) -> Limit:
        """Make a context that raises ``TimeoutError`` when time runs out in it."""
        return departure.pool.limits.limit(seconds)

    async def _request(self, request: Request, departure: _OwnDeparture) -> aiohttp.ClientResponse:
        response = await self._send(departure.pool.session, request, departure)
        if not departure.taken:
            response.close()
            raise aiohttp.ClientConnectionError(_SPOKE)
        departure.heed(response.headers)
        return response

    def _route(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Route:
        # A path arrives percent-encoded, and is to stay so.
        parsed = URL(url, encoded=True)
        proxy = environment_proxy(str(parsed.origin()), ("http", "https"))
        tls = tls_context() if parsed.scheme == "https" else True
        return parsed, CIMultiDict(headers), proxy, tls

    async def aclose(self) -> None:
        """Close the connections."""
        await super().aclose()
        if in_asyncio():
            await self._pools.aclose()


# ------------------------------------------------------------------------------- the caller's


class _SpentError(Exception):
    """A connection, which may have been used here before, must not be used again."""

    def __init__(self, *, known: bool) -> None:
        super().__init__()
        self.known = known


@define(eq=False)
class _Known:
    """What is known of a connection of the caller's that was used here."""

    readable: Callable[[], object]
    good_until: float = math.inf


class _SessionDeparture(_Departure):
    """What the engine sees of a request that the caller's middlewares may read, replace or retry.

    Attributes:
        connection: What the request was written to last.
        left: How often the request was written, whatever had become of its body.
        reads: How often the body was read, perhaps to be sent in another way.
    """

    def __init__(self, body: bytes, known: WeakKeyDictionary[ResponseHandler, _Known]) -> None:
        super().__init__(body)
        self._known = known
        self.connection: _Known | None = None
        self.left: int = 0
        self.reads: int = 0
        self._answer: aiohttp.ClientResponse | None = None
        self._unseen = 0

    @property
    def times(self) -> int:
        """How often the request left, or began to; also once, if that cannot be known."""
        seen = max(self.left, self.taken)
        return seen + self._unseen if seen else self.reads

    async def as_bytes(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        self.reads += 1
        return await super().as_bytes(encoding, errors)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        self.reads += 1
        return super().decode(encoding, errors)

    def answered(self, response: aiohttp.ClientResponse) -> None:
        """Note which answer the session has brought."""
        # If it is not the last one that was seen, it answers a copy that was sent unseen.
        self._unseen = int(self.reads > 0 and response is not self._answer)

    async def watch(
        self, request: aiohttp.ClientRequest, send_on: ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Be the last middleware: see each time that the request leaves, and over what."""
        strangers = 0
        while True:
            # What aiohttp calls once it has a connection, and before it looks for the answer.
            vars(request)["send"] = partial(self._leave, request)
            try:
                response = await send_on(request)
            except _SpentError as spent:
                strangers += not spent.known
                if strangers > _STRANGERS:
                    raise aiohttp.ClientConnectionError(_SPOKE) from None
            else:
                self._answer = response
                self.status = response.status
                return response
            finally:
                vars(request).pop("send")

    async def _leave(
        self, request: aiohttp.ClientRequest, connection: Connection
    ) -> aiohttp.ClientResponse:
        self.status = None
        # One that was not given back has its protocol.
        handler = cast("ResponseHandler", connection.protocol)
        known = self._known.get(handler)
        if _is_spent(handler, known):
            # aiohttp closes it.
            raise _SpentError(known=known is not None)
        if known is None:
            known = self._known[handler] = _Known(readable(handler.transport))
        self.connection = known
        self.left += 1
        return await type(request).send(request, connection)


_STRANGERS: Final = 2
"""How many connections that may be new are given up, because the server speaks on them first."""

_SPOKE: Final = "the server spoke before it was asked"


class AiohttpSessionEngine(_AiohttpEngine[_SessionDeparture]):
    """Sends with a session that the caller made, shares and closes.

    The session's default headers, cookies, connector, middlewares and tracing apply. Its timeouts,
    its following of redirects, its decompression and its ``raise_for_status`` do not.

    Args:
        session: The caller's session.

    Raises:
        ConfigurationError: The session has default credentials, which aiohttp would not combine
            with those of a request.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        if session.auth is not None:
            raise ConfigurationError("http: the aiohttp.ClientSession must have no auth of its own")
        super().__init__()
        self._session = session
        # The property would warn that it is deprecated.
        self._owner = Owner("the aiohttp.ClientSession", session._loop)  # noqa: SLF001
        self._known: WeakKeyDictionary[ResponseHandler, _Known] = WeakKeyDictionary()

    def prepare(self, request: Request) -> _SessionDeparture:
        """Make what notices that the request leaves."""
        if self._session.closed:
            raise ConfigurationError("the aiohttp.ClientSession is closed, and nothing was sent")
        self._owner.check()
        return _SessionDeparture(request.body, self._known)

    async def _request(
        self, request: Request, departure: _SessionDeparture
    ) -> aiohttp.ClientResponse:
        # A request's middlewares are in place of its session's, which has no public way to ask.
        middlewares = (*self._session._middlewares, departure.watch)  # noqa: SLF001
        response = await self._send(self._session, request, departure, middlewares)
        departure.answered(response)
        if departure.connection is not None:
            departure.connection.good_until = time.monotonic() + keep_alive(response.headers)
        return response

    def _route(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Route:
        return URL(url, encoded=True), CIMultiDict(headers), None, True


def _is_spent(handler: ResponseHandler, known: _Known | None) -> bool:
    """Return whether a connection of the caller's, which may be new, must not be written to."""
    transport = handler.transport
    # By "should close" aiohttp means that something is left in it.
    if transport is None or transport.is_closing() or handler.should_close:
        return True
    if known is not None:
        return time.monotonic() >= known.good_until or bool(known.readable())
    # Behind a new handshake comes what TLS has to say.
    return transport.get_extra_info("ssl_object") is None and bool(readable(transport)())


async def _read(content: aiohttp.StreamReader, max_bytes: int) -> bytes:
    body = await content.readany()
    while not content.at_eof() and len(body) <= max_bytes:
        body += await content.readany()
    return body
