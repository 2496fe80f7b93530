"""The engines on aiohttp: its exceptions, and what of a caller's session applies."""

import asyncio
import gzip
import inspect
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Event
from typing import Any, Final

import aiohttp
import pytest
import trio
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import StreamWriter

from engagelab_async import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ResponseTimeoutError,
    TransportError,
)
from engagelab_async.engines import Request, Response, choose
from engagelab_async.engines._sockets import readable
from engagelab_async.engines.aiohttp import AiohttpEngine, _Departure
from support.engine_cases import HEADERS, send
from support.hostile import Hostile, Peer, answers, hangs, http, says

Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

UNCONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    aiohttp.ServerFingerprintMismatch,
)
"""What aiohttp raises only where there is no connection."""

EXCEPTIONS: Final[dict[str, type[aiohttp.ClientError]]] = {
    name: value
    for name in aiohttp.__all__
    if inspect.isclass(value := getattr(aiohttp, name)) and issubclass(value, aiohttp.ClientError)
}
"""The public exceptions of aiohttp's client."""

LATE: Final = {name: kind for name, kind in EXCEPTIONS.items() if not issubclass(kind, UNCONNECTED)}
"""Those that may come after the request has left."""


async def send_with(session: aiohttp.ClientSession, url: str) -> Response:
    """Send with a session of the caller, and close it."""
    engine, _ = choose(session)
    async with session:
        return await send(engine, url)


# ------------------------------------------------------------------------------- exceptions


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", EXCEPTIONS.values(), ids=EXCEPTIONS)
async def test_exception_before_the_request_left(kind: type[aiohttp.ClientError]) -> None:
    """Whatever aiohttp raises before it came for the body, nothing was sent."""

    async def fails(_: aiohttp.ClientRequest, __: Handler) -> aiohttp.ClientResponse:
        raise kind.__new__(kind)

    # A URL that is none will not get better.
    place = ConfigurationError if issubclass(kind, aiohttp.InvalidURL) else ConnectError
    with Hostile(answers(200)) as server, pytest.raises(place):
        await send_with(aiohttp.ClientSession(middlewares=[fails]), server.url)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", LATE.values(), ids=LATE)
async def test_exception_after_the_request_left(kind: type[aiohttp.ClientError]) -> None:
    """Whatever aiohttp raises later leaves open what became of the request."""

    async def fails(request: aiohttp.ClientRequest, send_on: Handler) -> aiohttp.ClientResponse:
        (await send_on(request)).close()
        raise kind.__new__(kind)

    late = issubclass(kind, TimeoutError)
    place: type[TransportError] = ResponseTimeoutError if late else ConnectionLostError
    with Hostile(answers(200)) as server, pytest.raises(place) as caught:
        await send_with(aiohttp.ClientSession(middlewares=[fails]), server.url)

    assert place is caught.type


@pytest.mark.asyncio
async def test_middleware_that_repeats_hides_no_first_try() -> None:
    """That a second try of the caller's own found no connection says nothing of the first one."""

    async def tries_again(
        request: aiohttp.ClientRequest, send_on: Handler
    ) -> aiohttp.ClientResponse:
        (await send_on(request)).close()
        raise aiohttp.ServerFingerprintMismatch(b"", b"", "127.0.0.1", 443)

    with Hostile(answers(200)) as server, pytest.raises(ConnectionLostError):
        await send_with(aiohttp.ClientSession(middlewares=[tries_again]), server.url)


# ------------------------------------------------------------------------------- settings


@pytest.mark.asyncio
async def test_timeouts_of_the_session_do_not_apply() -> None:
    """Only the limit of the call counts."""
    hasty = aiohttp.ClientTimeout(total=1e-9, sock_read=1e-9)
    with Hostile(answers(200, 1)) as server:
        response = await send_with(aiohttp.ClientSession(timeout=hasty), server.url)

    assert 200 == response.status


@pytest.mark.asyncio
async def test_raising_for_status_does_not_apply() -> None:
    """An error status is an answer, even to a session that makes exceptions of them."""
    with Hostile(answers(400, {"code": 5016})) as server:
        response = await send_with(aiohttp.ClientSession(raise_for_status=True), server.url)

    assert (400, b'{"code": 5016}') == (response.status, response.body)


@pytest.mark.asyncio
async def test_decompression_of_the_session_does_not_apply() -> None:
    """The body is what came over the wire."""
    compressed = gzip.compress(b"{}", mtime=0)
    with Hostile(says(http(200, compressed, {"Content-Encoding": "gzip"}))) as server:
        response = await send_with(aiohttp.ClientSession(auto_decompress=True), server.url)

    assert compressed == response.body


@pytest.mark.asyncio
async def test_headers_and_cookies_of_the_session_apply() -> None:
    """What the session adds to its requests is added to ours, where they do not say otherwise."""
    session = aiohttp.ClientSession(
        headers={"X-Tenant": "7", "Content-Type": "text/plain"},
        cookies={"route": "a"},
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # cookies for an IP address
    )
    with Hostile(answers(200)) as server:
        await send_with(session, server.url)
        (received,) = server.requests

    assert ["7"] == received.values("X-Tenant")
    assert ["route=a"] == received.values("Cookie")
    assert [dict(HEADERS)["Content-Type"]] == received.values("Content-Type")


@pytest.mark.asyncio
async def test_password_file_of_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that takes another password from the environment cannot sign our requests."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", "ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    with Hostile(answers(200)) as server:
        with pytest.raises(ConfigurationError, match="before anything was sent") as caught:
            await send_with(aiohttp.ClientSession(trust_env=True), server.url)

        assert not caught.value.may_have_been_sent
        assert 0 == len(server.requests) == server.connections


@pytest.mark.asyncio
@pytest.mark.parametrize("proxy", ["http://proxy:port", "http://[::1"])
async def test_nonsense_for_a_proxy_of_the_session(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that cannot be is a fault of set-up, and no outage."""
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ConfigurationError):
        await send_with(aiohttp.ClientSession(trust_env=True), "http://api.invalid")
    with pytest.raises(ConfigurationError):
        await send_with(aiohttp.ClientSession(proxy=proxy), "http://api.invalid")


class Greeting(Hostile):
    """A server that speaks before it is asked."""

    def __init__(self) -> None:
        super().__init__(hangs)
        self.greeted = Event()

    def _opened(self, plain: socket.socket) -> socket.socket:
        sock = super()._opened(plain)
        sock.sendall(http(200, b"welcome"))
        self.greeted.set()
        return sock


@pytest.mark.asyncio
async def test_server_that_speaks_first_to_a_session() -> None:
    """Whatever it says, it is no answer; and nothing is sent to such a server."""

    class Slow(aiohttp.TCPConnector):
        async def connect(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            connection = await super().connect(*args, **options)
            server.greeted.wait(50)
            await asyncio.sleep(0.01)
            return connection

    with Greeting() as server:
        async with aiohttp.ClientSession(connector=Slow()) as session:
            engine, _ = choose(session)
            with pytest.raises(ConnectError):
                await send(engine, server.url)

        assert [] == server.requests


@pytest.mark.asyncio
async def test_server_that_speaks_first() -> None:
    """So it is with connections of ours."""

    def clock() -> float:
        # It is asked when there is a connection.
        server.greeted.wait(50)
        return 0.0

    with Greeting() as server:
        engine = AiohttpEngine(clock=clock)
        with pytest.raises(ConnectError):
            await send(engine, server.url)
        await engine.aclose()

        assert [] == server.requests


@pytest.mark.asyncio
async def test_auth_of_the_session_is_refused() -> None:
    """A session that signs its requests otherwise cannot sign ours."""
    with pytest.warns(DeprecationWarning, match="deprecated"):
        session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("somebody", "else"))
    async with session:
        with pytest.raises(ConfigurationError, match=r"^http: the aiohttp\.ClientSession must "):
            choose(session)


# ------------------------------------------------------------------------------- sessions of ours


@pytest.mark.asyncio
async def test_different_headers_share_the_connections() -> None:
    """Both products and their key pairs are served from one set of connections."""
    engine, _ = choose("aiohttp")
    with Hostile(answers(200)) as server:
        for name in ("otp", "sms", "otp"):
            headers = (("Authorization", name),)
            await engine.send(Request("POST", server.url, headers, b"{}"), timeout=5, max_bytes=9)
        signed = [each.values("Authorization") for each in server.requests]

        assert [["otp"], ["sms"], ["otp"]] == signed
        assert 1 == server.connections
        await engine.aclose()


# ------------------------------------------------------------------------------- event loops


def test_trio_is_refused() -> None:
    """The engine needs asyncio; elsewhere that is said, and nothing is sent."""

    async def main() -> None:
        engine, _ = choose("aiohttp")
        with pytest.raises(ConfigurationError, match="needs asyncio"):
            await send(engine, "http://127.0.0.1:9")
        await engine.aclose()

    trio.run(main)


@pytest.mark.asyncio
async def test_connection_that_the_server_closed_is_not_reused() -> None:
    """A server that closes after each answer, without a word of it, loses no message."""
    engine, _ = choose("aiohttp")
    with Hostile(says(http(200, b"1"), Peer.closes)) as server:
        for _ in range(5):
            response = await send(engine, server.url)
            # Blocking, so that the event loop does not learn of it on the way.
            server._wait(lambda: server.open == 0)  # noqa: SLF001

            assert 200 == response.status
    await engine.aclose()


@pytest.mark.asyncio
async def test_nothing_is_written_without_a_connection() -> None:
    """A connection that is gone by the time the body is written has taken nothing."""
    loop = asyncio.get_running_loop()
    departure = _Departure(b"{}")
    with pytest.raises(aiohttp.ClientConnectionResetError):
        await departure.write_with_length(StreamWriter(ResponseHandler(loop), loop), None)

    assert (0, "") == (departure.times, departure.progress)


def test_socket_that_is_not_there_says_nothing() -> None:
    """A transport need not have one."""
    assert not readable(None)()
