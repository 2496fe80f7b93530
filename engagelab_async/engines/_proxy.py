"""The proxy that the environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from engagelab_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection


def environment_proxy(origin: str, schemes: Collection[str]) -> str | None:
    """Find the proxy for an origin: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``.

    Args:
        origin: Such as ``https://example.com:8443``.
        schemes: Which kinds of proxy the engine can use.

    Returns:
        The proxy's URL, or ``None`` for a direct connection.

    Raises:
        ConfigurationError: It is of another kind.
    """
    scheme, _, host = origin.partition("://")
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(url).scheme not in schemes:
        # The URL is not quoted: it may hold a password.
        msg = f"the proxy in the environment for {scheme} must be one of {', '.join(schemes)}"
        raise ConfigurationError(msg)
    return url
