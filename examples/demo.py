"""Every call once, against a sandbox in the same process: no account, and no network.

::

    python examples/demo.py
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from engagelab_async import Credentials, EngageLab, EngageLabError
from engagelab_async.sandbox import Sandbox

ANY = Credentials("any", "any")  # a sandbox accepts every key pair
TEMPLATES = {
    "login": "Your code is {{code}}. Do not share it.",
    "shipped": "Order {{order}} is on its way.",
    "sale": "Everything is cheaper until Sunday.",
}


async def codes(engagelab: EngageLab, sandbox: Sandbox) -> None:
    """Send a code that the platform makes, and check a right and a wrong one."""
    sent = await engagelab.otp.send("+6591234567", "login")
    print("sent:", sent)
    right = sandbox.last_message().code or ""  # the person reads it on the phone
    wrong = "1" * len(right) if right != "1" * len(right) else "2" * len(right)
    # A wrong code is an answer, not an exception.
    for code in (wrong, right):
        print("check:", await engagelab.otp.verify(sent.message_id, code))


async def messages(engagelab: EngageLab, sandbox: Sandbox) -> None:
    """Send a custom message, an SMS to three numbers, and one in two hours."""
    await engagelab.otp.send_custom_message("+6591234567", "shipped", params={"order": 1871})
    print("on the phone:", sandbox.last_message().text)
    # The platform drops an invalid number without an error: compare the counts.
    print("plan:", await engagelab.sms.send(["+6591234567", "+6591234568", "+65"], "sale"))
    at = datetime.now(UTC) + timedelta(hours=2)
    print("plan:", await engagelab.sms.send("+6591234567", "sale", schedule_time=at))


async def errors(engagelab: EngageLab) -> None:
    """Fail in two ways: certainly not sent, and perhaps sent."""
    for number in ("+10000005013", "+10000001000"):
        try:
            await engagelab.otp.send_custom_message(number, "shipped")
        except EngageLabError as error:
            print(f"{type(error).__name__}, may have been sent: {error.may_have_been_sent}")


async def many(engagelab: EngageLab) -> None:
    """Await 500 sends at once."""
    began = time.perf_counter()
    numbers = [f"+65{91_000_000 + number}" for number in range(500)]
    plans = await asyncio.gather(*(engagelab.sms.send(number, "sale") for number in numbers))
    print(f"{len(plans)} sends in {time.perf_counter() - began:.1f} s")


async def main() -> None:
    """Start the sandbox, and make the calls."""
    async with (
        Sandbox(templates=TEMPLATES) as sandbox,
        # Generous, for machines on which 500 sends at once take a while.
        EngageLab(
            otp=ANY,
            sms=ANY,
            otp_base_url=sandbox.otp_base_url,
            sms_base_url=sandbox.sms_base_url,
            timeout=60,
            deadline=60,
        ) as engagelab,
    ):
        await codes(engagelab, sandbox)
        await messages(engagelab, sandbox)
        await errors(engagelab)
        await many(engagelab)


if __name__ == "__main__":
    asyncio.run(main())
