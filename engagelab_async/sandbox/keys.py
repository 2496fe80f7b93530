"""Key pairs: which the sandbox accepts, and what each may do."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from .operations import Effect
from .outbox import Product
from .refusals import RefusedError

KeyPair: TypeAlias = tuple[str, str]
"""A key and its secret."""

DEMO_CREDENTIALS: Final = ("sandbox_demo", "sandbox_secret")
"""Key and secret of the vendor's public OTP sandbox.

.. versionadded:: 0.1.0
"""

# The vendor's pages differ about the names, so a product that accepts one accepts the other.
_DEMO_PAIRS: Final = (DEMO_CREDENTIALS, ("engagelab_sandbox_demo", "engagelab_sandbox_secret"))


_PRODUCTS: Final[Mapping[str, Product]] = {"otp": "otp", "sms": "sms"}


def _check_only(_: object, __: object, only: object) -> None:
    if only not in (None, "send", "verify"):
        raise ValueError(f"only: must be 'send', 'verify' or None, got {only!r}")


def _networks(addresses: Iterable[str]) -> tuple[str, ...]:
    if isinstance(addresses, str):
        raise TypeError("addresses: expected several addresses, got a str")
    try:
        return tuple(str(ip_network(each)) for each in addresses)
    except ValueError as error:
        raise ValueError(f"addresses: {error}") from None


@frozen
class ApiKey:
    """A key pair with limits, which the console of the platform sets.

    Its ``repr`` does not show the secret.

    Attributes:
        key: The key.
        secret: Its secret.
        only: ``"send"`` for a key that may do nothing but send, ``"verify"`` for one that may do
            nothing but verify, and ``None`` for all. Anything else is answered 2004.
        expires_at: From when on it is answered 2002, in Unix seconds of the sandbox's clock; 0 for
            a key that has expired or was disabled. ``None`` is never.
        addresses: The IP addresses and networks, such as ``"10.0.0.0/8"``, that it may be used
            from; from anywhere else it is answered 2004. Empty is anywhere.

    Example:
        >>> ApiKey("key", "secret", only="send")
        ApiKey(key='key', only='send', expires_at=None, addresses=())

    .. versionadded:: 0.1.0
    """

    key: str
    secret: str = field(repr=False)
    only: Literal["send", "verify"] | None = field(
        default=None, kw_only=True, validator=_check_only
    )
    expires_at: float | None = field(default=None, kw_only=True)
    addresses: tuple[str, ...] = field(default=(), kw_only=True, converter=_networks)

    def check(self, effect: Effect, host: str | None, now: float) -> None:
        """Return the credentials of a request, or refuse it: with 2001, or as `ApiKey` says."""
        if self.expires_at is not None and now >= self.expires_at:
            raise RefusedError(2002)
        if self.only not in (None, effect) or (self.addresses and not self._may_come_from(host)):
            raise RefusedError(2004)

    def _may_come_from(self, host: str | None) -> bool:
        try:
            address = ip_address(host or "")
        except ValueError:  # a socket without an address, or a name made up by a test
            return False
        return any(address in ip_network(each) for each in self.addresses)


Credentials: TypeAlias = Mapping[Product, "KeyPair | ApiKey | Iterable[ApiKey]"]
"""The key pairs that each product accepts."""


def read_keys(file: Path) -> Credentials:
    """Read the keys of each product from a JSON file.

    It holds an object such as ``{"otp": [{"key": "…", "secret": "…", "only": "send"}]}``, with the
    attributes of `ApiKey`; otherwise there is a ``ValueError``.
    """
    try:
        found = json.loads(file.read_bytes())
        return {
            _PRODUCTS[product]: [ApiKey(**each) for each in keys] for product, keys in found.items()
        }
    except (AttributeError, KeyError, TypeError):
        raise ValueError(f"{file}: expected lists of keys by product") from None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None


class KeyRing:
    """The key pairs that a sandbox accepts; all, if it is given no credentials."""

    def __init__(self, credentials: Credentials | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys = (
            None
            if credentials is None
            else {product: _keys(given) for product, given in credentials.items()}
        )

    def check(
        self, product: Product, authorization: str, effect: Effect, host: str | None
    ) -> KeyPair:
        """Return the credentials of a request, or refuse it: with 2001, or as `ApiKey` says."""
        pair = _key_pair(authorization)
        if pair is None:
            raise RefusedError(2001)
        if self._keys is not None:
            keys = self._keys.get(product, {})
            names = (pair, *(_DEMO_PAIRS if pair in _DEMO_PAIRS else ()))
            found = next((keys[name] for name in names if name in keys), None)
            if found is None:
                raise RefusedError(2001)
            found.check(effect, host, self._clock())
        return pair


def _keys(given: "KeyPair | ApiKey | Iterable[ApiKey]") -> dict[KeyPair, ApiKey]:
    match given:
        case (str(key), str(secret)):
            keys: Iterable[ApiKey] = [ApiKey(key, secret)]
        case ApiKey():
            keys = [given]
        case _:
            keys = given
    return {(each.key, each.secret): each for each in keys}


def _key_pair(authorization: str) -> KeyPair | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # not base64, or not UTF-8
        return None
    return (key, secret) if key and secret else None
