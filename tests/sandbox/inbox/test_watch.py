"""How calls keep up with what happens to their messages."""

import pytest

from engagelab_async.sandbox import Callbacks
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.inbox.watch import Watch
from engagelab_async.sandbox.platform import Platform
from support.fake_clock import FakeClock
from support.hostile import Hostile, answers


@pytest.mark.asyncio
async def test_a_callback_changes_the_calls_that_it_is_about(
    platform: Platform, clock: FakeClock
) -> None:
    """A try to deliver it is news of its own messages, and of no others."""
    calls = Calls(platform.outbox, keep=10, clock=clock)
    watch = Watch(calls, platform)
    send = calls.recorded("otp", "/otp/v1/custom-messages", platform.send_custom_message)

    async def answered(message: int) -> None:
        """Send a message, and watch until its callbacks are answered."""
        send({"to": f"+659123456{message}", "template": {"id": "7"}})
        told = 0
        while told < 2:  # plan, target_valid
            await watch.wait(5)
            watch.calls()
            told = sum(
                each.body.count("message_status")
                for each in platform.simulation.sender.deliveries
                if message in each.messages and each.is_over
            )

    with Hostile(answers(200)) as server:
        platform.simulation.callbacks = Callbacks(server.url)
        async with platform.simulation.running():
            watch.calls()
            await answered(1)
            before = calls.find(1).revision
            await answered(2)

    assert before == calls.find(1).revision
    assert before < calls.find(2).revision
    assert 200 == platform.simulation.sender.deliveries[-1].tries[-1].status
