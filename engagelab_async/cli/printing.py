"""How the command prints: plain texts, colors for terminals, nothing that moves a cursor."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text


def console(*, stderr: bool = False) -> Console:
    """Make a console that takes texts as they are; colors are for terminals."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def printable(text: str) -> str:
    """Replace what could move a terminal's cursor or change its colors."""
    return "".join(char if char.isprintable() else "�" for char in text)


def facts(rows: Mapping[str, object]) -> Table:
    """Lay out names and values in two columns; a value of ``None`` is left out."""
    table = Table.grid(padding=(0, 2))
    table.highlight = True
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows.items():
        if value is not None:
            table.add_row(f"  {name}", printable(str(value)))
    return table


def complain(text: str) -> None:
    """Print one line on standard error."""
    console(stderr=True).print(Text(f"✗ {text}", "bold red"), soft_wrap=True)
