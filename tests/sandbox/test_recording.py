"""A run that is recorded, and replayed as a test."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from engagelab_async import (
    APIError,
    ConnectionLostError,
    Credentials,
    EngageLab,
    EngageLabError,
    RateLimitError,
    ResponseTimeoutError,
    RetryPolicy,
)
from engagelab_async.sandbox import DEMO_CREDENTIALS, Fault, Sandbox
from support import backends
from support.clocks import LeapingClock

KEY = Credentials(*DEMO_CREDENTIALS)
OTP = {"to": "+6591234567", "template": {"id": "login"}}
PATIENCE = 50.0  # seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "run.jsonl"


def client_of(sandbox: Sandbox) -> EngageLab:
    """Make a client that retries nothing."""
    return EngageLab(
        otp=KEY,
        sms=KEY,
        otp_base_url=sandbox.otp_base_url,
        sms_base_url=sandbox.sms_base_url,
        timeout=PATIENCE,
        deadline=PATIENCE,
        retry=RetryPolicy(attempts=1),
    )


async def log_in(sandbox: Sandbox, guess: Callable[[str], str]) -> list[object]:
    """Run a program that sends a code, verifies it, and does what is refused."""
    seen: list[object] = []
    async with client_of(sandbox) as engagelab:
        sent = await engagelab.otp.send("+6591234567", "login")
        seen.append(sent)
        seen.append(await engagelab.otp.verify(sent.message_id, "000000"))
        seen.append(await engagelab.otp.verify(sent.message_id, guess(sent.message_id)))
        try:
            await engagelab.otp.send("+10000005013", "login")
        except APIError as error:
            seen.append((type(error), error.code, error.api_message))
        seen.append(await engagelab.sms.balance())
    return seen


@pytest.mark.asyncio
async def test_a_run_is_replayed(path: Path) -> None:
    """The same program sees the same: ids, codes, refusals; the sandbox itself sends nothing."""
    codes: dict[str, str] = {}
    async with Sandbox(record=path) as sandbox:

        def guess(message_id: str) -> str:
            codes[message_id] = str(sandbox.last_message().code)
            return codes[message_id]

        recorded = await log_in(sandbox, guess)
    async with Sandbox(replay=path) as again:
        replayed = await log_in(again, codes.__getitem__)
        again.assert_replayed()

    assert recorded == replayed
    assert () == again.messages


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("hang", after=True), ResponseTimeoutError),
        (Fault("reset"), ConnectionLostError),
        (Fault("cut", after=True), ConnectionLostError),
        (Fault("http", status=429, retry_after=7), RateLimitError),
    ],
)
def test_faults_are_replayed(path: Path, fault: Fault, error: type[EngageLabError]) -> None:
    """What the program saw is recorded, not what the sandbox did."""
    clock = LeapingClock()

    async def run(sandbox: Sandbox, has_arrived: Callable[[Sandbox], object]) -> EngageLabError:
        async def time_out() -> None:
            while not has_arrived(sandbox):
                await anyio.lowlevel.checkpoint()
            clock.leap(PATIENCE)

        async with client_of(sandbox) as engagelab, anyio.create_task_group() as tasks:
            if error is ResponseTimeoutError:
                tasks.start_soon(time_out)
            with pytest.raises(error) as caught:
                await engagelab.otp.send("+6591234567", "login")
        return caught.value

    async def main() -> None:
        async with Sandbox(record=path) as sandbox:
            sandbox.faults.add(fault)
            first = await run(sandbox, lambda sandbox: sandbox.messages)
        async with Sandbox(replay=path) as again:
            second = await run(again, is_replayed)
            again.assert_replayed()

        assert (first.may_have_been_sent, getattr(first, "retry_after", None)) == (
            second.may_have_been_sent,
            getattr(second, "retry_after", None),
        )

    backends.run("asyncio", main, clock)


def is_replayed(sandbox: Sandbox) -> bool:
    """Return whether all calls of the recording have come."""
    try:
        sandbox.assert_replayed()
    except AssertionError:
        return False
    return True


def post(sandbox: Sandbox, body: object) -> httpx.Response:
    """Send a code."""
    url = f"{sandbox.otp_base_url}/v1/messages"
    return httpx.post(url, json=body, auth=DEMO_CREDENTIALS, trust_env=False)


def recorded(path: Path, *bodies: object) -> list[int]:
    """Record some calls, and return the statuses of their answers."""
    with Sandbox(record=path) as sandbox:
        return [post(sandbox, body).status_code for body in bodies]


def test_calls_may_come_in_another_order(path: Path) -> None:
    """Each is answered as one that asks the same; those that do, in their order."""
    other = {**OTP, "to": "+6591234568"}
    before = recorded(path, OTP, other, OTP)
    with Sandbox(replay=path) as sandbox:
        answers = [post(sandbox, body).status_code for body in (other, OTP, OTP)]
        sandbox.assert_replayed()

    assert ([200, 200, 400], [200, 200, 400]) == (before, answers)


def test_what_differs_is_reported(path: Path) -> None:
    """Calls that were not made, and calls that are not in the recording, which are answered 404."""
    recorded(path, OTP)
    with Sandbox(replay=path) as sandbox:
        answer = post(sandbox, {**OTP, "to": "+6591234568"})
        with pytest.raises(AssertionError) as caught:
            sandbox.assert_replayed()

    assert (404, "the recording has no such call, or not so often") == (
        answer.status_code,
        answer.json()["message"],
    )
    assert [
        "the run differs from the recording",
        "not made:   POST /otp/v1/messages",
        "unexpected: POST /otp/v1/messages",
    ] == str(caught.value).splitlines()


def test_only_a_replay_can_be_asserted() -> None:
    """Without a recording there is nothing to compare with."""
    with pytest.raises(RuntimeError, match="replays no recording"):
        Sandbox().assert_replayed()


def test_only_calls_of_the_api_are_recorded(path: Path) -> None:
    """Neither the inbox nor health checks, in a recording or in a replay."""
    with Sandbox(record=path) as sandbox:
        httpx.get(f"{sandbox.otp_base_url}/openapi.json")
        httpx.get(f"{sandbox.inbox_url}sandbox/v1/messages")
    with Sandbox(replay=path) as again:
        status = httpx.get(f"{again.inbox_url}sandbox/v1/messages").status_code
        again.assert_replayed()

    assert 200 == status
    assert ['{"engagelab_recording": 1}'] == path.read_text(encoding="utf-8").splitlines()


@pytest.mark.asyncio
async def test_a_sandbox_that_is_not_started_records_nothing(path: Path) -> None:
    """A recording is of a run."""
    sandbox = Sandbox(record=path)
    transport = httpx.ASGITransport(sandbox.app)
    async with httpx.AsyncClient(transport=transport, auth=DEMO_CREDENTIALS) as http:
        answer = await http.post("http://sandbox/otp/v1/messages", json=OTP)

    assert 200 == answer.status_code
    assert not path.exists()  # noqa: ASYNC240 - a test may block


def test_a_recording_has_no_secret(path: Path) -> None:
    """No key pair, so that it can be checked in; and only its owner can read it at first."""
    recorded(path, OTP)
    (line,) = path.read_text(encoding="utf-8").splitlines()[1:]

    assert ["method", "path", "body", "end", "status", "headers", "answer"] == list(
        json.loads(line)
    )
    assert ["content-type"] == list(json.loads(line)["headers"])
    assert OTP == json.loads(line)["body"]
    if sys.platform != "win32":
        assert 0o600 == path.stat().st_mode & 0o777


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00", b'"text"'])
def test_a_body_that_is_no_json(path: Path, body: bytes) -> None:
    """It is recorded as text, whatever its bytes are."""

    def call(sandbox: Sandbox) -> tuple[int, bytes]:
        url = f"{sandbox.otp_base_url}/v1/messages"
        answer = httpx.post(url, content=body, auth=DEMO_CREDENTIALS, trust_env=False)
        return answer.status_code, answer.content

    with Sandbox(record=path) as sandbox:
        before = call(sandbox)
    with Sandbox(replay=path) as again:
        after = call(again)
        again.assert_replayed()

    assert before == after


@pytest.mark.parametrize("option", ["record", "replay"])
def test_another_file_is_left_alone(path: Path, option: str) -> None:
    """What is not a recording is neither replaced nor replayed; the error names it."""
    path.write_text("hello", encoding="utf-8")
    options: dict[str, Any] = {option: path}
    with pytest.raises(ValueError, match=rf"^{option}: .*run\.jsonl is "):
        Sandbox(**options)

    assert "hello" == path.read_text(encoding="utf-8")


def test_a_recording_is_replaced_by_the_next(path: Path) -> None:
    """One run, one recording."""
    recorded(path, OTP, OTP)
    recorded(path, OTP)

    assert 2 == len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("line", ["{", "7", '{"method": 7}', '{"method": "GET"}'])
def test_a_damaged_recording(path: Path, line: str) -> None:
    """The error names the line, and shows nothing of it."""
    recorded(path, OTP)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")

    with pytest.raises(ValueError, match=r"run\.jsonl is damaged \(line 3\)$"):
        Sandbox(replay=path)


def test_a_recording_that_is_not_there(path: Path) -> None:
    """The error is that of opening it."""
    with pytest.raises(FileNotFoundError):
        Sandbox(replay=path)


@pytest.mark.asyncio
async def test_a_replay_leaves_the_inbox_alone(path: Path) -> None:
    """What is no call of the API is answered as ever, and not missed in the recording."""
    async with Sandbox(record=path):
        pass
    async with Sandbox(replay=path) as sandbox, httpx.AsyncClient() as http:
        answer = await http.get(sandbox.inbox_url)
        sandbox.assert_replayed()

    assert 200 == answer.status_code
