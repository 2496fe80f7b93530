"""Faults, as a client of ours sees them over a real socket, and as the sandbox recorded them."""

import json
import threading
import time
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
import pytest_asyncio
from attrs import frozen
from starlette.types import Message

from engagelab_async import (
    APIError,
    ConnectionLostError,
    Credentials,
    EngageLab,
    EngageLabError,
    InternalSendError,
    RateLimitError,
    ResponseTimeoutError,
    RetryPolicy,
    SendSMS,
    ServerError,
    Template,
)
from engagelab_async.sandbox import DEMO_CREDENTIALS, Fault, Faults, Sandbox
from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.faults.player import FaultPlayer
from engagelab_async.sandbox.faults.wire import Wire
from support import backends
from support.clocks import LeapingClock
from support.platforms import Platform

KEY = Credentials(*DEMO_CREDENTIALS)
TO = ("+6591234567", "+6591234568")
SMS = SendSMS(to=TO, template=Template("1233"))
OTP = {"to": TO[0], "template": {"id": "login"}}
PATIENCE = 50.0  # seconds

every_client = pytest.mark.parametrize("engine", ["httpx", "aiohttp"])


@frozen
class Seen:
    """What came of a call: for its caller, and for the sandbox."""

    error: type[EngageLabError]
    may_have_been_sent: bool
    was_sent: bool


def named(value: object) -> str:
    """Name a case after its fault."""
    if not isinstance(value, Fault):
        return ""
    return f"{value.kind}-{value.code or value.status}{'-after' if value.after else ''}"


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox that runs."""
    async with Sandbox() as sandbox:
        yield sandbox


def has_struck(sandbox: Sandbox) -> bool:
    """Return whether the first fault has struck a call."""
    return next(iter(sandbox.faults)).struck > 0


def client_of(sandbox: Sandbox, engine: str = "httpx") -> EngageLab:
    """Make a client that repeats nothing."""
    return EngageLab(
        sms=KEY,
        otp=KEY,
        sms_base_url=sandbox.sms_base_url,
        otp_base_url=sandbox.otp_base_url,
        http=engine,
        timeout=PATIENCE,
        deadline=2 * PATIENCE,
        retry=RetryPolicy(attempts=1),
    )


@every_client
@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Fault("hang"), Seen(ResponseTimeoutError, True, False)),
        (Fault("hang", after=True), Seen(ResponseTimeoutError, True, True)),
        (Fault("latency", seconds=60), Seen(ResponseTimeoutError, True, False)),
        (Fault("latency", seconds=60, after=True), Seen(ResponseTimeoutError, True, True)),
        (Fault("slow", seconds=60), Seen(ResponseTimeoutError, True, True)),
        (Fault("reset"), Seen(ConnectionLostError, True, False)),
        (Fault("reset", after=True), Seen(ConnectionLostError, True, True)),
        (Fault("cut"), Seen(ConnectionLostError, True, False)),
        (Fault("cut", after=True), Seen(ConnectionLostError, True, True)),
        (Fault("http"), Seen(ServerError, True, False)),
        (Fault("http", after=True), Seen(ServerError, True, True)),
        (Fault("http", status=500), Seen(ServerError, True, False)),
        (Fault("http", status=599), Seen(ServerError, True, False)),
        (Fault("http", status=429, retry_after=3), Seen(RateLimitError, False, False)),
        (Fault("error", code=5016), Seen(InternalSendError, False, False)),
        (Fault("error", code=1000), Seen(ServerError, True, False)),
        (Fault("error_in_200", code=7), Seen(APIError, False, False)),
    ],
    ids=named,
)
def test_the_client_knows_what_can_be_known(engine: str, fault: Fault, seen: Seen) -> None:
    """The error is the right one, and what was not sent for sure was not recorded as sent."""
    clock = LeapingClock()

    async def time_out(sandbox: Sandbox) -> None:
        while not has_struck(sandbox) or (seen.was_sent and not sandbox.messages):
            await anyio.lowlevel.checkpoint()
        clock.leap(PATIENCE)

    async def main() -> None:
        async with Sandbox() as sandbox, client_of(sandbox, engine) as engagelab:
            sandbox.faults.add(fault)
            async with anyio.create_task_group() as tasks:
                if seen.error is ResponseTimeoutError:
                    tasks.start_soon(time_out, sandbox)
                with pytest.raises(seen.error) as caught:
                    await engagelab.execute(SMS)

            assert seen == Seen(
                type(caught.value), caught.value.may_have_been_sent, bool(sandbox.messages)
            )
            assert seen.may_have_been_sent or not seen.was_sent
            sandbox.faults.clear()
            assert 2 == (await engagelab.execute(SMS)).accepted_count

    backends.run("asyncio", main, clock)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "fault",
    [
        Fault("latency", seconds=0.05),
        Fault("latency", seconds=0.05, after=True),
        Fault("slow", seconds=0.002),
    ],
    ids=str,
)
async def test_a_patient_client_gets_its_answer(sandbox: Sandbox, fault: Fault) -> None:
    """What only takes its time is answered in the end."""
    sandbox.faults.add(fault)
    async with client_of(sandbox) as engagelab:
        began = time.perf_counter()
        plan = await engagelab.execute(SMS)

    assert 2 == plan.accepted_count
    assert time.perf_counter() - began > 0.05
    assert 2 == len(sandbox.messages)


@pytest.mark.asyncio
@pytest.mark.parametrize("after", [False, True])
async def test_a_reset_is_one_and_a_cut_is_an_end(sandbox: Sandbox, after: bool) -> None:
    """On the wire a reset is ECONNRESET before any answer, a cut a regular end in the middle."""
    request = httpx.Request(
        "POST", f"{sandbox.sms_base_url}/v1/messages", json={"to": "+1", "template": {}}
    )
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    raw = "\r\n".join([f"POST {request.url.path} HTTP/1.1", *lines, "", ""]).encode()

    async def received() -> bytes:
        async with await anyio.connect_tcp(request.url.host, request.url.port or 0) as stream:
            await stream.send(raw + request.content)
            return b"".join([piece async for piece in stream])

    sandbox.faults.add(Fault("cut", times=1, after=after))
    head, _, body = (await received()).partition(b"\r\n\r\n")
    sandbox.faults.add(Fault("reset", times=1, after=after))
    with pytest.raises(anyio.BrokenResourceError) as broken:
        await received()

    length = int(dict(line.split(b": ") for line in head.split(b"\r\n")[1:])[b"content-length"])
    assert length // 2 == len(body)
    assert isinstance(broken.value.__cause__, ConnectionResetError)


@pytest.mark.asyncio
async def test_others_keep_their_connection(sandbox: Sandbox) -> None:
    """A fault breaks the connection of the call that it strikes, and no other."""
    async with client_of(sandbox) as one, client_of(sandbox) as other:
        for engagelab in (one, other):
            await engagelab.sms.send(TO, "1233")
        connections = len(list(sandbox._wire.connections()))  # noqa: SLF001
        for fault in (Fault("reset", times=1), Fault("cut", times=1)):
            sandbox.faults.add(fault)
            with pytest.raises(ConnectionLostError):
                await other.sms.send(TO, "1233")
            await one.sms.send(TO, "1233")

        assert 2 == connections
        assert 8 == len(sandbox.messages)


@pytest.mark.asyncio
async def test_details_of_an_answer(sandbox: Sandbox) -> None:
    """A page of a gateway, its Retry-After, and the code in an HTTP 200 are as asked for."""
    sandbox.faults.add(Fault("http", status=503, retry_after=7, times=1))
    sandbox.faults.add(Fault("error_in_200", code=42, times=1))
    sandbox.faults.add(Fault("error", code=5013, times=1))
    url = f"{sandbox.otp_base_url}/v1/messages"
    async with httpx.AsyncClient(auth=DEMO_CREDENTIALS, trust_env=False) as http:
        page, plan, error, fine = [await http.post(url, json=OTP) for _ in range(4)]

    assert (503, "7", "text/html") == (
        page.status_code,
        page.headers["retry-after"],
        page.headers["content-type"],
    )
    assert "<h1>503 Service Unavailable</h1>" in page.text
    assert (200, 42) == (plan.status_code, plan.json()["code"])
    assert (400, {"code": 5013, "message": "number is blacklisted"}) == (
        error.status_code,
        error.json(),
    )
    assert 200 == fine.status_code


@pytest.mark.asyncio
async def test_a_plan_may_be_accepted_in_part(sandbox: Sandbox) -> None:
    """Some targets are dropped without a word, and never sent to."""
    sandbox.faults.add(Fault("partial", share=0.5, times=1))
    async with client_of(sandbox) as engagelab:
        part = await engagelab.execute(SMS)
        whole = await engagelab.execute(SMS)

    (dropped,) = sandbox.dropped
    assert (2, 1) == (part.total_count, part.accepted_count)
    assert 2 == whole.accepted_count
    assert {*TO} == {dropped.recipient, sandbox.messages[0].recipient}


@pytest.mark.asyncio
async def test_only_some_recipients_are_struck(sandbox: Sandbox) -> None:
    """A pattern chooses whom, in both products."""
    sandbox.faults.add(Fault("error", code=5001, to="+92*"))
    async with client_of(sandbox) as engagelab:
        await engagelab.otp.send(TO[0], "login")
        await engagelab.sms.send(TO, "1233")
        with pytest.raises(EngageLabError):
            await engagelab.otp.send("+923700056581", "login")
        with pytest.raises(EngageLabError):
            await engagelab.sms.send([TO[0], "923700056581"], "1233")
        await engagelab.sms.templates.list()

    assert 3 == len(sandbox.messages)


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"", b"nonsense", b"[1]", b'{"to": [1, null]}', b"[" * 100_000])
async def test_what_is_no_send_is_struck_too(sandbox: Sandbox, body: bytes) -> None:
    """A body that tells of no recipient is struck by a fault for all, and only by that."""
    url = f"{sandbox.otp_base_url}/v1/messages"
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient(auth=DEMO_CREDENTIALS, trust_env=False) as http:
        sandbox.faults.add(Fault("http", status=502, to="+*"))
        passed = await http.post(url, content=body, headers=headers)
        sandbox.faults.add(Fault("http", status=502))
        struck = await http.post(url, content=body, headers=headers)

    assert (400, 502) == (passed.status_code, struck.status_code)


@pytest.mark.asyncio
async def test_a_body_that_is_too_long_is_not_read_to_its_end(sandbox: Sandbox) -> None:
    """The API's own limit holds with faults, too; what passes arrives as it was sent."""
    sandbox.faults.add(Fault("hang", to="+92*"))
    url = f"{sandbox.otp_base_url}/v1/messages"
    long = {**OTP, "pad": "x" * 1_000_000}
    async with httpx.AsyncClient(auth=DEMO_CREDENTIALS, trust_env=False) as http:
        fits = await http.post(url, json=long)
        sandbox.faults.add(Fault("http", status=502))
        too_long = await http.post(url, json={**long, "more": "x" * 1_000_000})

    assert (200, 413) == (fits.status_code, too_long.status_code)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/sandbox/v1/faults", 200),
        ("GET", "/otp/openapi.json", 200),
        ("HEAD", "/sms/openapi.json", 200),
        ("GET", "/otp/v1/nothing", 404),
        ("POST", "/sms/messages", 404),
        ("OPTIONS", "/sms/v1/messages", 405),
        ("GET", "/otp/v1/messages", 405),
    ],
)
async def test_only_calls_are_struck(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    """The page, the health check and what the API does not have use no fault up."""
    sandbox.faults.add(Fault("reset", times=1))
    origin = sandbox.otp_base_url.removesuffix("/otp")
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, origin + path)

    assert status == answer.status_code
    assert 1 == len(sandbox.faults)


@pytest.mark.asyncio
async def test_calls_without_a_body_are_struck(sandbox: Sandbox) -> None:
    """What looks after templates fails as the sends do."""
    sandbox.faults.add(Fault("http", times=2))
    async with client_of(sandbox) as engagelab:
        with pytest.raises(ServerError):
            await engagelab.sms.templates.list()
        with pytest.raises(ServerError):
            await engagelab.otp.templates.get("a/b")
        await engagelab.sms.templates.list()


@pytest.mark.asyncio
@pytest.mark.usefixtures("patient_server")
@pytest.mark.parametrize("fault", [Fault("hang"), Fault("latency", seconds=60)], ids=str)
async def test_those_who_wait_do_not_delay_the_stop(fault: Fault) -> None:
    """A sandbox that stops hangs up on them."""
    errors: list[EngageLabError] = []
    sandbox = Sandbox()

    async def wait() -> None:
        try:
            await engagelab.execute(SMS)
        except EngageLabError as error:
            errors.append(error)

    async with anyio.create_task_group() as callers, sandbox:
        engagelab = client_of(sandbox)
        sandbox.faults.add(fault)
        callers.start_soon(wait)
        while not has_struck(sandbox):
            await anyio.lowlevel.checkpoint()
    await engagelab.aclose()

    assert [ConnectionLostError] == [type(error) for error in errors]
    assert "engagelab-sandbox" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.asyncio
async def test_without_a_server_the_caller_gets_the_error(platform: Platform) -> None:
    """Where the app is called directly there is no connection to break, so the call breaks."""
    faults = Faults()
    app = FaultPlayer(create_app(platform), faults, Wire())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, auth=DEMO_CREDENTIALS) as http:
        url = "http://sandbox/otp/v1/messages"
        faults.add(Fault("reset"))
        with pytest.raises(ConnectionResetError):
            await http.post(url, json=OTP)
        faults.clear()
        assert 200 == (await http.post(url, json=OTP)).status_code


@pytest.mark.asyncio
async def test_a_client_that_left_is_not_sent_to(platform: Platform) -> None:
    """A call that is late is not carried out for a client that did not wait for it."""
    faults = Faults()
    faults.add(Fault("latency", seconds=3600))
    app = FaultPlayer(create_app(platform), faults, Wire())
    body = json.dumps({"to": TO[0], "template": {"id": "7"}}).encode()
    messages: list[Message] = [
        {"type": "http.request", "body": body},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/otp/v1/custom-messages",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError

    await app(scope, receive, send)

    assert [] == messages
    assert () == platform.outbox.messages


@pytest.mark.asyncio
async def test_other_traffic_than_http_passes(platform: Platform) -> None:
    """A lifespan is none of its business."""
    faults = Faults()
    faults.add(Fault("hang"))
    heard: list[object] = []

    async def app(scope: object, receive: object, send: object) -> None:
        heard.append(scope)

    async def nothing(*_: object) -> None:
        raise AssertionError

    scope = {"type": "lifespan"}
    await FaultPlayer(app, faults, Wire())(scope, nothing, nothing)  # type: ignore[arg-type]

    assert [scope] == heard
