"""What a transport tells: to its hook after every attempt, and to the log."""

import asyncio
import functools
import logging

import pytest

from engagelab_async import (
    Attempt,
    ConnectError,
    RetryPolicy,
    Sent,
)
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


class TestHook:
    """What ``on_attempt`` is told."""

    @pytest.mark.asyncio
    async def test_every_attempt_in_order(self) -> None:
        """Each attempt is told when it has ended, with what followed from it."""
        it = rig(
            failure(ConnectError("no connection"), after=0.5),
            refusal(5016, headers={"Retry-After": "2"}),
            answer(SENT, after=0.125),
        )
        await it.transport.execute(SEND_CODE)

        assert [
            Attempt("otp.send_code", "otp", 1, None, None, "ConnectError", 0.5, 0.25),
            Attempt("otp.send_code", "otp", 2, 400, 5016, "InternalSendError", 0.0, 2.0),
            Attempt("otp.send_code", "otp", 3, 200, None, None, 0.125, None),
        ] == it.attempts

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("step", "status", "code", "error"),
        [
            (hang(), None, None, "ResponseTimeoutError"),
            (refusal(5013), 400, 5013, "BlacklistedError"),
            (answer({}, 502), 502, None, "ServerError"),
            (answer([], 202), 202, None, "InvalidResponseError"),
            (answer(PLAN | {"code": 1}), 200, 1, "APIError"),
        ],
    )
    async def test_last_attempt(
        self, step: Step, status: int | None, code: int | None, error: str
    ) -> None:
        """The last failure is told like the others, with no delay after it."""
        it = rig(step)
        await it.error(SEND_SMS)
        (attempt,) = it.attempts

        assert (status, code, error) == (attempt.status, attempt.code, attempt.error)
        assert ("sms.send", "sms", 1, None) == (
            attempt.operation,
            attempt.product,
            attempt.number,
            attempt.delay,
        )

    @pytest.mark.asyncio
    async def test_may_fail(self, caplog: pytest.LogCaptureFixture) -> None:
        """What the hook raises is logged, and changes neither a success nor a failure."""

        def raising(_: Attempt) -> None:
            raise ZeroDivisionError("no metrics today")

        it = rig(refused_connection(), answer(SENT), refusal(5013), on_attempt=raising)

        assert SENT_RESULT == await it.transport.execute(SEND_CODE)
        assert 5013 == getattr(await it.error(SEND_CODE), "code", None)
        assert 3 == caplog.text.count("ZeroDivisionError: no metrics today")
        assert 3 == caplog.messages.count("on_attempt failed")

    @pytest.mark.asyncio
    async def test_what_it_returns_is_awaited(self) -> None:
        """A function that returns a coroutine loses nothing; what that raises is logged."""
        seen: list[Attempt] = []

        async def tells_later(attempt: Attempt) -> None:
            await asyncio.sleep(0)
            seen.append(attempt)

        def hides(attempt: Attempt) -> object:
            return tells_later(attempt)

        it = rig(refused_connection(), answer(SENT), on_attempt=hides)
        await it.transport.execute(SEND_CODE)

        assert [1, 2] == [attempt.number for attempt in seen]

    @pytest.mark.parametrize("level_of_hiding", [0, 1])
    def test_coroutine_function_is_refused(self, level_of_hiding: int) -> None:
        """It would hold up every call, whether it is a function or an object."""

        class Hook:
            async def __call__(self, attempt: Attempt) -> None:
                raise NotImplementedError

        hook = Hook() if level_of_hiding == 0 else functools.partial(Hook().__call__)
        with pytest.raises(TypeError, match="on_attempt: expected a plain function"):
            rig(on_attempt=hook)

    def test_hook_has_to_be_callable(self) -> None:
        """The mistake is named before anything is sent."""
        with pytest.raises(TypeError, match="on_attempt: expected a function, got int"):
            rig(on_attempt=7)  # type: ignore[arg-type]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(("level", "records"), [(logging.INFO, 0), (logging.DEBUG, 1)])
    async def test_is_not_needed(
        self, caplog: pytest.LogCaptureFixture, level: int, records: int
    ) -> None:
        """A transport without a hook works, and logs what it logs with one."""
        caplog.set_level(level, "engagelab_async")
        transport = Transport(
            ScriptedEngine([answer(SENT)]),
            {"otp": ACCOUNT},
            retry=RetryPolicy(),
            timeout=1,
            deadline=1,
        )

        assert SENT_RESULT == await transport.execute(SEND_CODE)
        assert records == len(caplog.records)


class TestLog:
    """What is logged."""

    @pytest.mark.asyncio
    async def test_levels(self, caplog: pytest.LogCaptureFixture) -> None:
        """Attempts are logged at DEBUG, and those that are repeated at WARNING as well."""
        caplog.set_level(logging.DEBUG, "engagelab_async")
        it = rig(refusal(5016), answer(SENT, after=0.0625))
        await it.transport.execute(SEND_CODE)

        assert [
            (
                "engagelab_async",
                logging.DEBUG,
                "otp.send_code attempt 1: InternalSendError, HTTP 400, code 5016, 0.000 s",
            ),
            (
                "engagelab_async",
                logging.WARNING,
                (
                    "otp.send_code attempt 1 ended in InternalSendError (code 5016); "
                    "repeating in 0.25 s"
                ),
            ),
            (
                "engagelab_async",
                logging.DEBUG,
                "otp.send_code attempt 2: ok, HTTP 200, code None, 0.062 s",
            ),
        ] == caplog.record_tuples

    @pytest.mark.asyncio
    async def test_is_quiet_without_repeats(self, caplog: pytest.LogCaptureFixture) -> None:
        """At the usual level, neither a success nor an error that is raised is logged."""
        caplog.set_level(logging.INFO)
        it = rig(answer(SENT), refusal(5013))
        await it.transport.execute(SEND_CODE)
        await it.error(SEND_CODE)

        assert [] == caplog.messages
