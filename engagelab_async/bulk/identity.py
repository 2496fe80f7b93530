"""What makes an operation the same as one that was sent before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from engagelab_async import _wire
from engagelab_async.operations import Operation

Key = Callable[[Operation[Any]], str | bytes]
"""Makes the caller's own identity of an operation."""


def identity(operation: Operation[Any], key: Key | None, body: bytes | None = None) -> str:
    """Make the digest that a journal knows an operation by.

    Args:
        operation: The operation; its product, path and body are what counts.
        key: Makes the caller's own identity of it, which then counts instead.
        body: The operation's body, if it is at hand.

    Raises:
        TypeError: The caller's identity is no ``str`` or ``bytes``.
    """
    if key is None:
        endpoint = operation.endpoint
        where = f"{endpoint.product} {endpoint.method} {_wire.path(operation)}\0"
        content = json.loads((_wire.encode(operation) if body is None else body) or b"null")
        # In which order a program names the params of a template may change from run to run.
        return digest((where + json.dumps(content, sort_keys=True)).encode())
    own = key(operation)
    if not isinstance(own, str | bytes):
        raise TypeError(f"key: expected it to return a str or bytes, got {type(own).__name__}")
    return digest(own.encode() if isinstance(own, str) else own)


def identity_of_half(whole: str, half: int) -> str:
    """Make the digest of half an operation.

    Args:
        whole: The digest of the whole: the caller's key may not tell a half from it.
        half: 0 or 1.
    """
    return digest(f"{whole}/{half}".encode())


def digest(content: bytes) -> str:
    """Make the digest of some bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
