"""The SMS operation: its targets, its time, and the caller's own data."""

import math
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from engagelab_async import SendSMS

TO = "+6591234567"
NOW = 1_760_000_000.5
MINUTE = 60
DAY = 24 * 60 * MINUTE


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (TO, (TO,)),
        ([TO], (TO,)),
        ([TO, "923700056581", TO], (TO, "923700056581", TO)),
        ((str(each) for each in range(3)), ("0", "1", "2")),
        ({TO: None}.keys(), (TO,)),
    ],
    ids=["str", "list", "twice", "generator", "keys"],
)
def test_targets(to: str | Iterable[str], expected: tuple[str, ...]) -> None:
    """A lone string is one target, never its characters; many keep their order and doubles."""
    assert expected == SendSMS(to, "t").to


class TestScheduleTime:
    """When to send."""

    @pytest.fixture(autouse=True)
    def now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stop the machine's clock."""
        monkeypatch.setattr(time, "time", lambda: NOW)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (1_760_000_181, 1_760_000_181),
            (NOW + 3 * MINUTE, 1_760_000_180),
            (NOW + 30 * DAY, 1_762_592_000),
            (1_760_000_400.9, 1_760_000_400),
            (datetime(2025, 10, 9, 9, 0, tzinfo=UTC), 1_760_000_400),
            (datetime(2025, 10, 9, 17, 0, tzinfo=timezone(timedelta(hours=8))), 1_760_000_400),
        ],
    )
    def test_becomes_unix_seconds(self, given: datetime | float, expected: int) -> None:
        """An aware datetime or a number becomes whole seconds, a fraction being cut off."""
        scheduled = SendSMS(TO, "t", schedule_time=given).schedule_time

        assert expected == scheduled
        assert isinstance(scheduled, int)

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            (NOW + 3 * MINUTE - 1, "must be at least 3 minutes ahead"),
            (NOW, "must be at least 3 minutes ahead"),
            (0, "must be at least 3 minutes ahead"),
            (-1, "must be at least 3 minutes ahead"),
            (datetime(1, 1, 1, tzinfo=UTC), "must be at least 3 minutes ahead"),
            (NOW + 30 * DAY + 1, "must be at most 30 days ahead$"),
            (datetime(2026, 1, 1, tzinfo=UTC), "must be at most 30 days ahead$"),
            (NOW * 1000, r"must be at most 30 days ahead \(milliseconds\?\)$"),
            (datetime(2025, 10, 9, 9, 0), "a datetime must be aware"),  # noqa: DTZ001
            (math.nan, "must be a finite number"),
            (math.inf, "must be a finite number"),
            (-math.inf, "must be a finite number"),
            (10**400, "must be a finite number"),
        ],
    )
    def test_has_limits(self, given: datetime | float, problem: str) -> None:
        """What the platform would refuse, or misread, is refused at once."""
        with pytest.raises(ValueError, match=f"^schedule_time: {problem}"):
            SendSMS(TO, "t", schedule_time=given)

    def test_is_checked_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An operation that waits in a queue stays valid: the platform has the last word."""
        operation = SendSMS(TO, "t", schedule_time=NOW + 3 * MINUTE)
        monkeypatch.setattr(time, "time", lambda: NOW + DAY)

        assert 1_760_000_180 == operation.schedule_time


class TestCustomArgs:
    """The caller's own data, which comes back in callbacks."""

    def test_are_copied(self) -> None:
        """What the caller does to the data later, at any depth, changes no operation."""
        custom_args: dict[str, Any] = {"order": {"items": [1, 2]}}
        operation = SendSMS(TO, "t", custom_args=custom_args)
        custom_args["order"]["items"].append(3)

        assert {"order": {"items": [1, 2]}} == operation.custom_args

    def test_are_what_json_makes_of_them(self) -> None:
        """They compare as what will be sent: tuples as lists, a mapping as an object."""
        custom_args = MappingProxyType({"pair": (1, 2), "none": None, "text": "Zoë"})
        operation = SendSMS(TO, "t", custom_args=custom_args)

        assert {"pair": [1, 2], "none": None, "text": "Zoë"} == operation.custom_args

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            ({1, 2}, TypeError),
            (b"x", TypeError),
            (object(), TypeError),
            (datetime(2025, 10, 9, tzinfo=UTC), TypeError),
            ({(1, 2): 3}, TypeError),
            (math.nan, ValueError),
            (math.inf, ValueError),
            (10**5000, ValueError),
            ("\udc80", ValueError),
        ],
        ids=["set", "bytes", "object", "date", "tuple as key", "NaN", "inf", "int", "surrogate"],
    )
    def test_must_fit_into_json(self, value: object, kind: type[Exception]) -> None:
        """What JSON cannot carry is refused without being quoted."""
        with pytest.raises(kind, match=r"^custom_args: must hold only") as caught:
            SendSMS(TO, "t", custom_args={"value": [value]})

        assert caught.value.__suppress_context__

    @pytest.mark.parametrize("depth", [1, 100_000])
    def test_cannot_hold_themselves(self, depth: int) -> None:
        """Data that contain themselves, or are nested too deep, are refused as well."""
        custom_args: dict[str, Any] = {}
        inner = custom_args
        for _ in range(depth):
            inner["inner"] = inner = {}
        if depth == 1:
            inner["inner"] = custom_args

        with pytest.raises(ValueError, match=r"^custom_args: must hold only"):
            SendSMS(TO, "t", custom_args=custom_args)

    def test_none_and_empty_differ(self) -> None:
        """No data and empty data are different things to say."""
        assert SendSMS(TO, "t").custom_args is None
        assert {} == SendSMS(TO, "t", custom_args={}).custom_args
