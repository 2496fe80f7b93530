"""The engine on asyncio: what a server can do at each byte, and what only this engine does."""

import asyncio
import gc
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from threading import Event
from typing import Any, Final

import pytest
import trio

from engagelab_async import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ResponseTimeoutError,
)
from engagelab_async.engines import Engine, Request, choose
from engagelab_async.engines._answer import Answer
from engagelab_async.engines._loops import _count_fork
from engagelab_async.engines._sockets import open_socket
from engagelab_async.engines.asyncio import AsyncioEngine
from support.clocks import LeapingClock
from support.engine_cases import LARGE, asyncio_engine, engine_from, send
from support.hostile import (
    LOOPBACK,
    Behaviour,
    Hostile,
    Peer,
    answers,
    authority,
    closes,
    hangs,
    http,
    refusing,
    says,
    unaccepting,
)

ANSWERS: Final[dict[str, bytes]] = {
    "length": http(200, b"first"),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n" + http(200, b"first"),
}

every_answer = pytest.mark.parametrize("data", ANSWERS.values(), ids=ANSWERS)
secure_or_not = pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])


# ------------------------------------------------------------------------------- every byte


@asyncio_engine
@every_answer
@pytest.mark.parametrize("last", [Peer.closes, Peer.resets, Peer.half_closes])
async def test_server_that_leaves_at_any_byte(engine: Engine, data: bytes, last: Behaviour) -> None:
    """Wherever an answer breaks off, the request may have been carried out; the next one works."""
    script = [says(data[:place], last) for place in range(len(data))]
    with Hostile(*script, answers(200, 1)) as server:
        for _ in script:
            with pytest.raises(ConnectionLostError):
                await send(engine, server.url)
        response = await send(engine, server.url)

        assert (200, b"1") == (response.status, response.body)
        assert len(script) + 1 == server.connections == len(server.requests)
        await server.until(lambda: server.open == 1)


@asyncio_engine
@every_answer
async def test_server_that_stops_at_any_byte(
    engine: Engine, data: bytes, clock: LeapingClock
) -> None:
    """Wherever an answer stops, time runs out, and the connection is closed."""
    script = [says(data[:place], Peer.hangs) for place in range(len(data))]
    with Hostile(*script) as server:
        server.on_stall = partial(clock.leap, 50.0)
        for _ in script:
            with pytest.raises(ResponseTimeoutError):
                await send(engine, server.url, timeout=50.0)

        assert len(script) == server.connections
        await server.until(lambda: server.open == 0)


@asynccontextmanager
async def dividing(data: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve on this event loop: the first answer is cut behind its first byte, and so on."""
    places = iter(range(1, len(data)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for place in places:
            await reader.readuntil(b"}")
            writer.write(data[:place])
            # The client reads that before the rest is there.
            for _ in range(4):
                await asyncio.sleep(0)
            writer.write(data[place:])
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if tls else 'http'}://{LOOPBACK}:{port}"


@asyncio_engine
@every_answer
@secure_or_not
async def test_answer_in_two_segments(engine: Engine, data: bytes, secure: bool) -> None:
    """Wherever an answer is cut, it is the same, and its connection is used again."""
    async with dividing(data, server_context() if secure else None) as url:
        bodies = {(await send(engine, url)).body for _ in range(1, len(data))}
        await engine.aclose()

    assert {b"first"} == bodies


# ------------------------------------------------------------------------------- half an end


@asyncio_engine
@secure_or_not
async def test_server_that_closes_its_side_after_an_answer(engine: Engine, secure: bool) -> None:
    """A half-closed connection is closed on this side, too, and not used again."""
    half = says(http(200, b"first"), Peer.half_closes)
    with Hostile(half, answers(200, "second"), ca=authority() if secure else None) as server:
        first = await send(engine, server.url)
        await server.until(lambda: server.open == 0)
        second = await send(engine, server.url)

        assert [b"first", b'"second"'] == [first.body, second.body]
        assert 2 == server.connections


@asyncio_engine
@pytest.mark.parametrize("turns", range(6))
async def test_server_that_ends_tls_between_two_turns(engine: Engine, turns: int) -> None:
    """Whenever TLS ends on an idle connection, the next request leaves over another one."""
    now, ended = Event(), Event()

    def ends(peer: Peer) -> None:
        peer.reads()
        peer.sends(http(200, b"first"))
        now.wait(50)
        peer.ends_tls()
        ended.set()
        peer.ignores()

    with Hostile(ends, answers(200, "second"), ca=authority()) as server:
        await send(engine, server.url)
        now.set()
        ended.wait(50)
        for _ in range(turns):
            await asyncio.sleep(0)
        second = await send(engine, server.url)

        assert (b'"second"', 2) == (second.body, server.connections)


@asyncio_engine
@pytest.mark.parametrize("last", [Peer.closes, Peer.half_closes])
async def test_body_that_ends_with_the_connection(engine: Engine, last: Behaviour) -> None:
    """Without a length, a body ends where the server ends it."""
    with Hostile(says(b"HTTP/1.1 200 OK\r\n\r\nfirst", last)) as server:
        response = await send(engine, server.url)

        assert b"first" == response.body
        await server.until(lambda: server.open == 0)


@asyncio_engine
async def test_reset_is_no_end_of_a_body(engine: Engine) -> None:
    """A connection that breaks does not complete what should end with it."""
    with (
        Hostile(says(b"HTTP/1.1 200 OK\r\n\r\nfirst", Peer.resets)) as server,
        pytest.raises(ConnectionLostError),
    ):
        await send(engine, server.url)


@asyncio_engine
@secure_or_not
@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}])
async def test_long_answer_that_is_there_at_once(
    engine: Engine, secure: bool, headers: dict[str, str]
) -> None:
    """An answer is read to its end, though more is there than fits into a buffer, and the end."""
    body = b"x" * 100_000
    going_on, said = Event(), Event()

    def waits(peer: Peer) -> None:
        peer.reads()
        going_on.wait(50)
        peer.sends(http(200, body, headers))
        peer.finishes()
        said.set()
        peer.hangs()

    with Hostile(waits, ca=authority() if secure else None) as server:
        sending = asyncio.create_task(send(engine, server.url))
        await server.until(lambda: len(server.requests) == 1)
        going_on.set()
        # Blocking, so that the loop finds all of it.
        said.wait(50)

        assert body == (await sending).body


@asyncio_engine
async def test_idle_connection_holds_no_answer(engine: Engine) -> None:
    """What a connection has brought is not kept until it is used again."""
    with Hostile(answers(200)) as server:
        await send(engine, server.url)
        await asyncio.sleep(0)  # until then, asyncio itself holds it
        gc.collect()

        assert [] == [each for each in gc.get_objects() if isinstance(each, Answer)]


# ------------------------------------------------------------------------------- uploads


@asyncio_engine
@secure_or_not
async def test_answer_before_the_body_is_out(engine: Engine, secure: bool) -> None:
    """An early answer is taken, and the connection that is still being written is closed."""

    def refuses(peer: Peer) -> None:
        peer.sends(http(413, b"too large"))
        peer.server.closing.wait(50)

    with Hostile(refuses, answers(200, 1), ca=authority() if secure else None) as server:
        early = await send(engine, server.url, LARGE * 8)
        second = await send(engine, server.url)

        assert [413, 200] == [early.status, second.status]
        assert 2 == server.connections


@asyncio_engine
@secure_or_not
async def test_server_that_reads_slowly(engine: Engine, secure: bool) -> None:
    """A body waits in the buffers until the server takes it, and arrives whole."""
    waiting = Event()

    def dawdles(peer: Peer) -> None:
        waiting.wait(50)
        peer.sends(http(200, b"%d" % len(peer.reads().body)))

    with Hostile(dawdles, ca=authority() if secure else None) as server:
        sending = asyncio.create_task(send(engine, server.url, LARGE))
        await server.until(lambda: server.connections == 1)
        waiting.set()
        response = await sending

        assert b"900000" == response.body
        assert b"2" == (await send(engine, server.url, b"{}")).body
        assert 1 == server.connections


# ------------------------------------------------------------------------------- requests


@asyncio_engine
async def test_answer_to_head(engine: Engine) -> None:
    """An answer to ``HEAD`` has no body, whatever its length says."""
    with Hostile(says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) as server:
        for _ in range(2):
            response = await send(engine, server.url, b"", method="HEAD")

            assert (200, b"") == (response.status, response.body)
        assert 1 == server.connections


@asyncio_engine
async def test_empty_body_has_a_length(engine: Engine) -> None:
    """A method that has a body says how long it is, even if there is none."""
    with Hostile(answers(200)) as server:
        await send(engine, server.url, b"")
        await send(engine, server.url, b"", method="GET")

        lengths = [each.values("Content-Length") for each in server.requests]
        assert [["0"], []] == lengths


@asyncio_engine
@pytest.mark.parametrize(
    ("method", "header"),
    [
        ("POST", ("X", "1\r\nY: 2")),
        ("POST", ("X\r\nY", "1")),
        ("POST", ("X:", "1\n")),
        ("POST", ("", "1")),
        ("POST", ("X", "caf\xe9")),
        ("POST / HTTP/1.1\r\n", ("X", "1")),
        ("", ("X", "1")),
    ],
)
async def test_request_that_cannot_be_written(
    engine: Engine, method: str, header: tuple[str, str]
) -> None:
    """What would be another request on the wire is refused, and nothing is sent."""
    with Hostile(answers(200)) as server:
        request = Request(method, server.url, (header,), b"{}")
        with pytest.raises(ConfigurationError, match="before anything was sent") as caught:
            await engine.send(request, timeout=10.0, max_bytes=100)

        assert not caught.value.may_have_been_sent
        assert 0 == server.connections


@asyncio_engine
async def test_server_that_closes_in_the_middle(engine: Engine) -> None:
    """The text of an error says which answer had begun, and how it broke."""
    with Hostile(says(http(200, b"{", {"Content-Length": "9"}), Peer.closes), closes) as server:
        with pytest.raises(ConnectionLostError) as begun:
            await send(engine, server.url)
        with pytest.raises(ConnectionLostError) as silent:
            await send(engine, server.url)

    doubt = "; it may have been sent"
    assert f"the connection broke (EOFError) after HTTP 200 had arrived{doubt}" == str(begun.value)
    assert f"the connection broke (EOFError){doubt}" == str(silent.value)


@asyncio_engine
async def test_closing_leaves_a_request_that_is_in_flight(engine: Engine) -> None:
    """A request that is being answered when the engine closes gets its answer, and then ends."""
    going_on = Event()

    def waits(peer: Peer) -> None:
        peer.reads()
        going_on.wait(50)
        peer.sends(http(200, b"first"))

    with Hostile(waits) as server:
        sending = asyncio.create_task(send(engine, server.url))
        await server.until(lambda: server.connections == 1)
        await asyncio.sleep(0)
        await engine.aclose()
        going_on.set()

        assert b"first" == (await sending).body
        await server.until(lambda: server.open == 0)


@pytest.mark.asyncio
async def test_answer_that_comes_with_a_cancellation() -> None:
    """A request that is cancelled as its answer arrives is cancelled, and leaves nothing."""
    going_on, said = Event(), Event()

    def waits(peer: Peer) -> None:
        peer.reads()
        going_on.wait(50)
        peer.sends(http(200, b"first"))
        said.set()

    with Hostile(waits) as server:
        async with engine_from("asyncio") as engine:
            sending = asyncio.create_task(send(engine, server.url))
            await server.until(lambda: len(server.requests) == 1)
            going_on.set()
            # Blocking, so that the answer is there, and the loop reads it after the cancellation.
            said.wait(50)
            asyncio.get_running_loop().call_soon(sending.cancel)
            with pytest.raises(asyncio.CancelledError):
                await sending
            await server.until(lambda: server.open == 0)


@pytest.mark.asyncio
async def test_fork_while_a_request_waits() -> None:
    """A connection that was inherited by a fork is not written to, nor is there another."""
    going_on = Event()

    def waits(peer: Peer) -> None:
        peer.reads()
        going_on.wait(50)
        peer.sends(http(200, b"first"))

    engine = AsyncioEngine(max_connections=1)
    with Hostile(waits) as server:
        busy, waiting = [asyncio.create_task(send(engine, server.url)) for _ in range(2)]
        await server.until(lambda: len(server.requests) == 1)
        _count_fork()
        going_on.set()

        assert b"first" == (await busy).body
        with pytest.raises(ConnectError):
            await waiting
        assert (1, 1) == (server.connections, len(server.requests))


# ------------------------------------------------------------------------------- TLS


def server_context() -> ssl.SSLContext:
    """Make a context that speaks HTTP/2 by preference."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(LOOPBACK, "localhost").configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@asynccontextmanager
async def recording(names: list[str], protocols: list[str | None]) -> AsyncIterator[str]:
    """Serve over TLS, and record which name and protocol the handshake has brought."""
    context = server_context()
    context.sni_callback = lambda _, name, __: names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(http(200, b"first"))
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0, ssl=context)
    async with server:
        yield "https://localhost:{1}".format(*server.sockets[0].getsockname())


@asyncio_engine
async def test_name_and_protocol_in_tls(engine: Engine) -> None:
    """The handshake names the host, and asks for HTTP/1.1."""
    names: list[str] = []
    protocols: list[str | None] = []
    async with recording(names, protocols) as url:
        response = await send(engine, url)
        await engine.aclose()

    assert (b"first", ["localhost"], ["http/1.1"]) == (response.body, names, protocols)


@pytest.mark.asyncio
async def test_absolute_name_in_tls() -> None:
    """The dot of an absolute name is no part of what the certificate is for."""
    names: list[str] = []
    async with recording(names, []) as url, engine_from("asyncio") as engine:
        with resolving(url):
            response = await send(engine, url.replace("localhost", "localhost."))
        await engine.aclose()

    assert (b"first", ["localhost"]) == (response.body, names)


@asyncio_engine
async def test_certificate_for_another_name(engine: Engine) -> None:
    """A certificate that is trusted, but for another name, is not enough."""
    with Hostile(answers(200), ca=authority()) as server:
        with pytest.raises(ConnectError, match="its certificate is not trusted"):
            await send(engine, server.url.replace(LOOPBACK, "localhost"))

        assert [] == server.requests


# ------------------------------------------------------------------------------- connecting


@contextmanager
def resolving(*urls: str) -> Iterator[None]:
    """Let every name have the addresses of these URLs, all in different families but the last."""
    ports = [int(url.rpartition(":")[2]) for url in urls]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (LOOPBACK, port)) for port in ports]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        yield


async def connected(host: str = "api.example") -> int:
    """Connect to a name, and return which port has answered."""
    found = await open_socket(host, 80)
    port: int = found.getpeername()[1]
    found.close()
    return port


@pytest.mark.asyncio
async def test_first_address_that_answers() -> None:
    """Addresses that refuse or stay silent are passed over, and leave nothing open."""
    with Hostile(hangs) as server, Hostile(hangs) as other, refusing() as no, unaccepting() as mute:
        for urls in ([server.url], [no, server.url], [mute, server.url], [mute, no, server.url]):
            with resolving(*urls):
                assert server.port == await connected()
        with resolving(server.url, other.url):
            assert server.port == await connected()

        assert 0 == other.connections
        await server.until(lambda: server.open == 0)


@pytest.mark.asyncio
async def test_no_address_answers() -> None:
    """Where all refuse, the error is one of theirs; a name may also have no address."""
    with refusing() as one, refusing() as other:
        with resolving(one, other), pytest.raises(ConnectionRefusedError):
            await connected()
        with resolving(), pytest.raises(OSError, match="has no address"):
            await connected()


@pytest.mark.asyncio
@pytest.mark.parametrize("addresses", [1, 2, 3])
async def test_cancelled_connecting_leaves_nothing(addresses: int) -> None:
    """Whoever is being connected to when time runs out, no socket and no task is left."""
    with unaccepting() as mute, resolving(*[mute] * addresses), pytest.raises(TimeoutError):
        await asyncio.wait_for(connected(), 0.05)

    assert {asyncio.current_task()} == asyncio.all_tasks()


@pytest.mark.asyncio
async def test_waiting_for_the_last_address() -> None:
    """Once all addresses were tried, those that are silent have all the time that there is."""
    with (
        unaccepting() as mute,
        refusing() as no,
        resolving(mute, no),
        pytest.raises(TimeoutError),
    ):
        await asyncio.wait_for(connected(), 0.5)


@pytest.mark.asyncio
async def test_two_addresses_that_answer_at_once() -> None:
    """One connection is used, and the other one closed."""
    loop = asyncio.get_running_loop()
    connect, both = loop.sock_connect, asyncio.Barrier(2)

    async def together(sock: socket.socket, address: Any) -> None:  # noqa: ANN401
        await connect(sock, address)
        await both.wait()

    loop.sock_connect = together  # type: ignore[method-assign]
    with Hostile(hangs) as one, Hostile(hangs) as other, resolving(one.url, other.url):
        assert await connected() in {one.port, other.port}
        await one.until(lambda: (one.connections, one.open) == (1, 0))
        await other.until(lambda: (other.connections, other.open) == (1, 0))


@pytest.mark.asyncio
async def test_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an address of one family, one of the other is tried."""
    tried: list[tuple[int, Any]] = []
    six = [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (f"::{n}", 80, 0, 0)) for n in (1, 2)]
    four = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", 80)) for n in (1, 2, 3)]

    class Recording(socket.socket):
        def connect(self, address: Any) -> None:  # noqa: ANN401
            tried.append((self.family, address[0]))
            raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*six, *six, *four])
    monkeypatch.setattr(socket, "socket", Recording)
    with pytest.raises(ConnectionRefusedError):
        await open_socket("api.example", 80)

    assert ["::1", "127.0.0.1", "::2", "127.0.0.2", "127.0.0.3"] == [where for _, where in tried]


@asyncio_engine
async def test_address_of_the_sixth_version(engine: Engine) -> None:
    """An address in brackets is connected to without them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"}")
        writer.write(http(200, head.split(b"\r\n")[1]))
        writer.close()

    try:
        server = await asyncio.start_server(serve, "::1", 0)
    except OSError:
        pytest.skip("there is no IPv6 here")
    async with server:
        port = server.sockets[0].getsockname()[1]
        response = await send(engine, f"http://[::1]:{port}/")
        await engine.aclose()

    assert f"Host: [::1]:{port}".encode() == response.body


@pytest.mark.asyncio
async def test_server_that_speaks_first() -> None:
    """Nothing is sent to a server that speaks before it is asked."""

    class Greeting(Hostile):
        def _opened(self, plain: socket.socket) -> socket.socket:
            plain.sendall(http(200, b"welcome"))
            return super()._opened(plain)

    with Greeting(hangs) as server:
        async with engine_from("asyncio") as engine:
            loop = asyncio.get_running_loop()
            connect = loop.sock_connect

            async def slowly(sock: socket.socket, address: Any) -> None:  # noqa: ANN401
                await connect(sock, address)
                await server.until(lambda: server.connections == 1)

            loop.sock_connect = slowly  # type: ignore[method-assign]
            with pytest.raises(ConnectError):
                await send(engine, server.url)

        assert [] == server.requests


# ------------------------------------------------------------------------------- event loops


def test_trio_is_refused() -> None:
    """The engine needs asyncio; elsewhere that is said, and nothing is sent."""

    async def main() -> None:
        engine, _ = choose("asyncio")
        with pytest.raises(ConfigurationError, match="needs asyncio"):
            await send(engine, "http://127.0.0.1:9")
        await engine.aclose()

    trio.run(main)


@asyncio_engine
async def test_idle_connections_are_closed(engine: Engine) -> None:
    """What a server closes, or says, on an idle connection closes it without a request."""
    idle = Event()

    def speaks(peer: Peer) -> None:
        peer.reads()
        peer.sends(http(200, b"first"))
        idle.wait(50)
        peer.sends(b"x")
        peer.hangs()

    with Hostile(speaks) as server:
        await send(engine, server.url)
        idle.set()

        await server.until(lambda: server.open == 0)


@pytest.mark.asyncio
async def test_limits_are_those_of_the_caller() -> None:
    """No more connections are opened than the caller allows."""
    engine = AsyncioEngine(max_connections=2)
    with Hostile(answers(200)) as server:
        await asyncio.gather(*[send(engine, server.url) for _ in range(20)])
        await engine.aclose()

        assert (20, 2) == (len(server.requests), server.connections)
