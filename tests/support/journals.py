"""The journals that a run can have, and one on a disk that does what a test wants."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
import pytest
import sniffio
from attrs import define, field

from engagelab_async.bulk import JournalError
from engagelab_async.bulk.identity import identity
from engagelab_async.bulk.journal import (
    JournalStore,
    MemoryJournal,
    Record,
    SendIntent,
    Settlement,
    SQLiteJournal,
    State,
)
from engagelab_async.bulk.journal.schema import JOURNAL, collect_known
from engagelab_async.distributed.delivery import DeliveryJournal
from engagelab_async.distributed.memory import Memory
from engagelab_async.distributed.postgresql import PostgreSQL
from engagelab_async.distributed.store import LATE, Delivery, Store
from support.bulk import sends
from support.services import schema_name, shared_postgresql

Open = Callable[[], Awaitable[JournalStore]]
"""Opens a journal for its next run."""


def in_memory(_: Path) -> Open:
    """Keep journals in memory."""
    records: dict[str, Record] = {}
    opened: list[MemoryJournal] = []

    async def open_next() -> JournalStore:
        opened.append(MemoryJournal(records, run=len(opened) + 1))
        return opened[-1]

    return open_next


def in_a_file(path: Path) -> Open:
    """Keep them in a file."""

    async def open_next() -> JournalStore:
        return await SQLiteJournal.open(path)

    return open_next


def of_a_fleet(store: Store, kind: type[DeliveryJournal] = DeliveryJournal) -> Open:
    """Keep them in what a fleet shares: each is a delivery of a submission of its own."""
    opened: list[DeliveryJournal] = []
    # What is sent through it has to be known beforehand, as the operations of a chunk are.
    digests = [*(letter * 32 for letter in "abc"), *(identity(each, None) for each in sends(8))]

    async def open_next() -> JournalStore:
        token = secrets.token_hex(8)
        # The process that had the operation before is known to be dead at once.
        number = await store.submit("spring", token, {"deadline": -LATE})
        begun = await store.begin(number, token, 0, token, "here")
        assert begun is not None
        assert begun.run is not None
        known = await store.look_up("spring", digests)
        delivery = Delivery("spring", number, begun.run)
        opened.append(kind(store, delivery, token, dict.fromkeys(digests, 0), known))
        return opened[-1]

    return open_next


def in_the_memory_of_a_fleet(_: Path) -> Open:
    """Keep them in memory, as `Fleet.in_memory` does."""
    return of_a_fleet(Memory())


class _Closing(DeliveryJournal):
    """Closes the connections with the journal."""

    async def close(self) -> None:
        await super().close()
        await self._store.aclose()


def in_postgresql(_: Path) -> Open:
    """Keep them in PostgreSQL, as a fleet does."""
    store = PostgreSQL(shared_postgresql().dsn, schema_name())
    journals = of_a_fleet(store, _Closing)

    async def open_next() -> JournalStore:
        if sniffio.current_async_library() == "trio":
            pytest.skip("asyncpg needs asyncio")
        await store.create_tables()
        return await journals()

    return open_next


JOURNALS: Final[Mapping[str, Callable[[Path], Open]]] = {
    "memory": in_memory,
    "sqlite": in_a_file,
    "fleet": in_the_memory_of_a_fleet,
    "postgresql": in_postgresql,
}
"""Ways to keep a journal, by name; given a path that may be used."""


def records_of(path: Path) -> dict[str, Record]:
    """Read the records in a file, without taking it."""
    with JOURNAL.reading(path) as connection:
        collect_known(connection)
        rows = connection.execute("SELECT digest, state, run FROM known").fetchall()
    return {digest: Record(State(state), run) for digest, state, run in rows}


def granted(known: Mapping[str, Record], digest: str) -> bool:
    """Return whether an intent was written."""
    return digest not in known or known[digest].granted


async def state_of(store: JournalStore, digest: str) -> State | None:
    """Ask a journal for the state of an operation; ``None`` if it may simply be sent."""
    record = (await store.write([], [SendIntent(digest, ask_only=True)])).get(digest)
    return None if record is None else record.state


@define(eq=False)
class Disk:
    """A `JournalStore` on a disk that gets full, or slow.

    Attributes:
        store: What is written to while all is well.
        is_full: Whether nothing can be written.
        ready: Unset while writing takes its time.
        writes: How many settlements and intents there were in each write.
        writing: Set when a write has begun.
    """

    store: JournalStore
    is_full: bool = False
    writes: list[tuple[int, int]] = field(factory=list)
    ready: anyio.Event = field(factory=anyio.Event)
    writing: anyio.Event = field(factory=anyio.Event)
    run: int = field(init=False)
    token: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.run = self.store.run
        self.token = self.store.token
        self.ready.set()

    def slow_down(self) -> None:
        """Have the next writes wait until `ready` is set."""
        self.ready = anyio.Event()
        self.writing = anyio.Event()

    async def write(
        self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write, if there is room."""
        self.writing.set()
        self.writes.append((len(settlements), len(intents)))
        await self.ready.wait()
        if self.is_full:
            raise JournalError("journal: it cannot be written (database or disk is full)")
        return await self.store.write(settlements, intents)

    async def close(self) -> None:
        """Close."""
        await self.store.close()

    def abandon(self) -> None:
        """Close at once."""
        self.store.abandon()
