"""The coroutine of the SMS product."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from engagelab_async import (
    APIError,
    Credentials,
    EngageLab,
    Plan,
    ScheduleInfo,
    SendSMS,
    Template,
)
from support.calls import PLAN
from support.scripted_engine import ScriptedEngine, answer, refusal

TO = "+6591234567"


@pytest.fixture
def engine() -> ScriptedEngine:
    """Return what the client sends with; a test may replace the script."""
    return ScriptedEngine([answer(PLAN)])


@pytest_asyncio.fixture
async def engagelab(engine: ScriptedEngine) -> AsyncIterator[EngageLab]:
    """Return a client of the SMS product."""
    async with EngageLab(sms=Credentials("key", "secret"), http=engine) as engagelab:
        yield engagelab


def body(engine: ScriptedEngine) -> Any:  # noqa: ANN401 - JSON
    """Return the body of the last request."""
    return json.loads(engine.requests[-1].body)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("to", "expected"),
    [(TO, [TO]), ([TO], [TO]), ((TO, "1"), [TO, "1"]), ((each for each in "12"), ["1", "2"])],
    ids=["str", "list", "tuple", "generator"],
)
async def test_targets_are_always_an_array(
    engagelab: EngageLab, engine: ScriptedEngine, to: str | Iterable[str], expected: list[str]
) -> None:
    """One number and many leave alike; a lone string is never taken for its characters."""
    await engagelab.sms.send(to, "1233")

    assert expected == body(engine)["to"]


@pytest.mark.asyncio
async def test_everything_that_can_be_said(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """All options leave under the names of the API, what is left out does not."""
    at = datetime.now(UTC) + timedelta(hours=1)
    await engagelab.sms.send(
        TO, 1233, params={"n": 7}, plan_name="orders", schedule_time=at, custom_args={"order": 7}
    )

    assert {
        "to": [TO],
        "template": {"id": "1233", "params": {"n": "7"}},
        "plan_name": "orders",
        "schedule_time": int(at.timestamp()),
        "custom_args": {"order": 7},
    } == body(engine)


@pytest.mark.asyncio
async def test_scheduled_send(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """A scheduled send answers its task, whose id no float could hold."""
    engine.script = [answer(PLAN | {"schedule_info": {"task_id": 1972492621368553473}})]
    plan = await engagelab.sms.send(TO, "1233", schedule_time=time.time() + 3600)

    assert ScheduleInfo(task_id=1972492621368553473) == plan.schedule_info


@pytest.mark.asyncio
async def test_invalid_targets_are_dropped_silently(
    engagelab: EngageLab, engine: ScriptedEngine
) -> None:
    """Fewer accepted targets than were sent are no error: the plan tells both numbers."""
    engine.script = [answer({"plan_id": "1", "total_count": 3, "accepted_count": 0})]

    assert Plan("1", total_count=3, accepted_count=0) == await engagelab.sms.send([TO], "1233")


@pytest.mark.asyncio
async def test_error_with_http_200(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """A 200 that carries a non-zero code raises, whatever its counts say, and is not repeated."""
    engine.script = [answer(PLAN | {"code": 1, "message": "err xxxx"}), answer(PLAN)]
    with pytest.raises(APIError, match=r"^SendSMS: 1 err xxxx \(HTTP 200\)$") as caught:
        await engagelab.sms.send(TO, "1233")
    error = caught.value

    assert (1, 200, PLAN["plan_id"]) == (error.code, error.http_status, error.plan_id)
    assert not error.may_have_been_sent


@pytest.mark.asyncio
async def test_builds_an_operation(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """The coroutine and the value that it stands for are sent alike; an error tells the value."""
    template = Template("1233", params={"name": "Bob"})
    operation = SendSMS([TO], template, "orders", custom_args={"order": 7})
    engine.script = [refusal(3002), answer(PLAN)]
    with pytest.raises(APIError) as caught:
        await engagelab.sms.send([TO], template, plan_name="orders", custom_args={"order": 7})
    await engagelab.execute(operation)
    first, second = engine.requests

    assert operation == caught.value.operation
    assert (first.url, first.body) == (second.url, second.body)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda sms: sms.send("", "t"), "^to: "),
        (lambda sms: sms.send([TO, 5], "t"), r"^to\[1\]: "),
        (lambda sms: sms.send(TO, None), "^template id: "),
        (lambda sms: sms.send(TO, Template("t", "en")), "^template language: "),
        (lambda sms: sms.send(TO, Template("t"), params={"a": "b"}), "^params: "),
        (lambda sms: sms.send(TO, "t", plan_name=""), "^plan_name: "),
        (lambda sms: sms.send(TO, "t", schedule_time=time.time()), "^schedule_time: "),
        (lambda sms: sms.send(TO, "t", custom_args="x"), "^custom_args: "),
        (lambda sms: sms.send(TO, "t", deadline=-1), "^deadline: "),
    ],
)
async def test_refuses_before_sending(
    engagelab: EngageLab,
    engine: ScriptedEngine,
    call: Callable[[Any], Awaitable[object]],
    problem: str,
) -> None:
    """An argument that can never be right is refused by name, and nothing leaves."""
    with pytest.raises((TypeError, ValueError), match=problem):
        await call(engagelab.sms)

    assert [] == engine.requests
