"""From the callback to the handler: room, repeats, failures, and the end."""

import asyncio
import contextvars
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import anyio
import pytest
import pytest_asyncio

from engagelab_async.webhooks import Counts, Event, Progress, RecentlySeen, parse
from engagelab_async.webhooks.delivery import Delivery
from support.backends import jumping_clock
from support.callback_requests import body_of, row
from support.fake_clock import FakeClock

SOON = 30  # seconds; only a test that fails waits for them


def events(*message_ids: str) -> tuple[Event, ...]:
    """Make the events of a callback."""
    return parse(body_of(*(row(each) for each in message_ids)))


class Recorder:
    """A handler that keeps what it is given, and can be held up or told to fail.

    Attributes:
        handled: The ids of the messages that it was told about.
        failing: The ids of those that it fails for.
        gate: What it waits for before it handles anything.
        busy: Set when it waits for that.
    """

    def __init__(self) -> None:
        self.handled: list[str] = []
        self.failing: set[str] = set()
        self.gate = anyio.Event()
        self.gate.set()
        self.busy = anyio.Event()

    def hold(self) -> None:
        """Handle nothing until the gate is opened."""
        self.gate = anyio.Event()

    async def __call__(self, event: Any) -> None:  # noqa: ANN401 - they are all about messages
        """Handle an event."""
        self.busy.set()
        await self.gate.wait()
        if event.message_id in self.failing:
            raise LookupError(f"nothing known of {event.to}")
        self.handled.append(event.message_id)


@pytest.fixture
def recorder() -> Recorder:
    """The handler."""
    return Recorder()


@pytest.mark.anyio
async def test_events_are_handled_in_their_order(recorder: Recorder) -> None:
    """One after the other, as they came."""
    counts = Counts()
    delivery = Delivery(recorder, counts=counts)
    async with delivery.running():
        assert delivery.take(events("1", "2"))
        assert delivery.take(events())
        assert delivery.take(events("3"))

    assert ["1", "2", "3"] == recorder.handled
    assert Counts(handled=3) == counts


@pytest.mark.anyio
async def test_a_function_will_do() -> None:
    """What has nothing to wait for need not be a coroutine function."""
    handled: list[Event] = []
    delivery = Delivery(handled.append)
    async with delivery.running():
        delivery.take(events("1"))

    assert events("1") == tuple(handled)


@pytest.mark.anyio
async def test_there_is_room_for_so_many(recorder: Recorder) -> None:
    """What does not fit is not taken, and nothing waits for room."""
    recorder.hold()
    delivery = Delivery(recorder, max_waiting=2)
    async with delivery.running():
        delivery.take(events("1"))
        await recorder.busy.wait()
        taken = [delivery.take(events(each)) for each in ("2", "3", "4")]
        recorder.gate.set()

    assert [True, True, False] == taken
    assert ["1", "2", "3"] == recorder.handled


@pytest.mark.anyio
async def test_room_is_counted_in_events(recorder: Recorder) -> None:
    """A callback takes as much of it as it has rows, until each of them has its turn."""
    recorder.hold()
    delivery = Delivery(recorder, max_waiting=3)
    async with delivery.running():
        delivery.take(events("1", "2"))
        await recorder.busy.wait()
        taken = [delivery.take(events(*each)) for each in (("3", "4", "5"), ("3", "4"), ("5",))]
        recorder.gate.set()
        await until(lambda: len(recorder.handled) == 4)
        taken.append(delivery.take(events("6", "7", "8")))

    assert [False, True, False, True] == taken
    assert ["1", "2", "3", "4", "6", "7", "8"] == recorder.handled


@pytest.mark.anyio
async def test_a_callback_that_is_longer_than_all_room(recorder: Recorder) -> None:
    """It is taken when nothing waits, or it could never be."""
    recorder.hold()
    delivery = Delivery(recorder, max_waiting=1)
    async with delivery.running():
        delivery.take(events("1"))
        await recorder.busy.wait()
        taken = [delivery.take(events(*each)) for each in (("2", "3"), ("4",))]
        recorder.gate.set()

    assert [True, False] == taken
    assert ["1", "2", "3"] == recorder.handled


@pytest.mark.anyio
async def test_room_is_whole_again_when_it_begins_again(recorder: Recorder) -> None:
    """What was dropped at an end waits no longer."""
    recorder.hold()
    delivery = Delivery(recorder, max_waiting=2, drain_timeout=0.01)
    async with delivery.running():
        delivery.take(events("1", "2", "3"))
    recorder.gate.set()
    async with delivery.running():
        taken = [delivery.take(events(each)) for each in ("4", "5")]

    assert [True, True] == taken


@pytest.mark.anyio
async def test_others_have_their_turn_between_events() -> None:
    """A long callback, and a handler that never waits, do not stop the server."""
    turns: list[int] = []
    delivery = Delivery(lambda _: None)
    async with delivery.running():
        delivery.take(events(*map(str, range(10))))
        while delivery.counts.handled < 10:
            turns.append(delivery.counts.handled)
            await anyio.lowlevel.checkpoint()

    assert len(turns) >= 10


@pytest.mark.anyio
async def test_a_callback_without_events_takes_no_room(recorder: Recorder) -> None:
    """The check of a URL may come from anybody, so it must not crowd out the platform."""
    recorder.hold()
    delivery = Delivery(recorder, max_waiting=1)
    async with delivery.running():
        delivery.take(events("1"))
        await recorder.busy.wait()
        taken = [delivery.take(each) for each in ((), (), events("2"), ())]
        recorder.gate.set()

    assert [True] * 4 == taken


@pytest.mark.anyio
async def test_several_at_once(recorder: Recorder) -> None:
    """A handler that waits holds up nobody, if it may be called again meanwhile."""
    waiting, both = list[Event](), anyio.Event()

    async def meet(event: Event) -> None:
        waiting.append(event)
        if len(waiting) == 2:
            both.set()
        await both.wait()

    delivery = Delivery(meet, max_in_flight=2)
    async with delivery.running():
        delivery.take(events("1"))
        delivery.take(events("2"))

    assert 2 == delivery.counts.handled


class TestRepeats:
    """The same row delivered twice reaches the handler once."""

    @pytest.mark.anyio
    async def test_in_one_callback_or_in_two(self, recorder: Recorder) -> None:
        """It does not matter what it comes with."""
        delivery = Delivery(recorder)
        async with delivery.running():
            delivery.take(events("1", "1"))
            delivery.take(events("2", "1"))

        assert ["1", "2"] == recorder.handled
        assert Counts(handled=2, repeated=2) == delivery.counts

    @pytest.mark.anyio
    async def test_with_a_store_that_is_shared(self, recorder: Recorder) -> None:
        """What another process has handled is not handled here."""
        store = RecentlySeen()
        for _ in range(2):
            delivery = Delivery(recorder, seen=store)
            async with delivery.running():
                delivery.take(events("1"))

        assert ["1"] == recorder.handled

    @pytest.mark.anyio
    async def test_a_failed_one_gets_another_chance(self, recorder: Recorder) -> None:
        """If the platform tells it again, the handler is told again."""
        recorder.failing = {"1"}
        delivery = Delivery(recorder)
        async with delivery.running():
            delivery.take(events("1"))
            delivery.take(events("2"))
            await until(lambda: recorder.handled == ["2"])
            recorder.failing = set()
            delivery.take(events("1"))

        assert ["2", "1"] == recorder.handled

    @pytest.mark.anyio
    async def test_a_store_that_fails(
        self, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """An event that was answered 200 is rather handled twice than never."""

        class Down(RecentlySeen):
            async def begin(self, identity: str, owner: str) -> Progress:
                raise ConnectionError("refused")

        delivery = Delivery(recorder, seen=Down())
        async with delivery.running():
            delivery.take(events("1"))

        assert ["1"] == recorder.handled
        assert "seen.begin failed with ConnectionError" in caplog.text


class Turns:
    """A handler whose calls are let go one by one, to succeed or to fail.

    Attributes:
        calls: The ids of the messages that it was called for.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._errors: list[BaseException | None] = []
        self._ends: defaultdict[int, anyio.Event] = defaultdict(anyio.Event)

    def let_go(self, error: BaseException | None = None) -> None:
        """Let the oldest call end that was not let go yet, or the next that comes."""
        self._errors.append(error)
        self._ends[len(self._errors)].set()

    async def __call__(self, event: Any) -> None:  # noqa: ANN401 - they are all about messages
        """Handle an event."""
        self.calls.append(event.message_id)
        number = len(self.calls)
        await self._ends[number].wait()
        error = self._errors[number - 1]
        if error is not None:
            raise error


class TestRepeatsInFlight:
    """A row that is delivered again while it is being handled waits for what comes of that."""

    @pytest.fixture
    def turns(self) -> Turns:
        """The handler."""
        return Turns()

    @pytest.mark.anyio
    async def test_the_first_fails(self, turns: Turns) -> None:
        """The repeat takes its place."""
        delivery = Delivery(turns, max_in_flight=2)
        async with delivery.running():
            delivery.take(events("1"))
            delivery.take(events("1"))
            await anyio.wait_all_tasks_blocked()
            before = list(turns.calls)
            turns.let_go(LookupError())
            turns.let_go()

        assert ["1"] == before
        assert ["1", "1"] == turns.calls
        assert Counts(handled=1, failed=1) == delivery.counts

    @pytest.mark.anyio
    async def test_the_first_succeeds(self, turns: Turns) -> None:
        """The repeat is one."""
        delivery = Delivery(turns, max_in_flight=2)
        async with delivery.running():
            delivery.take(events("1"))
            delivery.take(events("1"))
            await anyio.wait_all_tasks_blocked()
            turns.let_go()

        assert Counts(handled=1, repeated=1) == delivery.counts

    @pytest.mark.anyio
    async def test_several_wait(self, turns: Turns) -> None:
        """One after the other is tried, until one succeeds."""
        delivery = Delivery(turns, max_in_flight=8)
        async with delivery.running():
            for _ in range(5):
                delivery.take(events("1"))
            await anyio.wait_all_tasks_blocked()
            for error in (LookupError(), LookupError(), None):
                turns.let_go(error)

        assert ["1"] * 3 == turns.calls
        assert Counts(handled=1, failed=2, repeated=2) == delivery.counts

    @pytest.mark.anyio
    async def test_they_hold_up_no_others(self, turns: Turns) -> None:
        """What waits for an outcome keeps no worker from other rows, also of its own callback."""
        delivery = Delivery(turns, max_in_flight=2)
        async with delivery.running():
            delivery.take(events("1"))
            await anyio.wait_all_tasks_blocked()
            for _ in range(3):
                delivery.take(events("1", "2"))
            await anyio.wait_all_tasks_blocked()
            before = list(turns.calls)
            for _ in range(2):
                turns.let_go()

        assert ["1", "2"] == before == turns.calls
        assert Counts(handled=2, repeated=5) == delivery.counts

    @pytest.mark.anyio
    async def test_they_take_room(self, turns: Turns) -> None:
        """Repeats of a row whose handler hangs cannot fill the memory."""
        delivery = Delivery(turns, max_in_flight=2, max_waiting=3)
        async with delivery.running():
            taken = []
            for _ in range(6):
                taken.append(delivery.take(events("1")))
                await anyio.wait_all_tasks_blocked()
            turns.let_go()

        assert [True] * 4 + [False] * 2 == taken

    @pytest.mark.asyncio
    async def test_the_first_is_cancelled_by_others(self, turns: Turns) -> None:
        """That is a failure as well."""
        delivery = Delivery(turns, max_in_flight=2)
        async with delivery.running():
            delivery.take(events("1"))
            delivery.take(events("1"))
            await anyio.wait_all_tasks_blocked()
            turns.let_go(asyncio.CancelledError())
            turns.let_go()

        assert Counts(handled=1, failed=1) == delivery.counts

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        ("error", "calls", "expected"),
        [
            (None, ["1", "2"], (Counts(handled=1), Counts(handled=1, repeated=2))),
            (
                LookupError(),
                ["1", "2", "1"],
                (Counts(failed=1), Counts(handled=2, repeated=1)),
            ),
        ],
        ids=["it succeeds", "it fails"],
    )
    async def test_in_another_process(
        self,
        error: Exception | None,
        calls: list[str],
        expected: tuple[Counts, Counts],
    ) -> None:
        """With a shared store the outcome is waited for just so."""
        counts = Counts(), Counts()
        turns, store = Turns(), RecentlySeen()
        one = Delivery(turns, seen=Remote(store), counts=counts[0])
        other = Delivery(turns, seen=Remote(store), counts=counts[1])
        async with one.running(), other.running():
            one.take(events("1"))
            await anyio.wait_all_tasks_blocked()
            other.take(events("1", "1", "2"))
            while turns.calls != ["1", "2"]:
                await anyio.lowlevel.checkpoint()
            turns.let_go(error)
            for _ in range(2):
                turns.let_go()

        assert calls == turns.calls
        assert expected == counts

    @pytest.mark.anyio
    async def test_in_a_process_that_was_killed(self, recorder: Recorder) -> None:
        """When its lease is over, the row is handled here."""
        clock = FakeClock(0)
        store = RecentlySeen(lease=10, clock=clock)
        (event,) = events("1")
        await store.begin(event.identity, "killed")
        delivery = Delivery(recorder, seen=store)
        async with delivery.running():
            delivery.take((event,))
            await anyio.wait_all_tasks_blocked()
            before = list(recorder.handled)
            clock.now = 10

        assert [] == before
        assert ["1"] == recorder.handled

    @pytest.mark.anyio
    async def test_a_repeat_that_waits_at_the_end(
        self, turns: Turns, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is dropped with the first, and both are new to the next process."""
        store = RecentlySeen()
        delivery = Delivery(turns, max_in_flight=2, seen=store, drain_timeout=0.01)
        async with delivery.running():
            delivery.take(events("1"))
            delivery.take(events("1"))
            await anyio.wait_all_tasks_blocked()

        assert Counts(dropped=2) == delivery.counts
        assert "new" == await store.begin(events("1")[0].identity, "next")
        assert "2 events of callbacks were left when" in caplog.text


class Remote:
    """A store that takes its time, as one on another machine does."""

    def __init__(self, store: RecentlySeen) -> None:
        self._store = store

    async def begin(self, identity: str, owner: str) -> Progress:
        """Take an event to be handled."""
        await anyio.lowlevel.checkpoint()
        return await self._store.begin(identity, owner)

    async def commit(self, identity: str) -> None:
        """Remember an event as handled."""
        await anyio.lowlevel.checkpoint()
        await self._store.commit(identity)

    async def abandon(self, identity: str, owner: str) -> None:
        """Make an event new again."""
        await anyio.lowlevel.checkpoint()
        await self._store.abandon(identity, owner)


async def until(true: Callable[[], bool]) -> None:
    """Let others go on until something is true."""
    while not true():
        await anyio.lowlevel.checkpoint()


class TestFailures:
    """An exception of a handler is told, and harms nobody else."""

    @pytest.mark.anyio
    async def test_it_is_told(self, recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
        """The log has its kind and its place, the hook has all of it, the next one is handled."""
        recorder.failing = {"1"}
        told: list[tuple[Event, Exception]] = []
        delivery = Delivery(recorder, on_error=lambda *failure: told.append(failure))
        async with delivery.running():
            delivery.take(events("1", "2"))

        ((event, error),) = told
        assert events("1") == (event,)
        assert "nothing known of +8613800138000" == str(error)
        assert ["2"] == recorder.handled
        assert Counts(handled=1, failed=1) == delivery.counts
        assert "the handler failed with LookupError for MessageStatus(" in caplog.text
        assert "test_delivery.py" in caplog.text

    @pytest.mark.anyio
    async def test_the_log_is_discreet(
        self, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Exceptions of others quote what they like, so their texts are not logged."""
        caplog.set_level(logging.DEBUG)
        recorder.failing = {"1"}
        delivery = Delivery(recorder)
        async with delivery.running():
            delivery.take(events("1"))

        assert "LookupError" in caplog.text
        assert "13800138000" not in caplog.text
        assert "ORDER123" not in caplog.text

    @pytest.mark.anyio
    async def test_a_hook_that_fails(
        self, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is told as well, and the next event is handled."""
        recorder.failing = {"1"}

        async def hook(event: Event, error: Exception) -> None:
            raise OSError("disk full")

        delivery = Delivery(recorder, on_error=hook)
        async with delivery.running():
            delivery.take(events("1", "2"))

        assert ["2"] == recorder.handled
        assert "on_error failed with OSError" in caplog.text

    @pytest.mark.anyio
    async def test_a_store_that_cannot_forget(
        self, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The hook is called all the same."""

        class Forgetless(RecentlySeen):
            async def abandon(self, identity: str, owner: str) -> None:
                raise ConnectionError("refused")

        recorder.failing = {"1"}
        told: list[Event] = []
        delivery = Delivery(
            recorder, seen=Forgetless(), on_error=lambda event, _: told.append(event)
        )
        async with delivery.running():
            delivery.take(events("1"))

        assert list(events("1")) == told
        assert "seen.abandon failed with ConnectionError" in caplog.text


class TestCancellationsOfOthers:
    """What a handler waits for may be cancelled by somebody else: a failure like others."""

    @pytest_asyncio.fixture
    async def cancelled(self) -> "asyncio.Future[bool]":
        """Something to wait for that was cancelled."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        future.cancel()
        return future

    @pytest.mark.asyncio
    async def test_in_the_handler(
        self, cancelled: "asyncio.Future[bool]", caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is told, and the next event is handled."""
        handled: list[Event] = []
        told: list[Exception] = []

        async def handler(event: Event) -> None:
            if event in events("1"):
                await cancelled
            handled.append(event)

        delivery = Delivery(handler, on_error=lambda _, error: told.append(error))
        async with delivery.running():
            delivery.take(events("1", "2"))
            delivery.take(events("3"))

        assert list(events("2", "3")) == handled
        assert [asyncio.CancelledError] == [type(error.__cause__) for error in told]
        assert Counts(handled=2, failed=1) == delivery.counts
        assert "the handler failed with AwaitedCancelledError" in caplog.text
        assert "in handler" in caplog.text

    @pytest.mark.asyncio
    async def test_of_the_handler_s_own_task(self) -> None:
        """A library that cancels the task it is in ends one event's handling."""

        async def handler(event: Event) -> None:
            task = asyncio.current_task()
            if event in events("1") and task is not None:
                task.cancel()
            await asyncio.sleep(0)

        delivery = Delivery(handler)
        async with delivery.running():
            delivery.take(events("1", "2"))

        assert Counts(handled=1, failed=1) == delivery.counts

    @pytest.mark.asyncio
    async def test_in_the_store(
        self, cancelled: "asyncio.Future[bool]", recorder: Recorder
    ) -> None:
        """As when it fails: better twice than never, and the hook is called."""

        class Cancelled(RecentlySeen):
            async def begin(self, identity: str, owner: str) -> Progress:
                await cancelled
                return "new"

            async def abandon(self, identity: str, owner: str) -> None:
                await cancelled

        recorder.failing = {"1"}
        told: list[Event] = []
        delivery = Delivery(
            recorder, seen=Cancelled(), on_error=lambda event, _: told.append(event)
        )
        async with delivery.running():
            delivery.take(events("1", "2"))

        assert list(events("1")) == told
        assert Counts(handled=1, failed=1) == delivery.counts

    @pytest.mark.asyncio
    async def test_in_the_hook(self, cancelled: "asyncio.Future[bool]", recorder: Recorder) -> None:
        """The next event is handled."""
        recorder.failing = {"1"}
        delivery = Delivery(recorder, on_error=lambda *_: cancelled)
        async with delivery.running():
            delivery.take(events("1", "2"))

        assert ["2"] == recorder.handled


class TestContext:
    """Handlers see the context of the request that brought their event."""

    @pytest.mark.anyio
    async def test_it_is_a_copy(self) -> None:
        """What a handler sets is seen by no other callback's, nor by the request."""
        request_id = contextvars.ContextVar("request_id", default="none")
        seen: list[str] = []

        async def handler(event: Any) -> None:  # noqa: ANN401 - they are all about messages
            await anyio.lowlevel.checkpoint()
            seen.append(f"{event.message_id}: {request_id.get()}")
            request_id.set("the handler's")

        delivery = Delivery(handler)
        async with delivery.running():
            for message_id in ("1", "2"):
                request_id.set(message_id)
                delivery.take(events(message_id))
            request_id.set("afterwards")
            await until(lambda: len(seen) == 2)

        assert "afterwards" == request_id.get()
        assert ["1: 1", "2: 2"] == seen

    @pytest.mark.anyio
    async def test_a_repeat_has_its_own(self) -> None:
        """It may take the place of another, but it is its request that is told of."""
        request_id = contextvars.ContextVar("request_id", default="none")
        turns, seen = Turns(), list[str]()

        async def handler(event: Event) -> None:
            seen.append(request_id.get())
            await turns(event)

        delivery = Delivery(handler, max_in_flight=2)
        async with delivery.running():
            for each in ("first", "second"):
                request_id.set(each)
                delivery.take(events("1"))
                await anyio.wait_all_tasks_blocked()
            turns.let_go(LookupError())
            turns.let_go()

        assert ["first", "second"] == seen


class TestRoom:
    """How much may wait, and what is logged when it is too much."""

    @pytest.mark.anyio
    async def test_by_default_it_fits_as_many_as_are_handled_at_once(self) -> None:
        """Rows behind one that is being handled wait as well, twenty of them in each callback."""
        turns = Turns()
        delivery = Delivery(turns, max_in_flight=256, drain_timeout=60.0)
        async with delivery.running():
            taken = []
            for number in range(1000):
                taken.append(delivery.take(events(*(f"{number}-{row}" for row in range(20)))))
                await anyio.lowlevel.checkpoint()
            for _ in range(20_000):
                turns.let_go()

        assert [True] * 1000 == taken
        assert 20_000 == delivery.counts.handled

    @pytest.mark.anyio
    async def test_a_burst_is_one_warning(
        self, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not one for each callback; the next burst is another."""
        delivery = Delivery(recorder, max_waiting=2)
        async with delivery.running():
            for _ in range(2):
                recorder.hold()
                recorder.busy = anyio.Event()
                delivery.take(events("1", "2"))
                await recorder.busy.wait()
                for _ in range(50):
                    delivery.take(events("3", "4"))
                recorder.gate.set()
                await until(lambda: delivery.counts.handled + delivery.counts.repeated >= 2)
                delivery.counts.handled = delivery.counts.repeated = 0
                delivery._seen = RecentlySeen()  # noqa: SLF001 - the same rows again

        warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
        assert ["callbacks are answered 503 for now: 1 events are waiting to be handled"] * 2 == (
            warnings
        )

    @pytest.mark.anyio
    async def test_what_is_left_is_logged_before_the_end(
        self, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Whoever ends the program may not wait until it is handled."""
        recorder.hold()
        logged: list[str] = []
        delivery = Delivery(recorder)

        async def program() -> None:
            async with delivery.running():
                delivery.take(events("1", "2"))
                await recorder.busy.wait()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(program)
            await anyio.wait_all_tasks_blocked()
            logged += caplog.messages
            for _ in range(9):
                delivery.take(events("3"))
            recorder.gate.set()

        assert ["2 events of callbacks are left, and handled for 7 s at most"] == logged
        assert ["callbacks are answered 503 for now: the app is ending"] == caplog.messages[1:]

    @pytest.mark.anyio
    async def test_nothing_left_is_no_news(self, caplog: pytest.LogCaptureFixture) -> None:
        """An idle program ends quietly."""
        async with Delivery(print).running():
            pass

        assert [] == caplog.messages


class TestEnd:
    """When the program ends, what was answered 200 is handled first."""

    @pytest.mark.anyio
    async def test_what_waits_is_handled(self, recorder: Recorder) -> None:
        """The end waits for it, and takes nothing new."""
        recorder.hold()
        delivery = Delivery(recorder)

        async def end() -> None:
            async with delivery.running():
                delivery.take(events("1", "2"))
                delivery.take(events("3"))
                await recorder.busy.wait()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end)
            await recorder.busy.wait()
            await anyio.wait_all_tasks_blocked()
            taken = delivery.take(events("4"))
            recorder.gate.set()

        assert not taken
        assert ["1", "2", "3"] == recorder.handled

    @pytest.mark.anyio
    async def test_it_waits_for_so_long(
        self, recorder: Recorder, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A handler that hangs cannot keep the program from ending, and what is lost is told."""
        recorder.hold()
        delivery = Delivery(recorder, drain_timeout=0.01)
        async with delivery.running():
            delivery.take(events("1", "2"))
            delivery.take(events("3"))

        assert [] == recorder.handled
        assert Counts(dropped=3) == delivery.counts
        assert "3 events of callbacks were left" in caplog.text

    @pytest.mark.anyio
    @pytest.mark.parametrize("anyio_backend", [jumping_clock()], ids=["trio"])
    async def test_what_was_cut_off_is_forgotten(self, recorder: Recorder) -> None:
        """The next process handles it, if the platform tells it again."""
        store = RecentlySeen()
        recorder.hold()
        for drain_timeout in (1, SOON):
            delivery = Delivery(recorder, seen=Remote(store), drain_timeout=drain_timeout)
            async with delivery.running():
                delivery.take(events("1"))
            recorder.gate.set()

        assert ["1"] == recorder.handled

    @pytest.mark.anyio
    async def test_what_was_handled_in_time_is_not(self, recorder: Recorder) -> None:
        """A repeat of it is one for the next process as well."""
        store = RecentlySeen()
        second_began = anyio.Event()

        async def handler(event: Any) -> None:  # noqa: ANN401 - they are all about messages
            await recorder(event)
            if event.message_id == "2":
                second_began.set()
                await anyio.sleep_forever()

        delivery = Delivery(handler, seen=store, drain_timeout=0.01)
        async with delivery.running():
            delivery.take(events("1", "2"))
            await second_began.wait()

        assert ["handled", "new"] == [
            await store.begin(event.identity, "next") for event in events("1", "2")
        ]

    @pytest.mark.anyio
    @pytest.mark.parametrize("anyio_backend", [jumping_clock()], ids=["trio"])
    async def test_what_is_cut_off_after_it_was_handled(self, recorder: Recorder) -> None:
        """It is remembered as handled, although the store was slow to hear of it."""
        committing = anyio.Event()

        class Slow(RecentlySeen):
            async def commit(self, identity: str) -> None:
                if not committing.is_set():
                    committing.set()
                    await anyio.sleep_forever()
                await anyio.lowlevel.checkpoint()
                await super().commit(identity)

        store = Slow()
        delivery = Delivery(recorder, seen=store, drain_timeout=1)
        async with delivery.running():
            delivery.take(events("1"))
            await committing.wait()

        assert ["1"] == recorder.handled
        assert "handled" == await store.begin(events("1")[0].identity, "next")

    @pytest.mark.anyio
    async def test_a_store_that_hangs_cannot_keep_it(self, recorder: Recorder) -> None:
        """Forgetting has a limit, too."""

        class Hanging(RecentlySeen):
            async def abandon(self, identity: str, owner: str) -> None:
                await anyio.sleep_forever()

        recorder.hold()
        delivery = Delivery(recorder, seen=Hanging(), drain_timeout=0.01)
        async with delivery.running():
            delivery.take(events("1"))

        assert Counts(dropped=1) == delivery.counts

    @pytest.mark.anyio
    async def test_a_cancelled_program_still_handles_what_waits(self, recorder: Recorder) -> None:
        """It was answered 200, so it will not come again."""
        recorder.hold()
        delivery = Delivery(recorder)
        scope = anyio.CancelScope()

        async def program() -> None:
            with scope:
                async with delivery.running():
                    delivery.take(events("1", "2"))
                    await anyio.sleep_forever()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(program)
            await recorder.busy.wait()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            recorder.gate.set()

        assert ["1", "2"] == recorder.handled

    @pytest.mark.anyio
    async def test_a_cancelled_program_waits_no_longer_than_others(
        self, recorder: Recorder
    ) -> None:
        """A handler that hangs does not keep it from ending."""
        recorder.hold()
        delivery = Delivery(recorder, drain_timeout=0.01)
        with anyio.CancelScope() as scope:
            async with delivery.running():
                delivery.take(events("1"))
                scope.cancel()
                await anyio.sleep_forever()

        assert Counts(dropped=1) == delivery.counts

    @pytest.mark.anyio
    async def test_a_handler_that_is_let_down(self, recorder: Recorder) -> None:
        """An exception of the program itself comes out as it is."""
        delivery = Delivery(recorder)
        with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
            async with delivery.running():
                delivery.take(events("1"))
                raise ZeroDivisionError

        assert ["1"] == recorder.handled

    @pytest.mark.anyio
    async def test_it_can_begin_again(self, recorder: Recorder) -> None:
        """An app may be started twice in a process, one time after the other."""
        delivery = Delivery(recorder)
        for message_id in ("1", "2"):
            async with delivery.running():
                delivery.take(events(message_id))

        assert ["1", "2"] == recorder.handled

    @pytest.mark.anyio
    async def test_not_twice_at_once(self, recorder: Recorder) -> None:
        """Two lifespans of one handler are a mistake."""
        delivery = Delivery(recorder)
        async with delivery.running():
            with pytest.raises(RuntimeError, match="already"):
                await delivery.running().__aenter__()

    def test_not_at_all(self, recorder: Recorder) -> None:
        """Without a lifespan nobody would handle anything, which must not go unnoticed."""
        with pytest.raises(RuntimeError, match="lifespan did not run"):
            Delivery(recorder).take(events("1"))


@pytest.mark.parametrize(
    ("options", "error", "name"),
    [
        ({"handler": None}, TypeError, "handler"),
        ({"max_waiting": 0}, ValueError, "max_waiting"),
        ({"max_waiting": float("inf")}, TypeError, "max_waiting"),
        ({"max_in_flight": "2"}, TypeError, "max_in_flight"),
        ({"drain_timeout": -1}, ValueError, "drain_timeout"),
        ({"seen": set()}, TypeError, "seen"),
    ],
)
def test_what_can_never_be_right(
    options: dict[str, Any], error: type[Exception], name: str
) -> None:
    """A mistake in the configuration names the argument, when it is made."""
    with pytest.raises(error, match=f"^{name}: "):
        Delivery(**({"handler": print} | options))
