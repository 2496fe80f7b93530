"""A server on loopback that delivers, counts, and fails on demand.

Unlike one that only answers, it tells apart what it was asked, what it did, and what it said: a
request may be delivered and its answer lost. It runs on a thread of its own::

    with Counting(faults) as server:
        ...                             # send to server.url
    server.delivered["+6591234567"]     # how many messages this person has on the phone
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

ACCEPTED: Final = b'{"plan_id":"1972490061974913024","total_count":1,"accepted_count":1}'
FAULTS: Final = ("reset", "hang", "502", "429", "cut")
_SLOWEST: Final = 0.01

Faults = Callable[[], str | None]
"""Draws what goes wrong with the next request, if anything does."""


def now_and_then(share: float, seed: int) -> Faults:
    """Make faults of every kind, at random, for a share of all requests."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    return lambda: draw.choice(FAULTS) if draw.random() < share else None


def http(status: int, body: bytes = b"") -> bytes:
    """Write a response."""
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


class Counting:
    """The server.

    Attributes:
        asked: How many requests there were for each number.
        delivered: How many messages each number got.
        url: Where it is.
    """

    def __init__(
        self,
        faults: Faults = lambda: None,
        *,
        seed: int = 1,
        host: str = "127.0.0.1",
        slowest: float = _SLOWEST,
    ) -> None:
        self.slowest = slowest
        self._host = host
        self.asked: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()
        self.faults = faults
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.changed = threading.Condition()
        self.connections: set[asyncio.Transport | None] = set()
        self.all_lost = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        port = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        self.url = f"http://{self._host}:{port}"
        return self

    async def _serve(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self._host, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _shut(self) -> None:
        self._server.close()
        for transport in filter(None, self.connections):
            transport.abort()
        self.lose(None)
        await self.all_lost.wait()

    def lose(self, transport: asyncio.Transport | None) -> None:
        """Take note that a connection is no more."""
        self.connections.discard(transport)
        if not self.connections:
            self.all_lost.set()

    def wait_for_requests(self, count: int) -> None:
        """Wait until so many requests more have come."""
        with self.changed:
            goal = self.asked.total() + count
            self.changed.wait_for(lambda: self.asked.total() >= goal, timeout=10)

    def take(self, to: str) -> str | None:
        """Count a request, decide what goes wrong with it, and deliver it or not."""
        fault = self.faults()
        # A request that gets a bad answer, or none, may have been carried out all the same.
        carried_out = fault != "429" and (fault is None or self.random.random() < 0.5)
        with self.changed:
            self.asked[to] += 1
            self.delivered[to] += carried_out
            self.changed.notify_all()
        return fault


class _Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: Counting) -> None:
        self._server = server
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(transport)
        self._server.all_lost.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.lose(self._transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, mark, rest = self._buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        if head.startswith(b"GET"):
            # It has no account to ask about.
            self._buffer = rest
            self._transport.write(http(404, b'{"code": 4001, "message": "template not exist"}'))
            return
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        fault = self._server.take(json.loads(rest[:length])["to"][0])
        delay = self._server.random.random() * self._server.slowest
        asyncio.get_running_loop().call_later(delay, self._answer, fault)

    def _answer(self, fault: str | None) -> None:
        if self._transport.is_closing() or fault == "hang":
            return
        if fault == "reset":
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        elif fault == "cut":
            self._transport.write(http(200, ACCEPTED)[:-20])
            self._transport.close()
        elif fault is None:
            self._transport.write(http(200, ACCEPTED))
        else:
            self._transport.write(http(int(fault), b"<html>"))
