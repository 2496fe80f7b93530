"""Kills a bulk run at random moments, resumes it, and looks who got what.

The tests do it a few times. This does it as often as one likes::

    python tests/support/killing.py KILLS OPERATIONS
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# It is a program, too: what stands beside it is imported as the tests do.
sys.path.insert(0, str(Path(__file__).parents[1]))

from support.counting import Counting

_PROGRAM: Final = Path(__file__).with_name("killed.py")


def run_and_kill(journal: Path, operations: int, kills: int, draw: random.Random) -> int:
    """Run the program, kill it so many times, resume it, and check that all is well.

    Returns:
        How many operations were uncertain in the end.
    """
    # Each kill leaves up to 64 uncertain, which may not have been asked for.
    certain = operations - kills * 64
    with Counting() as server:
        command = [sys.executable, str(_PROGRAM), server.url, str(journal), str(operations)]
        for _ in range(kills):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL) as program:
                server.wait_for_requests(draw.randint(1, operations // (kills + 1)), certain)
                program.kill()
        finished = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        outcomes = json.loads(finished.stdout)
    check(outcomes, server.delivered, operations)
    return len(outcomes.get("Uncertain", []))


def check(outcomes: Mapping[str, list[str]], delivered: Mapping[str, int], count: int) -> None:
    """Hold what the program said against what was delivered."""
    everybody = {f"+65{90000000 + index}" for index in range(count)}
    told = [number for numbers in outcomes.values() for number in numbers]
    twice = {number for number in everybody if delivered[number] > 1}
    never = {number for number in everybody if not delivered[number]}

    assert (count, everybody) == (len(told), set(told)), "somebody has no outcome, or two"
    assert set() == twice, "somebody was sent to twice"
    assert never <= set(outcomes.get("Uncertain", [])), "somebody was lost"
    assert outcomes.keys() <= {"settled", "Accepted", "Uncertain"}


def main(kills: int, operations: int) -> None:
    """Kill runs, one or two times each, and print how it went."""
    draw = random.Random(kills)  # noqa: S311 - no secret
    done = 0
    while done < kills:
        often = min(draw.choice([1, 1, 2, 3]), kills - done)
        with tempfile.TemporaryDirectory() as directory:
            uncertain = run_and_kill(Path(directory, "run.db"), operations, often, draw)
        done += often
        print(f"{done} kills: nobody lost, nobody twice, {uncertain} uncertain", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
