"""A fleet in memory, in a time of its own, whose workers send to a `Platform`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from anyio.lowlevel import checkpoint
from attrs import define, field

from engagelab_async import Credentials, EngageLab, RetryPolicy
from engagelab_async.bulk.outcomes import AnyOutcome
from engagelab_async.distributed import Fleet, FleetRun
from support.bulk import Platform

PAIR = Credentials("key", "secret")


@define(eq=False)
class Passing:
    """A time that passes when all sleep.

    Attributes:
        now: Seconds.
    """

    now: float = 1000.0
    _due: list[float] = field(factory=list)

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait until the time has passed; it passes when all others had their turns."""
        due = self.now + max(seconds, 0.0)
        self._due.append(due)
        try:
            for _ in range(10):
                await checkpoint()
            while self.now < due:
                if due == min(self._due):
                    self.now = due
                await checkpoint()
        finally:
            self._due.remove(due)


@define(eq=False)
class Scene:
    """A fleet, and one worker's client.

    Attributes:
        platform: Who got what.
        time: The time.
        fleet: The fleet.
        engagelab: The client.
        messages: The messages that the broker was given.
    """

    platform: Platform = field(factory=Platform)
    time: Passing = field(factory=Passing)
    fleet: Fleet = field(init=False)
    engagelab: EngageLab = field(init=False)
    messages: list[Mapping[str, Any]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.fleet = Fleet.in_memory(clock=self.time.clock, sleep=self.time.sleep)
        self.engagelab = self.client(self.platform)

    def client(self, platform: Platform, **options: Any) -> EngageLab:  # noqa: ANN401 - its options
        """Make a worker's client."""
        policy = RetryPolicy(base=0.0)
        return EngageLab(sms=PAIR, otp=PAIR, http=platform, retry=policy, **options)

    async def via(self, message: Mapping[str, Any], /) -> None:
        """Deliver a message at once."""
        self.messages.append(message)
        await self.fleet.deliver(message, self.engagelab)

    def run(
        self,
        operations: Any,  # noqa: ANN401 - what is wrong is passed too
        campaign: str = "spring",
        *,
        via: Callable[[Mapping[str, Any]], Awaitable[None]] | None = None,
        **options: Any,  # noqa: ANN401 - those of a run
    ) -> FleetRun:
        """Make a run."""
        return self.fleet.fan_out(campaign, operations, via=via or self.via, **options)


async def outcomes_of(run: FleetRun) -> list[AnyOutcome]:
    """Run to the end, and return the outcomes in the order of the source."""
    async with run:
        outcomes = [outcome async for outcome in run]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def shown(outcomes: Iterable[AnyOutcome]) -> list[tuple[object, ...]]:
    """Write down all of an outcome but the time it took."""
    return [
        (
            outcome.index,
            getattr(outcome, "reason", type(outcome).__name__),
            outcome.operation,
            outcome.attempts,
            getattr(outcome, "result", None),
            _error(getattr(outcome, "error", None)),
        )
        for outcome in outcomes
    ]


def _error(error: Any) -> object:  # noqa: ANN401 - of any kind
    names = ("code", "http_status", "retry_after", "plan_id", "may_have_been_sent", "operation")
    found = [getattr(error, name, None) for name in names]
    return error and (type(error), str(error), *found)
