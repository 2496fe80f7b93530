"""What stands in a journal, read without taking it or changing it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import frozen

from engagelab_async.bulk.identity import identity_of_half

from .protocol import State
from .receipts import count_messages, proofs
from .schema import JOURNAL, collect_known
from .sites import recorded_sites

_STATES: Final = "SELECT state, count(*) FROM known GROUP BY state"
_ERRORS: Final = """
    SELECT coalesce(code, error) AS name, count(*) FROM known
    WHERE name IS NOT NULL GROUP BY name ORDER BY count(*) DESC, name
"""
_AT_ONCE: Final = 1000


@frozen
class RecordedRun:
    """A run of a journal.

    Attributes:
        number: Its number, from 1.
        started: When it began, in Unix seconds.
        ended: When it ended, or ``None`` if it was cut off, or goes on.
    """

    number: int
    started: float
    ended: float | None


@frozen
class JournalSummary:
    """What stands in a journal.

    Attributes:
        runs: Its runs, oldest first.
        states: How many operations there are of each state.
        errors: How many operations ended in each error, by the API's code where it had one, else
            by the error's class.
        messages: How many messages are in each status, as callbacks reported it.
        sites: Where it was used: scheme, host and port, by product.
    """

    runs: tuple[RecordedRun, ...]
    states: Mapping[State, int]
    errors: Mapping[str, int]
    messages: Mapping[str, int]
    sites: Mapping[str, str]

    @property
    def uncertain(self) -> int:
        """How many may have been sent, those that a run was cut off in among them."""
        return self.states.get(State.UNCERTAIN, 0) + self.states.get(State.SENDING, 0)

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """How many operations there are of each kind, with a word for it."""
        return (
            ("accepted", self.states.get(State.ACCEPTED, 0)),
            ("rejected", self.states.get(State.REFUSED, 0)),
            ("uncertain", self.uncertain),
            ("not sent", self.states.get(State.UNSENT, 0)),
        )

    @property
    def total(self) -> int:
        """How many operations there are."""
        return sum(self.states.values())

    @property
    def sent(self) -> int:
        """How many were sent, refused, or may have been sent."""
        return self.total - self.states.get(State.UNSENT, 0)


def summarise(path: Path) -> JournalSummary:
    """Read what stands in a journal.

    Args:
        path: Its file.

    Raises:
        JournalError: It is no journal, is damaged, or a run is using it.
    """
    with JOURNAL.reading(path) as database:
        collect_known(database)
        runs = database.execute("SELECT number, started, ended FROM runs ORDER BY number")
        states = Counter[int](dict(database.execute(_STATES)))
        errors = Counter[str | int | None](dict(database.execute(_ERRORS)))
        for proof in proofs(path, database):
            states.update({proof.doubt.state: -1, proof.state: 1})
            errors.update({proof.doubt.error: -1})
        return JournalSummary(
            tuple(RecordedRun(*run) for run in runs),
            {State(state): count for state, count in states.items() if count},
            {str(name): count for name, count in errors.items() if name is not None and count > 0},
            count_messages(path, database),
            {product: site.origin for product, site in recorded_sites(database).items()},
        )


def count_known(path: Path, digests: Iterable[str]) -> Counter[State]:
    """Count which operations a journal knows, by their states; halves of one count as well.

    Args:
        path: Its file.
        digests: Their identities; any number, they are not held in memory.

    Raises:
        JournalError: It is no journal, is damaged, or a run is using it.
    """
    known: Counter[State] = Counter()
    remaining = iter(digests)
    halves: list[str] = []
    asked: set[str] = set()
    with JOURNAL.reading(path) as database:
        collect_known(database)
        while batch := halves or list(islice(remaining, _AT_ONCE)):
            found = database.execute(
                "SELECT digest, state FROM known WHERE digest IN (SELECT value FROM json_each(?))",
                (json.dumps(batch),),
            ).fetchall()
            known.update(State(state) for _, state in found)
            asked.update(digest for digest, state in found if State(state).doubtful)
            split = [digest for digest, state in found if state == State.SPLIT]
            halves = [identity_of_half(digest, half) for digest in split for half in (0, 1)]
        for proof in proofs(path, database):
            if proof.doubt.digest in asked:
                known.update({proof.doubt.state: -1, proof.state: 1})
    return +known
