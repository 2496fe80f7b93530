"""The checks of arguments: what passes, what is refused, and in which words."""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from attrs import field, frozen

from engagelab_async.arguments import (
    check_flag,
    check_instance,
    check_integer,
    check_number,
    check_seconds,
    check_timeout,
    flag,
    integer,
    number,
    seconds_or_zero,
)

Check = Callable[[object, str], object]

HUGE = 10**400
"""An ``int`` that no float can hold."""

count: Check = partial(check_integer, least=1)
port: Check = partial(check_integer, least=1, most=9)
share: Check = partial(check_number, least=0, most=1)
wait: Check = partial(check_seconds, or_zero=True)
text: Check = partial(check_instance, kind=str)

PASSING: list[tuple[Check, object]] = [
    (check_integer, -HUGE),
    (count, 1),
    (count, HUGE),
    (port, 9),
    (share, 0),
    (share, 1.0),
    (check_timeout, 0.1),
    (check_timeout, math.inf),
    (check_seconds, 0.1),
    (wait, 0),
    (check_flag, False),
    (text, ""),
]

REFUSED: list[tuple[Check, object, type[Exception], str]] = [
    (check_integer, 1.0, TypeError, "expected an int, got float"),
    (check_integer, True, TypeError, "expected an int, got bool"),
    (check_integer, None, TypeError, "expected an int, got None"),
    (count, 0, ValueError, "must be at least 1, got 0"),
    (port, 0, ValueError, "must be at least 1 and at most 9, got 0"),
    (port, 10, ValueError, "must be at least 1 and at most 9, got 10"),
    (share, True, TypeError, "expected a number, got bool"),
    (share, -0.1, ValueError, "must be from 0 to 1, got -0.1"),
    (share, 1.1, ValueError, "must be from 0 to 1, got 1.1"),
    (share, math.nan, ValueError, "must be from 0 to 1, got nan"),
    (check_timeout, "5", TypeError, "expected seconds as a number, got str"),
    (check_timeout, False, TypeError, "expected seconds as a number, got bool"),
    (check_timeout, 0, ValueError, "must be more than 0 seconds"),
    (check_timeout, math.nan, ValueError, "must be more than 0 seconds"),
    (check_seconds, None, TypeError, "expected seconds as a number, got None"),
    (check_seconds, 0, ValueError, "must be a finite number of seconds, above 0"),
    (check_seconds, math.inf, ValueError, "must be a finite number of seconds, above 0"),
    (check_seconds, HUGE, ValueError, "must be a finite number of seconds, above 0"),
    (wait, -0.1, ValueError, "must be a finite number of seconds, 0 or more"),
    (wait, math.nan, ValueError, "must be a finite number of seconds, 0 or more"),
    (wait, HUGE, ValueError, "must be a finite number of seconds, 0 or more"),
    (check_flag, 1, TypeError, "expected a bool, got int"),
    (check_flag, "false", TypeError, "expected a bool, got str"),
    (text, None, TypeError, "expected str, got NoneType"),
]


@pytest.mark.parametrize(("check", "value"), PASSING)
def test_what_passes_is_returned(check: Check, value: object) -> None:
    """A check returns the value itself, so that it can stand where the value would."""
    assert value is check(value, "it")


@pytest.mark.parametrize(("check", "value", "kind", "problem"), REFUSED)
def test_what_does_not_pass_is_named(
    check: Check, value: object, kind: type[Exception], problem: str
) -> None:
    """A refusal begins with the argument's name and says what is expected."""
    with pytest.raises(kind, match=f"^it: {re.escape(problem)}$"):
        check(value, "it")


@frozen
class Settings:
    """A class whose fields are checked."""

    tries: int = field(default=1, validator=integer(1, 3))
    share: float = field(default=0.5, validator=number(0, 1))
    wait: float = field(default=0.0, validator=seconds_or_zero)
    always: bool = field(default=False, validator=flag)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"tries": 4}, "tries: must be at least 1 and at most 3, got 4"),
        ({"share": 2}, "share: must be from 0 to 1, got 2"),
        ({"wait": -1}, "wait: must be a finite number of seconds, 0 or more"),
        ({"always": None}, "always: expected a bool, got None"),
    ],
)
def test_validators_name_their_field(options: dict[str, Any], problem: str) -> None:
    """The same checks validate the fields of attrs classes, under the fields' names."""
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(problem)}$"):
        Settings(**options)


def test_timeout_beyond_every_float_is_no_limit() -> None:
    """An ``int`` of any size is a number of seconds."""
    assert math.inf == check_timeout(HUGE, "timeout")
