"""A server that misbehaves on purpose: on loopback, on threads of its own, by a script.

::

    with Hostile(hangs, answers(200, {"message_id": "1"})) as server:   # the last one repeats
        ...                                                             # send to server.url
        await server.until(lambda: server.open == 0)

    each request ──> the next behaviour of the script ──> and then the connection
                     says(bytes), answers(…),             stays, closes, resets, hangs
                     drips(…), floods(…), tunnels

It counts what really reached it (`Hostile.connections`, `Hostile.requests`) and which clients have
not left yet (`Hostile.open`). What needs no server but a bare socket is in `refusing` and
`unaccepting`.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import chain, repeat
from types import TracebackType
from typing import Final, Self, cast

import anyio.to_thread
import pytest
import trustme
from attrs import field, frozen

LOOPBACK: Final = "127.0.0.1"
_READ: Final = 65536
_PIECE: Final = b" " * 65536
_FOUR_GIGABYTES: Final = 4 * 1024**3


@frozen
class Received:
    """A complete request, as it came over the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def values(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Peer:
    """One connection, as a behaviour sees it."""

    def __init__(self, server: Hostile, sock: socket.socket) -> None:
        self.server = server
        self.over = False
        self._socket = sock
        self._buffer = b""

    def waits(self) -> bool:
        """Wait for the first byte of a request; false when the client left instead."""
        # Not for more than that byte: some behaviours leave the rest where it is.
        self._buffer = self._buffer or self._socket.recv(1)
        return bool(self._buffer)

    def reads(self) -> Received:
        """Read one request to its end, and count it."""
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        split = [line.partition(":") for line in lines if line]
        headers = tuple((name, value.strip()) for name, _, value in split)
        lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
        received = Received(method, target, headers, self._exactly(sum(lengths)))
        self.server.count(received)
        return received

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        return self._exactly(self._buffer.index(mark) + len(mark))

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _more(self) -> None:
        data = self._socket.recv(_READ)
        if not data:
            raise ConnectionResetError
        self._buffer += data

    def receives(self) -> bytes:
        """Take what has arrived, whatever it is."""
        if not self._buffer:
            self._more()
        taken, self._buffer = self._buffer, b""
        return taken

    def sends(self, data: bytes) -> None:
        """Send bytes, however long the client takes for them."""
        self._socket.sendall(data)
        self.server.sent += len(data)

    def relays(self, upstream: socket.socket) -> None:
        """Carry bytes both ways until a side ends."""
        other = {self._socket: upstream, upstream: self._socket}
        while True:
            for ready in select.select(list(other), [], [])[0]:
                data = ready.recv(_READ)
                if not data:
                    return
                other[ready].sendall(data)

    # What a connection does after, or instead of, an answer.

    def stays(self) -> None:
        """Keep the connection for the next request."""

    def closes(self) -> None:
        """Close the connection in the regular way."""
        self.over = True

    def resets(self) -> None:
        """Break the connection: the client sees ECONNRESET."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.over = True

    def half_closes(self) -> None:
        """Close this side of the connection, and wait for the client to leave."""
        self.finishes()
        self.hangs()

    def finishes(self) -> None:
        """Close this side of the connection."""
        self._socket.shutdown(socket.SHUT_WR)

    def ends_tls(self) -> None:
        """Say that no more follows over TLS, and keep the connection below it."""
        sock = cast("ssl.SSLSocket", self._socket)
        sock.setblocking(False)
        with suppress(ssl.SSLWantReadError):  # the client has not said the same
            sock.unwrap()
        sock.setblocking(True)

    def hangs(self) -> None:
        """Say no more, and wait for the client to leave."""
        self.server.on_stall()
        self.over = True
        while self._socket.recv(_READ):
            pass

    def ignores(self) -> None:
        """Neither say nor read any more."""
        self.server.on_stall()
        self.over = True
        self.server.closing.wait()


Behaviour = Callable[[Peer], object]
"""What the server does with one request."""


class Hostile:
    """The server.

    Args:
        *script: A behaviour for each request, in the order of their arrival; the last one serves
            all that follow.
        ca: Speak TLS, with a certificate of this authority.
        host: The address to listen on.

    Attributes:
        on_stall: Called, in a thread of the server, when a client begins to wait in vain.
    """

    def __init__(
        self, *script: Behaviour, ca: trustme.CA | None = None, host: str = LOOPBACK
    ) -> None:
        self._script = deque(script)
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, 0), backlog=512)
        self._tls = None if ca is None else _server_context(ca)
        self.closing = threading.Event()
        self.on_stall: Callable[[], object] = lambda: None
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if ca else 'http'}://{host}:{self.port}"
        self.connections = 0
        self.requests: list[Received] = []
        self.sent = 0
        self.carried_out = 0

    @property
    def open(self) -> int:
        """How many connections neither side has ended."""
        return len(self._sockets)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait, on any event loop, until a condition about the server holds."""
        await anyio.to_thread.run_sync(self._wait, condition)

    def _wait(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            came = self._changed.wait_for(condition, timeout=100)
        assert came, f"{self.connections=}, {self.open=}, {len(self.requests)=}"

    def count(self, received: Received) -> None:
        """Take note of a complete request."""
        with self._changed:
            self.requests.append(received)
            self._changed.notify_all()

    def stop_listening(self) -> None:
        """Refuse further connections."""
        # Closing alone would not wake the thread that accepts.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self.stop_listening()
        accepting, *serving = self._threads
        accepting.join()
        for sock in tuple(self._sockets):
            with suppress(OSError):
                # Past the TLS layer, whose state belongs to the thread that serves.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in serving:
            thread.join()

    def _start(self, task: Callable[[], None]) -> None:
        thread = threading.Thread(target=task, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._start(partial(self._serve, self._opened(sock)))

    def _opened(self, plain: socket.socket) -> socket.socket:
        sock = plain
        if self._tls is not None:
            sock = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self.connections += 1
            self._sockets.add(sock)
            self._changed.notify_all()
        return sock

    def _closed(self, sock: socket.socket) -> None:
        sock.close()
        with self._changed:
            self._sockets.remove(sock)
            self._changed.notify_all()

    def _serve(self, sock: socket.socket) -> None:
        peer = Peer(self, sock)
        # A client that goes away in the middle is what many tests are about.
        with ExitStack() as stack, suppress(OSError):
            stack.callback(self._closed, sock)
            if isinstance(sock, ssl.SSLSocket):
                sock.do_handshake()
            while not peer.over and peer.waits():
                self._behaviour()(peer)

    def _behaviour(self) -> Behaviour:
        with self._changed:
            return self._script.popleft() if len(self._script) > 1 else self._script[0]


# ------------------------------------------------------------------------------- behaviours


def http(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Write a regular response; `headers` may replace its ``Content-Length``."""
    fields = {"Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {fields[name]}" for name in fields)]
    return "\r\n".join([*lines, "\r\n"]).encode() + body


def says(data: bytes, then: Behaviour = Peer.stays) -> Behaviour:
    """Read the request, send these bytes, whatever they are, and go on as told."""

    def behaviour(peer: Peer) -> None:
        peer.reads()
        peer.sends(data)
        then(peer)

    return behaviour


def answers(
    status: int,
    document: object = None,
    headers: Mapping[str, str] | None = None,
    then: Behaviour = Peer.stays,
) -> Behaviour:
    """Answer in JSON; without a document, with an empty body."""
    body = b"" if document is None else json.dumps(document).encode()
    return says(http(status, body, headers), then)


def drips(data: bytes, interval: float) -> Behaviour:
    """Send these bytes one by one, then blanks for ever, with `interval` seconds in between."""

    def behaviour(peer: Peer) -> None:
        peer.reads()
        peer.sends(data[:1])
        peer.server.on_stall()
        for byte in chain(data[1:], repeat(ord(" "))):
            peer.server.closing.wait(interval)
            peer.sends(bytes([byte]))

    return behaviour


def floods(status: int = 200, *, chunked: bool = False) -> Behaviour:
    """Answer with 4 GB of blanks, as fast as the client takes them."""
    head = http(status, headers={"Content-Length": str(_FOUR_GIGABYTES)})
    if chunked:
        head = f"HTTP/1.1 {status} Whatever\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    piece = b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE) if chunked else _PIECE

    def behaviour(peer: Peer) -> None:
        peer.reads()
        peer.sends(head)
        for _ in range(_FOUR_GIGABYTES // len(_PIECE)):
            peer.sends(piece)

    return behaviour


def tunnels(peer: Peer) -> None:
    """Be a proxy: connect to where the ``CONNECT`` request says."""
    host, _, port = peer.reads().target.rpartition(":")
    with socket.create_connection((host, int(port))) as upstream:
        peer.sends(http(200))
        peer.relays(upstream)
    peer.closes()


def stops_reading(peer: Peer) -> None:
    """Read no further than into the body, and never answer."""
    arrived = b""
    while not arrived.partition(b"\r\n\r\n")[2]:
        arrived += peer.receives()
    peer.ignores()


hangs: Final = says(b"", Peer.hangs)
"""Take the whole request and never answer."""

resets: Final = says(b"", Peer.resets)
"""Take the whole request and break the connection."""

closes: Final = says(b"", Peer.closes)
"""Take the whole request and close the connection."""


def signals(number: signal.Signals) -> Behaviour:
    """Take the whole request, send this process a signal, and never answer."""

    def behaviour(peer: Peer) -> None:
        peer.reads()
        os.kill(os.getpid(), number)
        peer.hangs()

    return behaviour


interrupts: Final = signals(signal.SIGINT)
"""Take the whole request, press Ctrl-C, and never answer."""


# ------------------------------------------------------------------------------- bare sockets


@contextmanager
def refusing() -> Iterator[str]:
    """Hold a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        yield f"http://{LOOPBACK}:{sock.getsockname()[1]}"


@contextmanager
def unaccepting() -> Iterator[str]:
    """Listen, with a queue so full that no further connection comes about."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((LOOPBACK, 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"


# ------------------------------------------------------------------------------- TLS


@functools.cache
def authority() -> trustme.CA:
    """Make the one authority that clients trust inside `trusting`."""
    return trustme.CA()


@contextmanager
def trusting() -> Iterator[None]:
    """Make clients trust `authority` and nobody else.

    The other tests are quicker for it, too: reading the usual bundle takes longer than they do.
    """
    with authority().cert_pem.tempfile() as path, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", path)
        yield


def _server_context(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(LOOPBACK).configure_cert(context)
    return context
