"""The default engine, on httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from engagelab_async.errors import (
    ConnectError,
    ConnectionLostError,
    ResponseTimeoutError,
    TransportError,
)

from ._engine import Request, Response, time_limit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.LocalProtocolError,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What httpx raises when its connection, its pool or its own checks failed: nothing was sent."""

_FAILURES: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.CookieConflict,
    httpx.StreamError,
    # Not all that the socket and TLS layers raise is wrapped by httpx.
    OSError,
)


class _Body(httpx.AsyncByteStream):
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


class HTTPXEngine:
    """Sends with an ``httpx.AsyncClient``.

    Args:
        client: The caller's own, for proxies, custom TLS or tests; it is never closed here. Its
            default headers, cookies and event hooks apply; its timeouts, its authentication and
            its redirects do not. Without one, the engine makes and closes its own, which takes
            proxies from the environment as httpx does.
    """

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        """Take the caller's client or make one."""
        self._owns_client = client is None
        self._client = httpx.AsyncClient() if client is None else client

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Send one request; see `Engine.send`."""
        body = _Body(request.body)
        try:
            async with time_limit(timeout):
                return await self._exchange(request, body, max_bytes)
        except httpx.HTTPStatusError as error:
            # A caller's event hook may call raise_for_status; it is an answer all the same.
            return _answer(error.response, b"")
        except TimeoutError:
            raise _timed_out(taken=body.taken) from None
        except _FAILURES as error:
            # Whether somebody else's transport would have come for the body is not known.
            raise translated(error, unsent=self._owns_client and not body.taken) from error

    async def _exchange(self, request: Request, body: _Body, max_bytes: int) -> Response:
        prepared = self._client.build_request(
            request.method,
            request.url,
            headers=[*request.headers, ("Content-Length", str(len(request.body)))],
            content=body,
            # httpx's own limits are for one read or write each.
            timeout=None,
        )
        response = await self._client.send(prepared, stream=True, auth=None, follow_redirects=False)
        try:
            return _answer(response, await _read(response, max_bytes))
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the client, unless it is the caller's."""
        if self._owns_client:
            await self._client.aclose()


async def _read(response: httpx.Response, max_bytes: int) -> bytes:
    # An event hook, or a mocked transport, may have read the body already.
    chunks = response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()
    body = b""
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            break
    return body


def _answer(response: httpx.Response, body: bytes) -> Response:
    return Response(response.status_code, response.headers, body)


def _timed_out(*, taken: bool) -> TransportError:
    if taken:
        return ResponseTimeoutError("no answer in time")
    return ConnectError("no connection in time")


def translated(error: Exception, *, unsent: bool) -> TransportError:
    """Find the place of one of httpx's exceptions in the error tree.

    Args:
        error: What httpx raised.
        unsent: Whether it is known that nothing was sent, whatever the exception.
    """
    # The exceptions' own texts stay in the cause: they may quote a URL with a password.
    if unsent or isinstance(error, _NEVER_LEFT):
        return ConnectError(f"no connection ({type(error).__name__})")
    if isinstance(error, httpx.TimeoutException):
        return ResponseTimeoutError(f"no answer in time ({type(error).__name__})")
    return ConnectionLostError(f"the connection broke ({type(error).__name__})")
