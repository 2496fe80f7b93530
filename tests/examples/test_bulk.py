"""The script that sends to a list, run twice as a program against the sandbox."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from engagelab_async.sandbox import Sandbox
from support.programs import EXAMPLES


def test_goes_on_where_it_ended(
    environment: Mapping[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    """A second run skips what is settled, and asks nobody to look at it again."""
    numbers = tmp_path / "numbers.txt"
    numbers.write_text("+65 9300 0021\n\n+6593000022\n6593000021\n+10000003002\n", "utf-8")
    command = [
        sys.executable,
        str(EXAMPLES / "bulk.py"),
        "1233",
        str(numbers),
        str(tmp_path / "run.db"),
    ]
    first, second = (
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    )

    assert "+10000003002: Rejected: SendSMS: 3002" in first
    assert "2 accepted, 1 rejected, 0 uncertain, 0 skipped" in first
    assert re.fullmatch("0 accepted, 0 rejected, 0 uncertain, 3 skipped, 0 per second\n", second)
    sent = [each.recipient for each in sandbox.messages if each.recipient.startswith("+659300002")]
    assert ["+6593000021", "+6593000022"] == sorted(sent)
