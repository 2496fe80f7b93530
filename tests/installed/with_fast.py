"""What a program can do with the extra ``fast``: the engine on asyncio."""

import asyncio

from engagelab_async import EngageLab
from engagelab_async.engines.asyncio import AsyncioEngine


async def main() -> None:
    """Use the engine by its name, by choice, and with limits of one's own."""
    engine = AsyncioEngine(max_connections=20, max_connection_age=60.0)
    async with (
        EngageLab.from_env(http="asyncio"),
        EngageLab.from_env(http="auto"),
        EngageLab.from_env(http=engine),
    ):
        print(engine)
    await engine.aclose()


if __name__ == "__main__":
    asyncio.run(main())
