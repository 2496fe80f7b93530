"""The time limit, and the question which event loop runs."""

import asyncio
import socket
import ssl
import sys
from time import perf_counter

import anyio
import pytest
import trio

from engagelab_async.engines import time_limit
from engagelab_async.engines._engine import in_asyncio, reason
from support import backends

every_backend = pytest.mark.parametrize("backend", backends.EVERY)


@every_backend
def test_time_runs_out(backend: str) -> None:
    """A block that takes longer ends in a TimeoutError, after its time and not much later."""

    async def main() -> None:
        async with time_limit(0.05):
            await anyio.sleep_forever()

    began = perf_counter()
    with pytest.raises(TimeoutError):
        backends.run(backend, main)

    # uvloop counts from when its present turn began.
    assert 0.03 <= perf_counter() - began < 50


@every_backend
@pytest.mark.parametrize("seconds", [None, 60.0])
def test_time_suffices(backend: str, seconds: float | None) -> None:
    """A block that ends in time, or has no limit, is left alone."""
    ended: list[bool] = []

    async def main() -> None:
        async with time_limit(seconds):
            ended.append(True)

    backends.run(backend, main)

    assert [True] == ended


@pytest.mark.parametrize(
    ("backend", "answer"), [("asyncio", True), ("uvloop", True), ("trio", False)]
)
def test_asyncio_is_told_from_trio(backend: str, answer: bool) -> None:
    """Uvloop is asyncio, trio is not."""
    answers: list[bool] = []

    async def main() -> None:
        answers.append(in_asyncio())

    backends.run(backend, main)

    assert [backend in backends.ASYNCIO] == answers


def test_no_event_loop_is_not_asyncio() -> None:
    """Outside of any event loop there is no asyncio."""
    assert in_asyncio() is False


def test_asyncio_is_not_imported_for_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never imported asyncio does not run it."""
    monkeypatch.delitem(sys.modules, "asyncio")

    assert in_asyncio() is False
    assert "asyncio" not in sys.modules


@pytest.mark.asyncio
async def test_trio_as_the_guest_of_asyncio() -> None:
    """Where trio runs inside the loop of asyncio, its limits are the ones that hold."""
    outcome = asyncio.get_running_loop().create_future()

    async def main() -> None:
        async with time_limit(0.05):
            await trio.sleep_forever()

    trio.lowlevel.start_guest_run(
        main,
        run_sync_soon_threadsafe=asyncio.get_running_loop().call_soon_threadsafe,
        done_callback=outcome.set_result,
    )

    with pytest.raises(TimeoutError):
        (await outcome).unwrap()


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (ssl.SSLCertVerificationError(), "its certificate is not trusted"),
        (ssl.SSLError(), "TLS failed"),
        (socket.gaierror(), "its name cannot be resolved"),
        (ConnectionRefusedError(), "refused"),
        (OSError(), "RuntimeError"),
    ],
)
def test_reason_is_found_behind_a_failure(cause: Exception, said: str) -> None:
    """What is at the bottom of a failure is told in fixed words."""
    middle = OSError("All connection attempts failed")
    middle.__cause__ = cause
    failure = RuntimeError("to https://user:password@example.com")
    failure.__context__ = middle

    assert said == reason(failure)
