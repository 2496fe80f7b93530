"""Which engine the caller's ``http`` argument means."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeGuard
from urllib.parse import urlsplit

import httpx

from engagelab_async.errors import ConfigurationError
from engagelab_async.extras import install_hint

from ._engine import Engine, Request, Response, in_asyncio
from ._httpx import HTTPXLibrary
from ._proxy import PROXY_SCHEMES, environment_proxy
from .httpx import HTTPXEngine
from .httpx_client import HTTPXClientEngine

if TYPE_CHECKING:
    from collections.abc import Callable


# To a type checker, a class of a library that is not installed is unknown, and so is everything
# that names it. These describe such classes without their libraries.


class HTTPX2Client(Protocol):
    """An ``httpx2.AsyncClient``."""

    @property
    def is_closed(self) -> bool: ...

    def build_request(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - an httpx2.Request
        ...

    async def aclose(self) -> None: ...


class AiohttpSession(Protocol):
    """An ``aiohttp.ClientSession``."""

    @property
    def closed(self) -> bool: ...

    def request(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - aiohttp's
        ...

    async def close(self) -> None: ...


HTTP: TypeAlias = "str | Engine | httpx.AsyncClient | HTTPX2Client | AiohttpSession"
"""What ``EngageLab(http=…)`` takes: an engine's name, an engine, or a library's client."""


def choose(http: HTTP | None) -> tuple[Engine, bool]:
    """Find or make the engine.

    Args:
        http: What the caller gave; ``None`` is ``"httpx"``.

    Returns:
        The engine, and whether it is ours to close.

    Raises:
        ConfigurationError: `http` names an engine whose library is not installed.
        TypeError: `http` is nothing that sends.
        ValueError: `http` names no engine.
    """
    if http is None or isinstance(http, str):
        return _named("httpx" if http is None else http), True
    # These before engines: a client of httpx2 has all the methods of an engine.
    if isinstance(http, httpx.AsyncClient):
        return HTTPXClientEngine(http), True
    if _is_a(http, "httpx2", "AsyncClient"):
        return HTTPXClientEngine(http, library=HTTPXLibrary(sys.modules["httpx2"])), True
    if _is_a(http, "aiohttp", "ClientSession"):
        from .aiohttp import AiohttpSessionEngine

        return AiohttpSessionEngine(http), True
    # A class has the methods of its instances.
    if isinstance(http, Engine) and not isinstance(http, type):
        return http, False
    raise TypeError(
        "http: expected an engine or its name, an httpx.AsyncClient, an httpx2.AsyncClient or "
        f"an aiohttp.ClientSession, got {type(http).__name__}"
    )


def _is_a(value: object, library: str, name: str) -> TypeGuard[Any]:
    # An instance can only exist if its library was imported, so it need not be imported here.
    module = sys.modules.get(library)
    return module is not None and isinstance(value, getattr(module, name))


def _named(name: str) -> Engine:
    if name not in _BY_NAME:
        raise ValueError(f"http: no engine is called {name!r}; there are {', '.join(_BY_NAME)}")
    return _BY_NAME[name]()


def _aiohttp() -> Engine:
    _require("aiohttp", "aiohttp", install_hint("aiohttp"))
    from .aiohttp import AiohttpEngine

    return AiohttpEngine()


def _asyncio() -> Engine:
    _require("asyncio", "httptools", install_hint("fast"))
    from .asyncio import AsyncioEngine

    return AsyncioEngine()


def _httpx2() -> Engine:
    _require("httpx2", "httpx2", "python -m pip install httpx2")
    return HTTPXEngine(library=HTTPXLibrary(import_module("httpx2")))


def _require(name: str, library: str, remedy: str) -> None:
    if find_spec(library) is None:
        raise ConfigurationError(f"http={name!r} needs {library}, which is not installed: {remedy}")


class AutoEngine:
    """The fastest engine that is installed and can be used.

    ================  ==========================
    trio              httpx
    behind a proxy    aiohttp, httpx
    asyncio           asyncio, aiohttp, httpx
    ================  ==========================
    """

    def __init__(self) -> None:
        """Import what may be chosen; the event loop need not run yet."""
        # Not at the first send: a program that has run out of file descriptors imports no more.
        self._slow: Engine = HTTPXEngine()
        self._proxied = self._slow if find_spec("aiohttp") is None else _aiohttp()
        self._direct = self._proxied if find_spec("httptools") is None else _asyncio()
        self._in_asyncio = lru_cache(maxsize=64)(self._for_url)

    def _for_url(self, url: str) -> Engine:
        parts = urlsplit(url)
        is_proxied = environment_proxy(f"{parts.scheme}://{parts.netloc}", PROXY_SCHEMES)
        return self._direct if is_proxied is None else self._proxied

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        engine = self._in_asyncio(request.url) if in_asyncio() else self._slow
        return await engine.send(request, timeout=timeout, max_bytes=max_bytes)

    async def aclose(self) -> None:
        for engine in {self._direct, self._proxied, self._slow}:
            await engine.aclose()


_BY_NAME: Final[dict[str, Callable[[], Engine]]] = {
    "httpx": HTTPXEngine,
    "asyncio": _asyncio,
    "aiohttp": _aiohttp,
    "httpx2": _httpx2,
    "auto": AutoEngine,
}
