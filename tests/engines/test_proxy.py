"""Engines with connections of their own take the proxy that the environment names."""

import pytest

from engagelab_async import ConfigurationError, ConnectError
from engagelab_async.engines import Engine
from engagelab_async.engines._proxy import environment_proxy
from engagelab_async.engines.httpx import tls_context
from engines.cases import every_owner, send
from hostile import Behaviour, Hostile, Peer, answers, authority, closes, hangs, resets, tunnels

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

    with pytest.raises(ConfigurationError, match=r"must be one of http, https$"):
        environment_proxy("https://api.example", ("http", "https"))


@every_owner
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


@every_owner
async def test_http_goes_through_the_proxy(engine: Engine, environment: pytest.MonkeyPatch) -> None:
    """The proxy is asked for the whole URL."""
    with Hostile(answers(200, 1)) as proxy:
        environment.setenv("HTTP_PROXY", proxy.url)
        await send(engine, "http://sandbox.invalid/otp/v1/codes")

        assert ["http://sandbox.invalid/otp/v1/codes"] == [each.target for each in proxy.requests]


@every_owner
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


@every_owner
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
    tls_context.cache_clear()
    environment.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConfigurationError):
        await send(engine, "https://api.invalid")


@every_owner
async def test_unknown_kind_of_proxy_is_refused(
    engine: Engine, environment: pytest.MonkeyPatch
) -> None:
    """Every engine says so where it cannot use the proxy at all."""
    environment.setenv("ALL_PROXY", "gopher://proxy:70")
    with pytest.raises(ConfigurationError, match="the proxy in the environment"):
        await send(engine, "http://api.invalid")
