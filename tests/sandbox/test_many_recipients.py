"""A send to thousands of recipients, and what else the sandbox does meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from attrs import define

from engagelab_async.sandbox import DEMO_CREDENTIALS, Sandbox
from engagelab_async.testing import FakeEngageLab

TARGETS = [f"+65{80_000_000 + number}" for number in range(5000)]
PLAN = {"to": [*TARGETS, "no number"], "template": {"id": "7", "params": {"name": "Bob"}}}
CUSTOM = {"to": TARGETS, "template": {"id": "7"}}
SENDS = pytest.mark.parametrize(
    ("path", "body"), [("/sms/v1/messages", PLAN), ("/otp/v1/custom-messages", CUSTOM)]
)


@define
class Meanwhile:
    """Other tasks of the event loop: how often they took turns, and what they saw."""

    sandbox: Sandbox
    turns: int = 0

    async def take_turns(self, seen: set[int]) -> None:
        """Look at what was sent, in every turn of the loop."""
        while True:
            seen.add(len(self.sandbox.messages))
            self.turns += 1
            await asyncio.sleep(0)


def client(sandbox: Sandbox) -> httpx.AsyncClient:
    """Make a client that calls a sandbox in this event loop."""
    transport = httpx.ASGITransport(sandbox.app)
    return httpx.AsyncClient(
        transport=transport, base_url="http://localhost", auth=DEMO_CREDENTIALS
    )


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox that is not started, so that its tasks are in the test's event loop."""
    yield Sandbox(balance={"sms": "25", "otp": "25"})


@SENDS
@pytest.mark.asyncio
async def test_other_tasks_take_turns(sandbox: Sandbox, path: str, body: object) -> None:
    """The event loop is not held up, and sees all messages of a send or none."""
    meanwhile, seen = Meanwhile(sandbox), set[int]()
    other = asyncio.create_task(meanwhile.take_turns(seen))
    async with client(sandbox) as http:
        answer = await http.post(path, json=body)
    await asyncio.sleep(0)
    seen.add(len(sandbox.messages))
    other.cancel()

    assert 200 == answer.status_code
    assert meanwhile.turns >= 18  # recipients are looked at and messages made, 500 in each turn
    assert {0, 5000} == seen


@pytest.mark.asyncio
async def test_sends_that_overtake_a_plan(sandbox: Sandbox) -> None:
    """Messages are numbered as the sends are completed, and the inbox has each in its own call."""
    async with client(sandbox) as http:
        plan = asyncio.create_task(http.post("/sms/v1/messages", json=PLAN))
        for _ in range(8):
            await asyncio.sleep(0)
        single = await http.post("/otp/v1/custom-messages", json={**CUSTOM, "to": "+6591234567"})
        assert not plan.done()
        await plan
        calls = [(await http.get(f"/sandbox/v1/calls/{n}")).json() for n in (1, 2)]

    assert "+6591234567" == sandbox.messages[0].recipient
    assert single.json()["message_id"] == sandbox.messages[0].message_id
    assert list(range(3, 5003)) == [each.number for each in sandbox.messages[1:]]
    assert [2] == [each.number for each in sandbox.dropped]
    assert [1, 2] == [call["messages"][0]["number"] for call in calls]


@pytest.mark.asyncio
async def test_the_account_pays_when_a_send_is_completed(sandbox: Sandbox) -> None:
    """Of two plans that the account cannot pay both, one is sent, and the other leaves no trace."""
    async with client(sandbox) as http:
        answers = await asyncio.gather(
            *(http.post("/sms/v1/messages", json=PLAN) for _ in range(2))
        )
        calls = [(await http.get(f"/sandbox/v1/calls/{n}")).json() for n in (1, 2)]

    assert [200, 400] == [each.status_code for each in answers]
    assert 3003 == answers[1].json()["code"]
    assert (5000, 1) == (len(sandbox.messages), len(sandbox.dropped))
    assert [100, 0] == [len(call["messages"]) for call in calls]


@pytest.mark.asyncio
async def test_a_plan_that_is_cancelled_is_not_sent(sandbox: Sandbox) -> None:
    """Not even in part."""
    async with client(sandbox) as http:
        plan = asyncio.create_task(http.post("/sms/v1/messages", json=PLAN))
        for _ in range(8):
            await asyncio.sleep(0)
        plan.cancel()
        with pytest.raises(asyncio.CancelledError):
            await plan

    assert () == sandbox.messages
    assert () == sandbox.dropped


@pytest.mark.asyncio
async def test_a_repeat_of_a_number_in_the_middle(sandbox: Sandbox) -> None:
    """The ids of all messages differ, whatever is sent in between."""
    async with client(sandbox) as http:
        await asyncio.gather(
            http.post("/sms/v1/messages", json=PLAN),
            http.post("/otp/v1/custom-messages", json={**CUSTOM, "to": "+6591234567"}),
        )

    assert 5001 == len({each.message_id for each in sandbox.messages})


@pytest.mark.anyio
async def test_a_plan_in_a_test_of_either_event_loop() -> None:
    """A fake without a server prepares it in the loop of its client, in steps as well."""
    fake = FakeEngageLab()
    plan = await fake.client().sms.send(TARGETS, "7")

    assert (5000, 5000) == (plan.accepted_count, len(fake.sent))
