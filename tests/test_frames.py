"""What tools that record local variables find in an exception: nothing that is personal or secret.

The tests' own frames hold none of it either: what is looked for stands in the module.
"""

import asyncio
import contextlib
import inspect
import json
import logging
import socket
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

import aiohttp
import httpx
import httpx2
import pytest
import trustme

from engagelab_async import (
    APIError,
    Attempt,
    ConfigurationError,
    ConnectError,
    Credentials,
    EngageLab,
    EngageLabError,
    InvalidResponseError,
    Rejected,
    Request,
    Response,
    RetryPolicy,
    SendCode,
    SendSMS,
    Template,
    Uncertain,
    broadcast,
)
from engagelab_async.engines import HTTP, choose
from engagelab_async.frames import HiddenError, clear, clears_frames
from engagelab_async.webhooks import Verifier, parse, sign
from support.hostile import (
    Behaviour,
    Hostile,
    Peer,
    answers,
    hangs,
    http,
    refusing,
    resets,
    says,
    trusting,
)
from support.reachable import (
    captured_text,
    exceptions_of,
    frames_of,
    rich_text,
    sentry_event,
    texts_of,
)

SECRET: Final = "not-for-everybody"
KEY: Final = "jiguangdev"
PROXY_SECRET: Final = "proxy-password"
PHONE: Final = "+6598765432"  # not one that stands in a source line of ours
CODE: Final = "K39-487"
NAME: Final = "Bartholomew"
CREDENTIALS: Final = Credentials(KEY, SECRET)
PRIVATE: Final = (
    SECRET,
    KEY,
    CREDENTIALS.authorization().removeprefix("Basic "),
    PROXY_SECRET,
    PHONE[1:],
    CODE,
    NAME,
)
PARAMS: Final = {"name": NAME}


def shown_by_tools(error: BaseException) -> list[str]:
    """Return which private things tools find in an exception."""
    texts = [
        texts_of(error),
        rich_text(error),
        captured_text(error),
        json.dumps(sentry_event(error), default=str, ensure_ascii=False),
    ]
    return [private for private in PRIVATE if any(private in text for text in texts)]


# ------------------------------------------------------------------------------- engines


class CallersEngine:
    """An engine of the caller's own, with variables that tell everything."""

    def __init__(self) -> None:
        self._engine, _ = choose("httpx")

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Send it with another one."""
        headers, body = dict(request.headers), request.body
        response = await self._engine.send(request, timeout=timeout, max_bytes=max_bytes)
        assert headers, body
        return response

    async def aclose(self) -> None:
        """Close the other one."""
        await self._engine.aclose()


@asynccontextmanager
async def named(name: str) -> AsyncIterator[HTTP]:
    """Name an engine."""
    yield name


@asynccontextmanager
async def callers() -> AsyncIterator[HTTP]:
    """Make an engine as a caller would, and close it."""
    engine = CallersEngine()
    yield engine
    await engine.aclose()


ENGINES: Final[dict[str, Callable[[], AbstractAsyncContextManager[HTTP]]]] = {
    "httpx": partial(named, "httpx"),
    "httpx2": partial(named, "httpx2"),
    "asyncio": partial(named, "asyncio"),
    "aiohttp": partial(named, "aiohttp"),
    "httpx_client": httpx.AsyncClient,
    "httpx2_client": httpx2.AsyncClient,
    "aiohttp_session": partial(aiohttp.ClientSession, trust_env=True),
    "callers": callers,
}


@asynccontextmanager
async def client(
    http: HTTP,
    url: str,
    timeout: float = 10.0,
    on_attempt: Callable[[Attempt], object] | None = None,
) -> AsyncIterator[EngageLab]:
    """Open a client that tries twice."""
    engagelab = EngageLab(
        otp=CREDENTIALS,
        sms=CREDENTIALS,
        http=http,
        retry=RetryPolicy(attempts=2, base=0.0, repeat_uncertain=True),
        otp_base_url=url,
        sms_base_url=url,
        timeout=timeout,
        on_attempt=on_attempt,
    )
    async with engagelab:
        yield engagelab


# ------------------------------------------------------------------------------- failures


def repeating(answer: Callable[[bytes], bytes]) -> Behaviour:
    """Repeat the body of the request in the answer."""
    return lambda peer: peer.sends(answer(peer.reads().body))


def refusal(body: bytes) -> bytes:
    """Refuse, and repeat everything in the message."""
    return http(400, json.dumps({"code": 3003, "message": body.decode()}).encode())


@contextmanager
def serving(behaviour: Behaviour, ca: trustme.CA | None = None) -> Iterator[str]:
    """Serve in one way."""
    with Hostile(behaviour, ca=ca) as server:
        yield server.url


@contextmanager
def behind(proxy: Behaviour | None, scheme: str) -> Iterator[str]:
    """Put a proxy in front, whose URL has a password; without a behaviour, it does not listen."""
    with contextlib.ExitStack() as stack:
        place = refusing() if proxy is None else serving(proxy)
        url = stack.enter_context(place).replace("://", f"://user:{PROXY_SECRET}@")
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            patch.setenv(name, url)
        yield f"{scheme}://api.example"


def smtp(body: bytes) -> bytes:
    """Speak no HTTP."""
    return b"220 " + body + b"\r\n\r\n"


FAILURES: Final[dict[str, Callable[[], AbstractContextManager[str]]]] = {
    "refused": refusing,
    "timeout": partial(serving, hangs),
    "lost": partial(serving, resets),
    "no HTTP": partial(serving, repeating(smtp)),
    "4xx": partial(serving, repeating(refusal)),
    "malformed 200": partial(serving, repeating(partial(http, 200))),
    "200 of another kind": partial(
        serving, repeating(lambda body: http(200, b'{"message_id": [%b]}' % body))
    ),
    "half an answer": partial(
        serving,
        says(http(200, b'{"' + PHONE.encode(), {"Content-Length": "99"}), Peer.closes),
    ),
    "502": partial(serving, repeating(partial(http, 502))),
    "redirect": partial(serving, repeating(partial(http, 307))),
    "TLS": lambda: serving(hangs, ca=trustme.CA()),
    "proxy does not listen": partial(behind, None, "http"),
    "proxy refuses": partial(behind, answers(407), "https"),
    "proxy breaks": partial(behind, resets, "http"),
}


async def failing_call(engagelab: EngageLab) -> object:
    """Make a call with everything in it that is personal."""
    return await engagelab.otp.send_code(PHONE, CODE, Template("login", params=PARAMS))


CALLS: Final[dict[str, Callable[[EngageLab], Awaitable[object]]]] = {
    "otp.send": lambda engagelab: engagelab.otp.send(PHONE, "login", params=PARAMS),
    "otp.send_code": lambda engagelab: engagelab.otp.send_code(
        PHONE, CODE, "login", language="en", params=PARAMS
    ),
    "otp.send_custom_message": lambda engagelab: engagelab.otp.send_custom_message(
        [PHONE], "order", params=PARAMS
    ),
    "otp.verify": lambda engagelab: engagelab.otp.verify("1725407449772531712", CODE),
    "sms.send": lambda engagelab: engagelab.sms.send(
        [PHONE], "1233", params=PARAMS, custom_args={"note": NAME}
    ),
    "execute": lambda engagelab: engagelab.execute(SendSMS(PHONE, "1", custom_args=PARAMS)),
}


@pytest.fixture(autouse=True)
def trust() -> Iterator[None]:
    """Let the clients trust no certificate of these tests."""
    with trusting():
        yield


@pytest.mark.asyncio
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("engine", ENGINES)
async def test_failed_call_shows_nothing(engine: str, failure: str) -> None:
    """Whatever fails on whichever engine, no frame, cause or context shows a private thing."""
    with FAILURES[failure]() as url:
        async with ENGINES[engine]() as http, client(http, url, timeout=0.3) as engagelab:
            with pytest.raises(EngageLabError) as caught:
                await failing_call(engagelab)

    assert [] == shown_by_tools(caught.value)
    assert "failing_call" in [frame.f_code.co_name for frame in frames_of(caught.value)]


@pytest.mark.asyncio
@pytest.mark.parametrize("call", CALLS)
async def test_every_call_shows_nothing(call: str) -> None:
    """The frames of every coroutine that takes personal arguments are empty of them."""
    with FAILURES["4xx"]() as url:
        async with client("httpx", url) as engagelab:
            with pytest.raises(APIError) as caught:
                await CALLS[call](engagelab)

    assert [] == shown_by_tools(caught.value)
    assert caught.value.api_message


@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ENGINES)
async def test_cancelled_call_shows_nothing(engine: str) -> None:
    """Nor does a cancellation that cuts a request off."""
    with Hostile(hangs) as server:
        async with ENGINES[engine]() as http, client(http, server.url) as engagelab:
            task = asyncio.create_task(failing_call(engagelab))
            await server.until(lambda: len(server.requests) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task

    assert [] == shown_by_tools(caught.value)
    assert [] == [private for private in PRIVATE if private in repr(task)]


@pytest.mark.asyncio
@pytest.mark.parametrize("proxy", ["http://user:{}@127.0.0.1:x", "ftp://user:{}@proxy"])
@pytest.mark.parametrize("engine", ["httpx", "httpx2", "asyncio", "aiohttp"])
async def test_unusable_proxy_shows_nothing(
    engine: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy's URL that cannot be used is quoted nowhere."""
    monkeypatch.setenv("HTTP_PROXY", proxy.format(PROXY_SECRET))
    async with client(engine, "http://api.example") as engagelab:
        with pytest.raises((EngageLabError, ValueError)) as caught:
            await failing_call(engagelab)

    assert [] == shown_by_tools(caught.value)


@pytest.mark.asyncio
async def test_outcomes_of_a_run_show_nothing() -> None:
    """The errors of a bulk run are as empty, both refusals and doubts."""
    behaviours = [repeating(refusal), resets]
    kinds = []
    for behaviour in behaviours:
        with Hostile(behaviour) as server:
            async with (
                client("httpx", server.url) as engagelab,
                engagelab.fan_out([SendCode(PHONE, CODE, "login")]) as outcomes,
            ):
                (outcome,) = [each async for each in outcomes]
        assert isinstance(outcome, Rejected | Uncertain)
        kinds.append(type(outcome))

        assert [] == shown_by_tools(outcome.error)
    assert [Rejected, Uncertain] == kinds


@pytest.mark.asyncio
async def test_failed_attempt_shows_nothing() -> None:
    """An error is empty from its first attempt on: a hook that fails is logged with it."""
    shown: list[list[str]] = []

    def look(_: Attempt) -> None:
        error = sys.exception()
        assert error is not None
        shown.append(shown_by_tools(error))

    with FAILURES["lost"]() as url:
        async with client("httpx", url, on_attempt=look) as engagelab:
            with pytest.raises(EngageLabError):
                await failing_call(engagelab)

    assert [[], []] == shown


@pytest.mark.asyncio
async def test_failing_key_shows_nothing(tmp_path: Path) -> None:
    """An exception of the caller's ``key`` holds no body of a request."""

    def key(operation: object) -> str:
        raise LookupError

    async with client("httpx", "http://127.0.0.1:1") as engagelab:
        with pytest.raises(LookupError) as caught:
            await engagelab.send_all(
                [SendCode(PHONE, CODE, "login")], journal=tmp_path / "run.db", key=key
            )

    assert [] == shown_by_tools(caught.value)


# ------------------------------------------------------------------------------- arguments

SIGNATURE: Final = {"X-CALLBACK-ID": "timestamp=1;nonce=n;username=shop;signature=s"}
ROWS: Final = json.dumps([{"to": PHONE, "text": NAME}]).encode()

MISTAKES: Final[dict[str, Callable[[], object]]] = {
    "SendCode": lambda: SendCode(PHONE, "", Template("login", params=PARAMS)),
    "SendSMS": lambda: SendSMS([PHONE, ""], "1", custom_args=PARAMS),
    "SendSMS with a language": lambda: SendSMS(PHONE, Template("1", "en", PARAMS)),
    "Template": lambda: Template("", params=PARAMS),
    "Template.of": lambda: Template.of(Template("1"), params=PARAMS),
    "Credentials": lambda: Credentials(KEY, f"{SECRET}\n"),
    "base URL": lambda: EngageLab(otp_base_url=f"http://user:{SECRET}@api.example"),
    "broadcast": lambda: [*broadcast([PHONE, f"{PHONE}-8"], "1", params=PARAMS)],
    "broadcast's params": lambda: [*broadcast([(PHONE, {"": NAME})], "1")],
    "broadcast's options": lambda: broadcast([PHONE], "1", params=PARAMS, plan_name=""),
    "Verifier": lambda: Verifier("", SECRET),
    "verify": lambda: Verifier("shop", SECRET).verify({**SIGNATURE, "Authorization": NAME}, ROWS),
    "parse": lambda: parse(ROWS),
    "parse no JSON": lambda: parse(ROWS[1:]),
    "sign": lambda: sign("shop", SECRET, timestamp=1, nonce="n"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_refused_arguments_show_nothing(mistake: str) -> None:
    """An argument that is refused before anything is sent is in no frame of ours."""
    with pytest.raises((TypeError, ValueError, EngageLabError)) as caught:
        MISTAKES[mistake]()

    assert [] == shown_by_tools(caught.value)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "call",
    [
        lambda otp: otp.send(PHONE, "", params=PARAMS),
        lambda otp: otp.send_code(PHONE, 39487, "login", params=PARAMS),
        lambda otp: otp.send_custom_message(PHONE, Template("1", "en", PARAMS)),
        lambda otp: otp.verify("", CODE),
    ],
)
async def test_refused_arguments_of_a_call_show_nothing(
    call: Callable[[Any], Awaitable[object]],
) -> None:
    """Nor is it when a coroutine was given it."""
    async with client("httpx", "http://127.0.0.1:1") as engagelab:
        with pytest.raises((TypeError, ValueError)) as caught:
            await call(engagelab.otp)

    assert [] == shown_by_tools(caught.value)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "call",
    [
        lambda engagelab: engagelab.otp.send(PHONE, "login", values=PARAMS),
        lambda engagelab: engagelab.otp.send_code(PHONE, CODE, "login", values=PARAMS),
        lambda engagelab: engagelab.otp.send_custom_message(PHONE, "login", values=PARAMS),
        lambda engagelab: engagelab.otp.verify("1", CODE, phone=PHONE),
        lambda engagelab: engagelab.sms.send(PHONE, "1233", values=PARAMS),
    ],
)
async def test_unknown_options_of_a_call_show_nothing(
    call: Callable[[Any], Awaitable[object]],
) -> None:
    """What was passed under a wrong name may be personal as well."""
    async with client("httpx", "http://127.0.0.1:1") as engagelab:
        with pytest.raises(TypeError, match="unexpected keyword argument") as caught:
            await call(engagelab)

    assert [] == shown_by_tools(caught.value)


@pytest.mark.asyncio
async def test_refused_recipient_of_an_async_broadcast_shows_nothing() -> None:
    """The numbers of an async list are in no frame of ours."""

    async def numbers() -> AsyncIterator[str]:
        yield PHONE
        yield f"{PHONE}-8"

    with pytest.raises(ValueError, match="single digit") as caught:
        [each async for each in broadcast(numbers(), "1", params=PARAMS)]

    assert [] == shown_by_tools(caught.value)


def test_half_a_key_pair_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the environment is in no frame of ours."""
    monkeypatch.setenv("ENGAGELAB_OTP_DEV_KEY", SECRET)
    monkeypatch.delenv("ENGAGELAB_DEV_SECRET", raising=False)
    monkeypatch.delenv("ENGAGELAB_OTP_DEV_SECRET", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        EngageLab.from_env()

    assert [] == shown_by_tools(caught.value)


# ------------------------------------------------------------------------------- what stays


async def failed_call(failure: str = "refused", http: HTTP = "httpx") -> EngageLabError:
    """Fail, and return the error."""
    with FAILURES[failure]() as url:
        async with client(http, url) as engagelab:
            with pytest.raises(EngageLabError) as caught:
                await failing_call(engagelab)
    return caught.value


@pytest.mark.asyncio
async def test_title_is_the_text() -> None:
    """Error trackers title an API's refusal with its class, operation, code and masked words."""
    error = await failed_call("4xx")
    event = sentry_event(error)

    assert not hasattr(error, "message")
    assert "BusinessRuleError" == event["exception"]["values"][-1]["type"]
    assert str(error) == event["exception"]["values"][-1]["value"]
    assert str(error).startswith("SendCode: 3003 ")


@pytest.mark.asyncio
async def test_headers_of_the_answer() -> None:
    """An `APIError` has the headers of its answer, by names in lower case."""
    with Hostile(answers(404, {"code": 4001}, {"X-Request-Id": "r-7", "Set-Cookie": SECRET})) as it:
        async with client("httpx", it.url) as engagelab:
            with pytest.raises(APIError) as caught:
                await failing_call(engagelab)

    assert "r-7" == caught.value.headers["x-request-id"]
    assert [] == shown_by_tools(caught.value)


@pytest.mark.asyncio
async def test_lines_stay() -> None:
    """The traceback still leads from the program's line to ours, and its cause to the library's."""
    error = await failed_call()
    text = "".join(traceback.format_exception(error))
    own = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]

    assert ["failed_call", "failing_call", "send_code", "execute"] == own[:4]
    assert "httpx/_transports/default.py" in text.replace("\\", "/")
    assert "HiddenError: httpx.ConnectError" in text


@pytest.mark.asyncio
async def test_errors_of_the_system_stay() -> None:
    """A cause whose text comes from the operating system can be read."""
    error = await failed_call()
    kept = [each for each in exceptions_of(error) if isinstance(each, OSError)]

    assert [ConnectionRefusedError] == [type(each) for each in kept]


def fails() -> None:
    """Fail, as the program may."""
    own_variable = "the program's own"
    raise LookupError(own_variable)


async def failing_while_handling(engagelab: EngageLab) -> None:
    """Make a call while something else is handled."""
    try:
        fails()
    except LookupError:
        await failing_call(engagelab)


@pytest.mark.asyncio
@pytest.mark.parametrize("engine", ENGINES)
async def test_what_the_program_was_handling_stays(engine: str) -> None:
    """An exception that the program handles when it calls keeps its text and variables."""
    with refusing() as url:
        async with ENGINES[engine]() as http, client(http, url) as engagelab:
            with pytest.raises(ConnectError) as caught:
                await failing_while_handling(engagelab)
    (handled,) = [each for each in exceptions_of(caught.value) if type(each) is LookupError]

    assert {"own_variable": "the program's own"} == frames_of(handled)[-1].f_locals


@pytest.mark.asyncio
async def test_log_of_a_task_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Asyncio's own reports, in its debug mode as well, name no argument."""
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    try:
        with FAILURES["4xx"]() as url:
            async with client("httpx", url) as engagelab:
                task = asyncio.create_task(
                    engagelab.otp.send_code(PHONE, CODE, "login", params=PARAMS)
                )
                await asyncio.wait([task])
        shown = repr(task)
        del task
    finally:
        loop.set_debug(False)

    assert "was never retrieved" in caplog.text
    assert [] == [private for private in PRIVATE if private in caplog.text + shown]


def test_calls_stay_coroutine_functions() -> None:
    """Mocks and frameworks look at whether a call is a coroutine function, and at its arguments."""
    otp = EngageLab().otp

    assert inspect.iscoroutinefunction(otp.send_code)
    assert ["to", "code", "template"] == [*inspect.signature(otp.send_code).parameters][:3]


# ------------------------------------------------------------------------------- the mechanism


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    """Raise an exception out of a function with a variable, and return it."""

    def fails() -> None:
        variable = SECRET
        assert variable
        raise error from cause

    try:
        fails()
    except BaseException as caught:  # noqa: BLE001 - whatever it is
        return caught
    raise AssertionError


def emptied(error: BaseException, handled: BaseException | None = None) -> BaseException:
    """Clear an exception."""
    clear(error, handled)
    return error


@pytest.mark.parametrize(
    "cause",
    [
        ValueError(SECRET),
        OSError(SECRET),
        KeyError(SECRET),
        UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, SECRET),
        httpx.InvalidURL(SECRET),
        ExceptionGroup(SECRET, [ValueError(SECRET)]),
        BaseExceptionGroup(SECRET, [KeyboardInterrupt(SECRET)]),
    ],
)
def test_cause_is_replaced(cause: BaseException) -> None:
    """Of a cause whose text may be personal, its class and its lines stay."""
    error = emptied(raised(RuntimeError(), raised(cause)))
    hidden = error.__cause__

    assert isinstance(hidden, HiddenError)
    assert type(cause).__qualname__ in str(hidden)
    assert ["raised", "fails"] == [
        frame.f_code.co_name for frame in frames_of(hidden) if frame.f_code.co_name != "emptied"
    ][-2:]
    assert SECRET not in texts_of(error)


def noted(error: BaseException) -> BaseException:
    """Add a note that nobody should read."""
    error.add_note(SECRET)
    return error


@pytest.mark.parametrize(
    ("cause", "kept"),
    [
        (ConnectError("no connection"), True),
        (TimeoutError(), True),
        (ConnectionResetError(104, "Connection reset by peer"), True),
        (socket.gaierror(-2, "Name or service not known"), True),
        (asyncio.CancelledError("Cancelled via cancel scope 7f"), True),
        (noted(ConnectionResetError(104, "reset")), False),
    ],
)
def test_cause_that_says_nothing_stays(cause: BaseException, kept: bool) -> None:
    """Of the system's errors, ours and cancellations, the text stays, unless there is a note."""
    error = emptied(raised(RuntimeError(), raised(cause)))

    assert kept == (error.__cause__ is cause)
    assert SECRET not in texts_of(error)


def test_whole_graph_is_met() -> None:
    """Suppressed contexts, groups and cycles are emptied as well."""
    inner = raised(ValueError(SECRET))
    group = BaseExceptionGroup(
        "several", [raised(ConnectError("no"), inner), raised(TimeoutError())]
    )
    error = raised(group)
    error.__context__ = raised(LookupError(SECRET))
    error.__suppress_context__ = True
    inner.__context__ = error
    emptied(error)

    assert SECRET not in texts_of(error)
    assert error.__suppress_context__
    assert isinstance(error.__context__, HiddenError)


def test_handled_exception_is_left_alone() -> None:
    """Neither as the end of the chain nor by itself is it touched."""
    handled = raised(LookupError(SECRET))
    error = raised(RuntimeError())
    error.__context__ = handled
    emptied(error, handled)
    emptied(handled, handled)

    assert handled is error.__context__
    assert SECRET in texts_of(handled)


def test_exception_without_a_traceback() -> None:
    """One that was never raised has its causes emptied all the same."""
    error = RuntimeError()
    error.__cause__ = raised(ValueError(SECRET))

    assert SECRET not in texts_of(emptied(error))


@pytest.mark.asyncio
async def test_frames_of_another_task_are_left_out() -> None:
    """An exception that another task met too does not end that task, nor show its variables."""
    met: list[ValueError] = []
    go_on = asyncio.Event()

    async def other() -> str:
        variable = SECRET
        try:
            raise ValueError  # noqa: TRY301 - in a frame that goes on
        except ValueError as error:
            met.append(error)
            await go_on.wait()
        return variable

    task = asyncio.create_task(other())
    await asyncio.sleep(0)
    error = raised(met[0])
    assert "other" in [frame.f_code.co_name for frame in frames_of(error)]
    emptied(error)
    go_on.set()

    assert "other" not in [frame.f_code.co_name for frame in frames_of(error)]
    assert SECRET == await task


def test_wrapped_function_stays_itself() -> None:
    """It has the same name, signature and result, and the frame of the wrapper holds nothing."""

    @clears_frames
    def divided(dividend: int, *, divisor: int = 1) -> float:
        return dividend / divisor

    def frame_of_wrapper(error: BaseException) -> FrameType:
        return next(frame for frame in frames_of(error) if frame.f_code.co_name == "call")

    with pytest.raises(ZeroDivisionError) as caught:
        divided(7, divisor=0)

    assert 3.5 == divided(7, divisor=2)
    assert "(dividend: int, *, divisor: int = 1) -> float" == str(inspect.signature(divided))
    assert {"target"} == set(frame_of_wrapper(caught.value).f_locals)
    assert sys.exception() is None


def test_invalid_answer_has_no_document() -> None:
    """An answer that is not JSON is not kept by the decoder's exception."""
    with pytest.raises(InvalidResponseError) as caught:
        asyncio.run(_failed_decode())

    assert [] == shown_by_tools(caught.value)


async def _failed_decode() -> None:
    raise await failed_call("malformed 200")
