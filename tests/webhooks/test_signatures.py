"""The signature of a callback: the documented one, and what it refuses to sign."""

from typing import Any

import pytest

from engagelab_async import SignatureError
from engagelab_async.webhooks import sign
from engagelab_async.webhooks.signatures import Signature, read

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


HEX = "0" * 64


@pytest.mark.parametrize(
    "header",
    [
        f"timestamp=1701234567;nonce=a;username=shop;signature={HEX}",
        f"signature={HEX};username=shop;nonce=a;timestamp=1701234567",
        f" timestamp = 1701234567 ;\tnonce=a; username=shop; signature={HEX} ",
    ],
)
def test_order_and_spaces_do_not_matter(header: str) -> None:
    """The four parts are found by their names."""
    assert Signature("1701234567", "a", "shop", HEX) == read(header)


@pytest.mark.parametrize(
    "header",
    [
        f"timestamp=1701234567;nonce=a;username=shop;signature={HEX};",
        f"timestamp=1701234567;nonce=a;username=shop;signature={HEX}; ;;",
        f";timestamp=1701234567;nonce=a;username=shop;signature={HEX}",
        f"timestamp=1701234567;nonce=a;username=shop;signature={HEX};extra=1",
        f"version=2;timestamp=1701234567;v;nonce=a;username=shop;version=3;signature={HEX}",
    ],
)
def test_further_parts_are_ignored(header: str) -> None:
    """The platform may add some, and some programs end the header with a semicolon."""
    assert Signature("1701234567", "a", "shop", HEX) == read(header)


def test_a_part_may_hold_an_equals_sign() -> None:
    """A part ends where the next one begins."""
    header = f"timestamp=1701234567;nonce=YQ==;username=shop;signature={HEX}"

    assert "YQ==" == read(header).nonce


@pytest.mark.parametrize(
    "header",
    [
        "",
        ";",
        "timestamp",
        f"nonce=a;username=shop;signature={HEX}",
        f"timestamp=1701234567;nonce=a;nonce=a;username=shop;signature={HEX}",
        f"timestamp=1701234567;nonce=a;username=shop;signature={HEX};signature={HEX};",
        f"timestamp=1701234567;username=shop;signature={HEX};Nonce=a",
        f"timestamp=1701234567;nonce=;username=shop;signature={HEX}",
        f"timestamp=1701234567000;nonce=a;username=shop;signature={HEX}",
        f"timestamp=170123456;nonce=7a;username=shop;signature={HEX}",
        f"timestamp=-170123456;nonce=a;username=shop;signature={HEX}",
        f"timestamp=1701234567.0;nonce=a;username=shop;signature={HEX}",
        f"timestamp=\u0661\u0667\u0660123456;nonce=a;username=shop;signature={HEX}",
        f"timestamp=1701234567;nonce={'a' * 1000};username=shop;signature={HEX}",
    ],
)
def test_any_other_header_is_malformed(header: str) -> None:
    """What does not have the four parts, each once, is refused."""
    with pytest.raises(SignatureError) as raised:
        read(header)

    assert "malformed" == raised.value.reason
