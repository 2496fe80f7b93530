"""The signature of a callback: how it is made, and how its header is read.

::

    X-CALLBACK-ID: timestamp=1701234567;nonce=abc123;username=shop;signature=26b9…
                             └───────── hmac_sha256(secret, 1701234567abc123shop) ─┘

It covers neither the body nor the URL: it says that somebody who knows the secret made a request at
that time, not which one.
"""

import hashlib
import hmac
import re
from typing import Final

SIGNATURE_HEADER: Final = "X-CALLBACK-ID"
"""The request header that holds the signature; HTTP does not care about its case.

.. versionadded:: 0.1.0
"""

# As long as it is until the year 2286. What is signed does not say where the timestamp ends and the
# nonce begins: with another length, digits could move from one to the other.
_TIMESTAMP: Final = re.compile(r"[0-9]{10}")
_UNFIT: Final = re.compile(r"[;\x00-\x20\x7f]")


def sign(username: str, secret: str, *, timestamp: int, nonce: str) -> str:
    """Make the signature of a callback, as the platform does.

    Args:
        username: The name that was set for the callback URL in the console.
        secret: The secret that belongs to it.
        timestamp: When the callback is sent, in Unix seconds.
        nonce: What tells two callbacks of the same second apart.

    Returns:
        The value of the header ``X-CALLBACK-ID``.

    Raises:
        TypeError: An argument is of another type.
        ValueError: The timestamp has not ten digits, another argument is empty, or the name or
            the nonce holds a semicolon, a space or a control character, which the header cannot
            carry.

    Example:
        >>> sign("shop", "my_secret", timestamp=1701234567, nonce="abc123")
        'timestamp=1701234567;nonce=abc123;username=shop;signature=26b90d8f2ac14b638fb2da51c09514e1...'

    .. versionadded:: 0.1.0
    """
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        raise TypeError(f"timestamp: expected an int, got {type(timestamp).__name__}")
    if not _TIMESTAMP.fullmatch(str(timestamp)):
        raise ValueError("timestamp: expected Unix seconds, which have ten digits")
    check_name("nonce", nonce)
    check_name("username", username)
    check_secret("secret", secret)
    signature = digest(secret, f"{timestamp}", nonce, username)
    return f"timestamp={timestamp};nonce={nonce};username={username};signature={signature}"


def digest(secret: str, timestamp: str, nonce: str, username: str) -> str:
    """Make the signature itself, in hexadecimal digits."""
    signed = f"{timestamp}{nonce}{username}"
    return hmac.new(_bytes(secret), _bytes(signed), hashlib.sha256).hexdigest()


def check_name(name: str, value: object) -> None:
    """Refuse what the header cannot carry."""
    check_secret(name, value)
    if _UNFIT.search(str(value)):
        raise ValueError(f"{name}: must not hold a semicolon, a space or a control character")


def check_secret(name: str, value: object) -> None:
    """Refuse what can be no secret."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a str, got {type(value).__name__}")
    if not value:
        raise ValueError(f"{name}: must not be empty")


def _bytes(text: str) -> bytes:
    # A header may hold anything; what cannot be encoded matches no signature.
    return text.encode("utf-8", "surrogatepass")
