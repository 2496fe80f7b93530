"""A disk that is full: what a run reports is what the next run will find in the journal."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from engagelab_async import ConnectError, Response, SendSMS, Template
from engagelab_async.bulk import FanOut, JournalError
from engagelab_async.bulk.journal import Database, Record, SendIntent, Settlement
from engagelab_async.bulk.outcomes import AnyOutcome
from support.backends import Run
from support.bulk import Platform, accept, kinds, number, outcomes_of, refusal, run_of, sends


class Full(Database):
    """A journal on a disk that gets full."""

    is_full = False

    def write(
        self, ends: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write, while there is room."""
        if Full.is_full:
            raise sqlite3.OperationalError("database or disk is full")
        return super().write(ends, intents)


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts runs on such a disk."""
    monkeypatch.setattr("engagelab_async.bulk.journal.Database", Full)
    monkeypatch.setattr(Full, "is_full", False)


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


def test_what_is_not_recorded_as_unsent_is_uncertain(on: Run, journal: Path) -> None:
    """The next run would not send it, so it is not called left; what was accepted stays so."""

    async def behaviour(to: tuple[str, ...]) -> Response:
        if to == (number(2),):
            Full.is_full = True
            raise ConnectError("refused")
        return await accept(to)

    async def main() -> None:
        Full.is_full = False
        run = run_of(Platform(behaviour), sends(9), journal=journal, max_in_flight=1)
        told = await until_it_is_full(run)
        Full.is_full = False

        assert ["Accepted", "Accepted", "Uncertain"] == kinds(told)
        assert "could not be written to the journal" in str(getattr(told[2], "error", ""))

        again = await outcomes_of(run_of(Platform(), sends(9), journal=journal))

        assert ["settled"] * 2 + ["Uncertain"] + ["Accepted"] * 6 == kinds(again)

    on(main)


def test_halves_of_what_is_not_recorded_as_divided_are_uncertain(on: Run, journal: Path) -> None:
    """To the next run it is the whole that may have been sent."""

    async def refuse(_: tuple[str, ...]) -> Response:
        Full.is_full = True
        return refusal(3003)

    async def main() -> None:
        Full.is_full = False
        pair = [SendSMS((number(0), number(1)), Template("1233"))]
        run = run_of(Platform(refuse), pair, journal=journal, split_rejected=True)
        told = await until_it_is_full(run)
        Full.is_full = False

        assert ["Uncertain", "Uncertain"] == kinds(told)
        assert ["Uncertain"] == kinds(
            await outcomes_of(run_of(Platform(), pair, journal=journal, split_rejected=True))
        )

    on(main)
