"""A fleet on pgqueuer, whose queue is in the same PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from engagelab_async import EngageLab
from engagelab_async.distributed import Fleet
from engagelab_async.distributed.pgqueuer import Served, serve
from support.bulk import Platform, kinds, plan, sends
from support.memory_fleets import PAIR, outcomes_of
from support.services import PostgreSQL

pytestmark = pytest.mark.asyncio


def client_of(platform: Platform) -> Callable[[], EngageLab]:
    """Return what makes a worker's client."""
    return lambda: EngageLab(sms=PAIR, http=platform)


async def work(served: Served, until: asyncio.Event) -> None:
    """Be a worker until an event."""
    async with served.worker() as manager:
        running = asyncio.create_task(
            manager.run(
                batch_size=1,
                max_concurrent_tasks=2,
                dequeue_timeout=timedelta(seconds=0.2),
                heartbeat_timeout=timedelta(seconds=2),
            )
        )
        await until.wait()
        manager.shutdown.set()
        await running


async def test_carries_a_campaign(fleet: Fleet) -> None:
    """The same outcomes; its own tables may be made whenever a program starts."""
    platform = Platform()
    served = serve(fleet, client_of(platform))
    await served.create_tables()
    await served.create_tables()
    done = asyncio.Event()
    worker = asyncio.create_task(work(served, done))
    outcomes = await outcomes_of(fleet.fan_out("spring", sends(30), via=served, chunk=7))
    done.set()
    await worker

    assert ["Accepted"] * 30 == kinds(outcomes)
    assert 30 == len(platform.received)


async def test_a_worker_that_is_cancelled_gives_its_chunk_back(fleet: Fleet) -> None:
    """The engine would delete it."""
    asked = asyncio.Event()

    async def answer(to: tuple[str, ...]) -> object:
        if not asked.is_set():
            asked.set()
            await asyncio.Event().wait()
        return plan(len(to))

    platform = Platform(answer)  # type: ignore[arg-type]
    served = serve(fleet, client_of(platform))
    await served.create_tables()

    async def fail() -> None:
        before = asyncio.all_tasks()
        worker = asyncio.create_task(work(served, asyncio.Event()))
        await asked.wait()
        # As `asyncio.run` does when its program is interrupted: after one cancellation, the engine
        # would complete the job.
        for task in asyncio.all_tasks() - before:
            task.cancel()
        await asyncio.wait([worker])

    run = fleet.fan_out(
        "spring", sends(5), via=served, max_in_flight=1, give_out_again=600.0, deadline=10.0
    )
    async with run:
        await fail()
        done = asyncio.Event()
        worker = asyncio.create_task(work(served, done))
        outcomes = [each async for each in run]
        done.set()
        await worker

    assert 5 == len(platform.received)
    assert ["Accepted"] * 4 + ["Uncertain"] == sorted(kinds(outcomes))


async def test_a_connection_that_was_lost_is_opened_again(
    postgresql: PostgreSQL, fleet: Fleet
) -> None:
    """The submitter's."""
    served = serve(fleet, client_of(Platform()))
    await served.create_tables()
    await served({"format": 0})
    postgresql.execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = 'bulk'"
    )
    with pytest.raises(Exception, match="connection"):
        await served({"format": 0})
    await served({"format": 0})


@pytest.mark.parametrize(
    ("fleet", "client", "problem"),
    [
        (None, EngageLab.from_env, "fleet: expected Fleet, got NoneType"),
        (Fleet.in_memory(), EngageLab.from_env, "fleet: pgqueuer needs one with a PostgreSQL"),
        (Fleet("postgresql://h/d"), 5, "client: expected a function, got int"),
    ],
)
async def test_refuses_bad_arguments(
    fleet: Fleet, client: Callable[[], EngageLab], problem: str
) -> None:
    """With the argument's name."""
    with pytest.raises((ValueError, TypeError), match=f"^{problem}"):
        serve(fleet, client)
