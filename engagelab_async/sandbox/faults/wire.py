"""The connections of the running server, for faults that ASGI has no words for.

uvicorn keeps its connections in a set. The one that a request came in on is found by the client's
address and port, which are in the scope too; so nothing is done for requests that are not struck.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any, Final

from starlette.types import Scope

_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class Wire:
    """What requests come in on.

    Attributes:
        connections: Returns those of the server that runs, each with ``client`` and ``transport``.
    """

    def __init__(self) -> None:
        self.connections: Callable[[], Iterable[Any]] = tuple

    def close(self, scope: Scope) -> None:
        """Close a request's connection in the regular way, once all that was sent has left."""
        self._transport(scope).close()

    def reset(self, scope: Scope) -> None:
        """Break a request's connection: the client sees ECONNRESET."""
        transport = self._transport(scope)
        # Without this, the end of the connection would look like a regular one.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()

    def _transport(self, scope: Scope) -> asyncio.Transport:
        scope["engagelab_broken"] = True  # for a recording, which sees no more of it
        found = [each for each in self.connections() if each.client == scope["client"]]
        if not found:
            # Where there is no connection to break, the caller of the app gets the error.
            raise ConnectionResetError("a fault broke the connection")
        transport: asyncio.Transport = found[0].transport
        return transport
