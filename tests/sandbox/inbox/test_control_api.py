"""The control API for end-to-end tests: the newest message, an export, and the document."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import httpx
import pytest

from engagelab_async.sandbox.faults.register import Faults
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.inbox.control import routes
from support.fake_clock import FakeClock
from support.platforms import Platform
from support.turns import counting_turns

pytestmark = pytest.mark.asyncio

Document: TypeAlias = Any
PLAN = {"to": ["+6591234561", "no number"], "template": {"id": "1233", "params": {}}}


async def send(http: httpx.AsyncClient, to: str, template: str = "login") -> None:
    """Send a code."""
    answer = await http.post("/otp/v1/messages", json={"to": to, "template": {"id": template}})
    assert 200 == answer.status_code


async def latest(http: httpx.AsyncClient, **query: str | int) -> Document:
    """Return the newest message."""
    return (await http.get("/sandbox/v1/messages/latest", params=query)).json()


class TestLatest:
    """The newest message, for a test that needs its code."""

    @pytest.fixture(autouse=True)
    def _running(self, calls: Calls) -> Iterator[None]:
        with calls.open():
            yield

    async def test_of_all(self, http: httpx.AsyncClient, platform: Platform) -> None:
        """Without a query, it is the newest of all, as `GET messages/{number}` describes it."""
        await send(http, "+6591234567")
        await send(http, "+6591234568")
        found = await latest(http)

        assert platform.outbox.messages[-1].code == found["code"]
        assert (await http.get("/sandbox/v1/messages/2")).json() == found

    @pytest.mark.parametrize(
        "query",
        [
            {"to": "+6591234567"},
            {"to": "6591234567"},
            {"to": " 6591234567"},
            {"template": "login"},
            {"to": "+6591234567", "template": "login"},
        ],
    )
    async def test_of_a_query(self, http: httpx.AsyncClient, query: dict[str, str]) -> None:
        """By recipient, whose plus may be missing or be a space, by template, or by both."""
        await send(http, "+6591234567")
        await send(http, "+6591234568", "sandbox-otp-tpl")

        assert "+6591234567" == (await latest(http, **query))["to"]

    @pytest.mark.parametrize(
        "query",
        [{"to": "+6591234568"}, {"to": "nothing like a number"}, {"template": "x"}, {"after": 1}],
    )
    async def test_none(self, http: httpx.AsyncClient, query: dict[str, str | int]) -> None:
        """It is not found, rather than another one."""
        await send(http, "+6591234567")

        assert {"code": 404, "message": "no such message was sent"} == await latest(http, **query)

    async def test_a_recipient_that_is_no_address(self, http: httpx.AsyncClient) -> None:
        """What was dropped is found under what the request called it."""
        await http.post("/sms/v1/messages", json=PLAN)

        assert "target_invalid" == (await latest(http, to="no number"))["state"]

    async def test_waits_for_it(self, http: httpx.AsyncClient) -> None:
        """With `wait`, the answer comes when the message does, and others are passed over."""
        await send(http, "+6591234567")
        waiting = asyncio.ensure_future(latest(http, to="+6591234567", after=1, wait=60))
        await asyncio.sleep(0)
        await send(http, "+6591234568")
        await send(http, "+6591234567", "sandbox-otp-tpl")

        assert 3 == (await waiting)["number"]

    async def test_the_next_message(self, http: httpx.AsyncClient) -> None:
        """The first one that comes is returned if it matches."""
        waiting = asyncio.ensure_future(latest(http, wait=60))
        await asyncio.sleep(0)
        await send(http, "+6591234567")

        assert 1 == (await waiting)["number"]

    async def test_does_not_wait_for_ever(self, http: httpx.AsyncClient) -> None:
        """After the time that was given, it is not found."""
        assert 404 == (await latest(http, wait=1))["code"]

    async def test_many_others_are_looked_through_in_turns(
        self, http: httpx.AsyncClient, platform: Platform
    ) -> None:
        """A recipient that nothing was sent to takes the loop's time some at a time."""
        to = [f"+65{91_000_000 + index}" for index in range(4000)]
        await http.post("/sms/v1/messages", json={**PLAN, "to": to})
        with counting_turns() as turns:
            assert 404 == (await latest(http, to="+6591234567"))["code"]

        assert turns.count >= 4

    async def test_ends_with_the_sandbox(self, http: httpx.AsyncClient, calls: Calls) -> None:
        """A sandbox that stops does not wait for those that wait."""
        waiting = asyncio.ensure_future(latest(http, wait=60))
        await asyncio.sleep(0)
        with calls.open():
            pass

        assert 404 == (await waiting)["code"]


async def test_messages_to_something_else(http: httpx.AsyncClient) -> None:
    """A recipient that is no address selects no message, rather than all."""
    await send(http, "+6591234567")
    answer = await http.get("/sandbox/v1/messages", params={"to": "nothing like a number"})

    assert [] == answer.json()["messages"]


class TestRecipients:
    """Which calls have a recipient."""

    @pytest.fixture
    def calls(self, platform: Platform, clock: FakeClock) -> Calls:
        """Calls of which many are kept."""
        return Calls(platform, keep=10_000, clock=clock)

    @pytest.mark.parametrize(
        ("to", "numbers"),
        [
            ("+6591234567", [3, 1]),
            ("34568", [3]),
            ("NO num", [3]),
            ("no NUM", [3]),
            (" 659", [3, 1]),
            ("ada@", [2]),
            ("grace", []),
            ("", [4, 3, 2, 1]),
        ],
    )
    async def test_any_recipient_finds_a_call(
        self, http: httpx.AsyncClient, to: str, numbers: list[int]
    ) -> None:
        """By a part of it, whatever its case; a plan by each of its recipients."""
        await send(http, "+6591234567")
        await send(http, "ada@example.com")
        targets = ["+6591234567", "No Number", "+6591234568"]
        await http.post("/sms/v1/messages", json={**PLAN, "to": targets})
        await http.post("/otp/v1/messages", json={"to": 5})
        answer = await http.get("/sandbox/v1/calls", params={"to": to})

        assert {"numbers": numbers} == answer.json()

    async def test_a_large_plan_lets_others_run(self, http: httpx.AsyncClient) -> None:
        """Many recipients are looked through some at a time, and the rows do not name them."""
        to = [f"+65{91_000_000 + index}" for index in range(3000)]
        for _ in range(3):
            await http.post("/sms/v1/messages", json={**PLAN, "to": to})
        with counting_turns() as turns:
            answer = await http.get("/sandbox/v1/calls", params={"to": to[-1]})

        assert {"numbers": [3, 2, 1]} == answer.json()
        assert turns.count >= 3


class TestExport:
    """Everything as one JSON document."""

    async def test_holds_what_the_single_answers_hold(self, http: httpx.AsyncClient) -> None:
        """Calls in full, oldest first, refused ones too, each with all its messages."""
        await send(http, "+6591234567")
        await http.post("/otp/v1/messages", json={})
        await http.post("/sms/v1/messages", json=PLAN)
        answer = await http.get("/sandbox/v1/export")
        calls = [(await http.get(f"/sandbox/v1/calls/{number}")).json() for number in (1, 2, 3)]

        assert calls == answer.json()["calls"]
        assert [1, 0, 2] == [len(call["messages"]) for call in answer.json()["calls"]]
        assert "attachment" in answer.headers["content-disposition"]

    async def test_of_a_large_plan(self, http: httpx.AsyncClient) -> None:
        """Its messages are written in parts, and are one list nevertheless."""
        to = [f"+65{91_000_000 + index}" for index in range(120)]
        await http.post("/sms/v1/messages", json={**PLAN, "to": to})
        call = (await http.get("/sandbox/v1/export")).json()["calls"][0]

        assert to == [message["to"] for message in call["messages"]]

    @pytest.mark.parametrize("path", ["export", "messages?limit=400", "calls/1?limit=400"])
    async def test_lets_others_run(
        self, http: httpx.AsyncClient, clock: FakeClock, path: str
    ) -> None:
        """Many messages are described and written some at a time."""
        to = [f"+65{91_000_000 + index}" for index in range(400)]
        await http.post("/sms/v1/messages", json={**PLAN, "to": to})
        with counting_turns() as turns:
            answer = await http.get(f"/sandbox/v1/{path}")

        assert all(number in answer.text for number in to)
        assert turns.count >= 400 / 20

    async def test_of_half_a_surrogate_pair(self, http: httpx.AsyncClient) -> None:
        """JSON can hold it, so a text can, and a document that shows the text."""
        content = b'{"to": "+6591234567", "template": {"id": "7", "params": {"name": "\\ud800"}}}'
        headers = {"content-type": "application/json"}
        await http.post("/otp/v1/custom-messages", content=content, headers=headers)
        [call] = json.loads((await http.get("/sandbox/v1/export")).content)["calls"]

        assert {"name": "\ud800"} == call["messages"][0]["params"]

    async def test_of_nothing(self, http: httpx.AsyncClient) -> None:
        """An empty inbox is an empty list."""
        assert [] == (await http.get("/sandbox/v1/export")).json()["calls"]


class TestDocument:
    """The OpenAPI document."""

    async def test_describes_every_path(
        self, http: httpx.AsyncClient, calls: Calls, platform: Platform
    ) -> None:
        """Whatever is served is described, and nothing else is."""
        document = (await http.get("/sandbox/v1/openapi.json")).json()
        described = {
            (method.upper(), f"/sandbox/v1{path}")
            for path, methods in document["paths"].items()
            for method in methods
        }
        served = {
            (method, route.path.replace(":number", ""))
            for route in routes(calls, platform, Faults())
            for method in (route.methods or set()) - {"HEAD"}
            if route.path.startswith("/sandbox/") and not route.path.endswith("openapi.json")
        }

        summaries = [
            each["summary"] for path in document["paths"].values() for each in path.values()
        ]

        assert "3.1.0" == document["openapi"]
        assert all(summary.endswith(".") for summary in summaries)
        assert ["200", "4XX"] == list(document["paths"]["/messages"]["get"]["responses"])
        assert ["204", "4XX"] == list(document["paths"]["/calls"]["delete"]["responses"])
        assert ["201", "4XX"] == list(document["paths"]["/faults"]["post"]["responses"])
        assert served == described

    async def test_describes_parameters(self, http: httpx.AsyncClient) -> None:
        """Those of the path are required, those of the query have a default; all are described."""
        document = (await http.get("/sandbox/v1/openapi.json")).json()
        parameters = document["paths"]["/calls/{number}"]["get"]["parameters"]

        assert [
            ("number", "path", True, None),
            ("offset", "query", False, 0),
            ("limit", "query", False, 100),
        ] == [
            (each["name"], each["in"], each["required"], each["schema"].get("default"))
            for each in parameters
        ]
        assert all(each["description"].endswith(".") for each in parameters)

    @pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
    async def test_a_name_is_no_number(self, http: httpx.AsyncClient, method: str) -> None:
        """What is served under a name has the methods of its own alone."""
        answer = await http.request(method, "/sandbox/v1/faults/kinds")

        assert (405, "GET, HEAD") == (answer.status_code, answer.headers["allow"])

    async def test_refers_to_what_is_there(self, http: httpx.AsyncClient) -> None:
        """Every reference has its schema."""
        text = (await http.get("/sandbox/v1/openapi.json")).text
        names = json.loads(text)["components"]["schemas"].keys()

        assert {f"#/components/schemas/{name}" for name in names} >= {
            part.partition('"')[0] for part in text.split('"$ref": "')[1:]
        }


@pytest.mark.parametrize("number", ["9" * 19, "9" * 5000])
async def test_large_numbers(http: httpx.AsyncClient, number: str) -> None:
    """They are the number of nothing, whatever their length."""
    assert 404 == (await http.get(f"/sandbox/v1/messages/{number}")).status_code
