"""A fleet on PostgreSQL: what is sent while it goes away, and what it refuses."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import trio

from engagelab_async import ConfigurationError, Credentials, EngageLab
from engagelab_async.bulk import JournalError
from engagelab_async.bulk.journal import State
from engagelab_async.distributed import Fleet, SharedRate
from engagelab_async.distributed.postgresql import PostgreSQL as Store
from engagelab_async.distributed.store import Delivery, Intent
from support.bulk import Platform, kinds, number, refusal, respond, sends
from support.counting import Counting
from support.memory_fleets import PAIR, outcomes_of
from support.services import PostgreSQL, free_port, schema_name

pytestmark = pytest.mark.asyncio

OPTIONS = {"deadline": 30.0}


@pytest.fixture
def own_postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL that the test may end."""
    with PostgreSQL() as server:
        yield server


async def test_sends_a_campaign(fleet: Fleet) -> None:
    """From several submitters at once, to each recipient once."""
    platform = Platform()
    async with EngageLab(sms=PAIR, http=platform) as engagelab:

        async def via(message: Mapping[str, Any]) -> None:
            await fleet.deliver(message, engagelab)

        runs = [fleet.fan_out("spring", sends(300), via=via, chunk=30) for _ in range(2)]
        found = await asyncio.gather(*map(outcomes_of, runs))

    assert 300 == len(platform.received) == len(set(platform.numbers))
    assert 300 == sum(Counter(kinds(outcomes))["Accepted"] for outcomes in found)

    contents = await fleet.show("spring")

    assert {State.ACCEPTED: 300} == dict(contents.states)
    assert not contents.live


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_survives_a_restart(own_postgresql: PostgreSQL, how: int) -> None:
    """Orderly, or as a crash: nothing is lost, nothing is sent twice, nothing is uncertain."""
    with Counting() as server:
        async with (
            Fleet(own_postgresql.dsn) as fleet,
            EngageLab(sms=PAIR, sms_base_url=server.url, http="auto") as engagelab,
        ):
            await fleet.create_tables()

            async def via(message: Mapping[str, Any]) -> None:
                await fleet.deliver(message, engagelab)

            run = fleet.fan_out("spring", sends(3000), via=via, window=4)
            async with run:
                outcomes = [await anext(run) for _ in range(400)]
                await asyncio.to_thread(own_postgresql.stop, how)
                await asyncio.to_thread(own_postgresql.start)
                outcomes += [each async for each in run]

        assert ["Accepted"] * 3000 == kinds(outcomes)
        assert {1} == set(server.delivered.values())


async def test_deliveries_of_one_chunk_do_not_block_each_other(
    postgresql: PostgreSQL, fleet: Fleet
) -> None:
    """Six at once, each with the operations in an order of its own."""
    store = fleet.store
    number = await store.submit("spring", "s1", OPTIONS)
    digests = [f"{index:032x}" for index in range(400)]
    granted: Counter[str] = Counter()

    async def deliver(name: str) -> None:
        begun = await store.begin(number, "s1", 0, name, "here")
        assert begun is not None
        assert begun.run is not None
        delivery = Delivery("spring", number, begun.run)
        order = random.sample(digests, len(digests))
        for first in range(0, len(order), 40):
            intents = [Intent(digest, 0) for digest in order[first : first + 40]]
            granted.update((await store.write(delivery, [], intents)).granted)

    log = postgresql.home / "output"
    before = len(log.read_bytes())
    await asyncio.gather(*(deliver(f"r{index}") for index in range(6)))

    assert dict.fromkeys(digests, 1) == granted
    assert b"deadlock" not in log.read_bytes()[before:]


async def test_a_rate_is_that_of_all(postgresql: PostgreSQL, fleet: Fleet) -> None:
    """Two fleets, as two processes are: together they keep it, in each second too."""
    async with Fleet(postgresql.dsn, name=fleet.store._schema) as other:  # type: ignore[attr-defined]  # noqa: SLF001
        rates = [SharedRate(each, "sms", 200) for each in (fleet, other)]
        came: list[float] = []

        async def send(rate: SharedRate) -> None:
            for _ in range(75):
                await rate.acquire(1, 1)
                came.append(time.monotonic())

        await asyncio.gather(*(send(rate) for rate in rates for _ in range(4)))

    # At most: a loaded machine may be slower. When it goes on, each fleet uses the rest of its
    # block of 50 ms at once, and each task goes on from where it was.
    assert all(
        last - first <= 200 * (came[last] - came[first]) + 2 * 10 + 8
        for first, last in itertools.combinations(range(len(came)), 2)
    )


async def test_tables_can_be_created_by_many_at_once(postgresql: PostgreSQL) -> None:
    """And again, whenever a program starts."""
    name = schema_name()
    async with Fleet(postgresql.dsn, name=name) as fleet:
        await asyncio.gather(*(fleet.create_tables() for _ in range(5)))
        await fleet.create_tables()

        assert not (await fleet.show("spring")).states


async def test_says_that_tables_are_missing(postgresql: PostgreSQL) -> None:
    """And what makes them."""
    async with Fleet(postgresql.dsn, name=schema_name()) as fleet:
        with pytest.raises(JournalError, match=r"its tables are missing .* Fleet\.create_tables"):
            await fleet.show("spring")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda dsn: dsn.replace("/bulk", "/nothing"), "PostgreSQL refuses .*does not exist"),
        (lambda dsn: dsn.replace("postgres@", "nobody@"), "PostgreSQL refuses .*does not exist"),
        (lambda dsn: f"{dsn}?sslmode=perhaps", "PostgreSQL refuses"),
        (lambda _: "postgresql://u:sesame@[::1", "PostgreSQL refuses"),
        (lambda _: "postgresql://u:sesame@127.0.0.1:port/bulk", "PostgreSQL refuses"),
        (lambda _: "postgresql://u:sesame@127.0.0.1:99999/bulk", "PostgreSQL refuses"),
    ],
)
async def test_says_why_it_cannot_be_used(
    postgresql: PostgreSQL, change: Callable[[str], str], problem: str
) -> None:
    """At once, and without the password."""
    async with Fleet(change(postgresql.dsn)) as fleet:
        with pytest.raises(JournalError, match=problem) as caught:
            await fleet.show("spring")

    assert "sesame" not in f"{caught.value}{caught.value.__cause__}{fleet.store!r}"


async def test_gives_up_on_one_that_stays_away() -> None:
    """After a while, and says so."""
    store = Store(f"postgresql://u:sesame@127.0.0.1:{free_port()}/bulk", "engagelab", patience=0.3)
    with pytest.raises(JournalError, match="PostgreSQL cannot be reached") as caught:
        await store.contents("spring")

    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("dsn", "name", "problem"),
    [
        ("", "engagelab", "dsn: expected postgresql://"),
        ("mysql://u:sesame@host/db", "engagelab", "dsn: expected postgresql://"),
        ("host=localhost password=sesame", "engagelab", "dsn: expected postgresql://"),
        (5, "engagelab", "dsn: expected str, got int"),
        ("postgresql://host/db", "Engage Lab", "name: expected lower-case letters"),
        ("postgresql://host/db", "", "name: expected lower-case letters"),
        ("postgresql://host/db", None, "name: expected str, got NoneType"),
    ],
)
async def test_refuses_bad_arguments(dsn: str, name: str, problem: str) -> None:
    """Before it connects, and without quoting a password."""
    with pytest.raises((ValueError, TypeError), match=f"^{problem}") as caught:
        Fleet(dsn, name=name)

    assert "sesame" not in str(caught.value)


async def test_a_roles_defaults_do_not_count(postgresql: PostgreSQL, fleet: Fleet) -> None:
    """An intent is durable, whatever the role is used for otherwise."""
    role = schema_name()
    defaults = {
        "synchronous_commit": "off",
        "default_transaction_isolation": "serializable",
        "lock_timeout": "1ms",
        "statement_timeout": "1h",
    }
    postgresql.execute(f"CREATE ROLE {role} SUPERUSER LOGIN")
    for name, value in defaults.items():
        postgresql.execute(f"ALTER ROLE {role} SET {name} = '{value}'")
    store = Store(postgresql.dsn.replace("postgres@", f"{role}@"), fleet.store._schema)  # type: ignore[attr-defined]  # noqa: SLF001
    connection = await store.connect()
    found = {name: await connection.fetchval(f"SHOW {name}") for name in defaults}
    await connection.close()
    turns = await asyncio.gather(*(store.take_turns("sms", 1, 1000) for _ in range(20)))
    await store.aclose()

    assert ["on", "read committed", "0", "20s"] == list(found.values())
    assert 20 == len(turns)


async def test_keeps_what_a_hostile_api_answers(fleet: Fleet) -> None:
    """One answer does not cost the outcomes of the others."""

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        if to[0] == number(1):
            return refusal(2**40)
        if to[0] == number(2):
            return refusal(5011, message="\0\ud800")
        return respond({"plan_id": "1\0\ud800", "total_count": 1, "accepted_count": 1})

    async with EngageLab(sms=PAIR, http=Platform(answer)) as engagelab:
        via = partial(fleet.deliver, engagelab=engagelab)
        outcomes = await outcomes_of(fleet.fan_out("spring", sends(3), via=via))
        await fleet.stop("spring", "\0\ud800")

    assert ["Accepted", "Rejected", "Rejected"] == kinds(outcomes)
    assert (await fleet.show("spring")).errors == {"1099511627776": 1, "5011": 1}


async def test_quotes_no_value(fleet: Fleet) -> None:
    """An error of PostgreSQL's client would."""
    with pytest.raises(JournalError, match=r"cannot store a value \(DataError\)$"):
        await fleet.store.look_up("\ud800", [])


async def test_notices_tables_of_another_version(postgresql: PostgreSQL, fleet: Fleet) -> None:
    """As far as that can be noticed."""
    schema = fleet.store._schema  # type: ignore[attr-defined]  # noqa: SLF001
    postgresql.execute(f"ALTER TABLE {schema}.submissions DROP COLUMN deadline CASCADE")
    with pytest.raises(JournalError, match="of another version"):
        await fleet.store.submit("spring", "token", OPTIONS)


async def test_callbacks_settle_a_campaign(fleet: Fleet) -> None:
    """What a run was left uncertain of, by its reference, as on one machine."""
    references: list[str] = []

    class Silent(Platform):
        async def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401 - as an engine
            references.append(json.loads(request.body)["custom_args"]["engagelab_async"])
            await super().send(request, **options)
            raise ConnectionResetError

    class Event:
        def __init__(self, index: int, status: str) -> None:
            self.message_id = f"m{index}"
            self.status = status
            self.custom_args = {"engagelab_async": references[index]}
            self.error_code = None

    platform = Silent()
    engagelab = EngageLab(sms=Credentials("key", "secret"), http=platform)

    async def via(message: Mapping[str, Any]) -> None:
        await fleet.deliver(message, engagelab)

    operations = [*sends(3)]
    first = await outcomes_of(fleet.fan_out("spring", operations, via=via, max_in_flight=1))

    assert ["Uncertain"] * 3 == kinds(first)
    assert await fleet.settle(Event(0, "delivered"))
    assert await fleet.settle(Event(1, "sent_failed"))
    assert not await fleet.settle(object())

    engagelab = EngageLab(sms=PAIR, http=Platform())
    second = await outcomes_of(fleet.fan_out("spring", operations, via=via))

    assert ["settled", "Accepted", "Uncertain"] == kinds(second)


async def test_belongs_to_one_event_loop(fleet: Fleet) -> None:
    """Another one gets an error, not a connection of this one."""
    await fleet.show("spring")

    def elsewhere() -> None:
        asyncio.run(fleet.show("spring"))

    with pytest.raises(Exception, match="another event loop"):
        await asyncio.to_thread(elsewhere)


async def test_needs_asyncio(postgresql: PostgreSQL) -> None:
    """On trio, the error says so."""
    fleet = Fleet(postgresql.dsn)
    with pytest.raises(ConfigurationError, match="needs asyncio"):
        await asyncio.to_thread(trio.run, fleet.show, "spring")


async def test_a_statement_that_is_cancelled_leaves_no_connection(fleet: Fleet) -> None:
    """The next one gets another."""
    store = fleet.store
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await store._fetch("SELECT pg_sleep(15)")  # type: ignore[attr-defined]  # noqa: SLF001

    assert not (await fleet.show("spring")).states


async def test_operations_are_found_by_their_key(postgresql: PostgreSQL, fleet: Fleet) -> None:
    """No other index has to be updated with each outcome."""
    schema = fleet.store._schema  # type: ignore[attr-defined]  # noqa: SLF001
    found = postgresql.execute(
        f"SELECT indexname FROM pg_indexes WHERE schemaname = '{schema}' "  # noqa: S608 - of ours
        "AND tablename = 'operations'"
    )

    assert "operations_pkey" == found
