"""The OTP operations: who can be sent to."""

from collections.abc import Iterable

import pytest

from engagelab_async import SendCode, SendCustomMessage, SendOTP

PHONES = ["+6591234567", "+8618701235678"]


@pytest.mark.parametrize("to", ["+6591234567", "6591234567", "bob@example.com", "Zoë@exämple.com"])
def test_any_recipient_is_taken(to: str) -> None:
    """Phone numbers and addresses are the platform's to judge; they are sent as they are."""
    assert to == SendOTP(to, "t").to
    assert to == SendCode(to, "1", "t").to
    assert to == SendCustomMessage(to, "t").to


@pytest.mark.parametrize("code", ["039487", "0", "abc-DEF", " 1 "])
def test_codes_are_left_as_they_are(code: str) -> None:
    """A code keeps its zeros, its letters and its spaces."""
    assert code == SendCode("+6591234567", code, "t").code


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (PHONES[0], PHONES[0]),
        ([PHONES[0]], (PHONES[0],)),
        (PHONES, tuple(PHONES)),
        (tuple(PHONES), tuple(PHONES)),
        (dict.fromkeys(PHONES).keys(), tuple(PHONES)),
        ((each for each in PHONES), tuple(PHONES)),
    ],
    ids=["str", "list of one", "list", "tuple", "keys", "generator"],
)
def test_custom_message_takes_one_or_many(
    to: str | Iterable[str], expected: str | tuple[str, ...]
) -> None:
    """One recipient stays one; of several, any iterable is read once."""
    assert expected == SendCustomMessage(to, "t").to
