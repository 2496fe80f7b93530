"""What a user of several machines writes, with the extra ``distributed`` alone."""

import asyncio
from collections.abc import Mapping
from typing import Any

from engagelab_async import Credentials, EngageLab, SendSMS
from engagelab_async.bulk import BulkReport
from engagelab_async.distributed import Fleet, SharedRate


async def main() -> None:
    """Make a fleet, and send nothing with one in memory."""
    async with Fleet("postgresql://bulk@localhost/bulk", name="messages") as fleet:
        rate = SharedRate(fleet, "sms", 200)
        print(fleet.store, rate.rate)
    fleet = Fleet.in_memory()
    engagelab = EngageLab(sms=Credentials("key", "secret"))

    async def via(message: Mapping[str, Any]) -> None:
        await fleet.deliver(message, engagelab)

    nothing: list[SendSMS] = []
    report: BulkReport = await fleet.send_all("spring", nothing, via=via)
    print(report.total)
    await engagelab.aclose()


asyncio.run(main())
