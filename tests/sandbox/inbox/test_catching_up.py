"""How calls keep up with what happens to their messages."""

from collections import Counter

import pytest

from engagelab_async.sandbox import Callbacks
from engagelab_async.sandbox.inbox.calls import Calls
from support.fake_clock import FakeClock
from support.hostile import Hostile, answers
from support.platforms import Platform, at_once
from support.turns import counting_turns


@pytest.mark.asyncio
async def test_a_callback_changes_the_calls_that_it_is_about(
    platform: Platform, clock: FakeClock
) -> None:
    """A try to deliver it is news of its own messages, and of no others."""
    calls = Calls(platform, keep=10, clock=clock)
    send = at_once(calls.recorded("otp", "/", platform.send_custom_message))

    async def answered(message: int) -> None:
        """Send a message, and watch until its callbacks are answered."""
        send({"to": f"+659123456{message}", "template": {"id": "7"}})
        reported = 0
        while reported < 2:  # plan, target_valid
            await calls.wait(calls.revision, 5)
            reported = sum(
                each.body.count("message_status")
                for each in platform.simulation.sender.deliveries
                if message in each.messages and each.is_over
            )

    with Hostile(answers(200)) as server, calls.open():
        platform.simulation.callbacks = Callbacks(server.url)
        async with platform.simulation.running():
            await calls.catch_up()
            await answered(1)
            before = calls.by_number[1].revision
            await answered(2)

    assert before == calls.by_number[1].revision
    assert before < calls.by_number[2].revision
    assert 200 == platform.simulation.sender.deliveries[-1].tries[-1].status


@pytest.mark.asyncio
async def test_many_messages_are_caught_up_with_in_turns(
    platform: Platform, clock: FakeClock
) -> None:
    """Not all at once, which would keep the sandbox from answering; then none is left."""
    calls = Calls(platform, keep=10_000, clock=clock)
    send = at_once(calls.recorded("sms", "/", platform.send_sms))
    for number in range(1200):
        send({"to": f"+65{80_000_000 + number}", "template": {"id": "7", "params": {}}})
    with counting_turns() as turns:
        await calls.catch_up()

    assert turns.count >= 5
    assert [{"target_valid": 1}] * 1200 == [Counter(call.states.values()) for call in calls]
