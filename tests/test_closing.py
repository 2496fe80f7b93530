"""A client that is closed while its calls are being cancelled, as a server does that shuts down."""

import asyncio
import json
import threading

import anyio
import pytest
import trio

from engagelab_async import Credentials, EngageLab, Plan, Request, Response
from support.calls import OPERATIONS, PLAN
from support.hostile import Hostile, hangs

PAIR = Credentials("key", "secret")
SEND_SMS = OPERATIONS["sms.send"]


def client(url: str) -> EngageLab:
    """Make a client of a server that never answers."""
    return EngageLab(otp=PAIR, sms=PAIR, otp_base_url=url, sms_base_url=url)


@pytest.mark.asyncio
async def test_closing_waits_for_what_is_being_cancelled() -> None:
    """The handlers' ``except`` and ``finally`` have run when the client is closed."""
    ended: list[str] = []

    async def handler(number: int) -> None:
        try:
            await engagelab.execute(SEND_SMS)
        except asyncio.CancelledError:
            ended.append(f"except {number}")
            raise
        finally:
            # A handler may have more to do than one step.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            ended.append(f"finally {number}")

    with Hostile(hangs) as server:
        async with client(server.url) as engagelab:
            handlers = [asyncio.create_task(handler(number)) for number in range(20)]
            await server.until(lambda: len(server.requests) == 20)
            for task in handlers:
                task.cancel()

        assert {f"{word} {n}" for word in ("except", "finally") for n in range(20)} == set(ended)


@pytest.mark.asyncio
async def test_closing_waits_for_handlers_in_task_groups() -> None:
    """A cancellation that has yet to come down through task groups is waited for, too."""
    ended: list[int] = []

    async def call(number: int) -> None:
        try:
            await engagelab.execute(SEND_SMS)
        finally:
            ended.append(number)

    async def handler(number: int) -> None:
        async with anyio.create_task_group() as outer, anyio.create_task_group() as inner:
            outer.start_soon(anyio.sleep_forever)
            inner.start_soon(call, number)

    with Hostile(hangs) as server:
        async with client(server.url) as engagelab:
            handlers = [asyncio.create_task(handler(number)) for number in range(5)]
            await server.until(lambda: len(server.requests) == 5)
            for task in handlers:
                task.cancel()

        assert list(range(5)) == sorted(ended)
        await asyncio.wait(handlers)


@pytest.mark.asyncio
async def test_closing_does_not_wait_for_calls_that_go_on() -> None:
    """Nor for the task that closes, though it is being cancelled itself."""
    with Hostile(hangs) as server:
        engagelab = client(server.url)

        async def closes() -> None:
            try:
                await engagelab.execute(SEND_SMS)
            finally:
                await engagelab.aclose()

        going_on = asyncio.create_task(engagelab.execute(SEND_SMS))
        closing = asyncio.create_task(closes())
        await server.until(lambda: len(server.requests) == 2)
        closing.cancel()
        await asyncio.wait({closing})

        assert (False, True) == (going_on.done(), closing.cancelled())
        going_on.cancel()
        await asyncio.wait({going_on})


@pytest.mark.asyncio
async def test_a_handler_that_does_not_end_holds_up_the_closing_for_seconds_only() -> None:
    """A handler may even wait for the closing."""
    closed = asyncio.Event()

    async def handler() -> None:
        try:
            await engagelab.execute(SEND_SMS)
        finally:
            await closed.wait()

    with Hostile(hangs) as server:
        async with client(server.url) as engagelab:
            engagelab._transport.grace = 0.01  # noqa: SLF001
            task = asyncio.create_task(handler())
            await server.until(lambda: len(server.requests) == 1)
            task.cancel()
        closed.set()
        await asyncio.wait({task})

    assert task.cancelled()


@pytest.mark.asyncio
async def test_closing_beside_a_call_on_trio() -> None:
    """A thread with a loop of trio has no task that could be asked."""
    began, go_on = threading.Event(), threading.Event()

    class Waiting:
        async def send(
            self,
            request: Request,
            *,
            timeout: float | None,
            max_bytes: int,
        ) -> Response:
            began.set()
            await anyio.to_thread.run_sync(go_on.wait)
            return Response(200, {}, json.dumps(PLAN).encode())

        async def aclose(self) -> None:
            """Have nothing to close."""

    async def send() -> object:
        return await engagelab.sms.send("+6591234567", "1233")

    engagelab = EngageLab(sms=PAIR, http=Waiting())
    call = asyncio.create_task(asyncio.to_thread(trio.run, send))
    await asyncio.to_thread(began.wait)
    await engagelab.aclose()
    go_on.set()

    assert isinstance(await call, Plan)
