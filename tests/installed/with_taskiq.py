"""What a user of taskiq writes, with the extra ``taskiq`` alone."""

import asyncio

from taskiq import InMemoryBroker

from engagelab_async import EngageLab, SendSMS
from engagelab_async.distributed import Fleet
from engagelab_async.distributed.taskiq import serve

broker = InMemoryBroker()
fleet = Fleet.in_memory()
bulk = serve(broker, fleet, EngageLab.from_env)


async def main() -> None:
    """Send nothing."""
    nothing: list[SendSMS] = []
    async with fleet, fleet.fan_out("spring", nothing, via=bulk, rate=200) as outcomes:
        async for outcome in outcomes:
            print(outcome)
    print(outcomes.report.total)


asyncio.run(main())
