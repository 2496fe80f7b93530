"""Files that hold what is personal: made for their owner alone."""

import os
from pathlib import Path
from typing import Literal, TextIO


def open_private(path: Path, mode: Literal["a", "w", "x"], *, buffering: int = -1) -> TextIO:
    """Open a text file for writing; one that is made can be read by its owner alone.

    One that is there already keeps its permissions: whoever widened them had a reason.

    Args:
        path: The file.
        mode: As of ``open``.
        buffering: As of ``open``.

    Raises:
        OSError: It cannot be opened, or is there although it is to be made.
    """
    return open(
        path,
        mode,
        buffering,
        encoding="utf-8",
        errors="surrogateescape",
        newline="",
        opener=_private,
    )


def _private(path: str, flags: int) -> int:
    # From its first moment on: to change it afterwards would leave a gap.
    return os.open(path, flags, 0o600)
