"""Waiting for what becomes of a message."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import anyio
import pytest

from engagelab_async import EngageLabError, NotDeliveredError
from engagelab_async.webhooks import MessageStatus, Notification, Tracker
from support.backends import jumping_clock

SOON = 30  # seconds; only a test that fails waits for them


def status(status: str, message_id: str = "7", **more: Any) -> MessageStatus:  # noqa: ANN401
    """Make an event."""
    return MessageStatus(message_id=message_id, status=status, **more)


@pytest.mark.anyio
async def test_it_waits() -> None:
    """Whoever waits is woken by the event that he waits for, and by no other."""
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

    assert [status("delivered")] * 2 == got


@pytest.mark.anyio
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
        (["verified_failed", "verified"], "verified", "verified"),
        (["verified_failed", "verified", "verified_failed"], "verified", "verified"),
        (["verified_timeout", "verified"], "verified", "verified"),
    ],
)
async def test_what_came_before_counts(told: list[str], until: Any, reached: str) -> None:  # noqa: ANN401
    """A callback may be faster than the answer of the send; and come in any order."""
    tracker = Tracker()
    for each in told:
        await tracker(status(each))

    assert status(reached) == await tracker.wait_for("7", until=until, timeout=SOON)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("told", "until"),
    [
        ("target_invalid", "sent"),
        ("sent_fail", "delivered"),
        ("sent_failed", "delivered"),
        ("delivered_failed", "delivered"),
        ("delivered_failed", "verified"),
        ("verified_timeout", "verified"),
    ],
)
async def test_a_message_that_failed(told: str, until: Any) -> None:  # noqa: ANN401 - a Milestone
    """There is nothing more to wait for; the event says why."""
    tracker = Tracker(grace=0)
    event = status(told, error_code=4001, error_message="Invalid number +6591234567")
    await tracker(event)

    with pytest.raises(NotDeliveredError) as raised:
        await tracker.wait_for("7", until=until, timeout=SOON)

    assert event == raised.value.event
    assert f"message 7: {told}, code 4001" == str(raised.value)
    assert isinstance(raised.value, EngageLabError)


@pytest.mark.parametrize("told", ["verified_failed", "verified_timeout"])
@pytest.mark.anyio
async def test_a_code_that_was_not_verified(told: str) -> None:
    """It says nothing against the delivery, which may be told later, or never."""
    tracker = Tracker()
    await tracker(status(told))
    for until in ("sent", "delivered"):
        with pytest.raises(TimeoutError):
            await tracker.wait_for("7", until=until, timeout=0.01)
    await tracker(status("delivered"))

    assert status("delivered") == await tracker.wait_for("7", until="sent", timeout=SOON)


@pytest.mark.anyio
async def test_a_wrong_guess_ends_nothing() -> None:
    """The person may guess again, or let the code expire."""
    tracker, ends = Tracker(), []

    async def wait(message_id: str) -> None:
        try:
            event = await tracker.wait_for(message_id, until="verified", timeout=SOON)
        except NotDeliveredError as error:
            ends.append(str(error))
        else:
            ends.append(event.status)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait, "7")
        tasks.start_soon(wait, "8")
        for event in (
            status("verified_failed"),
            status("verified_failed", "8"),
            status("verified"),
            status("verified_timeout", "8"),
        ):
            await anyio.wait_all_tasks_blocked()
            await tracker(event)

    assert ["verified", "message 8: verified_timeout"] == ends


@pytest.mark.anyio
class TestFallback:
    """A delivery that failed on one channel may be followed by one on the next."""

    STORY = (
        ("sent", "whatsapp"),
        ("delivered_failed", "whatsapp"),
        ("sent", "sms"),
        ("delivered", "sms"),
    )
    FAILED = (*STORY[:3], ("delivered_failed", "sms"))

    @pytest.fixture
    def anyio_backend(self) -> tuple[str, dict[str, object]]:
        """A clock that jumps to whatever is waited for."""
        return jumping_clock()

    async def end_of(
        self,
        story: Sequence[tuple[str, str | None]],
        *,
        until: Any = "delivered",  # noqa: ANN401 - a Milestone
        every: float = 5.0,
        timeout: float = 600.0,
        **options: Any,  # noqa: ANN401 - of a tracker
    ) -> tuple[str, float]:
        """Tell how a wait ends, and after how many seconds, if an event comes every few seconds."""
        tracker = Tracker(**options)
        began = anyio.current_time()

        async def tell() -> None:
            for name, channel in story:
                await tracker(status(name, server="otp", channel=channel))
                await anyio.sleep(every)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tell)
            try:
                event = await tracker.wait_for("7", until=until, timeout=timeout)
            except (NotDeliveredError, TimeoutError) as error:
                end = f"{type(error).__name__}: {error}"
            else:
                end = f"{event.status} by {event.channel}"
            took = anyio.current_time() - began
            tasks.cancel_scope.cancel()
        return end, took

    @pytest.mark.parametrize("story", list(permutations(STORY)))
    async def test_it_is_survived_in_any_order(self, story: Sequence[tuple[str, str]]) -> None:
        """The message is delivered, whatever comes before or after that."""
        end, took = await self.end_of(story)

        assert ("delivered by sms", 5.0 * story.index(("delivered", "sms"))) == (end, took)

    @pytest.mark.parametrize("story", list(permutations(FAILED)))
    async def test_all_channels_fail(self, story: Sequence[tuple[str, str]]) -> None:
        """That is the end after the grace period, which the last failure begins."""
        last = max(place for place, (name, _) in enumerate(story) if name == "delivered_failed")
        both_sent = max(place for place, (name, _) in enumerate(story) if name == "sent")
        end, took = await self.end_of(story)

        assert end.startswith("NotDeliveredError: message 7: delivered_failed")
        assert max(last * 5.0 + 20, both_sent * 5.0) == took

    @pytest.mark.parametrize("changing", ["channel", "current_send_channel"])
    @pytest.mark.parametrize("other", ["whatsapp", "CHANNEL_A", None])
    async def test_either_name_of_a_channel_tells_them_apart(
        self, changing: str, other: str | None
    ) -> None:
        """The next channel is in use as soon as one of the two names is another."""
        names: dict[str, Any] = {"channel": other, "current_send_channel": other}
        story = [status(name, **names | {changing: channel}) for name, channel in self.STORY]
        tracker = Tracker()
        for event in story[:3]:
            await tracker(event)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.after, 60, tracker, story[3])
            event = await tracker.wait_for("7", timeout=600)

        assert "delivered" == event.status

    @staticmethod
    async def after(seconds: float, tracker: Tracker, event: MessageStatus) -> None:
        """Have an event come later."""
        await anyio.sleep(seconds)
        await tracker(event)

    async def test_a_failure_that_names_its_channel_once(self) -> None:
        """It is that of the channel that was sent on, though that was named twice."""
        tracker = Tracker()
        await tracker(status("sent", channel="sms", current_send_channel="CHANNEL_A"))
        await tracker(status("delivered_failed", channel="sms"))
        with pytest.raises(NotDeliveredError):
            await tracker.wait_for("7", timeout=600)

        assert 20 == anyio.current_time()

    async def test_a_repeat_of_the_failure_changes_nothing(self) -> None:
        """It neither ends the wait for the next channel nor begins a new grace period."""
        failed = ("delivered_failed", "whatsapp")

        assert ("delivered by sms", 20) == await self.end_of(
            [*self.STORY[:3], failed, self.STORY[3]]
        )
        assert ("delivered by sms", 15) == await self.end_of([*self.STORY, failed])
        assert 20 == (await self.end_of([failed] * 3))[1]

    async def test_nothing_follows(self) -> None:
        """After the grace period the failure is the end."""
        end, took = await self.end_of(
            [("sent", "whatsapp"), ("delivered_failed", "whatsapp")], grace=9
        )

        assert ("NotDeliveredError: message 7: delivered_failed", 14) == (end, took)

    @pytest.mark.parametrize("until", ["delivered", "verified"])
    async def test_a_channel_that_is_left(self, until: str) -> None:
        """While it may still deliver, only the timeout ends the wait."""
        end, took = await self.end_of(self.STORY[:3], until=until)

        assert (f"TimeoutError: message 7 was not {until} within 600 s", 600) == (end, took)

    async def test_a_timeout_in_the_grace_period(self) -> None:
        """Whether it failed is not known by then."""
        end, took = await self.end_of([("delivered_failed", "whatsapp")], timeout=10)

        assert ("TimeoutError", 10) == (end.partition(":")[0], took)

    async def test_templates_of_one_channel_need_no_grace(self) -> None:
        """With 0 the first failure is the end."""
        assert 5 == (await self.end_of([("sent", "sms"), ("delivered_failed", "sms")], grace=0))[1]

    async def test_what_cannot_fall_back_fails_at_once(self) -> None:
        """Email is never followed by another channel, nor is what could not be sent."""
        assert 0 == (await self.end_of([("delivered_failed", "email")]))[1]
        assert 0 == (await self.end_of([("sent_failed", "whatsapp")]))[1]

    async def test_a_failure_of_long_ago(self) -> None:
        """The grace period counts from its arrival, not from the wait for it."""
        tracker = Tracker()
        await tracker(status("delivered_failed", channel="whatsapp"))
        await anyio.sleep(60)
        before = anyio.current_time()
        with pytest.raises(NotDeliveredError):
            await tracker.wait_for("7", timeout=600)

        assert 0 == anyio.current_time() - before

    async def test_the_grace_of_one_wait(self) -> None:
        """A program that knows the template knows better than the tracker."""
        tracker = Tracker()
        await tracker(status("delivered_failed", channel="whatsapp"))
        before = anyio.current_time()
        with pytest.raises(NotDeliveredError):
            await tracker.wait_for("7", timeout=600, grace=3)

        assert 3 == anyio.current_time() - before


@pytest.mark.anyio
async def test_a_message_that_failed_without_a_code() -> None:
    """The status says enough."""
    tracker = Tracker()
    await tracker(status("sent_fail", error_code=0))

    with pytest.raises(NotDeliveredError, match=r"^message 7: sent_fail$"):
        await tracker.wait_for("7", timeout=SOON)


@pytest.mark.anyio
async def test_it_does_not_wait_forever() -> None:
    """It says what did not come, and leaves nothing behind."""
    tracker = Tracker()
    with pytest.raises(TimeoutError, match=r"^message 7 was not delivered within 0.01 s$"):
        await tracker.wait_for("7", timeout=0.01)

    assert {} == tracker._waiting  # noqa: SLF001 - a leak shows nowhere else


@pytest.mark.anyio
async def test_it_forgets_the_oldest() -> None:
    """It keeps so many messages, and what is new of one makes that a young one."""
    tracker = Tracker(capacity=2)
    for message_id in ("1", "2", "1", "3"):
        await tracker(status("delivered", message_id))

    assert status("delivered", "1") == await tracker.wait_for("1", timeout=SOON)
    with pytest.raises(TimeoutError):
        await tracker.wait_for("2", timeout=0.01)


@pytest.mark.anyio
async def test_statuses_that_are_not_known_take_no_room() -> None:
    """Nobody waits for them."""
    tracker = Tracker(capacity=1)
    await tracker(status("delivered", "1"))
    await tracker(status("read", "2"))

    assert status("delivered", "1") == await tracker.wait_for("1", timeout=SOON)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"message_id": ""}, ValueError, "message_id"),
        ({"message_id": None}, TypeError, "message_id"),
        ({"message_id": "7", "until": "read"}, ValueError, "until"),
        ({"message_id": "7", "timeout": 0}, ValueError, "timeout"),
        ({"message_id": "7", "timeout": None}, TypeError, "timeout"),
        ({"message_id": "7", "grace": -1}, ValueError, "grace"),
        ({"message_id": "7", "grace": True}, TypeError, "grace"),
    ],
)
async def test_what_can_never_be_right(
    arguments: dict[str, Any], error: type[Exception], name: str
) -> None:
    """A mistake names the argument."""
    with pytest.raises(error, match=f"^{name}: "):
        await Tracker().wait_for(**arguments)


@pytest.mark.parametrize("grace", [-1, float("inf"), float("nan")])
def test_a_grace_that_can_never_be_right(grace: float) -> None:
    """It would never end, or end before it began."""
    with pytest.raises(ValueError, match=r"^grace: "):
        Tracker(grace=grace)


@pytest.mark.anyio
async def test_it_knows_what_is_waited_for() -> None:
    """Until the wait is over."""
    tracker = Tracker()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tracker.wait_for, "7")
        await anyio.wait_all_tasks_blocked()
        before = tracker.awaited()
        await tracker(MessageStatus(message_id="7", status="delivered"))

    assert (("7",), ()) == (before, tracker.awaited())
