"""``engagelab demo``: the calls, over real HTTP, against a sandbox of its own."""

import asyncio
from typing import TYPE_CHECKING

from rich.text import Text

from engagelab_async import EngageLab, EngageLabError

from .options import Call
from .outcome import Exit
from .printing import console, facts, print_error
from .sandbox import without_extra

if TYPE_CHECKING:
    from engagelab_async.sandbox import Sandbox


def play() -> int:
    """See the calls, over real HTTP, without an account; takes a few seconds.

    Example: `engagelab demo`
    """
    try:
        from engagelab_async.sandbox import Sandbox
    except ModuleNotFoundError:
        return without_extra()
    texts = {"login": "Your code is {{code}}.", "sale": "Everything is cheaper until Sunday."}
    return perform(Sandbox(templates=texts))


def perform(sandbox: "Sandbox") -> int:
    """Play the demo in a sandbox that is not running yet, and return the exit code."""
    try:
        asyncio.run(_play(sandbox))
    except EngageLabError as error:
        print_error(f"The demo failed: {error}")
        return Exit.NOT_SENT
    return Exit.DONE


async def _play(sandbox: "Sandbox") -> None:
    async with sandbox:
        origin = sandbox.otp_base_url.removesuffix("/otp")
        # Generous, for machines on which 500 sends at once take a while.
        async with Call(sandbox=origin, timeout=60, deadline=60).client() as engagelab:
            await _call(engagelab, sandbox)


async def _call(engagelab: EngageLab, sandbox: "Sandbox") -> None:
    sent = await engagelab.otp.send("+6591234567", "login")
    _show("A code that the platform makes", sent, phone=sandbox.last_message().text)
    typed = sandbox.last_message().code or ""
    _show("It is right", await engagelab.otp.verify(sent.message_id, typed))
    # A number that is too short: the platform drops it without an error, so compare the counts.
    plan = await engagelab.sms.send(["+6591234567", "+6591234568", "+65"], "sale")
    _show("One SMS to three numbers, one of them invalid", plan)
    for number in ("+10000005013", "+10000001000"):
        try:
            await engagelab.otp.send(number, "login")
        except EngageLabError as error:
            maybe = error.may_have_been_sent
            _show("An error says whether it was sent", error, may_have_been_sent=maybe)
    plans = await asyncio.gather(
        *(engagelab.sms.send(f"+65{91_000_000 + number}", "sale") for number in range(500))
    )
    _show("Many sends at once", f"{len(plans)} plans, {len(sandbox.messages)} messages")


def _show(title: str, result: object, **more: object) -> None:
    console().print(Text(title, "bold"), facts({"result": result, **more}))
