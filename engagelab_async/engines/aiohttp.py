"""The engine on aiohttp, the fastest of them; for asyncio only (extra ``aiohttp``)."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from engagelab_async.errors import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ResponseTimeoutError,
    TransportError,
)

from ._engine import (
    IDLE_SECONDS,
    MAX_CONNECTIONS,
    Request,
    Response,
    in_asyncio,
    reason,
)
from ._limits import Limits
from ._proxy import environment_proxy
from .httpx import tls_context

if TYPE_CHECKING:
    import ssl

    from aiohttp.abc import AbstractStreamWriter

_NEVER_LEFT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.ServerFingerprintMismatch,
)
"""What aiohttp raises when there is no connection: nothing was sent."""


# aiohttp, and asyncio.timeout() as well, would set a timer for each request, which takes a tenth of
# the throughput.
_NO_TIMERS: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)

# It would name one for the body that is not there.
_NO_CONTENT_TYPE: Final = ("Content-Type",)


class _Body(aiohttp.BytesPayload):
    """A request body that notices when aiohttp comes for it, which is once it is connected."""

    # A request without a body is complete with its headers, which leave unnoticed.
    taken = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        self.taken = True
        await super().write_with_length(writer, content_length)

    @property
    def consumed(self) -> bool:
        """Forbid aiohttp to send it again, as it would do with a PUT or a DELETE."""
        return True


_Route = tuple[
    aiohttp.ClientSession, URL, "CIMultiDict[str] | None", str | None, "ssl.SSLContext | bool"
]
"""Session, URL, headers, proxy and TLS of a request: what all requests like it share."""


class _AiohttpEngine(ABC):
    """What the two engines have in common: the exchange, the time limit and the error tree."""

    def __init__(self) -> None:
        # Per engine, not per process: the headers hold a secret.
        self._route_to = lru_cache(maxsize=64)(self._route)
        self._under_way = 0
        self._limits = Limits()

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Send one request; see `Engine.send`."""
        body = _Body(request.body)
        body.taken = not request.body
        if not self._under_way:
            await _look_around()
        self._under_way += 1
        try:
            with self._limits.limit(timeout):
                return await self._exchange(request, body, max_bytes)
        except TimeoutError:
            if body.taken:
                raise ResponseTimeoutError("no answer in time") from None
            raise ConnectError("no connection in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Once the body was taken, no connection for a second try says nothing of the first one,
            # which a middleware of the caller may have made.
            unsent = isinstance(error, _NEVER_LEFT) if not request.body else not body.taken
            raise translated(error, unsent=unsent) from error
        finally:
            self._under_way -= 1

    async def _exchange(self, request: Request, body: _Body, max_bytes: int) -> Response:
        session, url, headers, proxy, tls = self._route_to(request.url, request.headers)
        response = await session.request(
            request.method,
            url,
            data=body,
            headers=headers,
            skip_auto_headers=None if request.body else _NO_CONTENT_TYPE,
            proxy=proxy,
            ssl=tls,
            timeout=_NO_TIMERS,
            allow_redirects=False,
            auto_decompress=False,
            raise_for_status=False,
        )
        try:
            data = await _read(response.content, max_bytes)
        except BaseException:
            response.close()
            raise
        if len(data) > max_bytes:
            response.close()
        return Response(response.status, response.headers, data)

    @abstractmethod
    def _route(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Route: ...


class AiohttpEngine(_AiohttpEngine):
    """Sends over its own connections, with proxies from the environment.

    Args:
        max_connections: How many connections there may be; more requests wait, in their order.
    """

    def __init__(self, *, max_connections: int = MAX_CONNECTIONS) -> None:
        """Open nothing yet."""
        super().__init__()
        self._max_connections = max_connections
        self._connector: aiohttp.TCPConnector | None = None
        self._sessions: dict[tuple[tuple[str, str], ...], aiohttp.ClientSession] = {}

    def _route(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Route:
        # A session for each set of headers spares merging them into every request.
        if headers not in self._sessions:
            self._sessions[headers] = self._new_session(headers)
        # A path arrives percent-encoded, and is to stay so.
        parsed = URL(url, encoded=True)
        proxy = environment_proxy(str(parsed.origin()), ("http", "https"))
        tls = tls_context() if parsed.scheme == "https" else True
        return self._sessions[headers], parsed, None, proxy, tls

    def _new_session(self, headers: tuple[tuple[str, str], ...]) -> aiohttp.ClientSession:
        if self._connector is None:
            # Not sooner: it belongs to the loop that runs when it is made.
            self._connector = aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=IDLE_SECONDS
            )
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        self._limits.close()
        for session in self._sessions.values():
            await session.close()
        if self._connector is not None:
            await self._connector.close()


class AiohttpSessionEngine(_AiohttpEngine):
    """Sends with a session that the caller made, shares and closes.

    The session's default headers, cookies, connector and tracing apply. Its timeouts, its
    following of redirects, its decompression and its ``raise_for_status`` do not.

    Args:
        session: The caller's session.

    Raises:
        ConfigurationError: The session has default credentials, which aiohttp would not combine
            with those of a request.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Use `session` until the end of its life."""
        if session.auth is not None:
            msg = "http: the aiohttp.ClientSession must have no auth of its own"
            raise ConfigurationError(msg)
        super().__init__()
        self._session = session

    def _route(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Route:
        return self._session, URL(url, encoded=True), CIMultiDict(headers), None, True

    async def aclose(self) -> None:
        """Leave the session to its owner."""
        self._limits.close()


async def _look_around() -> None:
    """Let aiohttp get to know which connections the server has closed in the meantime.

    It does when the event loop has been around, which it has while other requests are under way.
    On a closed connection a message would be lost, and nobody could say whether.
    """
    if not in_asyncio():
        msg = 'http="aiohttp" needs asyncio; on trio take "httpx" or "auto"'
        raise ConfigurationError(msg)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def _read(content: aiohttp.StreamReader, max_bytes: int) -> bytes:
    body = await content.readany()
    while not content.at_eof() and len(body) <= max_bytes:
        body += await content.readany()
    return body


def translated(error: Exception, *, unsent: bool) -> TransportError:
    """Find the place of one of aiohttp's exceptions in the error tree.

    Args:
        error: What aiohttp raised.
        unsent: Whether nothing was sent.
    """
    # The exceptions' own texts stay in the cause: they may quote a URL with a password.
    if unsent:
        return ConnectError(f"no connection ({reason(error)})")
    return ConnectionLostError(f"the connection broke ({reason(error)})")
