"""What makes an operation the same as one that was sent before."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Self, TypeVar

from attrs import frozen

from engagelab_async import wire
from engagelab_async.operation import Operation

REFERENCE: Final = "engagelab_async"
"""The key in an SMS's ``custom_args``, and in its callbacks, of a `Reference`."""

_REFERENCE: Final = re.compile(r"([0-9a-f]{32})/([0-9]{1,9})/([0-9a-f]{16})")

_BYTES: Final = 16

OperationT = TypeVar("OperationT", bound=Operation[Any])
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
        hashed = _hashed(endpoint.product, endpoint.method, wire.path(operation)).copy()
        content = wire.encode(operation) if body is None else body
        hashed.update(content if _is_in_order(operation) else _in_order(content))
        return hashed.hexdigest()
    own = key(operation)
    if not isinstance(own, str | bytes):
        raise TypeError(f"key: expected it to return a str or bytes, got {type(own).__name__}")
    # Half a surrogate pair, as of a file's name, is as good a key as any other text.
    return digest(own.encode(errors="surrogatepass") if isinstance(own, str) else own)


@lru_cache(maxsize=64)
def _hashed(product: str, method: str, path: str) -> hashlib.blake2b:
    """Hash where an operation goes: to copy that takes half of what it takes to hash it anew."""
    return hashlib.blake2b(f"{product} {method} {path}\0".encode(), digest_size=_BYTES)


def _is_in_order(operation: Operation[Any]) -> bool:
    """Return whether the body has no order that the caller has chosen."""
    params = getattr(getattr(operation, "template", None), "params", ())
    given = getattr(operation, "custom_args", None)
    return given is None and (len(params) < 2 or sorted(params) == list(params))  # noqa: PLR2004


def _in_order(body: bytes) -> bytes:
    # In which order a program names the params of a template may change from run to run.
    content = {name: _sorted(value) for name, value in json.loads(body).items()}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def identity_of_half(whole: str, half: int) -> str:
    """Make the digest of half an operation: of the whole's, as a caller's key may be the same."""
    return digest(f"{whole}/{half}".encode())


def with_targets(operation: OperationT, to: tuple[str, ...]) -> OperationT:
    """Copy an operation for some of its recipients.

    Nothing is checked again: when a request is divided, the time that it is scheduled for may be
    nearer than a new one could be.
    """
    part = copy.copy(operation)
    object.__setattr__(part, "to", to)
    return part


@frozen
class Reference:
    """Identifies the operation and the run that a message belongs to.

    Attributes:
        digest: The operation's identity.
        targets: How many recipients it has; 0 if the message may not be the only one of them, so
            that its failure proves nothing of the others.
        token: The run that sent it.
    """

    digest: str
    targets: int
    token: str

    def __str__(self) -> str:
        return f"{self.digest}/{self.targets}/{self.token}"

    @classmethod
    def read(cls, value: object) -> Self | None:
        """Read what was written; ``None`` if it is something else."""
        found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        return None if found is None else cls(found[1], int(found[2]), found[3])


def digest(content: bytes) -> str:
    """Make the digest of some bytes."""
    return hashlib.blake2b(content, digest_size=_BYTES).hexdigest()
