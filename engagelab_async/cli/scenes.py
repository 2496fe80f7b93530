"""The calls of the demo: each function is run, and the very lines that ran are shown.

They read as a program would: ``engagelab`` is its client, and ``phone`` stands for the person.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import textwrap
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from engagelab_async import EngageLab, EngageLabError, Plan, Sent, Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from engagelab_async.sandbox import Sandbox

TEMPLATES: Final = {
    "login": "Your code is {{code}}. Do not share it.",
    "shipped": "Order {{order}} is on its way.",
    "sale": "Everything is cheaper until Sunday.",
}
"""The templates that the scenes send."""


@frozen
class Phone:
    """The phone that got the newest message."""

    sandbox: Sandbox

    @property
    def text(self) -> str:
        """The message on it."""
        return self.sandbox.last_message().text

    @property
    def code(self) -> str:
        """The code in that."""
        return self.sandbox.last_message().code or ""


def snippet(scene: Callable[..., Any]) -> str:
    """Return the lines of a scene, without its signature, docstring and last ``return``."""
    source = inspect.getsource(scene)
    body = ast.parse(source).body[0].body[1:-1]  # type: ignore[attr-defined]
    lines = source.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    return textwrap.dedent("\n".join(lines))


async def right_code(engagelab: EngageLab, phone: Phone) -> tuple[Sent, Verification]:
    """Send a code that the platform makes, and verify it."""
    sent = await engagelab.otp.send("+6591234567", "login")
    typed = phone.code  # the person reads it, and types it in
    check = await engagelab.otp.verify(sent.message_id, typed)
    return sent, check


async def wrong_code(engagelab: EngageLab) -> Verification:
    """Verify a wrong code: an answer, not an exception."""
    sent = await engagelab.otp.send("+6591234568", "login")
    check = await engagelab.otp.verify(sent.message_id, "12345")
    return check  # noqa: RET504 - only the line above is shown


async def custom_message(engagelab: EngageLab) -> Sent:
    """Send a message of one's own."""
    sent = await engagelab.otp.send_custom_message(
        "+6591234567",
        "shipped",
        params={"order": 1871},
    )
    return sent  # noqa: RET504


async def sms_to_three(engagelab: EngageLab) -> Plan:
    """Send to three targets, of which one is no number."""
    people = ["+6591234567", "+6591234568", "+65"]
    plan = await engagelab.sms.send(people, "sale")
    return plan  # noqa: RET504


async def scheduled_sms(engagelab: EngageLab) -> Plan:
    """Send later."""
    at = datetime.now(UTC) + timedelta(hours=2)
    plan = await engagelab.sms.send("+6591234567", "sale", schedule_time=at)
    return plan  # noqa: RET504


async def two_errors(engagelab: EngageLab) -> list[EngageLabError]:
    """Fail in two ways: surely not sent, and perhaps sent."""
    blacklisted, out_of_order = "+10000005013", "+10000001000"
    errors = []
    for number in (blacklisted, out_of_order):
        try:
            await engagelab.otp.send_custom_message(number, "shipped")
        except EngageLabError as error:
            errors.append(error)
    return errors


async def five_hundred(engagelab: EngageLab) -> list[Plan]:
    """Await many sends at once."""
    numbers = [f"+65{91_000_000 + n}" for n in range(500)]
    sends = [engagelab.sms.send(number, "sale") for number in numbers]
    plans = await asyncio.gather(*sends)
    return plans  # noqa: RET504
