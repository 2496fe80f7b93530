"""The signature of a callback: how it is made, and how its header is read.

::

    X-CALLBACK-ID: timestamp=1701234567;nonce=abc123;username=shop;signature=26b9…
                             └───────── hmac_sha256(secret, 1701234567abc123shop) ─┘

It covers neither the body nor the URL: it says that a sender who knows the secret made a request at
that time, not which one.
"""

import hashlib
import hmac
import re
from typing import Final

from attrs import frozen

from engagelab_async.arguments import check_integer, check_text
from engagelab_async.errors import SignatureError
from engagelab_async.frames import clears_frames

SIGNATURE_HEADER: Final = "X-CALLBACK-ID"
"""The request header that holds the signature; its case does not matter.

.. versionadded:: 0.1.0
"""

# As long as it is until the year 2286. What is signed does not say where the timestamp ends and the
# nonce begins: with another length, digits could move from one to the other.
_TIMESTAMP: Final = re.compile(r"[0-9]{10}")
_PARTS: Final = {"timestamp", "nonce", "username", "signature"}
_UNFIT: Final = re.compile(r"[;\x00-\x20\x7f]")
_MAX_LENGTH: Final = 1024


@clears_frames
def sign(username: str, secret: str, *, timestamp: int, nonce: str) -> str:
    """Make the signature of a callback, as the platform does.

    Args:
        username: The username of the callback URL in the console.
        secret: The secret that belongs to it.
        timestamp: When the callback is sent, in Unix seconds.
        nonce: What distinguishes two callbacks of the same second.

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
    if not _TIMESTAMP.fullmatch(str(check_integer(timestamp, "timestamp"))):
        raise ValueError("timestamp: expected Unix seconds, which have ten digits")
    check_name("nonce", nonce)
    check_name("username", username)
    check_text(secret, "secret")
    signature = digest(secret, f"{timestamp}", nonce, username)
    return f"timestamp={timestamp};nonce={nonce};username={username};signature={signature}"


@frozen
class Signature:
    """What the header says."""

    timestamp: str
    nonce: str
    username: str
    signature: str

    def proves(self, username: str, secret: str) -> bool:
        """Return, in constant time, whether this secret made it."""
        expected = digest(secret, self.timestamp, self.nonce, username)
        return hmac.compare_digest(as_bytes(expected), as_bytes(self.signature.lower()))


def read(header: str) -> Signature:
    """Read the header; raise `SignatureError` if it does not have these four parts, each once.

    Parts of other names are ignored, and so are empty ones, such as after a trailing semicolon.
    """
    if len(header) > _MAX_LENGTH:  # the nonce will be remembered
        raise _malformed()
    parts: dict[str, str] = {}
    for part in header.split(";"):
        # Only what HTTP knows as white space: a nonce may end in what Unicode does.
        name, value = (text.strip(" \t") for text in part.partition("=")[::2])
        if name in parts:  # which of the two is signed is not to be guessed
            raise _malformed()
        if name in _PARTS:
            parts[name] = value
    if parts.keys() != _PARTS:
        raise _malformed()
    signature = Signature(**parts)
    if not _TIMESTAMP.fullmatch(signature.timestamp) or not signature.nonce:
        raise _malformed()
    return signature


def _malformed() -> SignatureError:
    return SignatureError(f"{SIGNATURE_HEADER}: not as documented", reason="malformed")


def digest(secret: str, timestamp: str, nonce: str, username: str) -> str:
    """Compute the signature."""
    signed = f"{timestamp}{nonce}{username}"
    return hmac.new(as_bytes(secret), as_bytes(signed), hashlib.sha256).hexdigest()


def as_bytes(text: str) -> bytes:
    """Encode what may hold anything, as a header may; what is no UTF-8 matches no signature."""
    return text.encode("utf-8", "surrogatepass")


def check_name(name: str, value: str) -> None:
    """Refuse characters that the header cannot carry."""
    if _UNFIT.search(check_text(value, name)):
        raise ValueError(f"{name}: must not hold a semicolon, a space or a control character")
