"""The event loop that owns the state: calls from other threads, and tasks that wait."""

import asyncio
import threading
from typing import cast

import pytest
from anyio import to_thread
from anyio.from_thread import BlockingPortal

from engagelab_async.sandbox.loop import StateLoop, Wakeup


@pytest.mark.asyncio
async def test_other_threads_call_into_the_loop() -> None:
    """What they call runs in the loop's own thread, and they get its result."""
    loop = StateLoop()
    async with loop.running():
        thread = await to_thread.run_sync(loop.call, threading.get_ident)

    assert threading.get_ident() == thread


@pytest.mark.asyncio
async def test_the_loop_calls_directly() -> None:
    """In the loop's own thread, waiting for the loop would never end."""
    loop = StateLoop()
    async with loop.running():
        assert 3 == loop.call(len, "abc")


@pytest.mark.asyncio
async def test_without_a_loop_the_caller_owns_the_state() -> None:
    """Before it runs, and after, a call is an ordinary one."""
    loop = StateLoop()
    before = loop.call(threading.get_ident)
    async with loop.running():
        pass
    after = await to_thread.run_sync(loop.call, threading.get_ident)

    assert threading.get_ident() == before != after


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [LookupError("no such message"), RuntimeError("of its own")])
async def test_errors_reach_the_caller(error: Exception) -> None:
    """In another thread as in this one."""
    loop = StateLoop()

    def fail() -> None:
        raise error

    async with loop.running():
        with pytest.raises(type(error), match=str(error)):
            await to_thread.run_sync(loop.call, fail)


def test_a_call_while_it_stops_is_carried_out_once() -> None:
    """It found the portal, which has closed by the time it is used."""
    loop, calls = StateLoop(), list[str]()

    class Closing:
        """A portal of a loop that stops between the two."""

        def call(self, _: object) -> None:
            loop._portal = None  # noqa: SLF001
            raise RuntimeError("This portal is not running")

    loop._portal = cast("BlockingPortal", Closing())  # noqa: SLF001
    loop.call(calls.append, "once")

    assert ["once"] == calls


@pytest.mark.asyncio
async def test_a_wakeup_is_kept_until_something_waits() -> None:
    """Several before that wake once."""
    wakeup = Wakeup()
    wakeup.set()
    wakeup.set()
    await wakeup.wait()
    waiting = asyncio.create_task(wakeup.wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not waiting.done()
    wakeup.set()
    await waiting


@pytest.mark.asyncio
async def test_a_task_that_is_always_woken_lets_others_run() -> None:
    """Each wait gives other tasks a turn."""
    wakeup, turns = Wakeup(), 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    for _ in range(5):
        wakeup.set()
        await wakeup.wait()
    other.cancel()

    assert turns >= 5


@pytest.mark.asyncio
async def test_a_wait_can_end_by_itself() -> None:
    """After some seconds."""
    await Wakeup().wait(0)


def test_a_wakeup_outlives_its_event_loop() -> None:
    """A sandbox may be started again, in another loop."""
    wakeup = Wakeup()
    for _ in range(2):
        wakeup.set()
        asyncio.run(wakeup.wait())
