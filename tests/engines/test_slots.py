"""The free list of connections."""

import asyncio

import anyio
import pytest
from attrs import define

from engagelab_async.engines._slots import Slots, Sweeper

A, B = "https://a.example", "https://b.example"


@define(eq=False)
class Connection:
    """What a slot holds, here: a name, and whether it was closed."""

    origin: str
    closed: bool = False
    closing: asyncio.Event | None = None

    async def aclose(self) -> None:
        """Close, as soon as that is allowed."""
        await asyncio.sleep(0)
        if self.closing is not None:
            await self.closing.wait()
        self.closed = True


@define(eq=False)
class Clock:
    """Time that passes only where a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def make_slots(limit: int = 2, clock: Clock | None = None) -> Slots[Connection]:
    """Make a free list whose slots may be idle for 30 seconds."""
    return Slots(Connection, limit=limit, idle_seconds=30.0, clock=clock or Clock())


@pytest.mark.asyncio
async def test_last_one_given_back_is_taken_first() -> None:
    """The connection that was used last is the least likely to be stale."""
    slots = make_slots()
    first, second = await slots.take(A), await slots.take(A)
    slots.give_back(first)
    slots.give_back(second)

    assert second is await slots.take(A)
    assert first is await slots.take(A)


@pytest.mark.asyncio
async def test_dropped_slot_is_closed() -> None:
    """A slot that broke is not handed out again."""
    slots = make_slots()
    broken = await slots.take(A)
    await slots.drop(broken)

    assert broken.connection.closed
    assert broken is not await slots.take(A)


@pytest.mark.asyncio
async def test_slot_of_a_cancelled_request_is_closed() -> None:
    """Closing takes place even where everything else has been cancelled."""
    slots = make_slots()
    slot = await slots.take(A)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await slots.drop(slot)

    assert slot.connection.closed


@pytest.mark.asyncio
async def test_waiters_are_served_in_order() -> None:
    """While all slots are busy, requests wait for their turn."""
    slots = make_slots(limit=1)
    busy = await slots.take(A)
    waiting = [asyncio.create_task(slots.take(A)) for _ in range(2)]
    await asyncio.sleep(0)
    slots.give_back(busy)
    slot = await waiting[0]

    assert busy is slot
    assert not waiting[1].done()
    await slots.drop(slot)
    assert busy is not await waiting[1]


@pytest.mark.asyncio
async def test_cancelled_waiter_loses_its_turn() -> None:
    """Who stops waiting takes no place from those behind."""
    slots = make_slots(limit=1)
    busy = await slots.take(A)
    waiting = [asyncio.create_task(slots.take(A)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    slots.give_back(busy)

    assert busy is await waiting[1]
    assert waiting[0].cancelled()


@pytest.mark.asyncio
async def test_idle_slots_of_another_origin_make_room() -> None:
    """The slot that was idle for longest is closed where a new one would be too many."""
    clock = Clock()
    slots = make_slots(clock=clock)
    first, second = await slots.take(A), await slots.take(B)
    slots.give_back(second)
    clock.now = 1.0
    slots.give_back(first)
    await slots.take("https://c.example")

    assert (False, True) == (first.connection.closed, second.connection.closed)
    assert first is await slots.take(A)


@pytest.mark.asyncio
async def test_cancelled_making_of_room_takes_no_place() -> None:
    """Who is cancelled while an idle slot makes room leaves that room to others."""
    slots = make_slots(limit=1)
    idle = await slots.take(A)
    idle.connection.closing = asyncio.Event()
    slots.give_back(idle)
    waiting = asyncio.create_task(slots.take(B))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    slots.give_back(await slots.take(A))
    assert B == (await slots.take(B)).origin


@pytest.mark.asyncio
async def test_slot_that_was_idle_for_long_is_closed() -> None:
    """Connections that are no longer needed do not stay open, whichever origin they lead to."""
    clock = Clock()
    slots = make_slots(limit=3, clock=clock)
    first, second, third = await slots.take(A), await slots.take(A), await slots.take(B)
    slots.give_back(first)
    slots.give_back(third)
    clock.now = 30.0
    slots.give_back(second)
    await slots.sweep()

    assert [True, False, True] == [x.connection.closed for x in (first, second, third)]
    assert 1 == slots.free


@pytest.mark.asyncio
async def test_slot_that_was_idle_for_long_is_not_taken() -> None:
    """Even where nobody has swept."""
    clock = Clock()
    slots = make_slots(clock=clock)
    slot = await slots.take(A)
    slots.give_back(slot)
    clock.now = 29.9
    assert slot is await slots.take(A)
    slots.give_back(slot)
    clock.now = 59.9

    assert slot is not await slots.take(A)
    assert slot.connection.closed


@pytest.mark.asyncio
async def test_server_says_how_long_it_keeps_a_connection() -> None:
    """A connection is not used for longer than its server has promised."""
    clock = Clock()
    slots = make_slots(clock=clock)
    slot, done = await slots.take(A), await slots.take(A)

    assert slots.give_back(slot, keep=5.0)
    assert not slots.give_back(done, keep=0.0)
    clock.now = 5.0
    assert slot is not await slots.take(A)


@pytest.mark.asyncio
async def test_old_slot_is_replaced() -> None:
    """However busy it is, a connection has a longest age."""
    clock = Clock()
    slots = Slots(Connection, limit=2, idle_seconds=30.0, max_age=60.0, clock=clock)
    slot = await slots.take(A)
    for clock.now in (20.0, 40.0, 59.0):
        slots.give_back(slot)
        assert slot is await slots.take(A)
    clock.now = 60.0

    assert not slots.give_back(slot)


@pytest.mark.asyncio
async def test_stale_slot_is_swept() -> None:
    """What the server has closed is let go without a request that comes for it."""
    stale: set[Connection] = set()
    slots = Slots(Connection, limit=2, idle_seconds=30.0, is_stale=stale.__contains__)
    first, second = await slots.take(A), await slots.take(A)
    slots.give_back(first)
    slots.give_back(second)
    stale.add(first.connection)
    await slots.sweep()

    assert (True, False) == (first.connection.closed, second.connection.closed)
    assert second is await slots.take(A)


@pytest.mark.asyncio
async def test_sweeping_while_a_stale_slot_is_being_closed() -> None:
    """Who waits for that slot to be closed gets one that nobody else gets."""
    stale: set[Connection] = set()
    slots = Slots(Connection, limit=3, idle_seconds=30.0, is_stale=stale.__contains__)
    good, bad = await slots.take(A), await slots.take(A)
    slots.give_back(good)
    slots.give_back(bad)
    stale.add(bad.connection)
    bad.connection.closing = asyncio.Event()
    waiting = asyncio.create_task(slots.take(A))
    await asyncio.sleep(0)
    await slots.sweep()
    bad.connection.closing.set()

    assert good is await waiting
    assert good is not await slots.take(A)


@pytest.mark.asyncio
async def test_all_slots_are_asked_for_while_stale_ones_are_being_closed() -> None:
    """Those that are still to be closed make room for others."""
    stale: set[Connection] = set()
    slots = Slots(Connection, limit=3, idle_seconds=30.0, is_stale=stale.__contains__)
    old = [await slots.take(A) for _ in range(3)]
    for slot in old:
        slots.give_back(slot)
        stale.add(slot.connection)
    old[0].connection.closing = asyncio.Event()
    sweeping = asyncio.create_task(slots.sweep())
    await asyncio.sleep(0)
    new = [await slots.take(B) for _ in range(3)]
    old[0].connection.closing.set()
    await sweeping

    assert {B} == {slot.origin for slot in new}
    assert all(slot.connection.closed for slot in old)
    assert 0 == slots.free


@pytest.mark.asyncio
async def test_failure_to_make_a_slot_takes_no_place() -> None:
    """Where a slot cannot even be made, the next request may try."""

    def fail(origin: str) -> Connection:
        raise LookupError(origin)

    slots = Slots(fail, limit=1, idle_seconds=30.0)
    for _ in range(2):
        with pytest.raises(LookupError):
            await slots.take(A)


@pytest.mark.asyncio
async def test_closing_closes_the_idle_at_once_and_the_busy_later() -> None:
    """A request that is under way keeps its connection to the end."""
    slots = make_slots()
    idle, busy = await slots.take(A), await slots.take(B)
    slots.give_back(idle)
    await slots.aclose()

    assert (True, False) == (idle.connection.closed, busy.connection.closed)
    assert not slots.give_back(busy)


@pytest.mark.asyncio
async def test_sweeper_ends_with_its_rounds() -> None:
    """It does not go on for ever over slots that stay good."""
    slots = make_slots()
    slots.give_back(await slots.take(A))
    slept: list[float] = []
    ended = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            ended.set()
        await asyncio.sleep(0)

    sweeper = Sweeper(slots, rounds=3, sleep=sleep)
    await sweeper.aclose()
    sweeper.wake()
    sweeper.wake()
    await ended.wait()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await sweeper.aclose()

    assert [1.0] * 3 == slept
    assert 1 == slots.free


@pytest.mark.asyncio
async def test_sweeper_ends_with_the_last_slot() -> None:
    """And begins anew when it is woken."""
    clock = Clock()
    slots = make_slots(clock=clock)
    slept: list[float] = []
    swept = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += 40.0
        swept.set()

    sweeper = Sweeper(slots, rounds=9, sleep=sleep)
    for _ in range(2):
        slots.give_back(await slots.take(A))
        swept.clear()
        sweeper.wake()
        await swept.wait()
        await anyio.wait_all_tasks_blocked()
    await sweeper.aclose()

    assert (2, 0) == (len(slept), slots.free)
