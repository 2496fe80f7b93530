"""Every engine: how it fails, and what it says about whether the request had begun to leave."""

from functools import partial
from typing import Final

import anyio
import pytest
import trustme

from engagelab_async import ConnectError, ConnectionLostError, ResponseTimeoutError, TransportError
from engagelab_async.engines import Engine
from support.clocks import LeapingClock
from support.engine_cases import LARGE, every_engine, send
from support.hostile import (
    Behaviour,
    Hostile,
    Peer,
    answers,
    closes,
    drips,
    hangs,
    http,
    refusing,
    resets,
    says,
    stops_reading,
    unaccepting,
)

CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN: Final[dict[str, Behaviour]] = {
    "reset": resets,
    "reset_before_it_was_read": Peer.resets,
    "closed": closes,
    "closed_in_the_headers": says(b"HTTP/1.1 200 OK\r\nContent-Le", Peer.closes),
    "body_cut_short": says(http(200, b"{", {"Content-Length": "100"}), Peer.closes),
    "body_reset": says(http(200, b"{", {"Content-Length": "100"}), Peer.resets),
    "chunk_cut_short": says(CHUNKED + b"64\r\n{", Peer.closes),
    "last_chunk_missing": says(CHUNKED + b"1\r\n{\r\n", Peer.closes),
    "chunk_without_a_size": says(CHUNKED + b"size\r\n{\r\n", Peer.closes),
    "another_protocol": says(b"220 mail.example ESMTP\r\n\r\n", Peer.hangs),
    "tls_alert": says(b"\x15\x03\x03\x00\x02\x02\x46", Peer.closes),
    "not_a_status": says(b"HTTP/1.1 two hundred\r\n\r\n", Peer.hangs),
    "not_a_length": says(http(200, b"{}", {"Content-Length": "two"}), Peer.hangs),
    "two_lengths": says(http(200, b"{}", {"Content-Length": "2\r\nContent-Length: 3"}), Peer.hangs),
    "not_a_header": says(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Peer.hangs),
    "endless_header": says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, Peer.hangs),
}
"""What breaks a connection after the request was sent."""


async def failure(engine: Engine, url: str, body: bytes = b"{}", timeout: float = 10.0) -> str:
    """Send what must fail, and name the class of the error."""
    try:
        await send(engine, url, body, timeout=timeout)
    except TransportError as error:
        return type(error).__name__
    return "no failure"


@every_engine
async def test_refused_connection_never_left(engine: Engine) -> None:
    """Where nobody listens, nothing was sent."""
    with refusing() as url, pytest.raises(ConnectError, match=r"^no connection \(\w+\)$"):
        await send(engine, url)


@every_engine
async def test_untrusted_certificate_never_left(engine: Engine) -> None:
    """A server that cannot prove its name is sent nothing."""
    with Hostile(answers(200), ca=trustme.CA()) as server:
        with pytest.raises(ConnectError):
            await send(engine, server.url)

        await server.until(lambda: server.open == 0)
        assert [] == server.requests


@every_engine
async def test_failed_handshake_never_left(engine: Engine) -> None:
    """Where a server speaks no TLS, nothing was sent."""
    with Hostile(lambda peer: peer.sends(b"220 mail.example\r\n")) as server:
        with pytest.raises(ConnectError):
            await send(engine, server.url.replace("http://", "https://"))

        await server.until(lambda: server.open == 0)


@every_engine
@pytest.mark.parametrize("behaviour", BROKEN.values(), ids=BROKEN)
async def test_broken_connection_is_lost(engine: Engine, behaviour: Behaviour) -> None:
    """Once the request has left, whatever breaks leaves open what became of it."""
    with Hostile(behaviour, answers(200, {"a": 1})) as server:
        with pytest.raises(ConnectionLostError, match=r"^the connection broke \(\w+\)"):
            await send(engine, server.url)

        await server.until(lambda: server.open == 0)
        # The engine has put the broken connection away.
        response = await send(engine, server.url)
        assert (200, 2) == (response.status, server.connections)


@every_engine
async def test_request_without_a_body_is_lost_too(engine: Engine, clock: LeapingClock) -> None:
    """A request that is complete with its headers can be carried out as soon as they left."""
    with Hostile(closes) as server, pytest.raises(ConnectionLostError):
        await send(engine, server.url, b"", method="DELETE")
    with Hostile(hangs) as server:
        server.on_stall = partial(clock.leap, 50.0)
        with pytest.raises(ResponseTimeoutError):
            await send(engine, server.url, b"", method="DELETE", timeout=50.0)
    with refusing() as url, pytest.raises(ConnectError):
        await send(engine, url, b"", method="DELETE")


@every_engine
async def test_reset_while_sending_is_lost(engine: Engine) -> None:
    """Of a request that was cut off in the middle nobody knows what the server made."""
    with Hostile(Peer.resets) as server:
        with pytest.raises(ConnectionLostError):
            await send(engine, server.url, LARGE)

        assert [] == server.requests


@every_engine
async def test_answer_before_the_request_was_read(engine: Engine) -> None:
    """A server that refuses a large request early, and closes, is heard."""
    early = http(413, b"too large")

    def refuses(peer: Peer) -> None:
        peer.sends(early)
        peer.hangs()

    with Hostile(refuses) as server:
        response = await send(engine, server.url, LARGE)

    assert (413, b"too large") == (response.status, response.body)


@every_engine
async def test_time_runs_out_before_anything_left(engine: Engine) -> None:
    """A connection, or its TLS, that does not come about in time never left."""
    outcomes: dict[str, str] = {}

    async def run(name: str, url: str) -> None:
        outcomes[name] = await failure(engine, url, timeout=0.1)

    with unaccepting() as url, Hostile(Peer.hangs) as server:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, "connecting", url)
            tasks.start_soon(run, "handshake", server.url.replace("http://", "https://"))

        await server.until(lambda: server.open == 0)

    assert {"connecting": "ConnectError", "handshake": "ConnectError"} == outcomes


@every_engine
@pytest.mark.parametrize("timeout", [0.0, -1.0])
async def test_time_has_run_out_already(engine: Engine, timeout: float) -> None:
    """A limit that has passed sends nothing, not even over a connection that is open."""
    with Hostile(answers(200), hangs) as server:
        with pytest.raises(ConnectError):
            await send(engine, server.url, timeout=timeout)
        await send(engine, server.url)
        with pytest.raises(ConnectError):
            await send(engine, server.url, timeout=timeout)

        assert 1 == len(server.requests)


SLOW: Final[dict[str, Behaviour]] = {
    "silence": hangs,
    "request_not_read": stops_reading,
    "interim_answers_only": says(b"HTTP/1.1 100 Continue\r\n\r\n", Peer.hangs),
    "half_an_answer": says(http(200, b"{", {"Content-Length": "9"}), Peer.hangs),
    "headers_drip": drips(b"HTTP/1.1 200 OK\r\nX: ", 0.02),
    "body_drips": drips(http(200, headers={"Content-Length": "999999"}), 0.02),
}
"""What takes too long after the request was sent."""


@every_engine
@pytest.mark.parametrize("behaviour", SLOW.values(), ids=SLOW)
async def test_time_runs_out_later(
    engine: Engine, behaviour: Behaviour, clock: LeapingClock
) -> None:
    """Whatever does not end in time once the request began to leave is a missing answer."""
    is_read = behaviour is not stops_reading
    with Hostile(behaviour) as server:
        server.on_stall = partial(clock.leap, 50.0)
        began = clock()
        with pytest.raises(ResponseTimeoutError):
            await send(engine, server.url, b"{}" if is_read else LARGE, timeout=50.0)
        seconds = clock() - began
        await server.until(lambda: not is_read or server.open == 0)

    assert 49 <= seconds < 100
