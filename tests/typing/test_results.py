"""What a type checker knows of every call, and what it refuses.

mypy and pyright judge this file; running it shows that what they know is true.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, ClassVar, TypeVar, assert_type

import httpx
import httpx2
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from attrs import frozen

from engagelab_async import (
    APIError,
    Attempt,
    Balance,
    Endpoint,
    EngageLab,
    EngageLabError,
    GetOTPBalance,
    GetSMSBalance,
    InvalidResponseError,
    Operation,
    Plan,
    RetryPolicy,
    ScheduleInfo,
    SendCode,
    SendCustomMessage,
    SendOTP,
    SendSMS,
    Sent,
    Template,
    Verification,
    VerifyOTP,
)
from engagelab_async.engines import HTTP
from support.calls import KEY_PAIR, OTP_BALANCE, PLAN, SENT, SMS_BALANCE, VERIFIED
from support.scripted_engine import ScriptedEngine, answer

R = TypeVar("R")

TO = "+6591234567"


@pytest.fixture
def engine() -> ScriptedEngine:
    """Return what the client sends with; a test fills in the script."""
    return ScriptedEngine([])


@pytest_asyncio.fixture
async def engagelab(engine: ScriptedEngine) -> AsyncIterator[EngageLab]:
    """Return a client of both products."""
    async with EngageLab(otp=KEY_PAIR, sms=KEY_PAIR, http=engine) as engagelab:
        assert_type(engagelab, EngageLab)
        yield engagelab


@pytest.mark.asyncio
async def test_balances(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """Both products answer the same class, whose amounts are decimals."""
    engine.script = [answer(each) for each in (OTP_BALANCE, SMS_BALANCE, OTP_BALANCE, SMS_BALANCE)]
    otp = assert_type(await engagelab.otp.balance(), Balance)
    sms = assert_type(await engagelab.sms.balance(timeout=1.0), Balance)

    assert otp == assert_type(await engagelab.execute(GetOTPBalance()), Balance)
    assert sms == assert_type(await engagelab.execute(GetSMSBalance()), Balance)
    assert Decimal("0.1") < assert_type(sms.total_balance, Decimal)
    assert assert_type(sms.currency, str | None) is None


@pytest.mark.asyncio
async def test_coroutines(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """Every coroutine answers its own class."""
    engine.script = [answer(each) for each in (SENT, SENT, SENT, VERIFIED, PLAN)]
    sent = assert_type(await engagelab.otp.send(TO, "t"), Sent)
    coded = assert_type(await engagelab.otp.send_code(TO, "1", "t"), Sent)
    custom = assert_type(await engagelab.otp.send_custom_message(TO, "t"), Sent)
    check = assert_type(await engagelab.otp.verify("1", "2"), Verification)
    plan = assert_type(await engagelab.sms.send(TO, "t"), Plan)

    assert [Sent, Sent, Sent, Verification, Plan] == [
        type(result) for result in (sent, coded, custom, check, plan)
    ]


@pytest.mark.asyncio
async def test_execute(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """``execute`` answers the class of its operation."""
    engine.script = [answer(each) for each in (SENT, SENT, SENT, VERIFIED, PLAN)]
    sent = assert_type(await engagelab.execute(SendOTP(TO, "t")), Sent)
    coded = assert_type(await engagelab.execute(SendCode(TO, "1", "t")), Sent)
    custom = assert_type(await engagelab.execute(SendCustomMessage(TO, "t")), Sent)
    check = assert_type(await engagelab.execute(VerifyOTP("1", "2")), Verification)
    plan = assert_type(await engagelab.execute(SendSMS(TO, "t"), timeout=5), Plan)

    assert [Sent, Sent, Sent, Verification, Plan] == [
        type(result) for result in (sent, coded, custom, check, plan)
    ]


@pytest.mark.asyncio
async def test_mixed_operations(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """Operations of several classes make one list, whose results are of one of theirs."""
    operations: list[Operation[Sent | Plan]] = [SendOTP(TO, "t"), SendSMS(TO, "t")]
    engine.script = [answer(SENT), answer(PLAN)]
    results = [await engagelab.execute(operation) for operation in operations]
    assert_type(results, list[Sent | Plan])

    assert [Sent, Plan] == [type(result) for result in results]


@frozen
class Quota:
    """An answer that this library does not know."""

    amount: int


@frozen
class GetQuota(Operation[Quota]):
    """A call that somebody added."""

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.quota",
        product="sms",
        method="GET",
        path="/v1/quota",
        result=Quota,
        effect="read",
    )


async def twice(engagelab: EngageLab, operation: Operation[R]) -> tuple[R, R]:
    """Show that a function of any operation keeps the result's class."""
    return await engagelab.execute(operation), await engagelab.execute(operation)


@pytest.mark.asyncio
async def test_operations_of_others(engagelab: EngageLab, engine: ScriptedEngine) -> None:
    """An operation class from outside is executed like ours, with its own result."""
    engine.script = [answer({"amount": 5}), answer({"amount": 5})]
    both = assert_type(await twice(engagelab, GetQuota()), tuple[Quota, Quota])

    assert (Quota(5), Quota(5)) == both


@pytest.mark.asyncio
async def test_fields() -> None:
    """The fields of results, errors and attempts have the types that their docstrings tell."""
    plan = Plan("1", 2, 2, schedule_info=ScheduleInfo(5))
    assert_type(plan.plan_id, str)
    assert_type(plan.message_id, str | None)
    assert_type(plan.schedule_info, ScheduleInfo | None)
    assert_type(Sent("1", "sms").message_id, str)
    assert_type(Verification("1", verified=True).verified, bool)
    assert_type(SendSMS([TO], "t").to, tuple[str, ...])
    assert_type(SendSMS([TO], 1233).template, Template)
    assert_type(SendSMS([TO], 1233).schedule_time, int | None)

    def handle(error: EngageLabError) -> int | None:
        assert_type(error.may_have_been_sent, bool)
        assert_type(error.transient, bool)
        assert_type(error.attempts, int)
        if isinstance(error, APIError):
            assert_type(error.retry_after, float | None)
            assert_type(error.plan_id, str | None)
        if isinstance(error, APIError | InvalidResponseError):
            assert_type(error.http_status, int)
            return assert_type(error.code, int | None)
        return None

    assert 7 == handle(APIError("refused", code=7))
    assert [None, None] == [handle(InvalidResponseError("$: ")), handle(EngageLabError())]


@pytest.mark.asyncio
async def test_setup() -> None:
    """Products are named by literals; the clients of the libraries can be handed over."""
    async with httpx.AsyncClient() as one, httpx2.AsyncClient() as two, ClientSession() as three:
        http: list[HTTP] = [one, two, three, "auto", ScriptedEngine([])]
        for each in http:
            assert_type(EngageLab.from_env(require=(), http=each), EngageLab)


def test_hooks() -> None:
    """A hook is any callable that takes an attempt, whatever it answers."""
    attempts: list[Attempt] = []
    codes: set[int | None] = set()
    EngageLab(on_attempt=attempts.append)
    EngageLab(on_attempt=lambda attempt: codes.add(attempt.code))


async def never_called(engagelab: EngageLab, anything: Any) -> None:  # noqa: ANN401
    """Misuse: an ignore without an error would be an error itself."""
    await engagelab.otp.send([TO], "t")  # type: ignore[arg-type]
    await engagelab.otp.send(TO, None)  # type: ignore[arg-type]
    await engagelab.otp.send_code(TO, 39487, "t")  # type: ignore[arg-type]
    await engagelab.otp.send_code(TO, "1", "t", params={"price": 1.5})  # type: ignore[dict-item]
    await engagelab.otp.send_custom_message(TO, "t", language="en")  # type: ignore[call-arg]
    await engagelab.otp.verify(17, "1")  # type: ignore[arg-type]
    await engagelab.sms.send(6591234567, "t")  # type: ignore[arg-type]
    await engagelab.sms.send(TO, "t", schedule_time="now")  # type: ignore[arg-type]
    await engagelab.sms.send(TO, "t", retry=3)  # type: ignore[arg-type]
    await engagelab.execute("otp.send")  # type: ignore[arg-type]
    assert_type(await engagelab.execute(SendSMS(TO, "t")), Sent)  # type: ignore[assert-type]
    EngageLab(otp=("key", "secret"))  # type: ignore[arg-type]
    EngageLab(http=5)  # type: ignore[arg-type]
    EngageLab.from_env(require="otp")  # type: ignore[arg-type]
    EngageLab.from_env(require=("voice",))  # type: ignore[arg-type]
    RetryPolicy().attempts = anything  # type: ignore[misc]
