"""Repeats that take no time."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from engagelab_async import ConnectError, RateLimitError, RetryPolicy, SendOTP
from engagelab_async.testing import no_backoff
from support.scripted_engine import answer, refused_connection, rig

SENT = {"message_id": "1", "send_channel": "sms"}
SEND = SendOTP("+6591234567", "login")
THROTTLED = answer({}, 429, headers={"Retry-After": "20"})


def delay() -> float | None:
    """Ask how long to wait before a first repeat."""
    return RetryPolicy().delay(ConnectError(), SEND, attempt=1, remaining=30, random=lambda: 0.5)


@pytest.mark.asyncio
async def test_a_repeat_does_not_wait() -> None:
    """Neither the backoff nor a ``Retry-After`` is waited for, and the call succeeds."""
    made = rig(refused_connection(), THROTTLED, answer(SENT))
    with no_backoff():
        sent = await made.transport.execute(SEND)

    assert "1" == sent.message_id
    assert [0.0, 0.0] == made.time.sleeps


@pytest.mark.asyncio
async def test_decisions_stay_as_they_are() -> None:
    """A call gives up where it would have: out of attempts, or asked to wait too long."""
    unlucky = rig(*[refused_connection()] * 3)
    hurried = rig(THROTTLED, deadline=15)
    with no_backoff():
        assert isinstance(await unlucky.error(SEND), ConnectError)
        assert isinstance(await hurried.error(SEND), RateLimitError)

    assert [3, 1] == [len(made.engine.requests) for made in (unlucky, hurried)]


@pytest.mark.asyncio
async def test_waits_return_in_the_end() -> None:
    """Outside the block, even of a nested one that failed, repeats wait again."""
    with no_backoff(), pytest.raises(LookupError), no_backoff():
        raise LookupError
    made = rig(refused_connection(), answer(SENT))
    await made.transport.execute(SEND)

    assert [0.25] == made.time.sleeps


def test_a_plain_function_can_be_decorated() -> None:
    """All of a function runs without waits."""
    delays: list[float | None] = []

    @no_backoff()
    def decorated() -> None:
        delays.append(delay())

    decorated()

    assert [0.0] == delays


def test_a_decorated_function_may_call_itself() -> None:
    """Waits return when the outermost call is over, and not before."""
    delays: list[float | None] = []

    @no_backoff()
    def decorated(depth: int) -> None:
        if depth:
            decorated(depth - 1)
        delays.append(delay())

    decorated(1)

    assert [0.0, 0.0] == delays
    assert delay() != 0.0


async def coroutine() -> None:
    """Run later."""


async def stream() -> AsyncIterator[None]:
    """Run later, and piece by piece."""
    yield


def generator() -> Iterator[None]:
    """Run later, and piece by piece."""
    yield


@pytest.mark.parametrize("function", [coroutine, stream, generator])
def test_what_runs_later_cannot_be_decorated(function: Callable[[], object]) -> None:
    """It would wait all the same, for the decorator is done before it begins."""
    with pytest.raises(TypeError, match=r"^func: expected a plain function; in others"):
        no_backoff()(function)
