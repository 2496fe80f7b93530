"""How the command prints: plain texts, colors for terminals, nothing that moves a cursor."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any, Final
from unicodedata import category

from rich.console import Console
from rich.table import Table
from rich.text import Text

_USUAL_WIDTH: Final = 80


class _Console(Console):
    """A console that prints texts literally, without terminal control characters."""

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 - as rich has it
        super().print(*map(_harmless, objects), **options)


def _harmless(shown: object) -> object:
    if isinstance(shown, str):
        return printable(shown)
    if isinstance(shown, Text):
        shown.plain = "\n".join(map(printable, shown.plain.split("\n")))
    return shown


def console(*, stderr: bool = False) -> Console:
    """Make a console that prints texts literally; colors only on terminals."""
    made = _Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    # Some terminals set COLUMNS=0 for "unknown", which would show nothing at all.
    made.width = made.width or _USUAL_WIDTH
    return made


def printable(text: str) -> str:
    """Replace what could move a terminal's cursor, change its colors, or turn a text around."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or category(char) == "Zs" else "�" for char in text)


def command(*words: str, id: str, then: Iterable[str] = ()) -> str:  # noqa: A002 - the API's word
    """Write a command that can be copied into a shell, whatever the id is that the API sent."""
    # What follows the two hyphens is not an option.
    marked = ("--", id) if id.startswith("-") else (id,)
    return shlex.join(["engagelab", *words, *marked, *then])


def facts(rows: Mapping[str, object]) -> Table:
    """Lay out names and values in two columns; a value of ``None`` is omitted."""
    table = Table.grid(padding=(0, 2))
    table.highlight = True
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value is not None:
            table.add_row(f"  {printable(name)}", printable(str(value)))
    return table


def print_error(text: str) -> None:
    """Print one line on standard error."""
    console(stderr=True).print(Text(f"✗ {text}", "bold red"), soft_wrap=True)


def latency(seconds: float) -> str:
    """Write a short time.

    Example:
        >>> latency(0.0123), latency(1.5)
        ('12 ms', '1.5 s')
    """
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.3g} s"


def duration(seconds: float) -> str:
    """Write a time in the two units that matter.

    Example:
        >>> duration(8.2), duration(125), duration(3780)
        ('9 s', '2 min 05 s', '1 h 03 min')
    """
    whole = int(-(-seconds // 1))
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{whole} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02} min" if hours else f"{minutes} min {rest:02} s"
