"""Which engine a caller's ``http`` argument means."""

import sys
from typing import Final

import aiohttp
import httpx
import httpx2
import pytest

from engagelab_async import ConfigurationError
from engagelab_async.engines import HTTPXEngine, choose
from engagelab_async.engines._choice import AutoEngine
from engagelab_async.engines.aiohttp import AiohttpEngine, AiohttpSessionEngine
from engagelab_async.engines.asyncio import AsyncioEngine
from engagelab_async.engines.httpx_client import HTTPXClientEngine
from support import backends
from support.engine_cases import send
from support.hostile import Hostile, Received, answers
from support.scripted_engine import ScriptedEngine


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (None, HTTPXEngine),
        ("httpx", HTTPXEngine),
        ("httpx2", HTTPXEngine),
        ("asyncio", AsyncioEngine),
        ("aiohttp", AiohttpEngine),
        ("auto", AutoEngine),
    ],
)
def test_name_makes_an_engine_of_ours(name: str | None, kind: type) -> None:
    """An engine that we make is ours to close; httpx is the default."""
    engine, owned = choose(name)

    assert (kind, True) == (type(engine), owned)


@pytest.mark.asyncio
async def test_clients_are_shared() -> None:
    """The client of each library gets the engine that sends with it."""
    async with (
        httpx.AsyncClient() as client,
        httpx2.AsyncClient() as client2,
        aiohttp.ClientSession() as session,
    ):
        kinds = [type(choose(each)[0]) for each in (client, client2, session)]

    assert [HTTPXClientEngine, HTTPXClientEngine, AiohttpSessionEngine] == kinds


def test_engine_of_the_caller_stays_the_callers() -> None:
    """An engine is used as it is, and is not ours to close."""
    engine = ScriptedEngine([])

    assert (engine, False) == choose(engine)


def test_unknown_name_is_refused() -> None:
    """A name that no engine has raises, and says which there are."""
    with pytest.raises(ValueError, match=r"^http: no engine is called 'urllib3'; there are httpx,"):
        choose("urllib3")


@pytest.mark.parametrize("value", [7, object(), httpx.Client, ["httpx"]])
def test_wrong_type_is_refused(value: object) -> None:
    """What cannot send raises, and says what it is."""
    with pytest.raises(
        TypeError, match=rf"^http: expected an engine .*got {type(value).__name__}$"
    ):
        choose(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "library", "wanted"),
    [
        ("asyncio", "httptools", '".[fast]"'),
        ("aiohttp", "aiohttp", '".[aiohttp]"'),
        ("httpx2", "httpx2", "httpx2"),
    ],
)
def test_library_that_is_not_installed(
    name: str, library: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine whose library is missing says how to get it."""
    monkeypatch.setitem(sys.modules, library, None)

    with pytest.raises(ConfigurationError, match=rf"^http='{name}' needs {library}, ") as caught:
        choose(name)

    assert str(caught.value).endswith(f"python -m pip install {wanted}")


def test_libraries_that_nobody_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of the caller's is recognized without the libraries it might have been from."""
    monkeypatch.delitem(sys.modules, "aiohttp")
    monkeypatch.delitem(sys.modules, "httpx2")

    assert isinstance(choose(ScriptedEngine([]))[0], ScriptedEngine)
    assert {"aiohttp", "httpx2"}.isdisjoint(sys.modules)


BOTH: Final = ["httptools", "aiohttp"]
"""What makes the fast engines."""


@pytest.mark.parametrize(
    ("backend", "missing", "proxied", "chosen"),
    [
        ("asyncio", [], False, "asyncio"),
        ("uvloop", [], False, "asyncio"),
        ("asyncio", ["httptools"], False, "aiohttp"),
        ("asyncio", ["aiohttp"], False, "asyncio"),
        ("asyncio", BOTH, False, "httpx"),
        ("trio", [], False, "httpx"),
        ("asyncio", [], True, "aiohttp"),
        ("uvloop", ["httptools"], True, "aiohttp"),
        ("asyncio", ["aiohttp"], True, "httpx"),
        ("trio", [], True, "httpx"),
    ],
)
def test_auto_takes_the_fastest(
    backend: str, missing: list[str], proxied: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fastest engine is taken that is installed, runs here, and can use the proxy."""
    for library in missing:
        monkeypatch.setitem(sys.modules, library, None)

    async def main() -> None:
        engine, _ = choose("auto")
        with Hostile(answers(200)) as server:
            if proxied:
                monkeypatch.setenv("HTTP_PROXY", server.url)
            for _ in range(2):
                await send(engine, "http://api.invalid/" if proxied else server.url, b"")
            await engine.aclose()

            assert [chosen] * 2 == [_sender(each) for each in server.requests]
            assert 1 == server.connections
            await server.until(lambda: server.open == 0)

    backends.run(backend, main)


def _sender(received: Received) -> str:
    """Return which engine has sent a request that has no body: each says so in its own way."""
    if "aiohttp" in "".join(received.values("User-Agent")):
        return "aiohttp"
    return "asyncio" if received.values("Content-Length") else "httpx"


def test_auto_chooses_anew_for_another_loop() -> None:
    """A client that was used on asyncio first can be used on trio, and the other way round."""
    engine, _ = choose("auto")
    statuses: list[int] = []

    async def main() -> None:
        statuses.append((await send(engine, server.url)).status)
        await engine.aclose()

    with Hostile(answers(200)) as server:
        for backend in ("asyncio", "trio", "asyncio"):
            backends.run(backend, main)

    assert [200] * 3 == statuses


def test_auto_imports_what_it_may_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to be imported when a request is to leave."""
    monkeypatch.delitem(sys.modules, "engagelab_async.engines.aiohttp")
    choose("auto")

    assert "engagelab_async.engines.aiohttp" in sys.modules


@pytest.mark.asyncio
async def test_auto_that_was_never_used_can_be_closed() -> None:
    """Closing it before the first send does no harm."""
    engine, _ = choose("auto")

    await engine.aclose()
