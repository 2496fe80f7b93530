"""A question to whoever sits at the terminal."""

import sys

from rich.console import Console
from rich.text import Text

from engagelab_async.cli.inputs import typed_line


def can_ask() -> bool:
    """Tell whether somebody is there: the questions go to standard error, as the progress does."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def agreed(question: str, out: Console) -> bool:
    """Ask, and take nothing but a yes for one."""
    out.print(Text(f"{question} [y/N] ", "bold"), end="")
    return typed_line().lower() in ("y", "yes")
