"""The shared state of a fleet, in this process: for tests."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attrs import asdict, define, evolve, field

from engagelab_async.bulk.journal import Doubt, Proof, Receipt, State
from engagelab_async.bulk.journal.sites import Site

from .store import (
    LATE,
    Begun,
    Contents,
    Delivery,
    Doubts,
    Ending,
    Intent,
    LiveRun,
    Operation,
    Options,
    Progress,
    Submission,
    Written,
)


@define(eq=False)
class _Submission:
    campaign: str
    token: str
    options: str
    started: float
    ended: float | None = None
    stopped: str | None = None
    stopped_at: float = 0.0

    @property
    def deadline(self) -> float:
        return float(json.loads(self.options)["deadline"])


@define(eq=False)
class _Run:
    submission: int
    chunk: int
    token: str
    host: str
    started: float
    ended: bool = False


@define(eq=False)
class Memory:
    """The `Store` in dicts, for the processes that play on one event loop.

    Args:
        clock: Seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _submissions: dict[int, _Submission] = field(factory=dict, init=False)
    _runs: dict[int, _Run] = field(factory=dict, init=False)
    _operations: dict[tuple[str, str], tuple[Operation, float]] = field(factory=dict, init=False)
    _limits: dict[str, float] = field(factory=dict, init=False)
    _messages: dict[str, Receipt] = field(factory=dict, init=False)
    _sites: dict[str, dict[str, Site]] = field(factory=dict, init=False)

    async def create_tables(self) -> None:
        """There are none; see `Store`."""

    async def submit(self, campaign: str, token: str, options: Options) -> int:
        """Begin a submission; see `Store`."""
        for number, known in self._submissions.items():
            if known.token == token:
                return number
        number = len(self._submissions) + 1
        new = _Submission(campaign, token, json.dumps(options), self.clock())
        self._submissions[number] = new
        return number

    async def begin(
        self, submission: int, proof: str, chunk: int, token: str, host: str
    ) -> Begun | None:
        """Begin a delivery; see `Store`."""
        chosen = self._submissions.get(submission)
        if chosen is None or chosen.token != proof:
            return None
        options = json.loads(chosen.options)
        runs = self._runs_of(submission, chunk)
        if chosen.stopped is not None or any(run.ended for run in runs):
            return Begun(chosen.campaign, options, None)
        for number, run in self._runs.items():
            if run.token == token:
                return Begun(chosen.campaign, options, number)
        number = len(self._runs) + 1
        self._runs[number] = _Run(submission, chunk, token, host, self.clock())
        return Begun(chosen.campaign, options, number)

    def _runs_of(self, submission: int, chunk: int) -> list[_Run]:
        runs = self._runs.values()
        return [run for run in runs if (run.submission, run.chunk) == (submission, chunk)]

    async def use(self, campaign: str, sites: Mapping[str, Site]) -> Mapping[str, Site]:
        """Record where a campaign is sent to; see `Store`."""
        recorded = self._sites.setdefault(campaign, {})
        for product, site in sites.items():
            recorded.setdefault(product, site)
        return recorded

    async def write(
        self, delivery: Delivery, endings: Sequence[Ending], intents: Sequence[Intent]
    ) -> Written:
        """Write endings, then intents; see `Store`."""
        for ending in endings:
            known = self._known(delivery.campaign, ending.digest)
            if known is None or known.run == delivery.run:
                self._put(delivery, ending)
        stopped = self._submissions[delivery.submission].stopped
        granted = [
            intent.digest for intent in intents if stopped is None and self._grant(delivery, intent)
        ]
        return Written(frozenset(granted), stopped)

    def _known(self, campaign: str, digest: str) -> Operation | None:
        found = self._operations.get((campaign, digest))
        return None if found is None else evolve(found[0], age=self.clock() - found[1])

    def _put(self, delivery: Delivery, ending: Ending) -> None:
        operation = Operation(**asdict(ending), run=delivery.run, submission=delivery.submission)
        self._operations[delivery.campaign, ending.digest] = (operation, self.clock())

    def _grant(self, delivery: Delivery, intent: Intent) -> bool:
        known = self._known(delivery.campaign, intent.digest)
        free = known is None or self._is_free(known, delivery, intent)
        if free:
            self._put(delivery, Ending(intent.digest, intent.index, State.SENDING))
        return free

    def _is_free(self, known: Operation, delivery: Delivery, intent: Intent) -> bool:
        own = known.run == delivery.run
        earlier = known.submission < delivery.submission
        if known.state is State.UNSENT:
            return known.error is None or own or known.submission != delivery.submission
        if known.state is State.SENDING:
            return own or (intent.resend and earlier and self._is_dead(known))
        if known.state is State.UNCERTAIN:
            return (own and intent.again) or (intent.resend and earlier)
        return False

    def _is_dead(self, known: Operation) -> bool:
        return known.age > self._submissions[known.submission].deadline + LATE

    async def look_up(self, campaign: str, digests: Sequence[str]) -> Mapping[str, Operation]:
        """Return what is known; see `Store`."""
        found = [self._known(campaign, digest) for digest in digests]
        return {known.digest: known for known in found if known is not None}

    async def end(self, run: int) -> None:
        """End a delivery; see `Store`."""
        self._runs[run].ended = True

    async def progress(self, submission: int, chunks: Sequence[int]) -> Progress:
        """Return how far some chunks have come; see `Store`."""
        known = self._submissions[submission]
        runs = [run for chunk in chunks for run in self._runs_of(submission, chunk)]
        return Progress(
            frozenset(run.chunk for run in runs if run.ended),
            frozenset(run.chunk for run in runs),
            known.stopped,
            self.clock() - known.stopped_at,
        )

    async def stop(self, campaign: str, reason: str, submission: int | None = None) -> int:
        """Stop submissions; see `Store`."""
        chosen = [
            known
            for number, known in self._submissions.items()
            if known.campaign == campaign and known.ended is None and submission in (None, number)
        ]
        for known in chosen:
            if known.stopped is None:
                known.stopped = reason
                known.stopped_at = self.clock()
        return len(chosen)

    async def finish(self, submission: int) -> None:
        """End a submission; see `Store`."""
        self._submissions[submission].ended = self.clock()

    async def take_turns(self, name: str, turns: float, per_second: float) -> float:
        """Reserve turns of a shared rate; see `Store`."""
        now = self.clock()
        due = max(self._limits.get(name, now), now)
        self._limits[name] = due + turns / per_second
        return due - now

    async def record(self, receipt: Receipt) -> None:
        """Record what a callback reported; see `Store`."""
        known = self._messages.setdefault(receipt.id, receipt)
        latest = receipt if receipt.rank >= known.rank else known
        of = receipt if known.digest is None else known
        self._messages[receipt.id] = evolve(
            latest,
            digest=of.digest,
            targets=of.targets,
            token=of.token,
            went=known.went or receipt.went,
        )

    def _tokens(self, campaign: str) -> set[str]:
        submissions = self._submissions
        runs = self._runs.values()
        return {run.token for run in runs if submissions[run.submission].campaign == campaign}

    async def doubts(self, campaign: str) -> Doubts:
        """Return what callbacks have reported on; see `Store`."""
        tokens = self._tokens(campaign)
        doubts: dict[str, Doubt] = {}
        receipts = []
        for receipt in self._messages.values():
            known = self._known(campaign, receipt.digest or "")
            if known is None or receipt.token not in tokens or not self._is_doubtful(known):
                continue
            reason = known.error if known.code is None else str(known.code)
            token = self._runs[known.run].token
            doubts[known.digest] = Doubt(known.digest, known.state, reason, token)
            receipts.append(receipt)
        return Doubts(doubts, receipts)

    def _is_doubtful(self, known: Operation) -> bool:
        sending = known.state is State.SENDING and self._is_dead(known)
        return sending or known.state is State.UNCERTAIN

    async def settle(self, campaign: str, proof: Proof) -> None:
        """Settle an uncertain operation; see `Store`."""
        known, at = self._operations[campaign, proof.doubt.digest]
        if (self._runs[known.run].token, known.state) == (proof.doubt.token, proof.doubt.state):
            settled = evolve(
                known,
                state=proof.state,
                id=proof.id,
                code=proof.code,
                error=proof.error,
                detail=None,
            )
            self._operations[campaign, proof.doubt.digest] = (settled, at)

    async def contents(self, campaign: str) -> Contents:
        """Return what is held of a campaign; see `Store`."""
        found = [each for (name, _), (each, _) in self._operations.items() if name == campaign]
        errors = [each.error if each.code is None else str(each.code) for each in found]
        tokens = self._tokens(campaign)
        submissions = {
            number: known
            for number, known in self._submissions.items()
            if known.campaign == campaign
        }
        ended = {(run.submission, run.chunk) for run in self._runs.values() if run.ended}
        return Contents(
            tuple(
                Submission(number, known.started, known.ended, known.stopped)
                for number, known in submissions.items()
            ),
            Counter(each.state for each in found),
            Counter(error for error in errors if error is not None),
            Counter(each.status for each in self._messages.values() if each.token in tokens),
            tuple(
                LiveRun(run.submission, run.chunk, run.host, self.clock() - run.started)
                for run in self._runs.values()
                if run.submission in submissions
                and submissions[run.submission].ended is None
                and (run.submission, run.chunk) not in ended
            ),
        )

    async def aclose(self) -> None:
        """There is nothing to close; see `Store`."""
