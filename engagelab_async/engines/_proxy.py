"""The proxy that the environment names."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass


def environment_proxy(origin: str) -> str | None:
    """Find the proxy for an origin: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``, ``NO_PROXY``.

    Args:
        origin: Such as ``https://example.com:8443``.

    Returns:
        The proxy's URL, or ``None`` for a direct connection.
    """
    scheme, _, host = origin.partition("://")
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
