"""The server for machines without nginx: ``python plain_server.py PORT TLS_PORT PEM``."""

from __future__ import annotations

import asyncio
import re
import ssl
import sys
from typing import Final

from server import ANSWER

_BLANK_LINE: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """Answers whatever is asked, as soon as it has arrived in full."""

    accepted = 0
    _transport: asyncio.Transport

    def __init__(self) -> None:
        """Begin with nothing received."""
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        Connection.accepted += 1

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete now."""
        self._received += data
        while end := self._end_of_request():
            about_status = self._received.startswith(b"GET /status ")
            del self._received[:end]
            self._transport.write(_response(_status() if about_status else ANSWER))

    def _end_of_request(self) -> int:
        """Return the length of the first request, or 0 while it is incomplete."""
        blank = self._received.find(_BLANK_LINE)
        if blank < 0:
            return 0
        length = _LENGTH.search(self._received, 0, blank)
        end = blank + len(_BLANK_LINE) + (int(length[1]) if length else 0)
        return end if len(self._received) >= end else 0


def _status() -> str:
    """Report as nginx's stub_status does."""
    return f"server accepts handled requests\n {Connection.accepted} {Connection.accepted} 0\n"


def _response(body: str) -> bytes:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


async def serve(port: int, tls_port: int, certificate: str) -> None:
    """Serve until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    create = asyncio.get_running_loop().create_server
    async with (
        await create(Connection, "127.0.0.1", port, backlog=2048) as plain,
        await create(Connection, "127.0.0.1", tls_port, backlog=2048, ssl=context) as secure,
    ):
        await asyncio.gather(plain.serve_forever(), secure.serve_forever())


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
