"""Send one SMS template to all numbers in a file, and resume after an interruption.

::

    python examples/bulk.py TEMPLATE NUMBERS JOURNAL

``NUMBERS`` is a file with a phone number in each line. Run the same command again after a crash, or
after Ctrl-C: there are no duplicates. The key pair comes from ``ENGAGELAB_DEV_KEY`` and
``ENGAGELAB_DEV_SECRET``.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

from engagelab_async import EngageLab, Rejected, SendSMS, Uncertain, broadcast


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, one at a time: it may be long."""
    with path.open(encoding="utf-8-sig") as file:
        yield from filter(None, map(str.strip, file))


async def main(template: str, numbers: Path, journal: Path) -> None:
    """Send, print the recipients that need attention, and a summary."""
    operations = broadcast(lines(numbers), template, targets_per_request=1)
    async with (
        EngageLab.from_env(http="auto") as engagelab,
        engagelab.fan_out(operations, rate=200, journal=journal) as outcomes,
    ):
        async for outcome in outcomes:
            sms = outcome.operation
            if isinstance(outcome, Rejected | Uncertain) and isinstance(sms, SendSMS):
                print(f"{sms.to[0]}: {type(outcome).__name__}: {outcome.error}")

    report = outcomes.report
    print(
        f"{report.accepted} accepted, {report.rejected} rejected, {report.uncertain} uncertain, "
        f"{report.skipped} skipped, {report.rate:.0f} per second"
    )
    if report.stopped:
        print(f"stopped: {report.stopped}; run the same command again to resume")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
