"""What the tests of bulk share: a platform that answers by recipient, and runs against it.

`Platform` is an engine: it records who was sent to, and answers as a behaviour says. Time
passes only where a test lets it; what happens at once is ordered by events.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from anyio.lowlevel import checkpoint
from attrs import define, field

from engagelab_async import Operation, Request, Response, RetryPolicy, SendSMS, Template
from engagelab_async.bulk import FanOut, Limiter
from engagelab_async.bulk.flow import FlowControl
from engagelab_async.bulk.journal import JournalStore
from engagelab_async.bulk.outcomes import AnyOutcome
from engagelab_async.transport import Transport
from support.scripted_engine import ACCOUNTS, FakeEngine, FakeTime

BACKENDS: Final = ("asyncio", "trio")
TEMPLATE: Final = Template("1233")


def number(index: int) -> str:
    """Return the phone number of the operation with an index."""
    return f"+65{90000000 + index}"


def sends(count: int, start: int = 0) -> Iterator[SendSMS]:
    """Yield operations, each to a number of its own."""
    for index in range(start, start + count):
        yield SendSMS(number(index), TEMPLATE)


def respond(document: object, status: int = 200, **headers: str) -> Response:
    """Make a response with a JSON body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps(document).encode())


def plan(targets: int, accepted: int | None = None) -> Response:
    """Make the response to a send that is accepted."""
    return respond(
        {
            "plan_id": "1972490061974913024",
            "total_count": targets,
            "accepted_count": targets if accepted is None else accepted,
        }
    )


def refusal(code: int | None, status: int = 400, message: str = "no", **headers: str) -> Response:
    """Make a response that refuses."""
    return respond({"code": code, "message": message}, status, **headers)


async def accept(to: tuple[str, ...]) -> Response:
    """Accept everything."""
    return plan(len(to))


Behaviour = Callable[[tuple[str, ...]], Awaitable[Response]]
"""What becomes of a request to some numbers."""


@define(eq=False)
class Platform(FakeEngine):
    """An engine that answers by recipient.

    Attributes:
        behaviour: How it answers.
        clock: Tells the time.
        came: When each request came.
        received: Who was in each request, in their order.
    """

    behaviour: Behaviour = accept
    clock: Callable[[], float] = lambda: 0.0
    came: list[float] = field(factory=list)
    received: list[tuple[str, ...]] = field(factory=list)

    @property
    def numbers(self) -> list[str]:
        """Everybody who was in a request, in their order."""
        return [each for targets in self.received for each in targets]

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Record when it came as well."""
        self.came.append(self.clock())
        return await super().send(request, timeout=timeout, max_bytes=max_bytes)

    async def respond(self, request: Request, timeout: float | None) -> Response:
        """Record the recipients and answer."""
        targets = json.loads(request.body)["to"]
        to = (targets,) if isinstance(targets, str) else tuple(targets)
        self.received.append(to)
        await checkpoint()
        return await self.behaviour(to)


Sleep = Callable[[float], Awaitable[object]]


def transport(platform: Platform, time: FakeTime, sleep: Sleep, retry: RetryPolicy) -> Transport:
    """Make a transport in a time of its own that draws the middle of the possible waits."""
    return Transport(
        platform,
        ACCOUNTS,
        retry=retry,
        timeout=10.0,
        deadline=30.0,
        clock=time.clock,
        sleep=sleep,
        random=lambda: 0.5,
    )


def run_of(
    platform: Platform,
    operations: Any,  # noqa: ANN401 - what is wrong is passed too
    *,
    max_in_flight: int = 4,
    limiter: Limiter | None = None,
    flow: FlowControl | None = None,
    journal: Path | JournalStore | None = None,
    time: FakeTime | None = None,
    sleep: Sleep | None = None,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is immutable
    **options: Any,  # noqa: ANN401 - those of a run
) -> FanOut:
    """Make a run in a time that passes when somebody sleeps."""
    time = time or FakeTime()
    sleep = sleep or time.sleep
    return FanOut(
        transport(platform, time, sleep, retry),
        operations,
        flow=flow or FlowControl(max_in_flight, limiter, clock=time.clock, sleep=sleep),
        journal=journal,
        **options,
    )


async def outcomes_of(run: FanOut) -> list[AnyOutcome]:
    """Run to the end, and return the outcomes in the order of the source."""
    async with run:
        outcomes = [outcome async for outcome in run]
    return sorted(outcomes, key=lambda outcome: outcome.index)


def kinds(outcomes: Iterable[AnyOutcome]) -> list[str]:
    """Name the kind of each outcome, and the reason of those that were skipped."""
    return [getattr(outcome, "reason", type(outcome).__name__) for outcome in outcomes]


async def one_by_one(operations: Iterable[Operation[Any]]) -> AsyncIterator[Operation[Any]]:
    """Yield as an async generator does."""
    for operation in operations:
        await checkpoint()
        yield operation
