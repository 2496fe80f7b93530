"""The coroutines of the OTP product."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from engagelab_async import (
    BusinessRuleError,
    Credentials,
    EngageLab,
    FrequencyLimitError,
    NotFoundError,
    Operation,
    SendCode,
    SendCustomMessage,
    SendOTP,
    Sent,
    Template,
    Verification,
    VerifyOTP,
)
from support.calls import SENT
from support.scripted_engine import ScriptedEngine, answer, refusal

TO = "+6591234567"
MESSAGE_ID = "1725407449772531712"


@pytest.fixture
def engine() -> ScriptedEngine:
    """Return what the client sends with; a test fills in the script."""
    return ScriptedEngine([])


@pytest_asyncio.fixture
async def engagelab(engine: ScriptedEngine) -> AsyncIterator[EngageLab]:
    """Return a client of the OTP product."""
    async with EngageLab(otp=Credentials("key", "secret"), http=engine) as engagelab:
        yield engagelab


def body(engine: ScriptedEngine) -> Any:  # noqa: ANN401 - JSON
    """Return the body of the last request."""
    return json.loads(engine.requests[-1].body)


class TestSend:
    """``otp.send``."""

    @pytest.mark.asyncio
    async def test_the_platform_makes_the_code(
        self, engagelab: EngageLab, engine: ScriptedEngine
    ) -> None:
        """It is accepted with the id that a later check refers to."""
        engine.script = [answer(SENT)]
        sent = await engagelab.otp.send(TO, "login", language="en", params={"name": "Bob"})

        assert Sent(message_id=MESSAGE_ID, send_channel="sms") == sent
        assert "code" not in body(engine)

    @pytest.mark.asyncio
    async def test_live_code(self, engagelab: EngageLab, engine: ScriptedEngine) -> None:
        """A person who still has a live code gets no other, and it is not tried again."""
        engine.script = [refusal(3004), answer(SENT)]
        with pytest.raises(FrequencyLimitError) as caught:
            await engagelab.otp.send(TO, "login")

        assert not caught.value.may_have_been_sent
        assert SendOTP(TO, "login") == caught.value.operation


class TestSendCode:
    """``otp.send_code``."""

    @pytest.mark.asyncio
    async def test_zeros_are_kept(self, engagelab: EngageLab, engine: ScriptedEngine) -> None:
        """A code arrives as the caller wrote it."""
        engine.script = [answer(SENT)]
        await engagelab.otp.send_code(TO, "039487", "login")

        assert "039487" == body(engine)["code"]


class TestSendCustomMessage:
    """``otp.send_custom_message``."""

    @pytest.mark.asyncio
    async def test_several_people(self, engagelab: EngageLab, engine: ScriptedEngine) -> None:
        """Several recipients leave as an array, one as a string."""
        engine.script = [answer(SENT), answer(SENT)]
        await engagelab.otp.send_custom_message((each for each in (TO, "b@example.com")), "t")
        several = body(engine)["to"]
        await engagelab.otp.send_custom_message(TO, "t")

        assert ([TO, "b@example.com"], TO) == (several, body(engine)["to"])

    @pytest.mark.asyncio
    async def test_missing_template(self, engagelab: EngageLab, engine: ScriptedEngine) -> None:
        """A template that does not exist is told as such."""
        engine.script = [refusal(4001)]
        with pytest.raises(NotFoundError):
            await engagelab.otp.send_custom_message(TO, "t")


class TestVerify:
    """``otp.verify``."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("verified", [True, False])
    async def test_wrong_code_is_an_answer(
        self, engagelab: EngageLab, engine: ScriptedEngine, verified: bool
    ) -> None:
        """A right code and a wrong one are answers alike."""
        document = {"message_id": MESSAGE_ID, "verify_code": "667090", "verified": verified}
        engine.script = [answer(document)]
        check = await engagelab.otp.verify(MESSAGE_ID, "667090")

        assert Verification(message_id=MESSAGE_ID, verified=verified) == check

    @pytest.mark.asyncio
    async def test_expired_code_is_an_error(
        self, engagelab: EngageLab, engine: ScriptedEngine
    ) -> None:
        """A code that has expired or was verified before cannot be checked."""
        engine.script = [refusal(3003)]
        with pytest.raises(BusinessRuleError):
            await engagelab.otp.verify(MESSAGE_ID, "667090")


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("call", "arguments", "operation"),
    [
        ("send", (TO, Template("t", "en", {"n": 1})), SendOTP(TO, Template("t", "en", {"n": 1}))),
        ("send_code", (TO, "1", Template("t", "en")), SendCode(TO, "1", Template("t", "en"))),
        ("send_custom_message", ([TO], Template("t")), SendCustomMessage([TO], "t")),
        ("verify", ("1", "2"), VerifyOTP("1", "2")),
    ],
)
async def test_builds_an_operation(
    engagelab: EngageLab,
    engine: ScriptedEngine,
    call: str,
    arguments: tuple[object, ...],
    operation: Operation[object],
) -> None:
    """A coroutine and the value that it stands for are sent alike; an error tells the value."""
    engine.script = [refusal(3002), refusal(3002)]
    with pytest.raises(Exception, match="3002") as caught:
        await getattr(engagelab.otp, call)(*arguments)
    with pytest.raises(Exception, match="3002"):
        await engagelab.execute(operation)
    first, second = engine.requests

    assert operation == getattr(caught.value, "operation", None)
    assert (first.url, first.body) == (second.url, second.body)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda otp: otp.send("", "t"), "^to: "),
        (lambda otp: otp.send(TO, ""), "^template id: "),
        (lambda otp: otp.send([TO], "t"), "^to: "),
        (lambda otp: otp.send(TO, Template("t"), language="en"), "^language: "),
        (lambda otp: otp.send_code(TO, 39487, "t"), "^code: "),
        (lambda otp: otp.send_code(TO, "1", "t", params={"a": 1.5}), r"^params\['a'\]: "),
        (lambda otp: otp.send_code(TO, "1", Template("t"), params={"a": 1}), "^params: "),
        (lambda otp: otp.send_custom_message([], "t"), "^to: "),
        (lambda otp: otp.send_custom_message(TO, Template("t", "en")), "^template language: "),
        (lambda otp: otp.verify("1", 667090), "^code: "),
        (lambda otp: otp.verify(17, "1"), "^message_id: "),
        (lambda otp: otp.verify("1", "1", timeout=0), "^timeout: "),
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
        await call(engagelab.otp)

    assert [] == engine.requests
