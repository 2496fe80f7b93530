"""The demo that makes every call once, run as a program."""

import subprocess
import sys
from collections.abc import Mapping

from support.programs import EXAMPLES


def test_every_call_is_made(environment: Mapping[str, str]) -> None:
    """It ends by itself, and what it prints is what its comments claim."""
    result = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py")],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )

    for evidence in (
        "verified=False",
        "verified=True",
        "on the phone: Order 1871 is on its way.",
        "total_count=3, accepted_count=2",
        "ScheduleInfo(task_id=",
        "BlacklistedError, may have been sent: False",
        "ServerError, may have been sent: True",
        "500 sends in ",
    ):
        assert evidence in result.stdout
