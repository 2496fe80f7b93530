"""The engines that every test of this suite is run with, and how a test asks for them.

To put a new engine through the suite, add its `Case` to `CASES`.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import aiohttp
import httpx
import httpx2
import pytest
from attrs import frozen

from engagelab_async.engines import HTTP, Engine, Request, Response, choose
from support import backends
from support.clocks import LeapingClock

P = ParamSpec("P")
ClientT = TypeVar("ClientT", httpx.AsyncClient, httpx2.AsyncClient, aiohttp.ClientSession)


@frozen
class Case:
    """An engine of the suite.

    Attributes:
        name: How test ids call it.
        open: Makes it and, in the end, closes it and whatever it was made from.
        backends: The event loops that it runs on.
        owner: Whether its connections are its own, and not those of a client of the caller.
        watcher: Whether it sees what is left in a connection.
        proxied: Whether it takes the proxy that the environment names.
    """

    name: str
    open: Callable[[], AbstractAsyncContextManager[Engine]]
    backends: tuple[str, ...] = backends.EVERY
    owner: bool = True
    watcher: bool = True
    proxied: bool = True


@asynccontextmanager
async def engine_from(http: HTTP) -> AsyncIterator[Engine]:
    """Make the engine that users get for their ``http`` argument."""
    engine, _ = choose(http)
    try:
        yield engine
    finally:
        await engine.aclose()


@asynccontextmanager
async def sharing(make: Callable[[], ClientT]) -> AsyncIterator[Engine]:
    """Make an engine that sends with a client of the caller."""
    async with make() as client, engine_from(client) as engine:
        yield engine


CASES: Final = [
    Case("httpx", partial(engine_from, "httpx")),
    Case("httpx_client", partial(sharing, httpx.AsyncClient), owner=False, watcher=False),
    Case("httpx2", partial(engine_from, "httpx2")),
    Case("httpx2_client", partial(sharing, httpx2.AsyncClient), owner=False, watcher=False),
    Case("asyncio", partial(engine_from, "asyncio"), backends.ASYNCIO, proxied=False),
    Case("aiohttp", partial(engine_from, "aiohttp"), backends.ASYNCIO),
    Case("aiohttp_session", partial(sharing, aiohttp.ClientSession), backends.ASYNCIO, owner=False),
]
"""Every engine."""

EngineTest = Callable[Concatenate[Engine, P], Coroutine[Any, Any, None]]


def every_engine(test: EngineTest[P]) -> Callable[..., None]:
    """Run a test with every engine on every event loop that it knows."""
    return _parametrized(test, CASES)


def every_owner(test: EngineTest[P]) -> Callable[..., None]:
    """Run a test with those engines that own their connections."""
    return _parametrized(test, [case for case in CASES if case.owner])


def every_watcher(test: EngineTest[P]) -> Callable[..., None]:
    """Run a test with those engines that see what is left in a connection."""
    return _parametrized(test, [case for case in CASES if case.watcher])


def every_proxied(test: EngineTest[P]) -> Callable[..., None]:
    """Run a test with those engines that take the proxy of the environment."""
    return _parametrized(test, [case for case in CASES if case.owner and case.proxied])


def asyncio_engine(test: EngineTest[P]) -> Callable[..., None]:
    """Run a test with the engine on asyncio, on each event loop that it knows."""
    return _parametrized(test, [case for case in CASES if case.name == "asyncio"])


def every_sharer(test: EngineTest[P]) -> Callable[..., None]:
    """Run a test with those engines that send with a client of the caller."""
    return _parametrized(test, [case for case in CASES if not case.owner])


def _parametrized(test: EngineTest[P], cases: list[Case]) -> Callable[..., None]:
    wanted = inspect.signature(test).parameters

    @functools.wraps(test)
    def run_test(case: Case, backend: str, *args: P.args, **kwargs: P.kwargs) -> None:
        clock = LeapingClock()
        if "clock" in wanted:
            kwargs["clock"] = clock

        async def main() -> None:
            async with case.open() as engine:
                await test(engine, *args, **kwargs)

        backends.run(backend, main, clock)

    # pytest is to see `case` and `backend` where the test says `engine`; the clock is ours.
    own = [parameter for name, parameter in wanted.items() if name not in {"engine", "clock"}]
    run_test.__signature__ = inspect.Signature([*_CASE_PARAMETERS, *own])  # type: ignore[attr-defined]
    each = [
        pytest.param(case, backend, id=f"{case.name}-{backend}")
        for case in cases
        for backend in case.backends
    ]
    return pytest.mark.parametrize(("case", "backend"), each)(run_test)


_CASE_PARAMETERS: Final = [
    inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("case", "backend")
]

LARGE: Final = b"x" * 900_000
"""More than two sockets take in; aiohttp warns of more than a megabyte."""

HEADERS: Final = (("Authorization", "Basic a2V5OnNlY3JldA=="), ("Content-Type", "application/json"))


async def send(
    engine: Engine,
    url: str,
    body: bytes = b'{"to":"1"}',
    *,
    method: str = "POST",
    timeout: float | None = 50.0,
    max_bytes: int = 100_000,
) -> Response:
    """Send a request as the transport would."""
    request = Request(method, url, HEADERS, body)
    return await engine.send(request, timeout=timeout, max_bytes=max_bytes)
