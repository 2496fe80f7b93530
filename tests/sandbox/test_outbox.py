"""What was sent, as tests look at it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from engagelab_async.sandbox import SentMessage
from engagelab_async.sandbox.outbox import Outbox


def message(
    recipient: str = "+6591234567",
    text: str = "Your code is 039487",
    params: Mapping[str, str] | None = None,
) -> SentMessage:
    """Make a message."""
    return SentMessage(
        message_id="1725407449772531712",
        product="otp",
        channel="sms",
        recipient=recipient,
        template_id="login",
        text=text,
        code="039487",
        params=params or {"name": "Bob"},
        sent_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_repr_hides_what_is_personal() -> None:
    """Of recipient, text, code and params, only two characters of the recipient show."""
    shown = repr(message())

    assert "recipient='…67'" in shown
    assert all(secret not in shown for secret in ["659123", "039487", "Your", "Bob"])


def test_message_cannot_be_changed() -> None:
    """Params are a read-only copy."""
    params = {"name": "Bob"}
    sent = message(params=params)
    params["name"] = "Eve"

    assert {"name": "Bob"} == sent.params
    with pytest.raises(TypeError):
        sent.params["name"] = "Eve"  # type: ignore[index]


def test_equal_messages_hash_alike() -> None:
    """Messages can be kept in a set."""
    assert 1 == len({message(), message()})


def test_last_message_is_the_newest() -> None:
    """Without a recipient the newest of all counts, with one the newest to that recipient."""
    outbox = Outbox()
    first, second = message("+6591234567", "one"), message("+6591234567", "two")
    other = message("Bob@example.com", "three")
    outbox.add([first, second, other])

    assert other == outbox.last(None)
    assert second == outbox.last("6591234567")
    assert other == outbox.last("bob@EXAMPLE.com")


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (None, "^the sandbox has sent nothing$"),
        ("+6591234568", "^the sandbox has sent nothing to this recipient$"),
    ],
)
def test_no_last_message(to: str | None, words: str) -> None:
    """Asking for a message that was never sent raises, without naming the recipient."""
    outbox = Outbox()
    if to:
        outbox.add([message()])

    with pytest.raises(LookupError, match=words):
        outbox.last(to)
