"""The proxy that the environment names."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from engagelab_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
"""All kinds of proxies that an engine can use."""


def environment_proxy(origin: str, schemes: Collection[str]) -> str | None:
    """Find the proxy for an origin: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``.

    Returns:
        The proxy's URL, or ``None`` for a direct connection.

    Raises:
        ConfigurationError: It is none of the schemes, or no URL.
    """
    scheme, _, host = origin.partition("://")
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    if not _is_usable(url, schemes):
        # The URL is not quoted: it may hold a password.
        raise ConfigurationError(
            f"the proxy in the environment for {scheme} must be the URL of a host, "
            f"and one of {', '.join(schemes)}"
        )
    return url


def _is_usable(url: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        # An address where it looks like one, else a name that can be looked up.
        if host.replace(".", "").isdigit():
            ip_address(host)
        elif ":" not in host:
            host.encode("idna").decode("idna")
    except ValueError:
        return False
    # urlsplit drops some control characters.
    return (
        parts.scheme in schemes
        and url.isprintable()
        and _HOST.fullmatch(host) is not None
        and port != 0
    )


_HOST: Final = re.compile(r"[\w.:-]+(%\w+)?")
"""A name, or an address, with the zone of an IPv6 address; urlsplit takes anything."""
