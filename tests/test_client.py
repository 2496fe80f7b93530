"""The client: every call over HTTP, its lifetime, its event loops."""

import gzip
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import httpx
import pytest
import respx

from engagelab_async import (
    ConnectError,
    EngageLab,
    EngageLabError,
    Engine,
    ResponseTimeoutError,
    RetryPolicy,
    SendSMS,
    Sent,
)
from support.calls import (
    ANSWERS,
    ARGUMENTS,
    KEY_PAIR,
    OPERATIONS,
    SENT,
    coroutine_of,
    every_coroutine,
)
from support.scripted_engine import ScriptedEngine, answer, failure
from support.vectors import arguments_of, body_of, described, every


def check_request(request: httpx.Request, expected: Mapping[str, Any]) -> None:
    """Compare what left with a vector's ``http``."""
    assert (expected["method"], expected["url"]) == (request.method, str(request.url))
    assert expected["body"] == json.loads(request.content or "null")
    assert expected.get("headers", {}).items() <= dict(request.headers).items()


class TestVectors:
    """The recorded exchanges, through the public coroutines."""

    @pytest.mark.asyncio
    @every("requests.json", "further_requests.json", "template_requests.json")
    @respx.mock
    async def test_request_over_httpx(self, vector: dict[str, Any]) -> None:
        """Every call leaves as documented, over the client's own engine."""
        call, http = vector["operation"], vector["http"]
        route = respx.route().respond(json=ANSWERS[call])
        async with EngageLab(otp=KEY_PAIR, sms=KEY_PAIR) as engagelab:
            await coroutine_of(engagelab, call)(**arguments_of(vector))

        assert 1 == route.call_count
        check_request(route.calls.last.request, http)

    @pytest.mark.asyncio
    @every("requests.json", "further_requests.json", "template_requests.json")
    async def test_request_over_a_callers_client(self, vector: dict[str, Any]) -> None:
        """Every call leaves as documented, over an ``httpx.AsyncClient`` of the caller's."""
        call, requests = vector["operation"], list[httpx.Request]()

        def handler(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(200, json=ANSWERS[call])

        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http,
            EngageLab(otp=KEY_PAIR, sms=KEY_PAIR, http=http) as engagelab,
        ):
            await coroutine_of(engagelab, call)(**arguments_of(vector))
        (request,) = requests

        check_request(request, vector["http"])

    @pytest.mark.asyncio
    @every("responses.json", "further_responses.json", "template_responses.json")
    async def test_response(self, vector: dict[str, Any]) -> None:
        """Every recorded answer comes out of the client as its result or its error."""
        http, expect = vector["http"], vector["expect"]
        response = httpx.Response(
            http["status"], headers=http.get("headers"), content=body_of(http)
        )
        once = RetryPolicy(attempts=1)
        outcome: object
        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(lambda _: response)) as client,
            EngageLab(otp=KEY_PAIR, sms=KEY_PAIR, http=client, retry=once) as engagelab,
        ):
            try:
                outcome = await engagelab.execute(OPERATIONS[vector["operation"]])
            except EngageLabError as error:
                outcome = error

        assert expect == described(outcome, expect)

    @pytest.mark.asyncio
    @respx.mock
    async def test_compressed_response(self) -> None:
        """An answer that httpx has decompressed already is read."""
        body = gzip.compress(json.dumps(SENT).encode(), mtime=0)
        respx.route().respond(content=body, headers={"Content-Encoding": "gzip"})
        async with EngageLab(otp=KEY_PAIR) as engagelab:
            sent = await engagelab.otp.send("+6591234567", "login")

        assert Sent("1725407449772531712", "sms") == sent

    @pytest.mark.asyncio
    @respx.mock
    async def test_user_agent(self) -> None:
        """Requests say which library they come from."""
        route = respx.route().respond(json=SENT)
        async with EngageLab(otp=KEY_PAIR) as engagelab:
            await engagelab.otp.send("+6591234567", "login")

        assert route.calls.last.request.headers["User-Agent"].startswith("engagelab-async/")


class TestOverrides:
    """What one call may say otherwise, for every coroutine."""

    @pytest.mark.asyncio
    @every_coroutine
    @pytest.mark.parametrize(
        ("options", "timeout"),
        [({}, 10.0), ({"timeout": 1.5}, 1.5), ({"deadline": 5}, 5.0), ({"timeout": 60}, 30.0)],
    )
    async def test_time(self, call: str, options: dict[str, float], timeout: float) -> None:
        """A coroutine hands its timeout and its deadline on."""
        engine = ScriptedEngine([answer(ANSWERS[call])])
        async with EngageLab(otp=KEY_PAIR, sms=KEY_PAIR, http=engine) as engagelab:
            await coroutine_of(engagelab, call)(**ARGUMENTS[call], **options)

        assert [pytest.approx(timeout, abs=1.0)] == engine.timeouts

    @pytest.mark.asyncio
    @every_coroutine
    @pytest.mark.parametrize("attempts", [1, 2])
    async def test_retry(self, call: str, attempts: int) -> None:
        """A coroutine hands its retry policy on."""
        engine = ScriptedEngine([failure(ConnectError("no connection")) for _ in range(3)])
        async with EngageLab(otp=KEY_PAIR, sms=KEY_PAIR, http=engine) as engagelab:
            with pytest.raises(ConnectError) as caught:
                await coroutine_of(engagelab, call)(
                    **ARGUMENTS[call], retry=RetryPolicy(attempts=attempts, base=0)
                )

        assert attempts == caught.value.attempts == len(engine.requests)

    @pytest.mark.asyncio
    async def test_execute(self) -> None:
        """``execute`` hands all three on."""
        engine = ScriptedEngine([failure(ConnectError("no connection"))])
        async with EngageLab(sms=KEY_PAIR, http=engine) as engagelab:
            with pytest.raises(ConnectError):
                await engagelab.execute(
                    SendSMS("+6591234567", "1233"),
                    timeout=math.inf,
                    deadline=math.inf,
                    retry=RetryPolicy(attempts=1),
                )

        assert [None] == engine.timeouts


class TestLifetime:
    """Opening and closing."""

    @pytest.mark.asyncio
    async def test_a_callers_engine_stays_open(self) -> None:
        """An engine that the caller made is the caller's to close."""
        engine = ScriptedEngine([])
        async with EngageLab(http=engine):
            pass

        assert isinstance(engine, Engine)
        assert 0 == engine.closed

    @pytest.mark.asyncio
    async def test_a_callers_client_stays_open(self) -> None:
        """So is an ``httpx.AsyncClient``."""
        async with httpx.AsyncClient() as http:
            async with EngageLab(http=http):
                pass

            assert not http.is_closed

    @pytest.mark.asyncio
    @respx.mock
    async def test_closed_means_closed(self) -> None:
        """After the end every call is refused; to close again does no harm."""
        respx.route().respond(json=SENT)
        engagelab = EngageLab(otp=KEY_PAIR, sms=KEY_PAIR)
        await engagelab.otp.send("+6591234567", "login")
        await engagelab.aclose()
        await engagelab.aclose()
        for call, arguments in ARGUMENTS.items():
            with pytest.raises(RuntimeError, match=r"^this EngageLab is closed$"):
                await coroutine_of(engagelab, call)(**arguments)

    @pytest.mark.asyncio
    async def test_an_exception_closes_too(self) -> None:
        """Leaving the block by an exception closes the client and lets the exception pass."""
        engagelab = EngageLab(otp=KEY_PAIR)
        with pytest.raises(ZeroDivisionError):
            async with engagelab:
                raise ZeroDivisionError
        with pytest.raises(RuntimeError, match=r"^this EngageLab is closed$"):
            await engagelab.otp.send("+6591234567", "login")


def busy_once() -> Iterator[httpx.Response]:
    """Answer the first request with 429 and the others well."""
    yield httpx.Response(429)
    while True:
        yield httpx.Response(200, json=SENT)


@pytest.mark.anyio
class TestEventLoops:
    """The client on asyncio, on asyncio with uvloop, and on trio."""

    @pytest.fixture(
        params=["asyncio", ("asyncio", {"use_uvloop": True}), "trio"],
        ids=["asyncio", "uvloop", "trio"],
    )
    def anyio_backend(self, request: pytest.FixtureRequest) -> object:
        """The event loop, and its options."""
        return request.param

    async def test_calls_are_retried(self) -> None:
        """A call is sent, waits, and is sent again."""
        responses = busy_once()
        transport = httpx.MockTransport(lambda _: next(responses))
        async with (
            httpx.AsyncClient(transport=transport) as http,
            EngageLab(otp=KEY_PAIR, http=http, retry=RetryPolicy(base=0.001)) as engagelab,
        ):
            sent = await engagelab.otp.send_code("+6591234567", "039487", "login")

        assert Sent("1725407449772531712", "sms") == sent

    @pytest.mark.parametrize("limit", ["timeout", "deadline"])
    async def test_time_runs_out(self, limit: str) -> None:
        """An answer that never comes ends with the attempt's time, or with the call's."""
        limits: dict[str, Any] = {"timeout": math.inf, "deadline": math.inf, limit: 0.01}

        async def never(_: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(never)) as http,
            EngageLab(otp=KEY_PAIR, http=http, retry=RetryPolicy(attempts=1)) as engagelab,
        ):
            with pytest.raises(ResponseTimeoutError) as caught:
                await engagelab.otp.send("+6591234567", "login", **limits)

        assert (1, True) == (caught.value.attempts, caught.value.may_have_been_sent)

    async def test_calls_run_side_by_side(self) -> None:
        """Many tasks share one client: all requests are in flight before the first is answered."""
        everybody, waiting, results = anyio.Event(), list[httpx.Request](), list[Sent]()

        async def together(request: httpx.Request) -> httpx.Response:
            waiting.append(request)
            if len(waiting) == 10:
                everybody.set()
            await everybody.wait()
            return httpx.Response(200, json=SENT)

        async def send(engagelab: EngageLab) -> None:
            results.append(await engagelab.otp.send("+6591234567", "login"))

        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(together)) as http,
            EngageLab(otp=KEY_PAIR, http=http) as engagelab,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(10):
                tasks.start_soon(send, engagelab)

        assert 10 == len(results)

    async def test_calls_can_be_cancelled(self) -> None:
        """A cancelled call ends at once, and the client serves the next."""
        asked = anyio.Event()

        async def first_never(_: httpx.Request) -> httpx.Response:
            if not asked.is_set():
                asked.set()
                await anyio.sleep_forever()
            return httpx.Response(200, json=SENT)

        async with (
            httpx.AsyncClient(transport=httpx.MockTransport(first_never)) as http,
            EngageLab(otp=KEY_PAIR, http=http) as engagelab,
        ):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(engagelab.otp.send, "+6591234567", "login")
                await asked.wait()
                tasks.cancel_scope.cancel()
            sent = await engagelab.otp.send("+6591234567", "login")

        assert Sent("1725407449772531712", "sms") == sent
