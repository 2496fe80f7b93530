"""A fleet on taskiq, with its broker in memory."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from taskiq import BrokerMessage, InMemoryBroker

from engagelab_async import EngageLab, SendCode
from engagelab_async.distributed import Fleet
from engagelab_async.distributed.taskiq import TASK, serve
from support.bulk import Platform, kinds, number, sends
from support.memory_fleets import PAIR, outcomes_of

pytestmark = pytest.mark.asyncio


@pytest.fixture
def platform() -> Platform:
    """Who got what."""
    return Platform()


@pytest.fixture
def client(platform: Platform) -> Callable[[], EngageLab]:
    """Makes a worker's client."""
    return lambda: EngageLab(sms=PAIR, otp=PAIR, http=platform)


async def test_carries_a_campaign(platform: Platform, client: Callable[[], EngageLab]) -> None:
    """The same outcomes; broker and client are started and closed when they are needed."""
    broker = InMemoryBroker(await_inplace=True)
    async with Fleet.in_memory() as fleet:
        bulk = serve(broker, fleet, client)
        outcomes = await outcomes_of(fleet.fan_out("spring", sends(30), via=bulk, chunk=7))
        again = await outcomes_of(fleet.fan_out("spring", sends(30), via=bulk, chunk=7))

    assert ["Accepted"] * 30 == kinds(outcomes)
    assert ["settled"] * 30 == kinds(again)
    assert 30 == len(platform.received)


async def test_may_be_used_again_after_it_was_closed(
    platform: Platform, client: Callable[[], EngageLab]
) -> None:
    """As a web application's tests start it several times."""
    fleet = Fleet.in_memory()
    bulk = serve(InMemoryBroker(await_inplace=True), fleet, client)
    for index in range(2):
        async with fleet:
            report = await fleet.send_all("spring", sends(3, 3 * index), via=bulk)

            assert 3 == report.accepted

    assert 6 == len(platform.received)


async def test_a_broker_that_was_started_is_left_alone(
    platform: Platform, client: Callable[[], EngageLab]
) -> None:
    """Who starts it ends it."""
    broker = InMemoryBroker(await_inplace=True)
    fleet = Fleet.in_memory()
    bulk = serve(broker, fleet, client)
    await broker.startup()
    report = await fleet.send_all("spring", sends(3), via=bulk)
    await broker.shutdown()

    assert 3 == report.accepted == len(platform.received)

    await fleet.aclose()


async def test_a_worker_starts_and_ends(client: Callable[[], EngageLab]) -> None:
    """Its client is made with it, so that a missing key is noticed then."""
    made: list[EngageLab] = []
    broker = InMemoryBroker(await_inplace=True)

    def make() -> EngageLab:
        made.append(client())
        return made[-1]

    serve(broker, Fleet.in_memory(), make)
    broker.is_worker_process = True
    await broker.startup()

    assert 1 == len(made)

    await broker.shutdown()

    with pytest.raises(RuntimeError, match="closed"):
        await made[0].execute(next(sends(1)))


async def test_logs_nothing_personal(
    client: Callable[[], EngageLab], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither at the finest level nor when a task fails."""
    caplog.set_level(logging.DEBUG)
    broker = InMemoryBroker(await_inplace=True)
    async with Fleet.in_memory() as fleet:
        bulk = serve(broker, fleet, client)
        await fleet.send_all("spring", [SendCode(number(1), "039487", "login")], via=bulk)
        await broker.find_task(TASK).kiq({"format": 9, "operations": number(1)})  # type: ignore[union-attr]

    text = caplog.text.replace(f"'operations': '{number(1)}'", "")
    assert "Exception found while executing function" in text
    assert "the message is not of this version: nothing was sent" in text
    assert number(1) not in text
    assert "039487" not in text


@pytest.mark.parametrize(
    ("broker", "fleet", "client", "problem"),
    [
        (None, Fleet.in_memory(), EngageLab.from_env, "broker: expected one of taskiq"),
        (InMemoryBroker(), None, EngageLab.from_env, "fleet: expected Fleet, got NoneType"),
        (InMemoryBroker(), Fleet.in_memory(), None, "client: expected a function, got NoneType"),
    ],
)
async def test_refuses_bad_arguments(
    broker: InMemoryBroker, fleet: Fleet, client: Callable[[], EngageLab], problem: str
) -> None:
    """With the argument's name."""
    with pytest.raises(TypeError, match=f"^{problem}"):
        serve(broker, fleet, client)


async def test_a_broker_that_cannot_be_reached_is_started_later(
    platform: Platform, client: Callable[[], EngageLab]
) -> None:
    """Once, however many messages wait for it."""
    starts: list[bool] = []

    class Late(InMemoryBroker):
        async def startup(self) -> None:
            await super().startup()
            await asyncio.sleep(0)
            starts.append(len(starts) == 1)
            if len(starts) == 1:
                raise ConnectionRefusedError

        async def kick(self, message: BrokerMessage) -> None:
            assert True in starts
            await super().kick(message)

    async with Fleet.in_memory() as fleet:
        bulk = serve(Late(await_inplace=True), fleet, client)
        outcomes = await outcomes_of(fleet.fan_out("spring", sends(30), via=bulk, chunk=5))

    assert ["Accepted"] * 30 == kinds(outcomes)
    assert [False, True] == starts
