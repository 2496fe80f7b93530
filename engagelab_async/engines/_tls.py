"""The certificates that the engines trust."""

from __future__ import annotations

import ssl
from functools import lru_cache

import httpx

from engagelab_async.errors import ConfigurationError


@lru_cache
def tls_context() -> ssl.SSLContext:
    """Trust what httpx trusts: ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else certifi's list.

    Raises:
        ConfigurationError: There are no such certificates.
    """
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        msg = f"the environment's certificates cannot be used ({type(error).__name__})"
        raise ConfigurationError(msg) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
