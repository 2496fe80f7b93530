"""Sends to a platform that fails in every way, and holds the outcomes against what it did.

The tests do it with few messages. This does it with as many as one likes::

    python tests/support/faults.py OPERATIONS
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

# It is a program, too: what stands beside it is imported as the tests do.
sys.path.insert(0, str(Path(__file__).parents[1]))

from engagelab_async import Credentials, EngageLab, RetryPolicy, SendSMS
from engagelab_async.engines import HTTP
from support.backends import run
from support.bulk import number, sends
from support.counting import Counting, now_and_then

SHARE = 0.1
"""How many of all requests fail."""


def send_with_faults(count: int, backend: str, engine: HTTP, journal: Path | None) -> str:
    """Send so many messages, and check every outcome.

    Returns:
        What there was, in words.
    """
    told = defaultdict[str, list[str]](list)

    async def main() -> None:
        async with (
            EngageLab(
                sms=Credentials("key", "secret"),
                sms_base_url=server.url,
                http=engine,
                timeout=2.0,
                retry=RetryPolicy(base=0.01),
            ) as engagelab,
            engagelab.fan_out(sends(count), journal=journal) as outcomes,
        ):
            async for outcome in outcomes:
                assert isinstance(outcome.operation, SendSMS)
                told[type(outcome).__name__].append(outcome.operation.to[0])

    with Counting(now_and_then(SHARE, seed=count)) as server:
        run(backend, main)

    everybody = [each for numbers in told.values() for each in numbers]
    assert [number(index) for index in range(count)] == sorted(everybody)
    assert {1} == {server.delivered[each] for each in told["Accepted"]}
    assert {0, 1} >= {server.delivered[each] for each in told["Uncertain"]}
    assert {"Accepted", "Uncertain"} >= told.keys()
    # A machine that is busy for so long takes the answers of all that is in flight.
    assert len(told["Uncertain"]) < 2 * SHARE * count + 64
    return f"{len(told['Accepted'])} accepted, {len(told['Uncertain'])} uncertain"


if __name__ == "__main__":
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        found = send_with_faults(int(sys.argv[1]), "asyncio", "auto", Path(directory, "run.db"))
    print(  # noqa: T201 - a program's result
        f"nobody lost, nobody twice: {found}, in {time.monotonic() - began:.0f} s"
    )
