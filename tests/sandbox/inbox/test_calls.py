"""The newest sends: numbered, revised, forgotten."""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import pytest

from engagelab_async.sandbox.bodies import Answer, Body
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.refusals import RefusedError
from support.fake_clock import FakeClock
from support.platforms import Platform, at_once

Send: TypeAlias = Callable[[Body], Answer]


@pytest.fixture
def send_sms(calls: Calls, platform: Platform) -> Send:
    """A send that is recorded."""
    return at_once(calls.recorded("sms", "/sms/v1/messages", platform.send_sms))


def plan(*targets: str) -> dict[str, object]:
    """Make the body of a plan."""
    return {"to": list(targets), "template": {"id": "7", "params": {}}}


def numbers(calls: Calls) -> list[int]:
    """Return the numbers of the calls that are kept, newest first."""
    return [call.number for call in calls]


def test_a_send_is_recorded(calls: Calls, send_sms: Send, clock: FakeClock) -> None:
    """Request, answer and messages belong together."""
    send_sms(plan("+6591234560"))
    answer = send_sms(plan("+6591234567", "no number", "+6591234568"))
    call = calls.by_number[2]

    assert ("sms", "/sms/v1/messages", clock.now) == (
        call.product,
        call.path,
        call.asked_at.timestamp(),
    )
    assert plan("+6591234567", "no number", "+6591234568") == call.request
    assert (200, answer, range(2, 5)) == (call.status, call.answer, call.messages)
    assert call is calls.by_message[3]


def test_a_refusal_is_recorded(calls: Calls, send_sms: Send) -> None:
    """So is a request that nothing came of, and it is still refused."""
    with pytest.raises(RefusedError):
        send_sms({"to": "+6591234567"})
    call = calls.by_number[1]

    assert (400, range(1, 1)) == (call.status, call.messages)
    assert {"code": 3002, "message": "template must be an object"} == call.answer


def test_a_failure_of_ours_is_not_recorded(calls: Calls) -> None:
    """What is neither an answer nor a refusal is nothing to show."""

    def broken(_: object) -> dict[str, object]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        at_once(calls.recorded("otp", "/", broken))({})

    assert [] == numbers(calls)


@pytest.mark.asyncio
async def test_changes_since_a_revision(calls: Calls, send_sms: Send, platform: Platform) -> None:
    """What changed after a revision comes in the order of the last change."""
    for _ in range(3):
        send_sms(plan("+6591234567"))
    await calls.catch_up()
    known = calls.revision
    for message in (3, 1, 3):
        platform.simulation.reply(platform.outbox.get(message), "?")
        await calls.catch_up()

    assert [1, 3] == [call.number for call in calls.since(known)]
    assert [] == calls.since(calls.revision)


@pytest.mark.asyncio
async def test_the_states_of_messages(calls: Calls, send_sms: Send, platform: Platform) -> None:
    """Each message has the one that it was last seen in."""
    send_sms(plan("+6591234567", "+6591234568"))
    await calls.catch_up()
    platform.simulation.deliver(platform.outbox.get(1))
    before = dict(calls.by_number[1].states)
    platform.simulation.report_due()
    await calls.catch_up()

    assert {1: "target_valid", 2: "target_valid"} == before
    assert {1: "delivered", 2: "target_valid"} == calls.by_number[1].states


def test_the_oldest_make_room(calls: Calls, send_sms: Send) -> None:
    """When more messages came than are kept, the oldest calls go, with all their messages."""
    send_sms(plan("+6591234561", "+6591234562"))
    send_sms(plan("+6591234563", "+6591234564"))
    assert (1, [2, 1]) == (calls.oldest, numbers(calls))
    send_sms(plan("+6591234565"))

    assert (2, [3, 2]) == (calls.oldest, numbers(calls))
    with pytest.raises(LookupError):
        calls.by_number[1]
    with pytest.raises(LookupError):
        calls.by_message[2]


def test_a_refusal_takes_room_too(calls: Calls, send_sms: Send) -> None:
    """Requests without messages cannot pile up."""
    for _ in range(6):
        with pytest.raises(RefusedError):
            send_sms({})

    assert [6, 5, 4, 3] == numbers(calls)


def test_the_newest_always_stays(calls: Calls, send_sms: Send) -> None:
    """A plan of more messages than are kept is kept alone."""
    send_sms(plan("+6591234567"))
    send_sms(plan(*(f"+659123456{digit}" for digit in range(9))))

    assert [2] == numbers(calls)


@pytest.mark.asyncio
async def test_what_happens_to_a_forgotten_message(
    calls: Calls, send_sms: Send, platform: Platform
) -> None:
    """It changes nothing."""
    send_sms(plan("+6591234567"))
    await calls.catch_up()
    calls.clear()
    revision = calls.revision
    platform.simulation.deliver(platform.outbox.get(1))
    platform.simulation.report_due()
    await calls.catch_up()

    assert revision == calls.revision


@pytest.mark.parametrize(
    ("keep", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_how_many_to_keep(platform: Platform, keep: int, error: type[Exception]) -> None:
    """It has to be a number of messages."""
    with pytest.raises(error, match=r"^keep: "):
        Calls(platform, keep=keep, clock=FakeClock())


def test_clearing(calls: Calls, send_sms: Send) -> None:
    """All calls go, that is a change, and numbers go on."""
    send_sms(plan("+6591234567"))
    known = calls.revision
    calls.clear()
    cleared = calls.revision
    send_sms(plan("+6591234567"))

    assert known < cleared
    assert (2, [2]) == (calls.oldest, numbers(calls))
    assert [2] == [call.number for call in calls.since(cleared)]


@pytest.mark.asyncio
async def test_waiting_ends_with_a_change(calls: Calls, send_sms: Send) -> None:
    """With the next send, or when all calls are forgotten; not before."""
    with calls.open():
        for change in (lambda: send_sms(plan("+6591234567")), calls.clear):
            waiting = asyncio.create_task(calls.wait(calls.revision, 60))
            await asyncio.sleep(0)
            assert not waiting.done()
            change()
            await waiting
