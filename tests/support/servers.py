"""Real servers on loopback, in this event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    """A server that says when it is ready, and leaves signals alone."""

    def __init__(self, app: Any) -> None:  # noqa: ANN401 - any ASGI app
        super().__init__(uvicorn.Config(app, lifespan="on", log_config=None, ws="none"))
        self.ready = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until it is told to end."""
        self.ready.set()
        await super().main_loop()


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[tuple[str, int]]:  # noqa: ANN401 - any ASGI app
    """Serve an ASGI app, its lifespan included; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(app, listener):
            yield listener.getsockname()


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:  # noqa: ANN401
    """Serve an ASGI app on a socket, its lifespan included."""
    server = _Server(app)
    task = asyncio.create_task(server._serve([listener]))  # noqa: SLF001 - without signals
    await server.ready.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await task


async def exchanged(address: tuple[str, int], *pieces: bytes) -> bytes:
    """Send bytes as they are, and return the head of the answer."""
    reader, writer = await asyncio.open_connection(*address)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return answer
