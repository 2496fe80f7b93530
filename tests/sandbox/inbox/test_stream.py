"""The stream of events: everything that was missed, then everything that happens."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest
from attrs import define
from starlette.types import Message

from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.faults.register import Faults
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.inbox.control import routes
from engagelab_async.sandbox.inbox.documents import Documents
from engagelab_async.sandbox.inbox.stream import events
from support.fake_clock import FakeClock
from support.platforms import Platform, at_once
from support.turns import counting_turns


@define
class Desk:
    """The parts of an inbox that stream."""

    platform: Platform
    calls: Calls
    pace: float = 0
    heartbeat: float = 3600

    def events(self, last: str) -> AsyncIterator[str]:
        """Stream what comes after an event."""
        documents = Documents(self.platform)
        return events(self.calls, documents, last, pace=self.pace, heartbeat=self.heartbeat)

    def send(self, to: str = "+10000000003") -> None:
        """Send a message that is recorded."""
        body = {"to": to, "template": {"id": "7"}}
        at_once(self.calls.recorded("otp", "/", self.platform.send_custom_message))(body)


@pytest.fixture
def desk(platform: Platform, clock: FakeClock) -> Iterator[Desk]:
    """A desk whose streams do not pause, and are open."""
    calls = Calls(platform, keep=1000, clock=clock)
    with calls.open():
        yield Desk(platform, calls)


def parsed(event: str) -> tuple[str, dict[str, Any]]:
    """Return the id and the data of an event."""
    fields = dict(line.split(": ", 1) for line in event.splitlines() if line)
    assert "changes" == fields["event"]
    assert event.endswith("\n\n")
    return fields["id"], json.loads(fields["data"])


async def reported(stream: AsyncIterator[str]) -> list[int]:
    """Return the numbers of the calls that the next event reports."""
    _, data = parsed(await anext(stream))
    return [call["number"] for call in data["calls"]]


@pytest.mark.asyncio
async def test_reports_what_was_there_and_what_comes(desk: Desk) -> None:
    """The first event holds all calls, the next ones come when something happens."""
    desk.send()
    stream = desk.events("")
    assert [1] == await reported(stream)
    following = asyncio.ensure_future(reported(stream))
    await asyncio.sleep(0)
    assert not following.done()
    desk.send()

    assert [2] == await following


@pytest.mark.asyncio
async def test_an_inbox_with_nothing_in_it(desk: Desk) -> None:
    """A first event comes nevertheless: the reader knows that it is up to date."""
    event_id, data = parsed(await anext(desk.events("")))

    assert f"{desk.calls.epoch}-0" == event_id
    assert {"run": desk.calls.numbering.run, "oldest": 1, "calls": [], "is_all": True} == data


@pytest.mark.asyncio
async def test_goes_on_where_a_reader_was(desk: Desk) -> None:
    """A reader that comes back with the last id gets what it missed, and nothing else."""
    desk.send()
    event_id, _ = parsed(await anext(desk.events("")))
    desk.send()
    desk.send()

    assert [2, 3] == await reported(desk.events(event_id))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "event_id", ["", "0-1", "{epoch}", "{epoch}-x", "{epoch}-²", "{epoch}-" + "9" * 5000, "junk"]
)
async def test_ids_of_others_mean_everything(desk: Desk, event_id: str) -> None:
    """An id of another sandbox, or what is none, is as good as no id."""
    desk.send()

    assert [1] == await reported(desk.events(event_id.format(epoch=desk.calls.epoch)))


@pytest.mark.asyncio
async def test_many_calls_come_in_parts(desk: Desk) -> None:
    """An event holds 200 calls at most, and a reader can be cut off after any of them."""
    for _ in range(450):
        desk.send()
    desk.pace = 3600  # those that are there already need not wait
    stream = desk.events("")
    first_id, first = parsed(await anext(stream))
    _, second = parsed(await anext(stream))
    _, last = parsed(await anext(stream))
    rest = [call["number"] for call in second["calls"] + last["calls"]]

    assert 200 == len(first["calls"])
    assert [False, False, True] == [part["is_all"] for part in (first, second, last)]
    assert list(range(201, 451)) == rest
    assert rest[:200] == await reported(desk.events(first_id))


@pytest.mark.asyncio
async def test_a_change_between_two_parts(desk: Desk) -> None:
    """What was reported and has changed since comes again, as it is by then."""
    for _ in range(201):
        desk.send()
    stream = desk.events("")
    first = await reported(stream)
    desk.platform.simulation.deliver(desk.platform.outbox.get(1))
    while desk.platform.simulation.report_due():
        pass
    second = await reported(stream)

    assert list(range(1, 201)) == first
    assert [201, 1] == second


@pytest.mark.asyncio
async def test_a_slow_reader_gets_what_is_true_now(desk: Desk, clock: FakeClock) -> None:
    """What happened while it did not read costs one event: each call as it is by then."""
    stream = desk.events("")
    await anext(stream)
    desk.send("+6591234567")
    desk.platform.simulation.report_due()
    clock.now += 2
    desk.platform.simulation.report_due()
    _, data = parsed(await anext(stream))

    assert [{"delivered": 1}] == [call["states"] for call in data["calls"]]


@pytest.mark.asyncio
async def test_clearing_is_reported(desk: Desk) -> None:
    """No call comes, but those that the reader has are older than the oldest."""
    desk.send()
    stream = desk.events("")
    await anext(stream)
    desk.calls.clear()
    _, data = parsed(await anext(stream))

    assert (2, []) == (data["oldest"], data["calls"])


@pytest.mark.asyncio
async def test_gives_a_sign_of_life(desk: Desk) -> None:
    """When nothing happens, an event says so now and then, and no call is reported twice."""
    desk.send()
    desk.heartbeat = 0
    stream = desk.events("")

    assert [[1], [], []] == [await reported(stream) for _ in range(3)]


@pytest.mark.asyncio
async def test_ends_when_the_sandbox_stops(desk: Desk) -> None:
    """A stream that waits ends, one that is opened later too, until the sandbox starts again."""
    with desk.calls.open():
        stream = desk.events("")
        await anext(stream)
        following = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)

    with pytest.raises(StopAsyncIteration):
        await following
    assert [] == [event async for event in desk.events("")]

    with desk.calls.open():
        assert [] == await reported(desk.events(""))


@pytest.mark.asyncio
async def test_much_happens_between_two_events(desk: Desk, clock: FakeClock) -> None:
    """A reader gets each call once, as it is by then."""
    stream = desk.events("")
    await anext(stream)
    for _ in range(700):
        desk.send("+6591234567")
    clock.now += 2
    while desk.platform.simulation.report_due():
        pass
    for message in desk.platform.outbox.messages:
        for _ in range(12):
            desk.platform.simulation.reply(message, "?")
    events = [parsed(await anext(stream)) for _ in range(4)]
    states = [call["states"] for _, data in events for call in data["calls"]]

    assert [{"delivered": 1}] * 700 == states


@pytest.mark.asyncio
async def test_a_reader_who_leaves_is_forgotten(platform: Platform, calls: Calls) -> None:
    """Its stream ends at once, although nothing happens, and no task is left."""
    app = create_app(platform, further_routes=routes(calls, platform, Faults()))
    scope = {"type": "http", "method": "GET", "path": "/sandbox/v1/events", "headers": []}
    has_begun = asyncio.Event()

    async def receive() -> Message:
        await has_begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if b"event: changes" in message.get("body", b""):
            has_begun.set()

    before = asyncio.all_tasks()
    with calls.open():
        await app({**scope, "query_string": b""}, receive, send)

    assert before == asyncio.all_tasks()


@pytest.mark.asyncio
async def test_opening_a_full_inbox_lets_others_run(desk: Desk) -> None:
    """Many messages are looked at, and described, some at a time."""
    for _ in range(900):
        desk.send()
    stream, before = desk.events(""), list[int]()
    with counting_turns() as turns:
        while True:
            before.append(turns.count)
            if parsed(await anext(stream))[1]["is_all"]:
                break

    assert 4 == before[1]
    assert [1, 1, 1] == [later - earlier for earlier, later in pairwise(before[1:])]


@pytest.mark.asyncio
async def test_what_was_sent_before_is_followed_too(desk: Desk, clock: FakeClock) -> None:
    """However many messages were in flight when the inbox was opened, each is reported."""
    for _ in range(600):
        desk.send("+6591234567")
    stream = desk.events("")
    while not parsed(await anext(stream))[1]["is_all"]:
        pass
    assert desk.platform.simulation.report_due()
    clock.now += 2
    while desk.platform.simulation.report_due():
        pass
    events = [parsed(await anext(stream))[1] for _ in range(3)]

    assert [{"delivered": 1}] * 600 == [call["states"] for each in events for call in each["calls"]]
