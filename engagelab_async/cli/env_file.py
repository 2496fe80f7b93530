"""``--env-file``: variables of the command from a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

_PREFIX: Final = "ENGAGELAB_"


class EnvFileError(Exception):
    """The file of ``--env-file`` cannot be used."""


@contextmanager
def loaded(path: Path | None) -> Iterator[None]:
    """Set the ``ENGAGELAB_`` variables of a file within the block, except those that are set.

    Other variables of the file are for other programs, and are ignored. Values are taken
    literally: ``${NAME}`` is not replaced.

    Raises:
        EnvFileError: The file cannot be read; its content is not quoted.
    """
    found = _read(path) if path else {}
    missing = {name: value for name, value in found.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            bindings = list(parse_stream(file))
    except OSError as error:
        raise EnvFileError(f"--env-file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise EnvFileError("--env-file: not UTF-8") from None
    damaged = next((binding.original.line for binding in bindings if binding.error), None)
    if damaged is not None:
        raise EnvFileError(f"--env-file: line {damaged}: expected NAME=value")
    # What else is there may be of another program, or the rest of a secret: it is not even named.
    named = ((each.key or "", each.value) for each in bindings)
    found = {name: value for name, value in named if name.startswith(_PREFIX)}
    unusable = [name for name, value in found.items() if value is None or "\0" in value]
    if unusable:
        raise EnvFileError(f"--env-file: {unusable[0]} has no usable value")
    return {name: value for name, value in found.items() if value is not None}
