"""Starting an example as its users do."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def serving(*arguments: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Run this Python with some arguments, and yield the URL of the server that they start."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _printed_url(process)
        finally:
            process.terminate()


def _printed_url(process: subprocess.Popen[str]) -> str:
    printed = ""
    for line in process.stdout or ():
        printed += line
        if found := re.search(r"http://127\.0\.0\.1:[0-9]+", line):
            return found[0]
    pytest.fail(f"the server ended:\n{printed}")
