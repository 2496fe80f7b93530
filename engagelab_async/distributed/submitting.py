"""The submitter of a campaign: operations out in chunks, outcomes in, and what is lost out again.

::

    operations ──> chunk ──> via ──> broker ──> worker ──> Fleet.deliver
                     │  again, if nothing is heard of it               │
    outcomes <── rows of the chunk <── store <── intents, endings <────┘

The queue is not trusted to deliver a message once, nor at all.
"""

from __future__ import annotations

import secrets
from collections.abc import (
    AsyncIterable,
    Awaitable,
    Callable,
    Container,
    Iterable,
    Mapping,
    Sequence,
)
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, cast, runtime_checkable

import anyio
from anyio.lowlevel import checkpoint
from attrs import define, field, frozen

from engagelab_async.bulk.identity import identity, identity_of_half, with_targets
from engagelab_async.bulk.journal import State
from engagelab_async.bulk.outcomes import AnyOutcome, Skipped
from engagelab_async.bulk.report import targets_of
from engagelab_async.bulk.stream import END, GRACE, LEFT, OutcomeStream
from engagelab_async.frames import clear
from engagelab_async.sms.messages import SendSMS

from .message import MOST_BYTES, Chunk, Member, body_of, pack
from .results import AnyOperation, outcome_of, unanswered
from .store import LATE, Operation, Options

if TYPE_CHECKING:
    from types import TracebackType

    from engagelab_async.bulk.identity import Key
    from engagelab_async.bulk.rate import Rate
    from engagelab_async.bulk.stopping import StopRule

    from .fleet import Fleet

    Source = Iterable[AnyOperation] | AsyncIterable[AnyOperation]

_SHORTEST_POLL: Final = 0.05
_LONGEST_POLL: Final = 0.25
_LATE_POLL: Final = 1.0
"""Seconds between two looks at the store."""

_SETTLED: Final = 5.0
"""Seconds after a stop in which a worker that is alive ends its chunk."""

_LONGEST_SILENCE: Final = 600.0
_SECONDS_OF_WORK: Final = 10
"""A chunk takes no longer: RabbitMQ gives up on a worker that says nothing for 30 minutes."""

_PATIENCE: Final = 60.0
"""Seconds that the broker may be away."""


@runtime_checkable
class Via(Protocol):
    """Hands a message to a broker, which delivers it to a worker's `Fleet.deliver`."""

    def __call__(self, message: Mapping[str, Any], /) -> Awaitable[None]:
        """Hand it over; what is raised is tried again."""
        ...


@frozen(kw_only=True)
class Plan:
    """How a submission is cut and given out.

    Attributes:
        via: The broker.
        key: Makes identities.
        rate: The rate, which bounds how large a chunk is.
        stop_when: When to end.
        chunk: Operations in a chunk, at most.
        window: Chunks that are out at once, at most.
        give_out_again: Seconds of silence after which a chunk is given out again.
        deadline: Seconds of one operation.
        suppress: Recipients who must not be sent to.
    """

    via: Via
    key: Key | None
    rate: Rate | None
    stop_when: StopRule
    chunk: int
    window: int
    give_out_again: float
    deadline: float
    suppress: Container[str] | None = None

    @property
    def cost(self) -> float:
        """What a chunk costs at most, in operations, or in targets if the rate counts those."""
        if self.rate is None:
            return float("inf")
        return max(1.0, _SECONDS_OF_WORK * self.rate.per_second)

    def cost_of(self, operation: AnyOperation) -> int:
        """Return what an operation costs."""
        counts_targets = self.rate is not None and self.rate.of == "targets"
        return targets_of(operation) if counts_targets else 1

    @property
    def silence(self) -> float:
        """Seconds after which nothing more is to be expected of a chunk."""
        if self.rate is None:
            return self.give_out_again
        # All that is out shares the rate. Two deliveries of a chunk share it, too, for nothing.
        out = self.window * min(self.chunk, self.cost)
        return max(self.give_out_again, 2 * out / self.rate.per_second)


@define(eq=False)
class _Out:
    """A chunk that is out."""

    chunk: Chunk
    message: Mapping[str, Any]
    silence: float
    due: float


@define(eq=False)
class _Cut:
    """A chunk that is being gathered."""

    members: list[Member] = field(factory=list)
    bodies: list[bytes] = field(factory=list)
    size: int = 0
    cost: int = 0


class FleetRun(OutcomeStream):
    """A campaign that is being sent: an async context manager, and inside it outcomes.

    Made by `Fleet.fan_out`, and entered once, as a `FanOut`. Leaving the block early stops the
    submission on all machines: what is in a queue ends unsent, what is in flight is completed.
    """

    _maker = "fleet"

    def __init__(
        self,
        fleet: Fleet,
        campaign: str,
        operations: Source,
        options: Options,
        plan: Plan,
    ) -> None:
        super().__init__(operations, plan.stop_when, fleet.clock)
        self._fleet = fleet
        self._store = fleet.store
        self._campaign = campaign
        self._options = options
        self._plan = plan
        self._sleep = fleet.sleep

        self._token = secrets.token_hex(8)
        self._submission = 0
        self._pulled = 0
        self._numbers = 0
        self._is_pulled = False
        self._out: dict[int, _Out] = {}
        # Of dead workers, perhaps: digests, operations and positions, until that is certain.
        self._late: list[tuple[Member, int]] = []
        self._look_at_late = 0.0

        self._reason: str | None = None
        self._stop_is_known = False
        self._hurries = False
        self._scopes: set[anyio.CancelScope] = set()

    # ------------------------------------------------------------------ the consumer's side

    @property
    def _stopped(self) -> str | None:
        return self._reason

    @property
    def _is_closed(self) -> bool:
        return self._reason is not None

    @property
    def _is_crowded(self) -> bool:
        held = -(-len(self._ready) // self._plan.chunk)
        return len(self._out) + held >= self._plan.window and self._reason is None

    @property
    def in_flight(self) -> int:
        """How many operations were given out and have no outcome yet."""
        return sum(len(out.chunk.members) for out in self._out.values()) + len(self._late)

    @property
    def concurrency(self) -> int:
        """How many operations may be given out at once."""
        return self._plan.window * self._plan.chunk

    def stop(self, reason: str) -> None:
        """Stop the submission on all machines; requests in flight are completed.

        Args:
            reason: The report's ``stopped``; the first one counts.
        """
        if not self._done.is_set() and self._reason is None:
            self._reason = reason
            self._stop_pulling()

    def abort(self, reason: str) -> None:
        """Stop it, and do not wait for requests in flight: their outcomes are `Uncertain`.

        Args:
            reason: As for `stop`.
        """
        self.stop(reason)
        self._hurries = True

    async def __aenter__(self) -> Self:
        """Begin the submission, and start to give out chunks."""
        self._start()
        await self._fleet.settle_doubts(self._campaign)
        self._submission = await self._store.submit(self._campaign, self._token, self._options)
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._guard, self._give_out)
        self._tasks.start_soon(self._guard, self._collect, self._finish)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the submission."""
        self.stop(LEFT)
        self._tasks.cancel_scope.shield = True
        try:
            with anyio.move_on_after(GRACE):
                await self._done.wait()
            self.abort(LEFT)
            with anyio.move_on_after(GRACE):
                await self._done.wait()
        finally:
            for scope in tuple(self._scopes):
                scope.cancel()
            # The consumer's exception must not be wrapped in an exception group.
            await self._tasks.__aexit__(None, None, None)
            self._finish()
        await self._close_source()
        if exc_type is None:
            self._raise_failure()

    async def _guard(
        self, work: Callable[[], Awaitable[None]], when_done: Callable[[], None] | None = None
    ) -> None:
        # Whatever cancels the program leaves them to `__aexit__`.
        with anyio.CancelScope(shield=True) as scope:
            self._scopes.add(scope)
            try:
                await work()
            except anyio.get_cancelled_exc_class() as error:
                if scope.cancel_called:
                    raise
                self._fail_of_cancellation(error)
            except Exception as error:  # noqa: BLE001 - it is raised where the consumer is
                self._fail(error)
            finally:
                self._scopes.discard(scope)
        if when_done is not None:
            when_done()

    def _fail(self, error: BaseException) -> None:
        """End the submission with what is raised where the consumer is."""
        self._is_pulled = True
        super()._fail(error)
        clear(self._failure or error, None)

    # ------------------------------------------------------------------ chunks, out

    async def _give_out(self) -> None:
        cut = _Cut()
        try:
            while (operation := await self._pull()) is not END:
                body = body_of(operation, self._pulled)
                sound = cast("AnyOperation", operation)
                # It is known by all its recipients, whoever of them must not be sent to by now.
                digest = identity(sound, self._plan.key, body)
                left_out = self._leave_out(sound)
                member = None if left_out is None else Member(digest, sound, left_out)
                cost = 0 if member is None else self._plan.cost_of(member.rest)
                # The members of a chunk are neighbours in the source.
                if cut.members and (member is None or self._is_full(cut, len(body), cost)):
                    full, cut = cut, _Cut()
                    await self._give(full)
                if member is not None:
                    cut.members.append(member)
                    cut.bodies.append(body)
                    cut.size += len(body)
                    cut.cost += cost
                self._pulled += 1
        finally:
            # Also what the source has yielded before it failed.
            if cut.members:
                await self._give(cut)
        self._is_pulled = True

    def _leave_out(self, operation: AnyOperation) -> frozenset[str] | None:
        """Return who must not be sent to; ``None`` if that is all of an operation's recipients."""
        suppress, several = self._plan.suppress, cast("Any", operation)
        to: tuple[str, ...] = (several.to,) if isinstance(several.to, str) else several.to
        left_out = () if suppress is None else tuple(each for each in to if each in suppress)
        if left_out:
            whole = len(left_out) == len(to)
            part = operation if whole else with_targets(operation, left_out)
            self._deliver(Skipped(part, "suppressed", index=self._pulled))
            if whole:
                return None
        return frozenset(left_out)

    def _is_full(self, cut: _Cut, size: int, cost: int) -> bool:
        plan = self._plan
        return (
            len(cut.members) >= plan.chunk
            or cut.size + size > MOST_BYTES
            or cut.cost + cost > plan.cost
        )

    async def _give(self, cut: _Cut) -> None:
        await checkpoint()  # a list never waits by itself
        await self._wait_for_room()
        first = self._pulled - len(cut.members)
        if self._reason is not None:
            for index, member in enumerate(cut.members, first):
                self._deliver(Skipped(member.rest, "stopped", index=index))
            return
        members = tuple(cut.members)
        chunk = Chunk(self._submission, self._token, self._numbers, first, members)
        message = pack(chunk, cut.bodies)
        silence = self._plan.silence
        self._numbers += 1
        self._out[chunk.number] = _Out(chunk, message, silence, self._clock() + silence)
        self._tasks.start_soon(self._guard, partial(self._hand_over, message))

    async def _hand_over(self, message: Mapping[str, Any]) -> None:
        """Give a message to the broker, and again while that is away: twice does no harm."""
        give_up = self._clock() + _PATIENCE
        pause = 0.1
        while self._reason is None:
            try:
                await self._plan.via(message)
            except Exception:
                if self._clock() + pause > give_up:
                    raise
            else:
                return
            await self._sleep(pause)
            pause = min(2 * pause, 2.0)

    # ------------------------------------------------------------------ outcomes, in

    async def _collect(self) -> None:
        pause = _SHORTEST_POLL
        while not (self._is_pulled and not self._out and not self._late):
            if self._reason is not None and not self._stop_is_known:
                await self._store.stop(self._campaign, self._reason, self._submission)
                self._stop_is_known = True
            found = await self._look()
            pause = _SHORTEST_POLL if found else min(1.5 * pause, _LONGEST_POLL)
            await self._sleep(pause)
        await self._store.finish(self._submission)

    async def _look(self) -> bool:
        """Look what has become of the chunks that are out; return whether something has."""
        progress = await self._store.progress(self._submission, sorted(self._out))
        if progress.stopped is not None:
            self.stop(progress.stopped)
        over = [number for number in self._out if number in progress.ended]
        stopped_for = progress.stopped_for if progress.stopped is not None else 0.0
        if self._stop_is_known:
            # Nothing is begun any more.
            left = self._out.keys() - progress.ended
            over += [number for number in left if number not in progress.begun]
            if stopped_for > (LATE if self._hurries else _SETTLED):
                over += [number for number in left if number in progress.begun]
        for number in over:
            out = self._out.pop(number)
            members = [
                (member, index) for index, member in enumerate(out.chunk.members, out.chunk.first)
            ]
            await self._end(members)
            self._make_room()
        if self._late and (self._hurries or self._clock() >= self._look_at_late):
            self._look_at_late = self._clock() + _LATE_POLL
            late, self._late = self._late, []
            await self._end(late)
        self._give_again()
        return bool(over)

    def _give_again(self) -> None:
        now = self._clock()
        for out in self._out.values():
            if now >= out.due and self._reason is None:
                out.silence = min(2 * out.silence, max(_LONGEST_SILENCE, out.silence))
                out.due = now + out.silence
                self._tasks.start_soon(self._guard, partial(self._hand_over, out.message))

    async def _end(self, members: Sequence[tuple[Member, int]]) -> None:
        """Make the outcomes of operations, whose delivery has ended or will not come."""
        while members:
            digests = [member.digest for member, _ in members]
            known = await self._store.look_up(self._campaign, digests)
            halves: list[tuple[Member, int]] = []
            for member, index in members:
                operation = known.get(member.digest)
                if operation is not None and self._is_split(operation, index):
                    halves += [(half, index) for half in halves_of(member)]
                elif operation is not None and self._may_change(operation):
                    self._late.append((member, index))
                else:
                    self._deliver(self._outcome(operation, member, index))
            members = halves

    def _is_split(self, known: Operation, index: int) -> bool:
        own = known.submission == self._submission
        return known.state is State.SPLIT and (not own or known.index == index)

    def _may_change(self, known: Operation) -> bool:
        """Return whether a worker may still be about it."""
        alive = known.age <= self._plan.deadline + LATE
        return known.state is State.SENDING and alive and not self._hurries

    def _outcome(self, known: Operation | None, member: Member, index: int) -> AnyOutcome:
        operation = member.rest
        if known is None:
            return Skipped(operation, "stopped", index=index)
        if known.submission != self._submission:
            return self._earlier(known, operation, index)
        if known.index != index:
            return Skipped(operation, "duplicate", index=index)
        return outcome_of(known, operation, index)

    def _earlier(self, known: Operation, operation: AnyOperation, index: int) -> AnyOutcome:
        """Make the outcome of an operation that another submission has settled, or not."""
        match known.state:
            case State.ACCEPTED:
                return Skipped(operation, "settled", index=index)
            case State.REFUSED:
                return Skipped(operation, "refused", index=index)
            case State.UNSENT:
                return outcome_of(known, operation, index)
            case _:
                return unanswered(operation, index)


def halves_of(member: Member) -> Sequence[Member]:
    """Return the halves of an operation that was split, without those that are all left out."""
    operation = cast("SendSMS", member.operation)
    middle = len(operation.to) // 2
    parts = (operation.to[:middle], operation.to[middle:])
    return [
        Member(
            identity_of_half(member.digest, half),
            with_targets(operation, part),
            member.left_out.intersection(part),
        )
        for half, part in enumerate(parts)
        if not member.left_out.issuperset(part)
    ]
