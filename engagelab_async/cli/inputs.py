"""Convert what users type into arguments of the library.

Each function raises ``ValueError`` with a text that begins with the option's name and never quotes
what was typed: it may be a name, number or code.
"""

import json
import os
import re
import select
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, TextIO

_RELATIVE: Final = re.compile(
    r"\+(?:(?P<days>\d{1,5})d)?(?:(?P<hours>\d{1,5})h)?"
    r"(?:(?P<minutes>\d{1,5})m)?(?:(?P<seconds>\d{1,7})s)?"
)
_STDIN: Final = "-"
_STEP_SECONDS: Final = 0.2


def params(pairs: Iterable[str]) -> dict[str, str]:
    """Read ``name=value`` pairs; a value may hold further equals signs."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise ValueError("--param: expected name=value")
        if name in found:
            raise ValueError("--param: one name is given twice")
        found[name] = value
    return found


def custom_args(text: str | None) -> dict[str, Any] | None:
    """Read a JSON object."""
    if text is None:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("--custom-args: expected JSON") from None
    if not isinstance(document, dict):
        raise ValueError('--custom-args: expected a JSON object, such as {"order": 7}')  # noqa: TRY004
    return document


def moment(text: str | None) -> datetime | float | None:
    """Read a point in time: ``+2h30m`` from now, Unix seconds, or ISO 8601 with an offset."""
    if text is None:
        return None
    relative = _RELATIVE.fullmatch(text)
    if relative and len(text) > 1:
        ahead = timedelta(**{unit: int(n) for unit, n in relative.groupdict("0").items()})
        # The API counts in whole seconds: rounding up lets +3m be the 3 minutes that it wants.
        return int(time.time()) + 1 + ahead.total_seconds()
    if text.isascii() and text.isdecimal():
        return float(text)
    return _iso(text)


def _iso(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "expected +10m, Unix seconds, or ISO 8601 such as 2030-01-31T09:00+08:00"
        raise ValueError(f"--at: {hint}") from None
    if found.tzinfo is None:
        raise ValueError("--at: say which time zone: end it with an offset such as +08:00, or Z")
    return found


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation on standard error, unless `yes`; raise if it is refused."""
    if yes:
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201 - as `input` does, elsewhere
    if typed_line().lower() not in ("y", "yes"):
        raise ValueError("--yes: not confirmed")


def typed_line() -> str:
    """Read a line of standard input; it is empty if the terminal is gone, or the text damaged."""
    # What takes the place of standard input need not have a descriptor.
    with suppress(AttributeError, OSError, ValueError):
        if os.name == "posix" and os.isatty(sys.stdin.fileno()):
            # A signal that comes just before a read begins does not end that read. So the read
            # begins when there is something, and the waiting is done in short steps.
            next(filter(None, iter(_has_typed, None)))
    try:
        return sys.stdin.readline().lstrip("\ufeff").strip()
    except (OSError, ValueError):
        return ""


def _has_typed() -> list[TextIO]:
    return select.select([sys.stdin], [], [], _STEP_SECONDS)[0]


def code(text: str) -> str:
    """Take a code as it is typed, or the first line of standard input for ``-``."""
    if text == _STDIN:
        return typed_line()
    if text.startswith("-"):
        raise ValueError("code: must not begin with a hyphen, and there is no such option")
    return text
