"""What a fault is, and which calls it may strike."""

from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

import pytest
from attrs import fields_dict

from engagelab_async.sandbox import Fault
from engagelab_async.sandbox.faults.kinds import KINDS

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
        ({"kind": "hang", "lasts": 0}, r"^lasts: must be from 0.001 to 86400, got 0"),
        (
            {"kind": "latency", "distribution": "bimodal"},
            r"^distribution: must be one of constant ",
        ),
        ({"kind": "latency", "distribution": ["normal"]}, r"^distribution: must be one of "),
        ({"kind": "slow", "distribution": "normal"}, r"^distribution: slow has none"),
        ({"kind": "latency", "spread": -1}, r"^spread: must be from 0 to 3600, got -1"),
        ({"kind": "latency", "distribution": "normal"}, r"^spread: must be above 0 with normal"),
        (
            {"kind": "latency", "distribution": "lognormal", "spread": 1, "seconds": 0},
            r"^seconds: must be above 0 with lognormal",
        ),
        (
            {"kind": "latency", "distribution": "exponential", "seconds": 0},
            r"^seconds: must be above 0 with exponential",
        ),
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


def percentiles(fault: Fault) -> tuple[float, float, float]:
    """Return the 1st, the 50th and the 99th percentile of the delays of a fault."""
    generator = Random(7)  # noqa: S311 - nothing secret depends on it
    first, *_, last = cuts = quantiles([fault.delay(generator) for _ in range(20_000)], n=100)
    return first, cuts[49], last


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        ("constant", (10, 10, 10)),
        ("uniform", (7.06, 10, 12.94)),
        ("normal", (3.02, 10, 16.98)),
        ("exponential", (0.1, 6.93, 46.05)),
        ("lognormal", (7.69, 10, 13)),
    ],
)
def test_delays_are_distributed(distribution: str, expected: tuple[float, ...]) -> None:
    """As the percentiles of each distribution say, with 10 seconds and a spread of 3."""
    fault = Fault("latency", seconds=10, distribution=distribution, spread=3)

    assert expected == pytest.approx(percentiles(fault), rel=0.05)


def test_no_delay_is_negative_or_endless() -> None:
    """A distribution that goes below 0 is cut off there, and all are after an hour."""
    fault = Fault("latency", seconds=1, distribution="normal", spread=3000)
    first, _, last = percentiles(fault)

    assert (0, 3600) == (first, last)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_documented(name: str) -> None:
    """In the table of `Fault` and in the how-to."""
    how_to = Path(__file__).parents[3] / "docs" / "how-to" / "sandbox-faults.md"

    assert f"``{name}``" in (Fault.__doc__ or "")
    assert f'Fault("{name}"' in how_to.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "field", sorted({field for kind in KINDS.values() for field in kind.fields})
)
def test_the_fields_of_a_kind_are_those_of_a_fault(field: str) -> None:
    """A kind names nothing that a fault does not have."""
    assert field in fields_dict(Fault)


def test_recipients_do_not_show() -> None:
    """A pattern may be a phone number."""
    assert "659123" not in repr(Fault("hang", to="+6591234567"))
