"""The signature of a callback: the documented one, and what it refuses to sign."""

from typing import Any

import pytest

from engagelab_async.webhooks import sign

VALID: dict[str, Any] = {
    "username": "shop",
    "secret": "my_secret",
    "timestamp": 1701234567,
    "nonce": "abc123",
}


def test_the_documented_signature() -> None:
    """The header is the one that the platform would send."""
    header = sign("shop", "my_secret", timestamp=1701234567, nonce="abc123")

    assert (
        "timestamp=1701234567;nonce=abc123;username=shop;"
        "signature=26b90d8f2ac14b638fb2da51c09514e174d2e1a69f32f615617952d16ca33ff8"
    ) == header


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("username", "", ValueError),
        ("username", "a;b", ValueError),
        ("username", "a b", ValueError),
        ("username", "a\r\nSet-Cookie: b", ValueError),
        ("username", b"shop", TypeError),
        ("secret", "", ValueError),
        ("secret", None, TypeError),
        ("nonce", "", ValueError),
        ("nonce", "a;b", ValueError),
        ("nonce", 7, TypeError),
        ("timestamp", True, TypeError),
        ("timestamp", 1701234567.0, TypeError),
        ("timestamp", 170123456, ValueError),
        ("timestamp", 1701234567000, ValueError),
        ("timestamp", -1701234567, ValueError),
    ],
)
def test_refuses_what_no_header_holds(name: str, value: object, error: type[Exception]) -> None:
    """An argument that can never be right is named."""
    with pytest.raises(error, match=f"^{name}: "):
        sign(**{**VALID, name: value})
