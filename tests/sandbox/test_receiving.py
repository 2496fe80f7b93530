"""The sandbox calls back, and the library's own receiver takes it: both on real sockets."""

import asyncio
from typing import cast

import pytest

from engagelab_async import Credentials, EngageLab, NotDeliveredError
from engagelab_async.sandbox import DEMO_CREDENTIALS, Callbacks, Sandbox
from engagelab_async.webhooks import Event, MessageStatus, Tracker, Verifier
from engagelab_async.webhooks.asgi import WebhookApp
from support import backends
from support.clocks import LeapingClock
from support.servers import served

KEY = Credentials(*DEMO_CREDENTIALS)
STATUSES = ["plan", "target_valid", "sent", "delivered"]


def client_of(sandbox: Sandbox) -> EngageLab:
    """Make a client of both products."""
    return EngageLab(
        otp=KEY, sms=KEY, otp_base_url=sandbox.otp_base_url, sms_base_url=sandbox.sms_base_url
    )


@pytest.mark.asyncio
async def test_a_message_is_tracked_to_its_end() -> None:
    """A signed callback is let in, and tells the sender what became of the message."""
    tracker = Tracker()
    app = WebhookApp(Verifier("shop", "my_secret", authorization="Bearer b"), tracker)
    async with served(app) as (host, port):
        callbacks = Callbacks(
            f"http://{host}:{port}",
            username="shop",
            secret="my_secret",
            authorization="Bearer b",
        )
        async with Sandbox(callbacks=callbacks, pace=0) as sandbox, client_of(sandbox) as engagelab:
            plan = await engagelab.sms.send("+6591234567", "1233", custom_args={"order": "7"})
            sent = await engagelab.otp.send("+10000000005", "login")
            await engagelab.otp.verify(sent.message_id, "123456")
            delivered = await tracker.wait_for(str(plan.message_id), until="delivered", timeout=50)
            verified = await tracker.wait_for(sent.message_id, until="verified", timeout=50)

    assert {"order": "7"} == delivered.custom_args
    assert ("verified", "otp") == (verified.status, verified.server)
    assert all(delivery.is_answered for delivery in sandbox.deliveries if delivery.is_over)


@pytest.mark.asyncio
async def test_doubled_and_reordered_events_are_handled_once() -> None:
    """Whatever order they come in, each reaches the handler, and none does twice."""
    handled: list[tuple[str, str]] = []
    all_came = asyncio.Event()

    async def handle(event: Event) -> None:
        assert isinstance(event, MessageStatus)
        handled.append((event.message_id, event.status))
        if len(handled) == 20 * len(STATUSES):
            all_came.set()

    async with served(WebhookApp(Verifier("shop", "my_secret"), handle)) as (host, port):
        callbacks = Callbacks(
            f"http://{host}:{port}",
            username="shop",
            secret="my_secret",
            duplicates=0.5,
            reorder=0.5,
            seed=7,
        )
        async with Sandbox(callbacks=callbacks, pace=0) as sandbox, client_of(sandbox) as engagelab:
            await engagelab.sms.send([f"+65912345{number:02}" for number in range(20)], "1233")
            async with asyncio.timeout(50):
                await all_came.wait()

    wanted = [(message.message_id, status) for message in sandbox.messages for status in STATUSES]
    assert sorted(wanted) == sorted(handled)
    assert wanted != handled
    assert sum(each.body.count('"message_status"') for each in sandbox.deliveries) > len(wanted)


@pytest.mark.parametrize(
    ("to", "end"), [("+10000000004", "delivered sms"), ("+10000000014", "delivered_failed sms")]
)
def test_a_fallback_is_tracked_to_its_end(to: str, end: str) -> None:
    """A channel that fails is not the end while another may follow; all that fail are."""
    clock, tracker = LeapingClock(), Tracker(grace=60)

    async def handle(event: Event) -> None:
        await tracker(event)
        if isinstance(event, MessageStatus) and "delivered_failed sms" == shown(event):
            clock.leap(60)

    async def main() -> None:
        async with served(WebhookApp(Verifier("shop", "my_secret"), handle)) as (host, port):
            callbacks = Callbacks(f"http://{host}:{port}", username="shop", secret="my_secret")
            async with (
                Sandbox(callbacks=callbacks, pace=0.01) as sandbox,
                client_of(sandbox) as engagelab,
            ):
                sent = await engagelab.otp.send(to, "login")
                try:
                    event = await tracker.wait_for(sent.message_id, timeout=600)
                except NotDeliveredError as error:
                    event = cast("MessageStatus", error.event)

        assert ("whatsapp", end) == (sent.send_channel, shown(event))

    backends.run("asyncio", main, clock)


def shown(event: MessageStatus) -> str:
    """Return a status and its channel."""
    return f"{event.status} {event.channel}"
