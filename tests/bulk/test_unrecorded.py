"""A disk that is full: what a run reports is what the next run will find in the journal."""

from pathlib import Path

import pytest

from engagelab_async import ConnectError, Response, RetryPolicy, SendSMS, Template
from engagelab_async.bulk import FanOut, JournalError
from engagelab_async.bulk.journal import SQLiteJournal
from engagelab_async.bulk.outcomes import AnyOutcome
from support.bulk import Platform, accept, kinds, number, outcomes_of, refusal, run_of, sends
from support.journals import Disk

pytestmark = pytest.mark.anyio


async def disk_with(journal: Path) -> Disk:
    """Open a journal on a disk that can get full."""
    return Disk(await SQLiteJournal.open(journal))


async def until_it_is_full(run: FanOut) -> list[AnyOutcome]:
    """Run until the disk is full, and return what was told."""
    told: list[AnyOutcome] = []

    async def listen() -> None:
        async with run:
            async for outcome in run:
                told.append(outcome)  # noqa: PERF401 - it ends in an error

    with pytest.raises(JournalError, match="it cannot be written"):
        await listen()
    return told


@pytest.mark.parametrize("attempts", [1, 3])
async def test_what_is_not_recorded_as_unsent_is_uncertain(journal: Path, attempts: int) -> None:
    """The next run would not send it, so it is not called left; what was accepted stays so."""
    disk = await disk_with(journal)

    async def behaviour(to: tuple[str, ...]) -> Response:
        if to == (number(2),):
            disk.is_full = True
            raise ConnectError("refused")
        return await accept(to)

    retry = RetryPolicy(attempts=attempts)
    run = run_of(Platform(behaviour), sends(9), journal=disk, max_in_flight=1, retry=retry)
    told = await until_it_is_full(run)

    assert ["Accepted", "Accepted", "Uncertain"] == kinds(told)
    assert "could not be written to the journal" in str(getattr(told[2], "error", ""))

    again = await outcomes_of(run_of(Platform(), sends(9), journal=journal))

    assert ["settled"] * 2 + ["Uncertain"] + ["Accepted"] * 6 == kinds(again)


async def test_halves_of_what_is_not_recorded_as_divided_are_uncertain(journal: Path) -> None:
    """To the next run it is the whole that may have been sent."""
    disk = await disk_with(journal)

    async def refuse(_: tuple[str, ...]) -> Response:
        disk.is_full = True
        return refusal(3003)

    pair = [SendSMS((number(0), number(1)), Template("1233"))]
    run = run_of(Platform(refuse), pair, journal=disk, split_rejected=True)
    told = await until_it_is_full(run)

    assert ["Uncertain", "Uncertain"] == kinds(told)
    assert ["Uncertain"] == kinds(
        await outcomes_of(run_of(Platform(), pair, journal=journal, split_rejected=True))
    )
