"""What every `Store` does, wherever it is; what it grants is tested as a journal."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from engagelab_async.bulk.journal import Receipt, SendIntent, Settlement, State, prove
from engagelab_async.bulk.journal.sites import Site
from engagelab_async.distributed.delivery import DeliveryJournal
from engagelab_async.distributed.memory import Memory
from engagelab_async.distributed.postgresql import PostgreSQL
from engagelab_async.distributed.store import LATE, Delivery, Ending, Intent, Progress, Store
from support.services import schema_name, shared_postgresql

pytestmark = pytest.mark.asyncio

A, B, C = ("a" * 32, "b" * 32, "c" * 32)
# What a process had in flight is known to be dead at once.
OPTIONS = {"deadline": -LATE, "rate": None}


@pytest_asyncio.fixture(params=["memory", "postgresql"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """A store that is empty."""
    if request.param == "memory":
        yield Memory()
        return
    kept = PostgreSQL(shared_postgresql().dsn, schema_name())
    await kept.create_tables()
    yield kept
    await kept.aclose()


async def begun(store: Store, submission: int = 0, chunk: int = 0) -> Delivery:
    """Begin a delivery of a chunk, of a submission of its own if none is named."""
    number = submission or await store.submit("spring", "s1", OPTIONS)
    found = await store.begin(number, f"s{number}", chunk, f"r{number}/{chunk}", "here/1")
    assert found is not None
    assert found.run is not None
    return Delivery("spring", number, found.run)


async def test_a_submission_is_begun_once(store: Store) -> None:
    """The statement may be repeated, when its answer was lost."""
    first = await store.submit("spring", "s1", OPTIONS)

    assert first == await store.submit("spring", "s1", OPTIONS)
    assert first < await store.submit("spring", "s2", OPTIONS)


async def test_a_delivery_is_begun_once(store: Store) -> None:
    """The same."""
    number = await store.submit("spring", "s1", OPTIONS)
    first = await store.begin(number, "s1", 0, "r1", "here")
    again = await store.begin(number, "s1", 0, "r1", "here")
    other = await store.begin(number, "s1", 0, "r2", "here")

    assert first is not None
    assert other is not None
    assert ("spring", OPTIONS) == (first.campaign, first.options)
    assert first == again
    assert first.run != other.run


async def test_another_database_is_noticed(store: Store) -> None:
    """The number alone proves nothing."""
    number = await store.submit("spring", "s1", OPTIONS)

    assert await store.begin(number, "s2", 0, "r1", "here") is None
    assert await store.begin(number + 1, "s1", 0, "r1", "here") is None


async def test_a_finished_chunk_is_not_begun(store: Store) -> None:
    """Nor one of a submission that was stopped."""
    delivery = await begun(store)
    await store.end(delivery.run)
    ended = await store.begin(delivery.submission, "s1", 0, "r9", "here")
    await store.stop("spring", "enough")
    stopped = await store.begin(delivery.submission, "s1", 1, "r9", "here")

    assert ended is not None
    assert ended.run is None
    assert stopped is not None
    assert stopped.run is None


async def test_a_stop_is_read_with_every_intent(store: Store) -> None:
    """Nothing is granted then; endings are written all the same."""
    delivery = await begun(store)
    await store.write(delivery, [], [Intent(A, 0)])

    assert 1 == await store.stop("spring", "enough")
    assert 1 == await store.stop("spring", "another reason", delivery.submission)

    written = await store.write(delivery, [Ending(A, 0, State.ACCEPTED, "7")], [Intent(B, 1)])

    assert "enough" == written.stopped
    assert not written.granted

    known = await store.look_up("spring", [A, B, C])
    assert {A: State.ACCEPTED} == {digest: each.state for digest, each in known.items()}

    await store.finish(delivery.submission)

    assert 0 == await store.stop("spring", "enough")


async def test_an_ending_counts_while_the_operation_is_the_deliverys_own(store: Store) -> None:
    """A worker that was thought dead does not settle what another one sends."""
    first = await begun(store)
    await store.write(first, [], [Intent(A, 0)])
    await store.submit("spring", "s2", OPTIONS)
    second = await begun(store, 2)

    assert {A} == (await store.write(second, [], [Intent(A, 4, resend=True)])).granted

    await store.write(first, [Ending(A, 0, State.ACCEPTED, "7")], [])
    known = (await store.look_up("spring", [A]))[A]

    assert (State.SENDING, second.run, 2, 4) == (
        known.state,
        known.run,
        known.submission,
        known.index,
    )


async def test_what_was_reported_as_rejected_is_not_sent_by_a_late_delivery(store: Store) -> None:
    """Of the same submission; the next submission sends it."""
    first = await begun(store)
    late = await begun(store, 1, 1)
    await store.write(first, [], [Intent(A, 0), Intent(B, 1)])
    endings = [Ending(A, 0, State.UNSENT, error="ConnectError"), Ending(B, 1, State.UNSENT)]
    await store.write(first, endings, [])

    assert {B} == (await store.write(late, [], [Intent(A, 0), Intent(B, 1)])).granted

    await store.submit("spring", "s2", OPTIONS)
    assert {A} == (await store.write(await begun(store, 2), [], [Intent(A, 0)])).granted


async def test_a_request_that_may_be_in_flight_is_not_sent_again() -> None:
    """Before the deadline of the worker that has it, its submission's, even on request."""
    now = 1000.0
    store = Memory(lambda: now)
    await store.submit("spring", "s1", {"deadline": 30.0})
    await store.submit("spring", "s2", {"deadline": 1.0})
    first, second = await begun(store, 1), await begun(store, 2)
    await store.write(first, [], [Intent(A, 0)])
    intent = Intent(A, 0, resend=True)
    now += 31.0

    assert not (await store.write(second, [], [intent])).granted

    now += 2.0

    assert {A} == (await store.write(second, [], [intent])).granted


async def test_progress_is_that_of_the_chunks_asked_for(store: Store) -> None:
    """Which of them have begun, and which are over."""
    first = await begun(store)
    await begun(store, 1, 1)
    await begun(store, 1, 7)
    await store.end(first.run)
    number = first.submission

    assert Progress(frozenset({0}), frozenset({0, 1})) == await _still(store, number)

    await store.stop("spring", "enough")
    found = await store.progress(number, [2])

    assert (frozenset(), frozenset(), "enough") == (found.ended, found.begun, found.stopped)
    assert 0 <= found.stopped_for < 600


async def _still(store: Store, number: int) -> Progress:
    found = await store.progress(number, [0, 1, 2])
    return Progress(found.ended, found.begun, found.stopped)


async def test_a_place_is_recorded_once(store: Store) -> None:
    """The first one counts, of each product."""
    here, there = Site("1", "https://here"), Site("2", "https://there")

    assert {"sms": here} == await store.use("spring", {"sms": here})
    assert {"sms": here, "otp": there} == await store.use("spring", {"sms": there, "otp": there})
    assert {"sms": there} == await store.use("summer", {"sms": there})


async def test_turns_follow_each_other(store: Store) -> None:
    """Whoever takes them; those of another name are others."""
    waits = [await store.take_turns("sms", 10_000, 10) for _ in range(3)]

    # Time passes meanwhile.
    assert waits == pytest.approx([0, 1000, 2000], abs=500)
    assert 0 == pytest.approx(await store.take_turns("otp", 10_000, 10), abs=500)


def receipt(digest: str | None, token: str | None, status: str, rank: int, went: bool) -> Receipt:
    """Make what a callback reports."""
    return Receipt(f"m{digest}", digest, 1, token, status, rank, went, None)


async def test_callbacks_settle_doubts(store: Store) -> None:
    """The furthest status of each message, and only of this campaign's."""
    delivery = await begun(store)
    await store.write(delivery, [], [Intent(A, 0), Intent(B, 1), Intent(C, 2)])
    await store.write(delivery, [Ending(A, 0, State.UNCERTAIN, error="ServerError")], [])
    for status, rank, went in (("sent", 2, True), ("plan", 0, False), ("delivered", 5, True)):
        await store.record(receipt(A, "r1/0", status, rank, went))
    await store.record(receipt(None, None, "plan", 0, False))
    await store.record(receipt(B, "r1/0", "sent_failed", 4, False))
    await store.record(receipt(C, "another", "delivered", 5, True))
    found = await store.doubts("spring")

    assert {A, B} == set(found.doubts)
    assert ("delivered", True) == next(
        (each.status, each.went) for each in found.receipts if each.digest == A
    )

    for proof in prove(found.doubts, found.receipts, {"r1/0"}):
        await store.settle("spring", proof)
    known = await store.look_up("spring", [A, B, C])

    assert [State.ACCEPTED, State.UNSENT, State.SENDING] == [
        known[each].state for each in (A, B, C)
    ]
    assert not (await store.doubts("spring")).doubts

    contents = await store.contents("spring")

    assert {"sent_failed": 1, "delivered": 1} == dict(contents.messages)
    assert {"sent_failed": 1} == dict(contents.errors)


async def test_a_proof_does_not_settle_what_has_changed(store: Store) -> None:
    """Another delivery has the operation by now."""
    delivery = await begun(store)
    await store.write(delivery, [], [Intent(A, 0)])
    await store.record(receipt(A, "r1/0", "delivered", 5, True))
    found = await store.doubts("spring")
    await store.submit("spring", "s2", OPTIONS)
    await store.write(await begun(store, 2), [], [Intent(A, 0, resend=True)])
    for proof in prove(found.doubts, found.receipts, {"r1/0"}):
        await store.settle("spring", proof)

    assert State.SENDING is (await store.look_up("spring", [A]))[A].state


async def test_contents_are_those_of_a_campaign(store: Store) -> None:
    """Submissions, counts by state and error, and deliveries that have not ended."""
    delivery = await begun(store)
    await begun(store, 1, 1)
    await store.write(delivery, [], [Intent(A, 0), Intent(B, 1), Intent(C, 2)])
    await store.write(
        delivery,
        [
            Ending(A, 0, State.ACCEPTED, "7"),
            Ending(B, 1, State.REFUSED, code=5011, error="InvalidNumberError"),
        ],
        [],
    )
    await store.end(delivery.run)
    found = await store.contents("spring")

    assert {State.ACCEPTED: 1, State.REFUSED: 1, State.SENDING: 1} == dict(found.states)
    assert {"5011": 1} == dict(found.errors)
    assert [(1, 1, "here/1")] == [(each.submission, each.chunk, each.host) for each in found.live]
    assert [(1, None, None)] == [
        (each.number, each.ended, each.stopped) for each in found.submissions
    ]
    assert not (await store.contents("summer")).states


async def test_what_a_stop_has_denied_is_not_settled(store: Store) -> None:
    """A row of it would say that this delivery had it."""
    delivery = await begun(store)
    reasons: list[str] = []
    journal = DeliveryJournal(store, delivery, "r1/0", {A: 0}, {})
    journal.when_stopped = reasons.append
    await store.stop("spring", "enough")

    assert {} == await journal.write([], [SendIntent(A)])
    assert ["enough"] == reasons

    await journal.write([Settlement(A, State.UNSENT)], [])

    assert not await store.look_up("spring", [A])
