"""From an operation to its result: requests, repeats, deadlines, the budget, and the end."""

import asyncio
import json
import logging
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from engagelab_async import (
    Attempt,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    EngageLabError,
    FrequencyLimitError,
    InvalidResponseError,
    Operation,
    RateLimitError,
    Request,
    Response,
    ResponseTimeoutError,
    RetryPolicy,
    Sent,
)
from engagelab_async.retry import RetryBudget
from engagelab_async.transport import Transport
from support.calls import OPERATIONS, PLAN, SENT
from support.scripted_engine import (
    ACCOUNT,
    ScriptedEngine,
    Step,
    answer,
    failure,
    hang,
    refusal,
    refused_connection,
    rig,
)

SEND_CODE = OPERATIONS["otp.send_code"]
SEND_SMS = OPERATIONS["sms.send"]
SENT_RESULT = Sent("1725407449772531712", "sms")


class TestRequest:
    """What the engine is given."""

    @pytest.mark.asyncio
    async def test_is_ready_to_leave(self) -> None:
        """It has the product's URL and headers, the encoded body, and the size limit."""
        it = rig(answer(SENT))
        await it.transport.execute(SEND_CODE)
        (request,) = it.engine.requests

        assert ("POST", "https://otp.example.com/v1/codes") == (request.method, request.url)
        assert ACCOUNT.headers is request.headers
        assert b'{"to":"+6591234567","code":"039487","template":{"id":"login"}}' == request.body
        assert [1024 * 1024] == it.engine.max_bytes

    @pytest.mark.asyncio
    async def test_is_made_once(self) -> None:
        """Repeats send the very same bytes."""
        it = rig(refused_connection(), answer(SENT))
        await it.transport.execute(SEND_CODE)
        first, second = it.engine.requests

        assert first is second

    @pytest.mark.asyncio
    async def test_goes_to_its_product(self) -> None:
        """Each product has its own host."""
        it = rig(answer(PLAN))
        await it.transport.execute(SEND_SMS)

        assert "https://sms.example.com/v1/messages" == it.engine.requests[0].url

    @pytest.mark.asyncio
    async def test_needs_an_operation(self) -> None:
        """What is no operation is refused by its type."""
        it = rig()
        with pytest.raises(TypeError, match=r"^operation: expected Operation, got str$"):
            await it.transport.execute("otp.send")  # type: ignore[arg-type]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(("name", "product"), [("otp.verify", "OTP"), ("sms.send", "SMS")])
    async def test_needs_a_key_pair(self, name: str, product: str) -> None:
        """A product without a key pair says what to pass and which variables to set."""
        engine = ScriptedEngine([])
        transport = Transport(engine, {}, retry=RetryPolicy(), timeout=1, deadline=1)
        with pytest.raises(ConfigurationError) as caught:
            await transport.execute(OPERATIONS[name])
        error = caught.value

        assert (
            f"no {product} key pair: pass EngageLab({product.lower()}=Credentials(…)), or set "
            f"ENGAGELAB_{product}_DEV_KEY and ENGAGELAB_{product}_DEV_SECRET for from_env()"
        ) == error.args[0]
        assert (0, False, OPERATIONS[name]) == (
            error.attempts,
            error.may_have_been_sent,
            error.operation,
        )
        assert [] == engine.requests


class TestRepeats:
    """The loop."""

    @pytest.mark.asyncio
    async def test_waits_longer_each_time(self) -> None:
        """Between attempts it waits as the policy says, and the last one's result counts."""
        it = rig(refused_connection(), refused_connection(), answer(SENT))
        result = await it.transport.execute(SEND_CODE)

        assert SENT_RESULT == result
        assert [0.25, 0.5] == it.time.sleeps

    @pytest.mark.asyncio
    async def test_ends_with_the_attempts(self) -> None:
        """The last failure is raised, and tells how many attempts there were."""
        it = rig(*[refused_connection() for _ in range(3)])
        error = await it.error(SEND_CODE)

        assert (3, False, SEND_CODE) == (error.attempts, error.may_have_been_sent, error.operation)
        assert "SendCode: no connection, after 3 attempts" == str(error)
        assert [0.25, 0.5] == it.time.sleeps

    @pytest.mark.asyncio
    async def test_does_not_repeat_what_is_final(self) -> None:
        """A refusal that would be given again is raised without a wait."""
        it = rig(refusal(5013))
        error = await it.error(SEND_CODE)

        assert (1, 5013) == (error.attempts, getattr(error, "code", None))
        assert [] == it.time.sleeps

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("retry_after", "sleeps"),
        [("7", [7.0]), ("Thu, 09 Oct 2025 08:53:40 GMT", [20.0]), ("0", [0.25])],
    )
    async def test_obeys_retry_after(self, retry_after: str, sleeps: list[float]) -> None:
        """The server's wish, as seconds or as a date, is waited for."""
        it = rig(refusal(None, 429, headers={"Retry-After": retry_after}), answer(PLAN))
        await it.transport.execute(SEND_SMS)

        assert sleeps == it.time.sleeps

    @pytest.mark.asyncio
    async def test_does_not_begin_to_wait_in_vain(self) -> None:
        """A Retry-After beyond the deadline raises at once."""
        it = rig(refusal(None, 429, headers={"Retry-After": "31"}))
        error = await it.error(SEND_CODE)

        assert isinstance(error, RateLimitError)
        assert (31.0, 1) == (error.retry_after, error.attempts)
        assert 1000.0 == it.time.now

    @pytest.mark.asyncio
    async def test_foreign_exceptions_leave_doubt(self) -> None:
        """What an engine should not raise says nothing about what was sent before."""
        it = rig(failure(ZeroDivisionError("a bug")))
        error = await it.error(SEND_SMS)

        assert (ConnectionLostError, True) == (type(error), error.may_have_been_sent)
        assert "HiddenError('ZeroDivisionError')" == repr(error.__cause__)
        assert "a bug" not in str(error)
        assert 1 == len(it.attempts)

    @pytest.mark.asyncio
    async def test_response_of_another_class(self) -> None:
        """An engine need not return our class, nor count."""
        it = rig(Step(SimpleNamespace(status=200, headers={}, body=json.dumps(SENT).encode())))  # type: ignore[arg-type]

        assert SENT_RESULT == await it.transport.execute(SEND_CODE)

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "response",
        [
            Response(200, {}, None),  # type: ignore[arg-type]
            None,
            (200, {}, b"{}"),
            SimpleNamespace(status=200, headers={}),
            SimpleNamespace(status=200, headers={}, body=b"[]", times_sent="two"),
        ],
        ids=["no_body", "none", "tuple", "less", "more"],
    )
    async def test_unreadable_response_of_an_engine_leaves_doubt(self, response: Any) -> None:  # noqa: ANN401
        """Nor does an answer that is not one."""
        it = rig(Step(response))
        error = await it.error(SEND_SMS)

        assert (InvalidResponseError, True) == (type(error), error.may_have_been_sent)


class TestSentTwice:
    """What a client that retries by itself leaves to be known."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "refused", [(429, None), (400, 5016), (400, 5001), (400, 3002), (401, 2001), (400, 4001)]
    )
    @pytest.mark.parametrize("operation", [SEND_CODE, SEND_SMS], ids=["repeatable", "not"])
    async def test_answer_says_nothing_of_the_first(
        self, refused: tuple[int, int | None], operation: Operation[object]
    ) -> None:
        """Whatever the second request is answered, the first may have been carried out."""
        status, code = refused
        body = json.dumps({"code": code, "message": "refused"}).encode()
        it = rig(Step(Response(status, {}, body, times_sent=2)), answer({**SENT, **PLAN}))
        doubts: list[bool] = []
        try:
            await it.transport.execute(operation)
        except EngageLabError as error:
            doubts.append(error.may_have_been_sent)
        # A second request to a person is for operations that the platform itself guards.
        retried = operation is SEND_CODE and (status == 429 or code in {5016, 5001})

        assert ([] if retried else [True], 1 + retried) == (doubts, len(it.engine.requests))

    @pytest.mark.asyncio
    async def test_success_is_one(self, caplog: pytest.LogCaptureFixture) -> None:
        """A result stays a result; the log says that there may be two messages."""
        body = json.dumps(PLAN).encode()
        it = rig(Step(Response(200, {}, body, times_sent=2)))
        await it.transport.execute(SEND_SMS)

        assert ["sms.send was sent 2 times by the HTTP client itself"] == caplog.messages


class TestWhetherItWasSent:
    """What a call remembers of its earlier attempts."""

    @pytest.mark.asyncio
    async def test_second_live_code_proves_the_first(self) -> None:
        """A 3004 after an attempt without an answer says that this one went through."""
        it = rig(hang(), refusal(3004))
        error = await it.error(SEND_CODE)

        assert isinstance(error, FrequencyLimitError)
        assert (True, 2) == (error.may_have_been_sent, error.attempts)

    @pytest.mark.asyncio
    async def test_first_refusal_proves_nothing(self) -> None:
        """A 3004 by itself, or after an attempt that was refused, is somebody else's code."""
        alone, after_5016 = rig(refusal(3004)), rig(refusal(5016), refusal(3004))

        assert not (await alone.error(SEND_CODE)).may_have_been_sent
        assert not (await after_5016.error(SEND_CODE)).may_have_been_sent

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "uncertain",
        [
            hang(),
            failure(ConnectionLostError("reset")),
            answer({}, 502),
            answer({"message_id": None}),
        ],
        ids=["hang", "reset", "502", "unreadable"],
    )
    async def test_later_certainty_does_not_undo_it(self, uncertain: Step) -> None:
        """After one uncertain attempt the call stays uncertain, whatever ends it."""
        it = rig(uncertain, refused_connection(), refused_connection())
        error = await it.error(SEND_CODE)

        assert isinstance(error, ConnectError)
        assert (True, 3) == (error.may_have_been_sent, error.attempts)

    @pytest.mark.asyncio
    async def test_success_settles_it(self) -> None:
        """An attempt that is answered after one that hung is a success like any other."""
        it = rig(hang(), answer(SENT))

        assert SENT_RESULT == await it.transport.execute(SEND_CODE)
        assert [0.25] == it.time.sleeps

    @pytest.mark.asyncio
    async def test_passing_failure_is_overcome(self) -> None:
        """A 5016 once, then a success: nobody gets two."""
        it = rig(refusal(5016), answer(PLAN))
        await it.transport.execute(SEND_SMS)

        assert ["InternalSendError", None] == [each.error for each in it.attempts]

    @pytest.mark.asyncio
    async def test_unguarded_send_is_not_repeated(self) -> None:
        """An SMS that may have been sent is not sent again."""
        it = rig(hang(), answer(PLAN))
        error = await it.error(SEND_SMS)

        assert isinstance(error, ResponseTimeoutError)
        assert (True, 1) == (error.may_have_been_sent, error.attempts)

    @pytest.mark.asyncio
    async def test_unguarded_send_is_repeated_at_wish(self) -> None:
        """Unless the caller asks for it."""
        it = rig(hang(), answer(PLAN), retry=RetryPolicy(repeat_uncertain=True))
        await it.transport.execute(SEND_SMS)

        assert 2 == len(it.engine.requests)

    @pytest.mark.asyncio
    async def test_calls_do_not_share_it(self) -> None:
        """What one call remembers is nothing to the next."""
        it = rig(hang(), refusal(3004), refusal(3004))
        await it.error(SEND_CODE)

        assert not (await it.error(SEND_CODE)).may_have_been_sent


class TestTime:
    """The timeout of an attempt and the deadline of a call."""

    @pytest.mark.asyncio
    async def test_attempt_gets_no_more_than_is_left(self) -> None:
        """Each attempt may take the timeout, the last one only what the deadline leaves it."""
        it = rig(hang(), hang(), timeout=10, deadline=12)
        error = await it.error(SEND_CODE)

        assert [10, 1.75] == it.engine.timeouts
        assert (2, 1012.0) == (error.attempts, it.time.now)

    @pytest.mark.asyncio
    async def test_deadline_may_be_the_shorter(self) -> None:
        """A deadline below the timeout bounds the first attempt already."""
        it = rig(answer(SENT), timeout=10, deadline=3)
        await it.transport.execute(SEND_CODE)

        assert [3] == it.engine.timeouts

    @pytest.mark.asyncio
    async def test_waits_count(self) -> None:
        """A wait that would reach the deadline is not begun."""
        it = rig(refused_connection(), deadline=0.25)
        await it.error(SEND_CODE)

        assert [] == it.time.sleeps

    @pytest.mark.asyncio
    async def test_late_wake_up_starts_nothing(self) -> None:
        """When the sleep overshoots the deadline, no attempt is begun that could not end."""
        it = rig(refused_connection(), late=30.0)
        error = await it.error(SEND_CODE)

        assert isinstance(error, ConnectError)
        assert (1, [0.25]) == (error.attempts, it.time.sleeps)

    @pytest.mark.asyncio
    async def test_there_may_be_no_limit(self) -> None:
        """Infinity is no limit, neither for an attempt nor for a call."""
        it = rig(
            refusal(None, 429, headers={"Retry-After": "86400"}),
            answer(SENT),
            timeout=math.inf,
            deadline=math.inf,
        )
        await it.transport.execute(SEND_CODE)

        assert [None, None] == it.engine.timeouts
        assert [86400.0] == it.time.sleeps

    @pytest.mark.asyncio
    async def test_call_may_say_otherwise(self) -> None:
        """Timeout, deadline and policy of one call go before those of the client."""
        it = rig(hang(), hang(), hang(), hang(), timeout=10, deadline=30)
        with pytest.raises(ResponseTimeoutError):
            await it.transport.execute(
                SEND_CODE, timeout=2, deadline=5, retry=RetryPolicy(attempts=9, base=1)
            )

        assert [2, 2] == it.engine.timeouts
        assert [0.5] == it.time.sleeps
        assert 1004.5 == it.time.now

    @pytest.mark.asyncio
    async def test_next_call_has_the_clients_again(self) -> None:
        """What one call says holds for it alone."""
        it = rig(refused_connection(), hang(), answer(SENT))
        with pytest.raises(ConnectError):
            await it.transport.execute(SEND_CODE, timeout=2, retry=RetryPolicy(attempts=1))
        await it.transport.execute(SEND_CODE)

        assert [2, 10.0, 10.0] == it.engine.timeouts

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["timeout", "deadline"])
    @pytest.mark.parametrize(
        ("value", "kind", "problem"),
        [
            (0, ValueError, "must be more than 0 seconds"),
            (-1.5, ValueError, "must be more than 0 seconds"),
            (math.nan, ValueError, "must be more than 0 seconds"),
            ("5", TypeError, "expected seconds as a number, got str"),
            (True, TypeError, "expected seconds as a number, got bool"),
        ],
    )
    async def test_durations_are_checked(
        self, name: str, value: float, kind: type[Exception], problem: str
    ) -> None:
        """A duration that is none is refused by name, for the client and for a call."""
        durations = {name: value}
        with pytest.raises(kind, match=f"^{name}: {problem}$"):
            rig(**durations)  # type: ignore[arg-type]
        it = rig()
        with pytest.raises(kind, match=f"^{name}: {problem}$"):
            await it.transport.execute(SEND_CODE, **durations)  # type: ignore[arg-type]

        assert [] == it.engine.requests

    @pytest.mark.asyncio
    async def test_policy_is_checked(self) -> None:
        """A policy that is none is refused by name, for the client and for a call."""
        problem = "^retry: expected RetryPolicy, got int$"
        with pytest.raises(TypeError, match=problem):
            rig(retry=3)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=problem):
            await rig().transport.execute(SEND_CODE, retry=3)  # type: ignore[arg-type]


class TestBudget:
    """The budget that the calls of a client share."""

    @pytest.mark.asyncio
    async def test_outage_is_not_amplified(self) -> None:
        """When the budget is spent, failures are raised at once."""
        it = rig(*[refused_connection() for _ in range(9)], budget=RetryBudget(capacity=10))
        attempts = [(await it.error(SEND_CODE)).attempts for _ in range(4)]

        assert [3, 1, 1, 1] == attempts

    @pytest.mark.asyncio
    async def test_recovery_is_noticed(self) -> None:
        """Calls that succeed at once pay for a repeat by and by."""
        successes = [answer(SENT) for _ in range(5)]
        it = rig(
            refused_connection(),
            refused_connection(),
            *successes,
            refused_connection(),
            answer(SENT),
            budget=RetryBudget(capacity=5),
        )
        exhausted = await it.error(SEND_CODE)
        for _ in successes:
            await it.transport.execute(SEND_CODE)

        assert 2 == exhausted.attempts
        assert SENT_RESULT == await it.transport.execute(SEND_CODE)

    @pytest.mark.asyncio
    async def test_repeats_that_help_cost_nothing(self) -> None:
        """A call that succeeds after a repeat leaves the budget as it was."""
        steps = [step for _ in range(9) for step in (refused_connection(), answer(SENT))]
        it = rig(*steps, budget=RetryBudget(capacity=5))
        for _ in range(9):
            await it.transport.execute(SEND_CODE)

        assert [] == it.engine.script

    @pytest.mark.asyncio
    async def test_what_is_final_costs_nothing(self) -> None:
        """Only repeats are paid for, not failures."""
        budget = RetryBudget(capacity=5)
        it = rig(*[refusal(5013) for _ in range(9)], budget=budget)
        for _ in range(9):
            await it.error(SEND_CODE)

        assert budget.spend()

    @pytest.mark.asyncio
    async def test_exhaustion_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        """That a repeat was not paid for can be seen at DEBUG."""
        caplog.set_level(logging.DEBUG, "engagelab_async")
        it = rig(refused_connection(), budget=RetryBudget(capacity=0))
        await it.error(SEND_CODE)

        assert "otp.send_code not retried: the retry budget is spent" in caplog.messages


class Blocking:
    """Waits until it is cancelled, as an engine or as a sleep.

    Attributes:
        began: Set when somebody waits.
    """

    def __init__(self) -> None:
        self.began = asyncio.Event()

    async def __call__(self, _: float) -> None:
        """Wait instead of sleeping."""
        self.began.set()
        await asyncio.get_running_loop().create_future()

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Wait instead of sending."""
        await self(0)
        raise AssertionError

    async def aclose(self) -> None:
        """Hold nothing open."""


class TestCancellation:
    """A caller that waits no longer."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("place", ["attempt", "sleep"])
    async def test_passes_at_once(self, place: str) -> None:
        """Whether an attempt or a wait is under way, the call ends there, cancelled."""
        blocking, attempts = Blocking(), list[Attempt]()
        engine = blocking if place == "attempt" else ScriptedEngine([refused_connection()])
        transport = Transport(
            engine,
            {"otp": ACCOUNT},
            retry=RetryPolicy(),
            timeout=math.inf,
            deadline=math.inf,
            sleep=blocking,
            on_attempt=attempts.append,
        )
        call = asyncio.create_task(transport.execute(SEND_CODE))
        await blocking.began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert (0 if place == "attempt" else 1) == len(attempts)


class TestClosing:
    """The end of a transport."""

    @pytest.mark.asyncio
    async def test_refuses_calls(self) -> None:
        """A closed transport sends nothing, and says so."""
        it = rig(answer(SENT))
        await it.transport.aclose()
        with pytest.raises(RuntimeError, match=r"^this EngageLab is closed$"):
            await it.transport.execute(SEND_CODE)

        assert [] == it.engine.requests

    @pytest.mark.asyncio
    @pytest.mark.parametrize(("owns_engine", "closed"), [(True, 1), (False, 0)])
    async def test_closes_what_is_its_own(self, owns_engine: bool, closed: int) -> None:
        """Its own engine is closed, the caller's is not."""
        it = rig(owns_engine=owns_engine)
        await it.transport.aclose()

        assert closed == it.engine.closed


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["otp.send", "otp.send_custom_message", "otp.verify"])
async def test_every_operation_can_be_executed(name: str) -> None:
    """The transport knows no operation by name: a value is enough."""
    verified = {"message_id": "1", "verified": True}
    it = rig(answer(verified if name == "otp.verify" else SENT))
    result = await it.transport.execute(OPERATIONS[name])

    assert isinstance(result, OPERATIONS[name].endpoint.result)


@pytest.mark.asyncio
async def test_closing_ends_the_repeats() -> None:
    """A client that is closed while a call waits makes no further attempt; its error is told."""
    it = rig(refusal(None, 502), answer(SENT))

    async def close(seconds: float) -> None:
        it.time.now += seconds
        await it.transport.aclose()

    it.transport.sleep = close  # time passes only here
    error = await it.error(SEND_CODE)

    assert (1, True) == (error.attempts, error.may_have_been_sent)
    assert 1 == len(it.engine.requests)


@pytest.mark.asyncio
async def test_closing_during_an_attempt_promises_no_other() -> None:
    """An attempt that fails when the client is closed already is reported as the last."""
    attempts: list[Attempt] = []

    class Closing(ScriptedEngine):
        async def send(
            self, request: Request, *, timeout: float | None, max_bytes: int
        ) -> Response:
            await transport.aclose()
            return await super().send(request, timeout=timeout, max_bytes=max_bytes)

    transport = Transport(
        Closing([refused_connection()]),
        {"otp": ACCOUNT},
        retry=RetryPolicy(),
        timeout=1,
        deadline=9,
        on_attempt=attempts.append,
    )
    with pytest.raises(ConnectError):
        await transport.execute(SEND_CODE)

    assert [None] == [each.delay for each in attempts]


@pytest.mark.asyncio
async def test_attempts_can_be_made_one_at_a_time() -> None:
    """A call says after each failure when to try again, and patience outlasts the policy."""
    it = rig(*[refused_connection()] * 3, refusal(3002), retry=RetryPolicy(attempts=1))
    call = it.transport.begin(SEND_SMS, patience=2.5)
    delays: list[float | None] = []
    for _ in range(4):
        with pytest.raises(EngageLabError):
            await call.attempt()
        delays.append(call.delay)

    assert [2.5, 2.5, 2.5, None] == delays
    assert (4, False) == (call.number, call.is_over)
    assert delays == [attempt.delay for attempt in it.attempts]


READS = [name for name, each in OPERATIONS.items() if each.endpoint.method == "GET"]


class TestReads:
    """A read sends nothing, whatever becomes of it."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", READS)
    @pytest.mark.parametrize(
        "step",
        [
            lambda: failure(ResponseTimeoutError("no answer in time")),
            lambda: failure(ConnectionLostError("reset")),
            lambda: refusal(1000, 500),
            lambda: refusal(500, 500),
            lambda: answer({}, 502),
            lambda: answer("no object"),
        ],
    )
    async def test_are_never_uncertain(self, name: str, step: Callable[[], Step]) -> None:
        """They are repeated after an uncertain failure, and fail as what sent nothing."""
        it = rig(step(), step(), step())
        with pytest.raises(EngageLabError) as caught:
            await it.transport.execute(OPERATIONS[name])

        assert (False, 3) == (caught.value.may_have_been_sent, caught.value.attempts)
        assert "may have been sent" not in str(caught.value)
