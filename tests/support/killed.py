"""The program that gets killed: sends to many people, with a journal, and prints what became of it.

It is run by `bulk.killing`::

    python killed.py URL JOURNAL OPERATIONS
"""

import asyncio
import json
import sys

from engagelab_async import Credentials, EngageLab, SendSMS, Skipped


async def main(url: str, journal: str, operations: int) -> None:
    """Send to everybody, and print the outcomes as JSON: one list of numbers for each kind."""
    outcomes: dict[str, list[str]] = {}
    async with EngageLab(
        sms=Credentials("key", "secret"), sms_base_url=url, http="auto"
    ) as engagelab:
        everybody = (SendSMS(f"+65{90000000 + index}", "1233") for index in range(operations))
        async with engagelab.fan_out(everybody, journal=journal) as run:
            async for outcome in run:
                kind = outcome.reason if isinstance(outcome, Skipped) else type(outcome).__name__
                assert isinstance(outcome.operation, SendSMS)
                outcomes.setdefault(kind, []).append(outcome.operation.to[0])
    print(json.dumps(outcomes))  # noqa: T201 - its result


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
