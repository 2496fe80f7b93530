"""A program that submits a campaign, and prints what became of it as JSON.

::

    python fleet_submitter.py CAMPAIGN OPERATIONS [options as JSON]
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from engagelab_async import SendSMS, Skipped
from support import fleet_worker


async def twice(message: Mapping[str, Any]) -> None:
    """Hand a message over twice."""
    await fleet_worker.bulk(message)
    await fleet_worker.bulk(message)


async def main(campaign: str, operations: int, options: dict[str, Any]) -> None:
    """Send to all, and print the outcomes: one list of numbers for each kind."""
    outcomes: dict[str, list[str]] = {}
    via = twice if options.pop("twice", False) else fleet_worker.bulk
    # Of so many recipients, who stand in the list several times.
    recipients = options.pop("recipients", operations)
    async with fleet_worker.fleet as fleet:
        everybody = (
            SendSMS(f"+65{90000000 + index % recipients}", "1233") for index in range(operations)
        )
        async with fleet.fan_out(campaign, everybody, via=via, **options) as run:
            async for outcome in run:
                kind = outcome.reason if isinstance(outcome, Skipped) else type(outcome).__name__
                assert isinstance(outcome.operation, SendSMS)
                outcomes.setdefault(kind, []).append(outcome.operation.to[0])
            report = run.report
    sys.stdout.write(json.dumps({"outcomes": outcomes, "report": report.to_dict()}))


if __name__ == "__main__":
    chosen = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), chosen))
