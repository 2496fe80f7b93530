"""A journal in memory, for tests."""

import secrets
from collections.abc import Mapping, Sequence

from attrs import define, field

from .protocol import Record, SendIntent, Settlement, State


@define(eq=False)
class MemoryJournal:
    """A `JournalStore` that lasts as long as the dict that holds its records.

    Attributes:
        records: The records by digest. Several runs may share them, one after another or at once.
        run: The number of this run; each has its own.
        token: What distinguishes the run from all others.
    """

    records: dict[str, Record] = field(factory=dict)
    run: int = 1
    token: str = field(factory=lambda: secrets.token_hex(8))

    async def write(
        self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write settlements, then intents; see `JournalStore.write`."""
        for settlement in settlements:
            known = self.records.get(settlement.digest)
            # Another run may have sent it since, with the caller's consent.
            if known is None or known.run == self.run:
                self.records[settlement.digest] = Record(settlement.state, self.run)
        return {
            intent.digest: found
            for intent in intents
            if (found := self._intend(intent)) is not None
        }

    def _intend(self, intent: SendIntent) -> Record | None:
        found = intent.check(self.records.get(intent.digest), self.run)
        if not intent.ask_only and (found is None or found.granted):
            self.records[intent.digest] = Record(State.SENDING, self.run)
        return found

    async def close(self) -> None:
        """Do nothing."""

    def abandon(self) -> None:
        """Do nothing."""
