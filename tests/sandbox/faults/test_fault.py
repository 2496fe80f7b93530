"""What a fault is, and which calls it may strike."""

from typing import Any

import pytest

from engagelab_async.sandbox import Fault

OTP = "/otp/v1/messages"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "earthquake"}, r"^kind: must be one of latency hang "),
        ({}, r"^kind: "),
        ({"kind": ["hang"]}, r"^kind: "),
        ({"kind": "hang", "to": ""}, r"^to: must not be empty"),
        ({"kind": "hang", "path": ""}, r"^path: must not be empty"),
        ({"kind": "hang", "probability": 1.5}, r"^probability: must be from 0 to 1, got 1.5"),
        ({"kind": "hang", "probability": float("nan")}, r"^probability: "),
        ({"kind": "hang", "times": 0}, r"^times: must be at least 1, got 0"),
        ({"kind": "latency", "seconds": -1}, r"^seconds: must be from 0 to 3600, got -1"),
        ({"kind": "http", "status": 302}, r"^status: must be at least 400 and at most 599"),
        ({"kind": "http", "retry_after": -1}, r"^retry_after: "),
        ({"kind": "error"}, r"^code: an error needs a documented one"),
        ({"kind": "error", "code": 4242}, r"^code: an error needs a documented one"),
        ({"kind": "error_in_200"}, r"^code: an error in an HTTP 200 needs one"),
        ({"kind": "error_in_200", "code": 0}, r"^code: must be at least 1"),
        ({"kind": "partial", "share": 2}, r"^share: "),
        ({"kind": "hang", "seed": -1}, r"^seed: "),
        ({"kind": "error", "code": 1000, "after": True}, r"^after: error "),
        ({"kind": "error_in_200", "code": 1, "after": True}, r"^after: "),
        ({"kind": "partial", "after": True}, r"^after: "),
        ({"kind": "slow", "after": True}, r"^after: "),
        ({"kind": "http", "status": 429, "after": True}, r"^after: "),
        ({"kind": "hang", "colour": "red"}, r"^colour: a fault has no such field"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], words: str) -> None:
    """The error names the field."""
    with pytest.raises(ValueError, match=words):
        Fault.from_json(settings)


@pytest.mark.parametrize(
    "settings",
    [{"to": 65}, {"probability": "1"}, {"probability": True}, {"times": 1.5}, {"after": 1}],
)
def test_what_is_of_another_type_is_refused(settings: dict[str, Any]) -> None:
    """The error names the field."""
    with pytest.raises(TypeError, match=rf"^{next(iter(settings))}: expected "):
        Fault("hang", **settings)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("hang"),
        Fault("http", status=429, retry_after=0, times=3, to="+65*", seed=7),
        Fault("http", status=500, after=True),
        Fault("error", code=5016, probability=0.5, path="/otp/*"),
    ],
)
def test_json_comes_back_as_the_same(fault: Fault) -> None:
    """A fault can be written as JSON, and made of it."""
    assert fault == Fault.from_json(fault.as_json())
    assert None not in fault.as_json().values()


@pytest.mark.parametrize(
    ("to", "recipients", "matches"),
    [
        ("*", [], True),
        ("*", ["+6591234567"], True),
        ("+65*", [], False),
        ("+65*", ["+6591234567"], True),
        ("+65*", ["6591234567"], True),
        ("65*", ["6591234567"], True),
        ("+65*", ["+9291234567", "+6591234567"], True),
        ("+65*", ["+9291234567"], False),
        ("*@example.com", ["Bob@Example.com"], True),
        ("+659123456[0-4]", ["+6591234567"], False),
        ("nobody", ["nobody"], True),
    ],
)
def test_recipients_are_matched_by_a_pattern(to: str, recipients: list[str], matches: bool) -> None:
    """One of them is enough, in either spelling of a number."""
    assert matches == Fault("hang", to=to).matches(OTP, recipients)


@pytest.mark.parametrize(
    ("path", "matches"), [("*", True), ("/otp/*", True), (OTP, True), ("/sms/*", False)]
)
def test_paths_are_matched_by_a_pattern(path: str, matches: bool) -> None:
    """A fault may be for one product, or one call."""
    assert matches == Fault("hang", path=path).matches(OTP, ["+6591234567"])


@pytest.mark.parametrize(
    ("path", "to", "matches"),
    [
        ("/sms/v1/messages", ["+6591234567"], True),
        ("/sms/v1/messages", [], False),
        ("/sms/v1/template-configs", ["+6591234567"], False),
        (OTP, ["+6591234567"], False),
    ],
)
def test_only_plans_leave_recipients_out(path: str, to: list[str], matches: bool) -> None:
    """A call that has no targets is none that a share of them can be left out of."""
    assert matches == Fault("partial").matches(path, to)


def test_recipients_do_not_show() -> None:
    """A pattern may be a phone number."""
    assert "659123" not in repr(Fault("hang", to="+6591234567"))
