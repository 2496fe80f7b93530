"""Credentials of a product, and what its requests have in common."""

from __future__ import annotations

import base64
from typing import Final

from attrs import Attribute, field, frozen

from engagelab_async.arguments import hidden
from engagelab_async.frames import clears_frames

from .errors import ConfigurationError

_SHORT_KEY: Final = 8


def _key_part(_: object, attribute: Attribute[str], value: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name}: expected a str, got {type(value).__name__}")
    if not value or not value.isprintable() or value != value.strip():
        raise ConfigurationError(
            f"{attribute.name}: must not be empty, nor hold control characters or outer spaces"
        )


def _without_colon(_: object, attribute: Attribute[str], value: str) -> None:
    if ":" in value:
        raise ConfigurationError(
            f"{attribute.name}: must not hold a colon, which ends it on the wire"
        )


def _masked(value: str) -> str:
    return f"'{value[:4]}…'" if len(value) > _SHORT_KEY else "'…'"


@clears_frames
@frozen
class Credentials:
    """A key pair of one product, made in that product's console.

    Args:
        key: The ``dev_key``.
        secret: The ``dev_secret``; a ``repr`` hides it.

    Raises:
        TypeError: An argument is not a ``str``.
        ConfigurationError: An argument is empty or cannot be sent.

    Example:
        >>> Credentials("jiguangdev", "dev_secret")
        Credentials(key='jigu…', secret=<hidden>)
    """

    key: str = field(validator=[_key_part, _without_colon], repr=_masked)
    secret: str = field(validator=_key_part, repr=hidden)

    def authorization(self) -> str:
        """Make the value of the ``Authorization`` header: HTTP Basic (RFC 7617), in UTF-8."""
        return "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()


@frozen(eq=False, repr=False)
class Account:
    """Base URL and request headers of one product.

    Attributes:
        base_url: Without a slash at its end.
        headers: Sent with every request.
        secrets: Parts of them that must not be shown, in every form that the API may quote.
    """

    base_url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False, default=())

    @classmethod
    def of(cls, credentials: Credentials, base_url: str, user_agent: str) -> Account:
        """Prepare what all requests of a product share."""
        authorization = credentials.authorization()
        headers = (
            ("Accept", "application/json"),
            # Answers have a few hundred bytes: compressing them costs more than it saves.
            ("Accept-Encoding", "identity"),
            ("Authorization", authorization),
            ("Content-Type", "application/json"),
            ("User-Agent", user_agent),
        )
        secrets = (credentials.key, credentials.secret, authorization.removeprefix("Basic "))
        # A shorter one is a placeholder, and an ordinary word.
        return cls(base_url, headers, tuple(s for s in secrets if len(s) > _SHORT_KEY))

    def headers_without_body(self) -> tuple[tuple[str, str], ...]:
        """Return the headers of a request that has no body."""
        return tuple(header for header in self.headers if header[0] != "Content-Type")
