"""What a program can do that has httpx2 installed: that engine, and a client."""

import asyncio

from httpx2 import AsyncClient

from engagelab_async import EngageLab


async def main() -> None:
    """Make clients."""
    async with (
        AsyncClient() as client,
        EngageLab.from_env(http=client) as engagelab,
        EngageLab.from_env(http="httpx2"),
    ):
        print(engagelab.otp)


if __name__ == "__main__":
    asyncio.run(main())
