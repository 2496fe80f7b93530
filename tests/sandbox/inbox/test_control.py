"""The control API: what it shows, and what can be done to a message."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx
import pytest

from support.fake_clock import FakeClock
from support.platforms import Platform

OTP = {"to": "+6591234567", "template": {"id": "sandbox-otp-tpl"}}
Document: TypeAlias = Any
PLAN = {
    "to": ["+6591234561", "no number", "+6591234562"],
    "template": {"id": "1233", "params": {"name": "Bob"}},
    "plan_name": "Autumn",
}


async def shown(http: httpx.AsyncClient, path: str, **query: str | int) -> Document:
    """Return what the control API answers."""
    answer = await http.get(f"/sandbox/v1/{path}", params=query)
    assert 200 == answer.status_code
    assert "no-store" == answer.headers["cache-control"]
    return answer.json()


async def refused(http: httpx.AsyncClient, path: str, **query: str | int) -> tuple[int, str]:
    """Return the status and the message of an answer that says what is wrong."""
    answer = await http.get(f"/sandbox/v1/{path}", params=query)
    assert answer.status_code == answer.json()["code"]
    return answer.status_code, answer.json()["message"]


async def act(
    http: httpx.AsyncClient, number: int, name: str, body: Mapping[str, object] | None = None
) -> tuple[int, str]:
    """Do something to a message."""
    answer = await http.post(f"/sandbox/v1/messages/{number}/{name}", json=body)
    return answer.status_code, answer.text and answer.json()["message"]


class TestMessages:
    """Messages for scripts: a test in a browser reads its code here."""

    @pytest.mark.asyncio
    async def test_the_newest_comes_first(
        self, http: httpx.AsyncClient, platform: Platform, clock: FakeClock
    ) -> None:
        """Each is described with its text, its code and its state."""
        await http.post("/otp/v1/messages", json=OTP)
        await http.post("/sms/v1/messages", json=PLAN)
        found = await shown(http, "messages")
        code = platform.outbox.messages[0].code

        assert [4, 3, 2, 1] == [each["number"] for each in found["messages"]]
        assert found["next_before"] is None
        oldest = found["messages"][-1]
        assert ("+6591234567", code, "target_valid") == (
            oldest["to"],
            oldest["code"],
            oldest["state"],
        )
        assert f"EngageLab: your code is {code}. It expires in 5 minutes." == oldest["text"]
        assert clock.now == oldest["sent_at"]

    @pytest.mark.asyncio
    async def test_to_one_recipient(self, http: httpx.AsyncClient) -> None:
        """A number may be written without its plus, which has another meaning in an address."""
        await http.post("/otp/v1/messages", json=OTP)
        await http.post("/otp/v1/messages", json={**OTP, "to": "+6591234568"})
        found = await shown(http, "messages", to="6591234567")

        assert ["+6591234567"] == [each["to"] for each in found["messages"]]

    @pytest.mark.asyncio
    async def test_page_by_page(self, http: httpx.AsyncClient) -> None:
        """Each page says where the next one begins, and the last one that it is the last."""
        await http.post("/sms/v1/messages", json=PLAN)
        first = await shown(http, "messages", limit=2)
        second = await shown(http, "messages", limit=2, before=first["next_before"])
        exact = await shown(http, "messages", limit=3)

        assert [3, 2] == [each["number"] for each in first["messages"]]
        assert ([1], None) == (
            [each["number"] for each in second["messages"]],
            second["next_before"],
        )
        assert exact["next_before"] is None

    @pytest.mark.asyncio
    async def test_none_at_all(self, http: httpx.AsyncClient) -> None:
        """A page of nothing is the last."""
        await http.post("/otp/v1/messages", json=OTP)

        assert {"messages": [], "next_before": None} == await shown(http, "messages", limit=0)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("number", ["-1", "x", "1.5", "²", "9" * 20])
    async def test_what_is_no_number(self, http: httpx.AsyncClient, number: str) -> None:
        """It is refused, by name."""
        assert (400, "limit must be a whole number") == await refused(
            http, "messages", limit=number
        )

    @pytest.mark.asyncio
    async def test_one_message(self, http: httpx.AsyncClient) -> None:
        """It has a path of its own, from when it is sent until it is forgotten."""
        assert (404, "no such message, or no longer") == await refused(http, "messages/1")
        await http.post("/otp/v1/messages", json=OTP)
        assert 1 == (await shown(http, "messages/1"))["call"]
        for _ in range(2):
            await http.post("/sms/v1/messages", json=PLAN)

        assert (404, "no such message, or no longer") == await refused(http, "messages/1")
        assert 409 != (await act(http, 1, "deliver"))[0]


class TestCalls:
    """A send that was asked for, in full."""

    @pytest.mark.asyncio
    async def test_request_and_response(self, http: httpx.AsyncClient) -> None:
        """Both bodies are there as they were, and no key or secret is."""
        answer = await http.post("/otp/v1/messages", json=OTP)
        call = await shown(http, "calls/1")

        assert {"method": "POST", "path": "/otp/v1/messages"} == {
            key: call["request"][key] for key in ("method", "path")
        }
        assert OTP == json.loads(call["request"]["body"])
        assert 200 == call["response"]["status"]
        assert answer.json() == json.loads(call["response"]["body"])
        assert "sandbox_secret" not in json.dumps(call)

    @pytest.mark.asyncio
    async def test_large_integers_stay_exact(
        self, http: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        """A body is text: JavaScript would round a task id."""
        body = {**PLAN, "schedule_time": int(clock.now) + 3600}
        answer = await http.post("/sms/v1/messages", json=body)
        call = await shown(http, "calls/1")

        assert f'"task_id": {answer.json()["schedule_info"]["task_id"]}' in call["response"]["body"]
        assert clock.now + 3600 == call["due"]

    @pytest.mark.asyncio
    async def test_a_plan(self, http: httpx.AsyncClient) -> None:
        """It is one row, with a tally, and its messages come some at a time."""
        await http.post("/sms/v1/messages", json=PLAN)
        call = await shown(http, "calls/1", offset=1, limit=1)

        assert ("plan", "Autumn", 3) == (call["kind"], call["plan_name"], call["total"])
        assert {"target_invalid": 1, "target_valid": 2} == call["states"]
        assert (1, 3, [2]) == (
            call["offset"],
            call["message_count"],
            [each["number"] for each in call["messages"]],
        )

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("path", "body", "kind", "error"),
        [
            ("/otp/v1/messages", OTP, "message", None),
            ("/otp/v1/custom-messages", {**OTP, "to": ["+6591234567"]}, "refused", 3003),
            ("/otp/v1/messages", {**OTP, "to": "+10000005013"}, "refused", 5013),
            ("/otp/v1/messages", {"to": 5, "template": []}, "refused", 3002),
            ("/sms/v1/messages", {**PLAN, "to": "+10000000200"}, "refused", 1),
            ("/sms/v1/messages", {**PLAN, "to": "no number"}, "dropped", None),
        ],
    )
    async def test_kinds(
        self, http: httpx.AsyncClient, path: str, body: object, kind: str, error: int | None
    ) -> None:
        """A row shows a message, a plan, an error, or that everybody was left out."""
        await http.post(path, json=body)
        call = await shown(http, "calls/1")

        assert (kind, error) == (call["kind"], call["error"] and call["error"]["code"])

    @pytest.mark.asyncio
    async def test_an_id_that_is_an_integer(self, http: httpx.AsyncClient) -> None:
        """SMS takes those for a template; it is shown like any other."""
        body = {"to": "+6591234567", "template": {"id": 1233, "params": {}}}
        await http.post("/sms/v1/messages", json=body)

        assert "1233" == (await shown(http, "calls/1"))["template"]

    @pytest.mark.asyncio
    async def test_unknown(self, http: httpx.AsyncClient) -> None:
        """A call that never was is not found."""
        assert (404, "no such call, or no longer") == await refused(http, "calls/1")

    @pytest.mark.asyncio
    async def test_clearing(self, http: httpx.AsyncClient, platform: Platform) -> None:
        """The inbox is empty then; a program that asks the sandbox still finds its messages."""
        await http.post("/otp/v1/messages", json=OTP)
        answer = await http.delete("/sandbox/v1/calls")

        assert 204 == answer.status_code
        assert [] == (await shown(http, "messages"))["messages"]
        assert 1 == len(platform.outbox.messages)


class TestByHand:
    """What a person can do to a message."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("name", "body", "state"),
        [
            ("deliver", None, "delivered"),
            ("fail", {"code": 5018}, "sent_failed"),
            ("verify", None, "verified"),
            ("expire", None, "verified_timeout"),
            ("expire", {}, "verified_timeout"),
        ],
    )
    async def test_state(
        self, http: httpx.AsyncClient, name: str, body: Mapping[str, object] | None, state: str
    ) -> None:
        """A message can be brought into any state, and then not into the same again."""
        await http.post("/otp/v1/messages", json=OTP)
        assert name in (await shown(http, "messages/1"))["actions"]
        assert (204, "") == await act(http, 1, name, body)
        message = await shown(http, "messages/1")

        assert state == message["state"]
        assert name not in message["actions"]
        assert 409 == (await act(http, 1, name, body))[0]

    @pytest.mark.asyncio
    async def test_reply(self, http: httpx.AsyncClient, clock: FakeClock) -> None:
        """What the recipient says is shown with the message."""
        await http.post("/otp/v1/messages", json=OTP)
        assert (204, "") == await act(http, 1, "reply", {"text": "Stop"})

        assert [{"text": "Stop", "at": clock.now}] == (await shown(http, "messages/1"))["replies"]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("fail", None),
            ("fail", {"code": 1}),
            ("fail", {"code": "5018"}),
            ("reply", {}),
            ("reply", {"text": ""}),
            ("reply", {"text": "x" * 2001}),
        ],
    )
    async def test_what_makes_no_sense(
        self, http: httpx.AsyncClient, name: str, body: Mapping[str, object] | None
    ) -> None:
        """A body is checked as the API checks its own."""
        await http.post("/otp/v1/messages", json=OTP)
        status, message = await act(http, 1, name, body)

        assert 400 == status
        assert message.startswith(("code must be", "text must"))

    @pytest.mark.asyncio
    async def test_what_cannot_be_done(self, http: httpx.AsyncClient) -> None:
        """A caller's own code can expire, and cannot be verified; a dropped target does nothing."""
        await http.post("/otp/v1/codes", json={**OTP, "code": "039487"})
        await http.post("/sms/v1/messages", json={**PLAN, "to": "no number"})

        assert ["deliver", "fail", "expire", "reply"] == (await shown(http, "messages/1"))[
            "actions"
        ]
        assert [] == (await shown(http, "messages/2"))["actions"]
        assert (409, "there is no code of the platform's in it") == await act(http, 1, "verify")

    @pytest.mark.asyncio
    async def test_error_codes(self, http: httpx.AsyncClient) -> None:
        """Every code that a message can fail with is listed with its meaning."""
        errors = (await shown(http, "errors"))["errors"]

        assert {"code": 5018, "message": "handset fault"} in errors

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["explode", "deliver/again"])
    async def test_unknown_act(self, http: httpx.AsyncClient, name: str) -> None:
        """It is no path."""
        await http.post("/otp/v1/messages", json=OTP)

        assert 404 == (await act(http, 1, name))[0]


class TestStory:
    """What became of a message."""

    @pytest.mark.asyncio
    async def test_timeline(
        self, http: httpx.AsyncClient, platform: Platform, clock: FakeClock
    ) -> None:
        """Each status comes with its time, its channel, and what went wrong."""
        began = clock.now
        await http.post("/otp/v1/messages", json={**OTP, "to": "+10000000203"})
        clock.now += 2
        message = await shown(http, "messages/1")

        assert ["plan", "target_valid", "sent", "delivered_failed"] == [
            change["status"] for change in message["timeline"]
        ]
        assert {
            "status": "delivered_failed",
            "at": began + 2,
            "channel": "sms",
            "error": {"code": 5018, "message": "handset fault"},
        } == message["timeline"][-1]

    @pytest.mark.asyncio
    async def test_fallback(self, http: httpx.AsyncClient, clock: FakeClock) -> None:
        """A message is shown on the channel that it has come to."""
        await http.post("/otp/v1/messages", json={**OTP, "to": "+10000000004"})
        before = await shown(http, "calls/1")
        clock.now += 3
        after = await shown(http, "calls/1")

        assert ["whatsapp", "sms"] == [before["channel"], after["channel"]]

    @pytest.mark.asyncio
    async def test_verified_before_it_was_delivered(
        self, http: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        """It stays verified."""
        await http.post("/otp/v1/messages", json=OTP)
        await act(http, 1, "verify")
        clock.now += 2

        assert "verified" == (await shown(http, "messages/1"))["state"]
