"""What people type, made into what the library takes."""

import io
import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from engagelab_async.cli import inputs

ODD_PAIRS = ["name", "=value", ""]
ODD_MOMENTS = [
    "",
    "+",
    "tomorrow",
    "10m",
    "+10x",
    "+1m2h",
    "-10m",
    "2030-01-31T09:00",
    "2030-01-31",
]
ODD_DOCUMENTS = ["", "{", "[1]", "null", "[" * 100_000]


def test_params_split_at_the_first_equals_sign() -> None:
    """A value may hold equals signs, and may be empty."""
    assert {"a": "b=c", "d": ""} == inputs.params(["a=b=c", "d="])


@pytest.mark.parametrize("pair", ODD_PAIRS)
def test_params_need_a_name_and_a_value(pair: str) -> None:
    """A pair without a name or an equals sign is refused."""
    with pytest.raises(ValueError, match="--param: expected name=value"):
        inputs.params([pair])


def test_params_have_one_value_each() -> None:
    """A name that is given twice is refused."""
    with pytest.raises(ValueError, match="--param: one name is given twice"):
        inputs.params(["a=1", "a=2"])


@pytest.mark.parametrize(
    ("text", "ahead"),
    [
        ("+90s", timedelta(seconds=90)),
        ("+10m", timedelta(minutes=10)),
        ("+2h", timedelta(hours=2)),
        ("+2h30m", timedelta(hours=2.5)),
        ("+1d12h", timedelta(days=1.5)),
    ],
)
def test_a_moment_from_now(text: str, ahead: timedelta) -> None:
    """A relative moment is counted from the next full second."""
    before = time.time()
    found = inputs.moment(text)
    after = time.time()

    assert isinstance(found, float)
    assert before < found - ahead.total_seconds() <= after + 1


def test_a_moment_in_unix_seconds() -> None:
    """Digits are Unix seconds."""
    assert 1893456000 == inputs.moment("1893456000")


@pytest.mark.parametrize("text", ["2030-01-31T09:00+08:00", "2030-01-31 01:00Z"])
def test_a_moment_in_iso_8601(text: str) -> None:
    """A date and a time with an offset are a moment."""
    assert datetime(2030, 1, 31, 1, tzinfo=UTC) == inputs.moment(text)


def test_no_moment() -> None:
    """What is left out stays out."""
    assert inputs.moment(None) is None


@pytest.mark.parametrize("text", ODD_MOMENTS)
def test_what_is_no_moment(text: str) -> None:
    """Anything else, and a time without its zone, is refused with the option's name."""
    with pytest.raises(ValueError, match=r"^--at: "):
        inputs.moment(text)


def test_custom_args_are_a_json_object() -> None:
    """An object is read, and what is left out stays out."""
    assert {"order": 7} == inputs.custom_args('{"order": 7}')
    assert inputs.custom_args(None) is None


@pytest.mark.parametrize("text", ODD_DOCUMENTS)
def test_custom_args_that_are_no_object(text: str) -> None:
    """Anything else is refused with the option's name."""
    with pytest.raises(ValueError, match=r"^--custom-args: "):
        inputs.custom_args(text)


@pytest.mark.parametrize("damaged", [True, False])
def test_a_line_that_cannot_be_read_is_empty(
    monkeypatch: pytest.MonkeyPatch, damaged: bool
) -> None:
    """Whether the terminal is gone, or what is typed is no text."""
    stdin = io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8")
    if not damaged:
        stdin.close()
    monkeypatch.setattr("sys.stdin", stdin)

    assert "" == inputs.typed_line()


def test_a_byte_order_mark_is_no_part_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """PowerShell puts one before what it pipes."""
    monkeypatch.setattr("sys.stdin", io.StringIO("\ufeff039487\n"))

    assert "039487" == inputs.code("-")


@pytest.mark.skipif(os.name != "posix", reason="there are no pseudo-terminals here")
def test_a_line_of_a_terminal_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In steps, between which signals are heard; a terminal that has gone ends the waiting."""
    master, slave = os.openpty()
    with os.fdopen(slave, encoding="utf-8") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        os.write(master, b" yes \n")
        typed = inputs.typed_line()
        os.close(master)

        assert ("yes", "") == (typed, inputs.typed_line())
