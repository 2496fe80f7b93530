"""What a program can do with the extra ``sandbox``: send to it, and look at what was sent."""

import asyncio

from engagelab_async import Credentials, EngageLab
from engagelab_async.sandbox import DEMO_CREDENTIALS, Fault, Sandbox, SentMessage


async def main() -> None:
    """Send a code, and look at it."""
    with Sandbox(pace=0) as sandbox:
        sandbox.faults.add(Fault("latency", seconds=0.0))
        async with EngageLab(
            otp=Credentials(*DEMO_CREDENTIALS), otp_base_url=sandbox.otp_base_url
        ) as engagelab:
            await engagelab.otp.send("+6591234567", "login")
        message: SentMessage = sandbox.last_message(to="+6591234567")
        print(message.code, sandbox.history(message))


if __name__ == "__main__":
    asyncio.run(main())
