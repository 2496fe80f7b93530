"""What the import costs, in fresh interpreters."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import Final

from spread import Comparison, compare

OURS: Final = "from engagelab_async import Credentials, EngageLab"
DEPENDENCIES: Final = "import httpx, attrs, cattrs, anyio"


def imports(*, rounds: int) -> Comparison:
    """Compare the CPU of importing the client, in milliseconds, with that of what it depends on.

    What an interpreter needs to start and to end is taken off both.
    """
    return compare(lambda: _net_cpu(OURS), lambda: _net_cpu(DEPENDENCIES), rounds=rounds)


def _net_cpu(statement: str) -> float:
    return _cpu(statement) - _cpu("pass")


def _cpu(statement: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # -P keeps the directory off the path, so that what is installed is imported.
    subprocess.run([sys.executable, "-P", "-c", statement], check=True, cwd=os.sep)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3
