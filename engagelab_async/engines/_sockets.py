"""Sockets: connecting to the first address that answers, and looking whether data has arrived."""

from __future__ import annotations

import asyncio
import select
import socket
from functools import partial
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ATTEMPT_DELAY: Final = 0.25
"""Seconds until the next address is tried beside those before it, as RFC 8305 recommends."""

_Address = tuple[int, Any]
"""A family, and the address in its form."""


def readable(transport: asyncio.BaseTransport | None) -> Callable[[], object]:
    """Make a function that returns whether data has arrived that the event loop has not seen yet.

    The event loop polls sockets once per iteration. A request on a connection that the server has
    closed would be lost, and it would be uncertain whether it was sent.
    """
    found = None if transport is None else transport.get_extra_info("socket")
    if found is None:
        return bool  # called with nothing, it says no
    if not hasattr(select, "poll"):  # pragma: no cover - on Windows
        return lambda: select.select([found], [], [], 0)[0]
    poll = select.poll()
    poll.register(found, select.POLLIN)
    return partial(poll.poll, 0)


async def open_socket(host: str, port: int) -> socket.socket:
    """Connect to a host by the first of its addresses that answers ("Happy Eyeballs").

    asyncio can do this by itself, uvloop cannot.
    """
    try:
        # Without the thread that asks for names: forking is safer then.
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = _alternating((family, address) for family, _, _, _, address in found)
    if len(addresses) == 1:
        return await _connect(addresses[0])
    return await _first(addresses)


def _alternating(addresses: Iterable[_Address]) -> list[_Address]:
    """Put the families in turns, beginning with the one that the system prefers."""
    families: dict[int, list[_Address]] = {}
    for each in dict.fromkeys(addresses):
        families.setdefault(each[0], []).append(each)
    return [each for each in chain(*zip_longest(*families.values())) if each is not None]


async def _first(addresses: list[_Address]) -> socket.socket:
    waiting = addresses[::-1]
    attempts: set[asyncio.Task[socket.socket]] = set()
    failure: BaseException = OSError("the name has no address")
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_connect(waiting.pop())))
            done, _ = await asyncio.wait(
                attempts,
                timeout=_ATTEMPT_DELAY if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                attempts.remove(attempt)
                if (error := attempt.exception()) is None:
                    return attempt.result()
                failure = error
        raise failure
    finally:
        await _end(attempts)


async def _end(attempts: set[asyncio.Task[socket.socket]]) -> None:
    for attempt in attempts:
        attempt.cancel()
    if attempts:
        await asyncio.wait(attempts)
    for attempt in attempts:
        # One may have succeeded meanwhile.
        if not attempt.cancelled() and attempt.exception() is None:
            attempt.result().close()


async def _connect(address: _Address) -> socket.socket:
    family, where = address
    connected = socket.socket(family, socket.SOCK_STREAM)
    try:
        connected.setblocking(False)  # noqa: FBT003 - the standard library's
        await asyncio.get_running_loop().sock_connect(connected, where)
    except BaseException:
        connected.close()
        raise
    return connected
