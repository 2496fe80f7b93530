"""The command, run in this process or in one of its own."""

import json
import subprocess
import sys
from typing import Any, Protocol

from attrs import frozen

COMMAND = [sys.executable, "-m", "engagelab_async.cli"]


@frozen
class Ran:
    """What a run of the command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object on standard output, which holds nothing else."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def error(self) -> dict[str, Any]:
        """The error in that."""
        error: dict[str, Any] = self.document["error"]
        return error

    @property
    def seen(self) -> str:
        """Everything that was printed, wherever."""
        return self.out + self.err


class Engagelab(Protocol):
    """Runs the command with some arguments."""

    def __call__(self, *arguments: str) -> Ran:
        """Run it."""
        ...


def run_process(code_or_arguments: list[str]) -> Ran:
    """Run Python in a process of its own."""
    done = subprocess.run(
        [sys.executable, *code_or_arguments], capture_output=True, text=True, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)
