"""What every `JournalStore` does, wherever it keeps its records."""

from pathlib import Path

import pytest

from engagelab_async.bulk.journal import JournalStore, Record, SendIntent, Settlement, State
from support.bulk import Platform, kinds, outcomes_of, run_of, sends
from support.journals import JOURNALS, Open, granted, state_of

pytestmark = pytest.mark.anyio

A, B, C = ("a" * 32, "b" * 32, "c" * 32)

STATES = [
    # What an earlier run left, whether the operation is free, and with the caller's consent.
    (State.SENDING, False, True),
    (State.ACCEPTED, False, False),
    (State.REFUSED, False, False),
    (State.UNCERTAIN, False, True),
    (State.UNSENT, True, True),
    (State.SPLIT, False, False),
]


@pytest.fixture(params=JOURNALS)
def open_next(request: pytest.FixtureRequest, journal: Path) -> Open:
    """Opens a journal for its next run."""
    return JOURNALS[request.param](journal)


async def left(open_next: Open, digest: str, state: State) -> JournalStore:
    """Leave an operation in a state, and open the journal for the next run."""
    first = await open_next()
    await first.write([], [SendIntent(digest)])
    if state is not State.SENDING:
        await first.write([Settlement(digest, state)], [])
    await first.close()
    return await open_next()


async def test_is_a_journal_store(open_next: Open) -> None:
    """Runs have numbers and tokens of their own."""
    first = await open_next()
    await first.close()
    second = await open_next()
    await second.close()

    assert isinstance(first, JournalStore)
    assert 1 == first.run < second.run
    assert first.token != second.token
    assert 16 == len(first.token)


async def test_grants_what_it_does_not_know(open_next: Open) -> None:
    """Such an intent is written, and returns nothing."""
    store = await open_next()

    assert {} == await store.write([], [SendIntent(A), SendIntent(B)])
    assert {
        A: Record(State.SENDING, store.run),
        B: Record(State.SENDING, store.run),
    } == await store.write([], [SendIntent(A), SendIntent(B), SendIntent(C)])

    await store.close()


async def test_writes_nothing_for_a_question(open_next: Open) -> None:
    """To ask whether an operation may be sent leaves no trace."""
    store = await open_next()

    assert {} == await store.write([], [SendIntent(A, ask_only=True)])
    assert {} == await store.write([], [SendIntent(A)])

    await store.close()


async def test_writes_nothing_for_nothing(open_next: Open) -> None:
    """An empty batch is no error."""
    store = await open_next()

    assert {} == await store.write([], [])

    await store.close()


async def test_asks_before_it_intends(open_next: Open) -> None:
    """A question in the same batch as an intent does not see it."""
    store = await open_next()

    assert {} == await store.write([], [SendIntent(A, ask_only=True), SendIntent(A)])
    assert State.SENDING is await state_of(store, A)

    await store.close()


async def test_settles_before_it_intends(open_next: Open) -> None:
    """What is withdrawn and intended again in one batch is in flight."""
    store = await open_next()
    await store.write([], [SendIntent(A)])

    assert {} == await store.write([Settlement(A, State.UNSENT)], [SendIntent(A)])
    assert State.SENDING is await state_of(store, A)

    await store.close()


@pytest.mark.parametrize("state", [each for each in State if each is not State.UNSENT])
async def test_refuses_a_duplicate(open_next: Open, state: State) -> None:
    """Whatever became of the first in this run, consent to send again is not for the second."""
    store = await open_next()
    await store.write([], [SendIntent(A)])
    if state is not State.SENDING:
        await store.write([Settlement(A, state)], [])
    for resend in (False, True):
        assert {A: Record(state, store.run)} == await store.write(
            [], [SendIntent(A, resend=resend)]
        )

    await store.close()


@pytest.mark.parametrize("ask_only", [False, True])
@pytest.mark.parametrize(("state", "free", "free_with_consent"), STATES)
async def test_refuses_what_was_or_may_have_been_sent(
    open_next: Open, state: State, free: bool, free_with_consent: bool, ask_only: bool
) -> None:
    """Only what was not sent is free in the next run, and with consent what may have been."""
    store = await left(open_next, A, state)
    known = await store.write([], [SendIntent(A, ask_only=ask_only)])

    assert free is granted(known, A)
    assert known.get(A) in (None, Record(state, store.run - 1))

    await store.close()


@pytest.mark.parametrize(("state", "free", "free_with_consent"), STATES)
async def test_grants_again_what_may_have_been_sent(
    open_next: Open, state: State, free: bool, free_with_consent: bool
) -> None:
    """With the caller's consent, and it says that there is a doubt; once in a run."""
    store = await left(open_next, A, state)
    known = await store.write([], [SendIntent(A, resend=True)])

    assert free_with_consent is granted(known, A)
    assert free is (A not in known)

    if free_with_consent:
        assert {A: Record(State.SENDING, store.run)} == await store.write(
            [], [SendIntent(A, resend=True)]
        )

    await store.close()


async def test_grants_again_what_this_run_has_withdrawn(open_next: Open) -> None:
    """An intent whose doubt stays can be written again by the task that withdrew it."""
    store = await left(open_next, A, State.UNCERTAIN)
    await store.write([], [SendIntent(A, resend=True)])
    await store.write([Settlement(A, State.UNCERTAIN)], [])

    assert {A: Record(State.UNCERTAIN, store.run)} == await store.write(
        [], [SendIntent(A, resend=True)]
    )
    assert {A: Record(State.UNCERTAIN, store.run, granted=True)} == await store.write(
        [], [SendIntent(A, resend=True, again=True)]
    )

    await store.close()


async def test_records_a_half_without_an_intent(open_next: Open) -> None:
    """Its intent was that of the whole."""
    store = await open_next()
    await store.write([], [SendIntent(A)])
    await store.write([Settlement(A, State.SPLIT), Settlement(B, State.REFUSED, code=3002)], [])

    assert State.SPLIT is await state_of(store, A)
    assert State.REFUSED is await state_of(store, B)

    await store.close()


async def test_may_be_closed_again(open_next: Open) -> None:
    """Closing and abandoning twice do no harm."""
    store = await open_next()
    await store.close()
    await store.close()
    store.abandon()


async def test_is_free_when_it_was_abandoned(open_next: Open) -> None:
    """The next run has it at once."""
    store = await open_next()
    await store.write([], [SendIntent(A)])
    store.abandon()
    again = await open_next()

    assert State.SENDING is await state_of(again, A)

    await again.close()


async def test_is_resumed_by_a_run(open_next: Open) -> None:
    """What one run has sent, the next one skips."""
    platform = Platform()
    first = run_of(platform, [*sends(5), *sends(2)], journal=await open_next())

    assert ["Accepted"] * 5 + ["duplicate"] * 2 == sorted(kinds(await outcomes_of(first)))

    second = run_of(platform, sends(8), journal=await open_next())

    assert ["settled"] * 5 + ["Accepted"] * 3 == kinds(await outcomes_of(second))
    assert 8 == len(platform.received)
