"""Engines with connections of their own take the proxy that the environment names."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final

import aiohttp
import httpx
import httpx2
import pytest

from engagelab_async import ConfigurationError, ConnectError
from engagelab_async.engines import Engine
from engagelab_async.engines._proxy import environment_proxy
from engagelab_async.engines._tls import tls_context
from support.engine_cases import HEADERS, engine_from, every_owner, every_proxied, send
from support.hostile import (
    Behaviour,
    Hostile,
    Peer,
    answers,
    authority,
    closes,
    hangs,
    resets,
    tunnels,
)

KEY_PAIR: Final = dict(HEADERS)["Authorization"]
BASIC: Final = "Basic dXNlcjp3b3Jk"

VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Give an environment without a proxy."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("variables", "origin", "proxy"),
    [
        ({}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "https://api.example", "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128"}, "https://api.example", "http://proxy:3128"),
        ({"HTTPS_PROXY": "proxy:3128"}, "https://api.example", "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://api.example", None),
        ({"HTTPS_PROXY": "http://[::1]:3128"}, "https://api.example", "http://[::1]:3128"),
        ({"HTTPS_PROXY": ""}, "https://api.example", None),
        ({"ALL_PROXY": "http://all:3128"}, "https://api.example", "http://all:3128"),
        (
            {"ALL_PROXY": "http://all:3128", "HTTP_PROXY": "http://plain:3128"},
            "http://api.example:8080",
            "http://plain:3128",
        ),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, "https://api.example", None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example"}, "https://api.example", None),
        (
            {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "api.example"},
            "https://api.example:8443",
            None,
        ),
        (
            {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "other.example"},
            "https://api.example",
            "http://proxy:3128",
        ),
    ],
)
def test_environment_names_the_proxy(
    environment: pytest.MonkeyPatch, variables: dict[str, str], origin: str, proxy: str | None
) -> None:
    """The variables are read as other programs read them."""
    for name, value in variables.items():
        environment.setenv(name, value)

    assert proxy == environment_proxy(origin, ("http", "https"))


def test_proxy_of_an_unknown_kind_is_refused(environment: pytest.MonkeyPatch) -> None:
    """A proxy that the engine cannot use raises, without quoting what may hold a password."""
    environment.setenv("HTTPS_PROXY", "socks5://user:secret@proxy:1080")

    with pytest.raises(ConfigurationError, match=r"and one of http, https$"):
        environment_proxy("https://api.example", ("http", "https"))


@every_proxied
async def test_https_goes_through_the_proxy(
    engine: Engine, environment: pytest.MonkeyPatch
) -> None:
    """The proxy connects, and the request leaves over TLS inside that connection."""
    with Hostile(tunnels) as proxy, Hostile(answers(200, 1), ca=authority()) as server:
        environment.setenv("HTTPS_PROXY", proxy.url)
        responses = [await send(engine, server.url) for _ in range(2)]

        assert [b"1", b"1"] == [each.body for each in responses]
        assert ["CONNECT"] == [each.method for each in proxy.requests]
        assert 2 == len(server.requests)
        await engine.aclose()


@every_proxied
async def test_http_goes_through_the_proxy(engine: Engine, environment: pytest.MonkeyPatch) -> None:
    """The proxy is asked for the whole URL."""
    with Hostile(answers(200, 1)) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        await send(engine, "http://sandbox.invalid/otp/v1/codes")

        assert ["http://sandbox.invalid/otp/v1/codes"] == [each.target for each in proxy.requests]


@every_proxied
@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(answers(403), id="forbidden"),
        pytest.param(answers(407), id="wants_a_password"),
        pytest.param(answers(502), id="reaches_nobody"),
        pytest.param(closes, id="closes"),
        pytest.param(resets, id="resets"),
        pytest.param(lambda peer: peer.sends(b"220 mail.example\r\n\r\n"), id="is_no_proxy"),
    ],
)
async def test_refusal_of_the_proxy_never_left(
    engine: Engine, environment: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    """Without a way through the proxy, nothing was sent."""
    with Hostile(behaviour) as proxy:
        environment.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(ConnectError):
            await send(engine, "https://api.invalid")

        await proxy.until(lambda: proxy.open == 0)


@every_proxied
async def test_silent_proxy_never_left(engine: Engine, environment: pytest.MonkeyPatch) -> None:
    """A proxy, or a TLS handshake behind it, that takes too long leaves nothing open."""
    with Hostile(hangs, tunnels) as proxy, Hostile(Peer.hangs) as server:
        environment.setenv("HTTPS_PROXY", proxy.url)
        for _ in range(2):
            with pytest.raises(ConnectError):
                await send(engine, server.url.replace("http", "https"), timeout=0.1)

        await proxy.until(lambda: proxy.open == 0)


@every_owner
async def test_unusable_environment_is_no_outage(
    engine: Engine, environment: pytest.MonkeyPatch
) -> None:
    """Certificates that are not there, or a proxy that is none, raise at once, before any I/O."""
    tls_context()  # what was read before the environment changed
    environment.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConfigurationError):
        await send(engine, "https://api.invalid")


NONSENSE = [
    "http://proxy:port",
    "http://proxy:99999",
    "http://proxy:0",
    "http://proxy:-1",
    "http://proxy:80:80",
    "http://",
    "http://:3128",
    "http:proxy:3128",
    "http://[::1",
    "http://a b:80",
    "http://pro\nxy:80",
    "http://256.1.1.1:3128",
    "http://xn--/",
    "http://user:pass#word@proxy:3128",
    "://",
]


@every_owner
@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_nonsense_for_a_proxy_is_refused(
    engine: Engine, environment: pytest.MonkeyPatch, nonsense: str
) -> None:
    """A proxy that cannot be is no outage, and its password is not quoted."""
    environment.setenv("ALL_PROXY", nonsense)
    for url in ("http://api.invalid", "https://api.invalid"):
        with pytest.raises(ConfigurationError, match=r"^the proxy in the environment") as caught:
            await send(engine, url)

        assert not caught.value.may_have_been_sent
        assert "pass" not in str(caught.value)


@every_owner
async def test_unknown_kind_of_proxy_is_refused(
    engine: Engine, environment: pytest.MonkeyPatch
) -> None:
    """Every engine says so where it cannot use the proxy at all."""
    environment.setenv("ALL_PROXY", "gopher://proxy:70")
    with pytest.raises(ConfigurationError, match="the proxy in the environment"):
        await send(engine, "http://api.invalid")


@pytest.mark.asyncio
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_engine_without_proxies(
    environment: pytest.MonkeyPatch, proxy: str, scheme: str
) -> None:
    """The engine on asyncio sends nothing past the proxy, and names the remedies."""
    environment.setenv("ALL_PROXY", proxy)
    async with engine_from("asyncio") as engine:
        with pytest.raises(ConfigurationError, match=r'http="auto".*NO_PROXY') as caught:
            await send(engine, f"{scheme}://api.invalid")

    assert not caught.value.may_have_been_sent


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["asyncio", "auto"])
async def test_host_without_a_proxy(environment: pytest.MonkeyPatch, name: str) -> None:
    """What ``NO_PROXY`` names is reached directly, by the fastest engine."""
    environment.setenv("ALL_PROXY", "http://127.0.0.1:9")
    environment.setenv("NO_PROXY", "127.0.0.1")
    with Hostile(answers(200, 1)) as server:
        async with engine_from(name) as engine:
            await send(engine, server.url)

        assert [[]] == [each.values("User-Agent") for each in server.requests]


# ------------------------------------------------------------------------------- what a proxy reads

Open = Callable[[str], AbstractAsyncContextManager[Engine]]


@asynccontextmanager
async def owner(name: str, _: str) -> AsyncIterator[Engine]:
    """Make an engine that takes the proxy of the environment."""
    async with engine_from(name) as engine:
        yield engine


@asynccontextmanager
async def client(library: Any, proxy: str) -> AsyncIterator[Engine]:  # noqa: ANN401 - two modules
    """Make a client of the caller's with a proxy."""
    trust = library.create_ssl_context()
    async with library.AsyncClient(proxy=proxy, verify=trust) as own, engine_from(own) as engine:
        yield engine


@asynccontextmanager
async def session(proxy: str) -> AsyncIterator[Engine]:
    """Make a session of the caller's with a proxy."""
    async with aiohttp.ClientSession(proxy=proxy) as own, engine_from(own) as engine:
        yield engine


@asynccontextmanager
async def session_of_the_environment(_: str) -> AsyncIterator[Engine]:
    """Make a session of the caller's that takes the proxy of the environment."""
    async with aiohttp.ClientSession(trust_env=True) as own, engine_from(own) as engine:
        yield engine


WAYS: dict[str, Open] = {
    "httpx": partial(owner, "httpx"),
    "httpx2": partial(owner, "httpx2"),
    "aiohttp": partial(owner, "aiohttp"),
    "auto": partial(owner, "auto"),
    "httpx_client": partial(client, httpx),
    "httpx2_client": partial(client, httpx2),
    "aiohttp_session": session,
    "aiohttp_session_of_the_environment": session_of_the_environment,
}


@pytest.mark.asyncio
@pytest.mark.parametrize("user", ["", "user:word@"], ids=["anybody", "user"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_key_pair_stays_inside_the_tunnel(
    environment: pytest.MonkeyPatch, way: Open, user: str
) -> None:
    """What a proxy reads of a call over TLS holds its own credentials at most."""
    with Hostile(tunnels) as proxy, Hostile(answers(200, 1), ca=authority()) as server:
        url = proxy.url.replace("http://", f"http://{user}")
        environment.setenv("HTTPS_PROXY", url)
        async with way(url) as engine:
            for _ in range(2):
                await send(engine, server.url)
        (read,) = proxy.requests

        assert [] == read.values("Authorization")
        assert ([BASIC] if user else []) == read.values("Proxy-Authorization")
        assert [[KEY_PAIR]] * 2 == [each.values("Authorization") for each in server.requests]
        assert [[]] * 2 == [each.values("Proxy-Authorization") for each in server.requests]


@pytest.mark.asyncio
@pytest.mark.parametrize("user", ["", "user:word@"], ids=["anybody", "user"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_key_pair_is_not_the_proxys(
    environment: pytest.MonkeyPatch, way: Open, user: str
) -> None:
    """A proxy that passes on plain HTTP is not taken for whom the key pair is for."""
    with Hostile(answers(200, 1)) as proxy:
        url = proxy.url.replace("http://", f"http://{user}")
        environment.setenv("HTTP_PROXY", url)
        async with way(url) as engine:
            await send(engine, "http://api.invalid/v1")
        (read,) = proxy.requests

        assert [KEY_PAIR] == read.values("Authorization")
        assert ([BASIC] if user else []) == read.values("Proxy-Authorization")
