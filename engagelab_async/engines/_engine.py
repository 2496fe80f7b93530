"""The contract of an engine: it sends a request, and returns status, headers and body.

An engine knows one HTTP library and nothing about EngageLab. It answers one question that no other
part can: had the request begun to leave when it failed?
"""

from __future__ import annotations

import math
import re
import socket
import ssl
import sys
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import anyio
from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

MAX_CONNECTIONS: Final = 256
"""How many connections a built-in engine opens at most, by default."""

IDLE_SECONDS: Final = 30.0
"""How long an unused connection is kept; servers commonly close theirs after 60 seconds."""

MAX_AGE_SECONDS: Final = 300.0
"""How long a connection is used at most, so that DNS names are resolved again."""

_KEEP_ALIVE: Final = re.compile(r"(?:^|[,;\s])timeout\s*=\s*\"?(\d{1,9})", re.IGNORECASE)

_MARGIN_SECONDS: Final = 1.0

_REASONS: Final[dict[type[BaseException], str]] = {
    ssl.SSLCertVerificationError: "its certificate is not trusted",
    ssl.SSLError: "TLS failed",
    socket.gaierror: "its name cannot be resolved",
    ConnectionRefusedError: "refused",
    ConnectionResetError: "reset",
}


def _without_query(url: str) -> str:
    """Show a URL without its query, which may hold a recipient."""
    path, mark, _ = url.partition("?")
    return repr(f"{path}?…" if mark else path)


@frozen(eq=False)
class Request:
    """One HTTP request, ready to leave.

    Attributes:
        method: Such as ``POST``.
        url: Absolute.
        headers: All but ``Host`` and ``Content-Length``. One tuple serves many requests, so an
            engine may keep what it makes of it.
        body: The body; empty for none.
    """

    method: str
    url: str = field(repr=_without_query)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@frozen(eq=False)
class Response:
    """One HTTP response, read.

    Attributes:
        status: The status code.
        headers: The response headers.
        body: As it came over the wire, without undoing a ``Content-Encoding``.
        times_sent: How often the request was seen to leave. A client of the caller's may retry by
            itself; this answer then says nothing about the earlier requests.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    times_sent: int = 1


@runtime_checkable
class Engine(Protocol):
    """Sends requests with one HTTP library."""

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Send one request, without retrying it and without following a redirect.

        Cancellation must leave no socket and no task behind, and a connection whose answer was
        not read to its end must not be used again.

        Args:
            request: What to send.
            timeout: Seconds for all of it, from waiting for a connection to the last byte of the
                answer; ``None`` for no limit. `time_limit` does this.
            max_bytes: Stop reading, and drop the connection, when the body is larger. What was
                read until then, more than this, is the answer's body.

        Raises:
            ConnectError: It failed, or time ran out, before the request began to leave.
            ResponseTimeoutError: Time ran out later than that.
            ConnectionLostError: It failed later than that.
        """
        ...

    async def aclose(self) -> None:
        """Close what the engine opened itself. May be called twice."""
        ...


def keep_alive(headers: Mapping[str, str]) -> float:
    """Return for how many seconds a connection can be used again after an answer.

    A server that names a time, ``Keep-Alive: timeout=5``, closes the connection when it is over. A
    request that is in flight by then is lost, so the last part of that time is left alone. Without
    a named time it is infinity.
    """
    found = _KEEP_ALIVE.search(headers.get("keep-alive", ""))
    if found is None:
        return math.inf
    seconds = float(found[1])
    return max(seconds / 2, seconds - _MARGIN_SECONDS)


def reason(error: BaseException) -> str:
    """Name what is behind a failure, without quoting texts that may hold a password."""
    cause: BaseException | None = error
    while cause is not None:
        for kind, phrase in _REASONS.items():
            if isinstance(cause, kind):
                return phrase
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def time_limit(seconds: float | None) -> AbstractAsyncContextManager[object]:
    """Limit the time of a block, on asyncio and on trio.

    Args:
        seconds: The limit; ``None`` for none.

    Returns:
        An async context manager that raises ``TimeoutError`` when time runs out.
    """
    # asyncio's own costs 4 µs, anyio's 10 µs.
    if in_asyncio():
        limit: AbstractAsyncContextManager[object] = sys.modules["asyncio"].timeout(seconds)
        return limit
    return _anyio_limit(seconds)


def in_asyncio() -> bool:
    """Return whether the caller runs in a task of asyncio, uvloop included."""
    return current_task() is not None


def current_task() -> Any:  # noqa: ANN401 - asyncio need not be imported
    """Return the task of asyncio that the caller runs in, or ``None``."""
    # Where asyncio was never imported it does not run, and importing it here would take longer
    # than importing this package.
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    # Inside trio there is no asyncio task, even where trio is the guest of an asyncio loop.
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


@asynccontextmanager
async def _anyio_limit(seconds: float | None) -> AsyncIterator[None]:
    with anyio.fail_after(seconds):
        yield
