"""How the server runs: a bound socket, and uvicorn serving it in a thread of its own.

::

    caller (asyncio, trio or none)          thread "engagelab-sandbox"
    ──────────────────────────────          ──────────────────────────
    bind and listen, the port is known
    start ───────────────────────────────→  uvicorn in an event loop of its own
    wait  ←──────────────────── ready ────  accepts
    ...                                     ...
    stop  ────────────── should_exit ────→  closes idle connections, ends running ones
    join  ←──────────────────────────────   closes the socket
"""

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeAlias

import uvicorn
from starlette.types import ASGIApp

# As long as nginx keeps them. uvicorn's 5 seconds are what httpx keeps its own idle connections,
# and with both the same, a request now and then meets a connection that is just being closed.
_KEEP_ALIVE: Final = 75
# A request that is not all there after this many seconds of stopping is ended.
_GRACE: Final = 1

Beside: TypeAlias = Callable[[uvicorn.Server], AbstractAsyncContextManager[None]]
"""What runs as long as the server does, in its event loop."""


def listen(host: str, port: int) -> socket.socket:
    """Take a port: connections queue up from here on, even before uvicorn accepts them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # uvicorn writes a head and a body one after the other, which Nagle's algorithm would hold back
    # 40 ms for. asyncio only turns it off on sockets whose protocol was named when they were made,
    # and that of a server socket was not; connections inherit the option, though.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class Uvicorn(uvicorn.Server):
    """A uvicorn that says when it is ready, and with which something else runs."""

    def __init__(self, app: ASGIApp, beside: Beside, on_ready: Callable[[], object]) -> None:
        config = uvicorn.Config(
            app,
            access_log=False,
            lifespan="off",
            log_config=None,  # logging belongs to the program that we run in
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=_KEEP_ALIVE,
            ws="none",
        )
        super().__init__(config)
        self._beside = beside
        self._on_ready = on_ready

    async def main_loop(self) -> None:
        """Serve, until it is told to stop."""
        async with self._beside(self):
            self._on_ready()
            await super().main_loop()


class Background:
    """One run of the server in a thread of its own, which begins at once."""

    def __init__(self, app: ASGIApp, beside: Beside, listener: socket.socket) -> None:
        self._listener = listener
        self._ready = threading.Event()
        self._server = Uvicorn(app, beside, self._ready.set)
        # A daemon: a program that forgets to stop its sandbox can still end.
        self._thread = threading.Thread(target=self._run, name="engagelab-sandbox", daemon=True)
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Wait until requests are answered."""
        self._ready.wait()

    def stop(self) -> None:
        """End the server, and wait for that."""
        # uvicorn only shuts down in order once it has started.
        self._ready.wait()
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        # If uvicorn fails to start, callers are refused, and nothing waits for it any longer.
        try:
            with self._listener as listener:
                self._server.run(sockets=[listener])
        finally:
            self._ready.set()
