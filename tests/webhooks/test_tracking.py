"""Waiting for what becomes of a message."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from engagelab_async import EngageLabError, NotDeliveredError
from engagelab_async.webhooks import MessageStatus, Notification, Tracker

SOON = 30  # seconds; only a test that fails waits for them


def status(status: str, message_id: str = "7", **more: Any) -> MessageStatus:  # noqa: ANN401
    """Make an event."""
    return MessageStatus(message_id=message_id, status=status, **more)


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Awaitable[Any]]], Any]:
    """Run a coroutine function on both."""
    return lambda main: anyio.run(main, backend=request.param)


def test_it_waits(run: Callable[..., Any]) -> None:
    """Whoever waits is woken by the event that he waits for, and by no other."""

    async def main() -> list[MessageStatus]:
        tracker, got = Tracker(), []

        async def wait() -> None:
            got.append(await tracker.wait_for("7", until="delivered", timeout=SOON))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            for event in (status("sent"), status("delivered", "8"), Notification(event="x")):
                await tracker(event)
                await anyio.wait_all_tasks_blocked()
            assert [] == got
            await tracker(status("delivered"))
        return got

    assert [status("delivered")] * 2 == run(main)


@pytest.mark.parametrize(
    ("told", "until", "reached"),
    [
        (["sent"], "sent", "sent"),
        (["delivered"], "sent", "delivered"),
        (["sent", "delivered"], "delivered", "delivered"),
        (["delivered", "sent"], "delivered", "delivered"),
        (["verified"], "delivered", "verified"),
        (["delivered", "verified_timeout"], "delivered", "delivered"),
        (["verified_timeout", "delivered"], "delivered", "delivered"),
        (["delivered", "verified"], "verified", "verified"),
        (["verified_failed", "sent"], "sent", "sent"),
        (["delivered_failed", "sent"], "sent", "sent"),
    ],
)
async def test_what_came_before_counts(told: list[str], until: Any, reached: str) -> None:  # noqa: ANN401
    """A callback may be faster than the answer of the send; and come in any order."""
    tracker = Tracker()
    for each in told:
        await tracker(status(each))

    assert status(reached) == await tracker.wait_for("7", until=until, timeout=SOON)


@pytest.mark.parametrize(
    ("told", "until"),
    [
        ("target_invalid", "sent"),
        ("sent_fail", "delivered"),
        ("sent_failed", "delivered"),
        ("delivered_failed", "delivered"),
        ("verified_failed", "verified"),
        ("verified_timeout", "verified"),
    ],
)
async def test_a_message_that_failed(told: str, until: Any) -> None:  # noqa: ANN401 - a Milestone
    """There is nothing more to wait for; the event says why."""
    tracker = Tracker()
    event = status(told, error_code=4001, error_message="Invalid number +6591234567")
    await tracker(event)

    with pytest.raises(NotDeliveredError) as raised:
        await tracker.wait_for("7", until=until, timeout=SOON)

    assert event == raised.value.event
    assert f"message 7: {told}, code 4001" == str(raised.value)
    assert isinstance(raised.value, EngageLabError)


@pytest.mark.parametrize("told", ["verified_failed", "verified_timeout"])
def test_a_code_that_was_not_verified(run: Callable[..., Any], told: str) -> None:
    """It says nothing against the delivery, which may be told later, or never."""

    async def main() -> MessageStatus:
        tracker = Tracker()
        await tracker(status(told))
        for until in ("sent", "delivered"):
            with pytest.raises(TimeoutError):
                await tracker.wait_for("7", until=until, timeout=0.01)
        await tracker(status("delivered"))
        return await tracker.wait_for("7", until="sent", timeout=SOON)

    assert status("delivered") == run(main)


async def test_a_message_that_failed_without_a_code() -> None:
    """The status says enough."""
    tracker = Tracker()
    await tracker(status("sent_fail", error_code=0))

    with pytest.raises(NotDeliveredError, match=r"^message 7: sent_fail$"):
        await tracker.wait_for("7", timeout=SOON)


def test_it_does_not_wait_forever(run: Callable[..., Any]) -> None:
    """It says what did not come, and leaves nothing behind."""
    tracker = Tracker()

    async def main() -> None:
        with pytest.raises(TimeoutError, match=r"^message 7 was not delivered within 0.01 s$"):
            await tracker.wait_for("7", timeout=0.01)

    run(main)

    assert {} == tracker._waiting  # noqa: SLF001 - a leak shows nowhere else


async def test_it_forgets_the_oldest() -> None:
    """It keeps so many messages, and what is new of one makes that a young one."""
    tracker = Tracker(capacity=2)
    for message_id in ("1", "2", "1", "3"):
        await tracker(status("delivered", message_id))

    assert status("delivered", "1") == await tracker.wait_for("1", timeout=SOON)
    with pytest.raises(TimeoutError):
        await tracker.wait_for("2", timeout=0.01)


async def test_statuses_that_are_not_known_take_no_room() -> None:
    """Nobody waits for them."""
    tracker = Tracker(capacity=1)
    await tracker(status("delivered", "1"))
    await tracker(status("read", "2"))

    assert status("delivered", "1") == await tracker.wait_for("1", timeout=SOON)


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"message_id": ""}, ValueError, "message_id"),
        ({"message_id": None}, TypeError, "message_id"),
        ({"message_id": "7", "until": "read"}, ValueError, "until"),
        ({"message_id": "7", "timeout": 0}, ValueError, "timeout"),
        ({"message_id": "7", "timeout": None}, TypeError, "timeout"),
    ],
)
async def test_what_can_never_be_right(
    arguments: dict[str, Any], error: type[Exception], name: str
) -> None:
    """A mistake names the argument."""
    with pytest.raises(error, match=f"^{name}: "):
        await Tracker().wait_for(**arguments)
