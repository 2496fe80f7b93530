"""The engine on aiohttp, the fastest of them; for asyncio only (extra ``aiohttp``)."""

from __future__ import annotations

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

from ._engine import IDLE_SECONDS, MAX_CONNECTIONS, Request, Response, time_limit
from ._proxy import environment_proxy

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

_NEVER_LEFT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.ServerFingerprintMismatch,
)
"""What aiohttp raises when there is no connection: nothing was sent."""

# aiohttp rounds limits above 5 seconds up to whole ones; see `time_limit`.
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=None)


class _Body(aiohttp.BytesPayload):
    """A request body that notices when aiohttp comes for it, which is once it is connected."""

    # A request without a body is complete with its headers, which leave unnoticed.
    taken = False

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        self.taken = True
        await super().write_with_length(writer, content_length)


class AiohttpEngine:
    """Sends with an ``aiohttp.ClientSession``.

    Args:
        session: The caller's own; it is shared and never closed here. Its default headers,
            cookies, connector and tracing apply. Its timeouts, its following of redirects, its
            decompression and its ``raise_for_status`` do not. Without one, the engine makes and
            closes its own, which takes proxies from the environment.
        max_connections: How many connections a session of our own opens.

    Raises:
        ConfigurationError: The session has default credentials, which aiohttp would not combine
            with those of a request.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """Open nothing yet."""
        if session is not None and session.auth is not None:
            msg = "http: the aiohttp.ClientSession must have no auth of its own"
            raise ConfigurationError(msg)
        self._owns_session = session is None
        self._session = session
        self._max_connections = max_connections
        # Per engine, not per process: the headers hold a secret.
        self._prepared = lru_cache(maxsize=64)(self._prepare)

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Send one request; see `Engine.send`."""
        body = _Body(request.body)
        body.taken = not request.body
        try:
            async with time_limit(timeout):
                return await self._exchange(request, body, max_bytes)
        except TimeoutError:
            if body.taken:
                raise ResponseTimeoutError("no answer in time") from None
            raise ConnectError("no connection in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise translated(error, unsent=not body.taken) from error

    async def _exchange(self, request: Request, body: _Body, max_bytes: int) -> Response:
        session = self._opened() if self._session is None else self._session
        url, headers, proxy = self._prepared(request.url, request.headers)
        response = await session.request(
            request.method,
            url,
            data=body,
            headers=headers,
            proxy=proxy,
            timeout=_NO_TIMEOUT,
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

    def _opened(self) -> aiohttp.ClientSession:
        # Not sooner: a session belongs to the loop that runs when it is made.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=IDLE_SECONDS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self._session

    def _prepare(
        self, url: str, headers: tuple[tuple[str, str], ...]
    ) -> tuple[URL, CIMultiDict[str], str | None]:
        # A path arrives percent-encoded, and is to stay so.
        parsed = URL(url, encoded=True)
        proxy = environment_proxy(str(parsed.origin())) if self._owns_session else None
        return parsed, CIMultiDict(headers), proxy

    async def aclose(self) -> None:
        """Close the session, unless it is the caller's."""
        if self._owns_session and self._session is not None:
            await self._session.close()


async def _read(content: aiohttp.StreamReader, max_bytes: int) -> bytes:
    body = b""
    while chunk := await content.readany():
        body += chunk
        if len(body) > max_bytes:
            break
    return body


def translated(error: Exception, *, unsent: bool) -> TransportError:
    """Find the place of one of aiohttp's exceptions in the error tree.

    Args:
        error: What aiohttp raised.
        unsent: Whether it is known that nothing was sent, whatever was raised.
    """
    # The exceptions' own texts stay in the cause: they may quote a URL with a password.
    if unsent or isinstance(error, _NEVER_LEFT):
        return ConnectError(f"no connection ({type(error).__name__})")
    if isinstance(error, aiohttp.ServerTimeoutError):
        return ResponseTimeoutError(f"no answer in time ({type(error).__name__})")
    return ConnectionLostError(f"the connection broke ({type(error).__name__})")
