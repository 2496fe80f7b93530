"""Which engine the caller's ``http`` argument means."""

from __future__ import annotations

import httpx

from ._engine import Engine
from .httpx import HTTPXClientEngine, HTTPXEngine

HTTP = str | Engine | httpx.AsyncClient
"""What ``EngageLab(http=…)`` takes: an engine's name, an engine, or an HTTP library's client."""


def choose(http: HTTP | None) -> tuple[Engine, bool]:
    """Find or make the engine.

    Args:
        http: What the caller gave; ``None`` is ``"httpx"``.

    Returns:
        The engine, and whether it is ours to close.

    Raises:
        TypeError: `http` is nothing that sends.
        ValueError: `http` names no engine.
    """
    if http is None or isinstance(http, str):
        return _named("httpx" if http is None else http), True
    if isinstance(http, httpx.AsyncClient):
        return HTTPXClientEngine(http), True
    if isinstance(http, Engine):
        return http, False
    msg = f"http: expected an engine, its name or an httpx.AsyncClient, got {type(http).__name__}"
    raise TypeError(msg)


def _named(name: str) -> Engine:
    if name != "httpx":
        msg = f"http: no engine is called {name!r}; there is 'httpx'"
        raise ValueError(msg)
    return HTTPXEngine()
