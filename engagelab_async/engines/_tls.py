"""The certificates that the engines trust."""

from __future__ import annotations

import errno
import os
import ssl
from functools import lru_cache

import httpx

from engagelab_async.errors import ConfigurationError


def tls_context() -> ssl.SSLContext:
    """Trust what httpx trusts: ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else certifi's list.

    Raises:
        ConfigurationError: There are no such certificates.
        OSError: There is no file descriptor left to read them with.
    """
    return _tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache
def _tls_context(*_: str | None) -> ssl.SSLContext:
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        if is_temporary(error):
            raise
        raise ConfigurationError(
            f"the environment's certificates cannot be used ({type(error).__name__})"
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context


def is_temporary(error: Exception) -> bool:
    """Return whether an error says that no file descriptor is left, which is no fault of set-up."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
