"""The journal of one delivery: a `JournalStore` over what the machines of a fleet share.

A delivery is a run of its own, not the worker process: that may have the same chunk twice, when its
broker has delivered it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engagelab_async.bulk.identity import identity_of_half
from engagelab_async.bulk.journal import Record, SendIntent, Settlement, State
from engagelab_async.bulk.stream import LEFT

from .results import detail_of
from .store import Delivery, Ending, Intent, Operation, Store


class DeliveryJournal:
    """See the module.

    Args:
        store: What is shared.
        delivery: The delivery.
        token: Its token.
        indexes: The position of each operation, by digest.
        known: What the store knew of them when the delivery began.

    Attributes:
        run: The number of the delivery.
        token: Its token.
        when_stopped: Called when the submission was stopped.
    """

    def __init__(
        self,
        store: Store,
        delivery: Delivery,
        token: str,
        indexes: Mapping[str, int],
        known: Mapping[str, Operation],
    ) -> None:
        self.run: int = delivery.run
        self.token: str = token
        self.when_stopped: Callable[[str], object] = lambda _: None
        self._store = store
        self._delivery = delivery
        self._indexes = dict(indexes)
        self._known: dict[str, Operation | None] = dict.fromkeys(indexes) | dict(known)
        # What this delivery made of them. An intent whose answer was lost is granted again by the
        # store, so one that was answered must not be asked for: an operation can stand in a chunk
        # twice.
        self._own: dict[str, State] = {}
        self._rejected: set[str] = set()
        self._denied: set[str] = set()
        self._reason: str | None = None

    def stop(self, reason: str) -> None:
        """Stop the submission, unless only this delivery ends."""
        if reason != LEFT and not reason.startswith("a failure"):
            self._reason = reason

    async def write(
        self, settlements: Sequence[Settlement], intents: Sequence[SendIntent]
    ) -> Mapping[str, Record]:
        """Write settlements, then intents; see `JournalStore`."""
        await self._stop()
        # What was denied, as after a stop, is not this delivery's to settle.
        endings = [self._ending(each) for each in settlements if each.digest not in self._denied]
        await self._know(intents)
        answers = {each.digest: self._answer(each) for each in intents if each.ask_only}
        self._settle(endings)
        answers |= {each.digest: self._answer(each) for each in intents if not each.ask_only}
        wanted = [
            Intent(each.digest, self._indexes[each.digest], each.again, each.resend)
            for each in intents
            if not each.ask_only and _is_open(answers[each.digest])
        ]
        if endings or wanted:
            written = await self._store.write(self._delivery, endings, wanted)
            self._own |= dict.fromkeys(written.granted, State.SENDING)
            denied = [each.digest for each in wanted if each.digest not in written.granted]
            if written.stopped is None:
                answers |= await self._reasons(denied)
            else:
                self._denied.update(denied)
                self.when_stopped(written.stopped)
        return {digest: record for digest, record in answers.items() if record is not None}

    async def _stop(self) -> None:
        if self._reason is not None:
            campaign, submission = self._delivery.campaign, self._delivery.submission
            await self._store.stop(campaign, self._reason, submission)
            self._reason = None

    def _ending(self, settlement: Settlement) -> Ending:
        digest, outcome = settlement.digest, settlement.outcome
        if settlement.state is State.SPLIT:
            self._split(digest)
        return Ending(
            digest,
            self._indexes[digest],
            settlement.state,
            settlement.id,
            settlement.code,
            settlement.error,
            None if outcome is None else detail_of(outcome),
        )

    def _settle(self, endings: Sequence[Ending]) -> None:
        for ending in endings:
            self._own[ending.digest] = ending.state
            if ending.state is State.UNSENT and ending.error is not None:
                self._rejected.add(ending.digest)

    def _split(self, digest: str) -> None:
        for half in (0, 1):
            self._indexes[identity_of_half(digest, half)] = self._indexes[digest]

    async def _know(self, intents: Sequence[SendIntent]) -> None:
        """Look up the halves that the delivery did not know when it began."""
        unknown = [each.digest for each in intents if each.digest not in self._known]
        if unknown:
            self._known |= dict.fromkeys(unknown)
            self._known |= await self._store.look_up(self._delivery.campaign, unknown)

    def _answer(self, intent: SendIntent) -> Record | None:
        """Decide as `SendIntent.check` does, without the store: it has the last word."""
        digest = intent.digest
        own, known = self._own.get(digest), self._known[digest]
        if digest in self._rejected:
            return Record(State.UNSENT, self.run)
        if own is not None:
            return intent.check(Record(own, self.run), self.run)
        return None if known is None else self._checked(intent, known)

    def _checked(self, intent: SendIntent, known: Operation) -> Record | None:
        if known.state is State.SPLIT:
            self._split(intent.digest)
        return intent.check(Record(known.state, known.run), self.run)

    async def _reasons(self, digests: Sequence[str]) -> Mapping[str, Record]:
        """Look up why intents were not granted."""
        if not digests:
            return {}
        found = await self._store.look_up(self._delivery.campaign, digests)
        self.learn(found)
        return {digest: Record(known.state, known.run) for digest, known in found.items()}

    def learn(self, found: Mapping[str, Operation]) -> None:
        """Know more of operations that other deliveries have."""
        self._known |= found
        for operation in found.values():
            if operation.state is State.SPLIT:
                self._split(operation.digest)

    async def close(self) -> None:
        """Do nothing more: only who knows that all is done ends the delivery."""
        await self._stop()

    def abandon(self) -> None:
        """Do nothing."""


def _is_open(answer: Record | None) -> bool:
    return answer is None or answer.granted
