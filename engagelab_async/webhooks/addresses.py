"""The source address of a request, and whether it is allowed.

::

    client ──> proxy A ──> proxy B ──> this program
                                       the connection comes from B
                                       X-Forwarded-For: whatever the client says, client, A

Each proxy adds to the right who it was called by. So the list is read from the right, as long as
those who wrote it are trusted; what stands left of that may be invented.

A proxy on the same machine may call by a Unix socket, which has no address: it is trusted by the
word `UNIX`.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

CALLBACK_ADDRESSES: Final = ("119.8.170.74", "114.119.180.30")
"""The source addresses of callbacks that the vendor documents.

.. versionadded:: 0.1.0
"""

UNIX: Final = "unix"
"""Among trusted proxies: the one that connects by a Unix socket."""

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

# Some proxies note the port as well.
_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]*)\](?::[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+")


def networks(name: str, values: Iterable[str]) -> Networks:
    """Read the addresses and networks that a program has configured as an argument."""
    if isinstance(values, str):
        raise TypeError(f"{name}: expected several addresses, got one str")
    return tuple(_network(f"{name}[{place}]", value) for place, value in enumerate(values))


def _network(name: str, value: object) -> IPv4Network | IPv6Network:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, got {type(value).__name__}")
    try:
        return ip_network(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def source(
    peer: str | None, forwarded: str, trusted: Networks, *, trusts_unix: bool = False
) -> Address | None:
    """Return the source address of a request, or ``None`` if it cannot be known.

    Args:
        peer: The other end of the connection; a Unix socket has none, or a path.
        forwarded: The header ``X-Forwarded-For``.
        trusted: The proxies whose header is trusted.
        trusts_unix: Whether a proxy that connects over a Unix socket is trusted.
    """
    hops = forwarded.split(",") if forwarded else []
    # uvicorn has no peer then, aiohttp an empty name, and others have the path of the socket.
    is_unix = not peer or peer.startswith(("/", "@", "\0", "unix:"))
    address = _address(peer or "")
    while hops and ((trusts_unix and is_unix) or (address is not None and is_in(address, trusted))):
        hop = hops.pop().strip()
        is_unix = hop.startswith("unix:")  # as nginx writes it
        address = _address(hop)
    return address


def _address(text: str) -> Address | None:
    match = _WITH_PORT.fullmatch(text.strip())
    bare = (match["v6"] or match["v4"]) if match else text.strip()
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    # As a server that listens on IPv6 sees callers that have no IPv6.
    return getattr(address, "ipv4_mapped", None) or address


def is_in(address: Address, places: Networks) -> bool:
    """Return whether an address is in one of the networks."""
    return any(address in place for place in places)
