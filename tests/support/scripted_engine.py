"""Engines without a network, and a time that passes only where a test says so.

`FakeEngine` is what they share: `ScriptedEngine` follows a script, `support.bulk.Platform` answers
by recipient.
"""

import json
import math
from collections.abc import Callable, Mapping

import pytest
from attrs import define, field, frozen

from engagelab_async import (
    Attempt,
    ConnectError,
    EngageLabError,
    Operation,
    Request,
    Response,
    ResponseTimeoutError,
    RetryPolicy,
)
from engagelab_async.credentials import Account
from engagelab_async.operation import Product
from engagelab_async.retry import RetryBudget
from engagelab_async.transport import Transport


@define(eq=False)
class FakeTime:
    """A clock and a sleep that take no time.

    Attributes:
        now: The time in seconds.
        late: By how much every sleep overshoots.
        sleeps: How long each sleep was asked to be.
    """

    now: float = 1000.0
    late: float = 0.0
    sleeps: list[float] = field(factory=list)

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.sleeps.append(seconds)
        self.now += seconds + self.late


@frozen
class Step:
    """What one request meets: an answer or a failure, after some seconds."""

    outcome: Response | Exception
    after: float = 0.0


def answer(
    document: object,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    after: float = 0.0,
) -> Step:
    """Make a step that answers with JSON."""
    return Step(Response(status, headers or {}, json.dumps(document).encode()), after)


def refusal(
    code: int | None, status: int = 400, *, headers: Mapping[str, str] | None = None
) -> Step:
    """Make a step that answers with an error of the API."""
    return answer({"code": code, "message": "refused"}, status, headers=headers)


def failure(error: Exception, *, after: float = 0.0) -> Step:
    """Make a step that fails below HTTP."""
    return Step(error, after)


def refused_connection() -> Step:
    """Make a step that never leaves."""
    return failure(ConnectError("no connection"))


def hang() -> Step:
    """Make a step that never answers."""
    return Step(AssertionError("nobody waits for ever"), math.inf)


@define(eq=False, kw_only=True)
class FakeEngine:
    """An engine that records what it is to send; what is answered, a subclass says.

    Attributes:
        requests: The requests that came.
        timeouts: The limit that came with each of them.
        max_bytes: The bound that came with each of them.
        in_flight: How many requests are being answered.
        most: How many there ever were at once.
        closed: How many times it was closed.
    """

    requests: list[Request] = field(factory=list)
    timeouts: list[float | None] = field(factory=list)
    max_bytes: list[int] = field(factory=list)
    in_flight: int = 0
    most: int = 0
    closed: int = 0

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Record the request and answer."""
        self.requests.append(request)
        self.timeouts.append(timeout)
        self.max_bytes.append(max_bytes)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            return await self.respond(request, timeout)
        finally:
            self.in_flight -= 1

    async def respond(self, request: Request, timeout: float | None) -> Response:
        """Answer a request."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Count."""
        self.closed += 1


@define(eq=False)
class ScriptedEngine(FakeEngine):
    """Meets each request with the next step of its script.

    Attributes:
        script: The steps that are left.
        time: What passes during a step.
    """

    script: list[Step]
    time: FakeTime = field(factory=FakeTime)

    async def respond(self, request: Request, timeout: float | None) -> Response:
        """Do what the script says."""
        step = self.script.pop(0)
        limit = math.inf if timeout is None else timeout
        self.time.now += min(step.after, limit)
        if step.after >= limit:
            raise ResponseTimeoutError("no answer in time")
        if isinstance(step.outcome, Exception):
            raise step.outcome
        return step.outcome


ACCOUNT = Account("https://otp.example.com", (("Authorization", "Basic eDp5"),))
ACCOUNTS: dict[Product, Account] = {
    "otp": ACCOUNT,
    "sms": Account("https://sms.example.com", ACCOUNT.headers),
}


@define(eq=False)
class Rig:
    """A transport whose engine is scripted and whose time passes by the script.

    Attributes:
        attempts: What the hook was called with.
    """

    engine: ScriptedEngine
    time: FakeTime
    attempts: list[Attempt]
    transport: Transport

    async def error(self, operation: Operation[object]) -> EngageLabError:
        """Execute an operation that must fail, and return its error."""
        with pytest.raises(EngageLabError) as caught:
            await self.transport.execute(operation)
        return caught.value


def rig(
    *script: Step,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is immutable
    timeout: float = 10.0,
    deadline: float = 30.0,
    late: float = 0.0,
    budget: RetryBudget | None = None,
    on_attempt: Callable[[Attempt], object] | None = None,
    owns_engine: bool = True,
) -> Rig:
    """Make a transport that always draws the middle of the possible waits."""
    time, attempts = FakeTime(late=late), list[Attempt]()
    engine = ScriptedEngine(list(script), time)
    transport = Transport(
        engine,
        ACCOUNTS,
        retry=retry,
        timeout=timeout,
        deadline=deadline,
        budget=budget,
        on_attempt=on_attempt or attempts.append,
        owns_engine=owns_engine,
        clock=time.clock,
        wall_clock=lambda: 1_760_000_000.0,  # Thu, 09 Oct 2025 08:53:20 GMT
        sleep=time.sleep,
        random=lambda: 0.5,
    )
    return Rig(engine, time, attempts, transport)
