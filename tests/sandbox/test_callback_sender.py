"""Callbacks to a real server on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import anyio
import pytest
import pytest_asyncio
from attrs import evolve

from engagelab_async.sandbox import CallbackDelivery, Callbacks, SentMessage
from engagelab_async.sandbox.callback_sender import CallbackSender, WaitingRows
from engagelab_async.sandbox.callbacks import Row, status_row
from engagelab_async.sandbox.lifecycle import plan_of
from engagelab_async.webhooks import REPEAT_WINDOW
from engagelab_async.webhooks.signatures import sign
from support.clocks import LeapingClock
from support.hostile import Hostile, answers, floods, hangs, http, refusing, resets, says
from support.platforms import Platform

OK = answers(200)
CHECKS = 2
"""A new URL is checked once for each product, before anything else is sent."""


class Running:
    """A sender that runs, and the tries that it has made."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of the sender
        self._tried: asyncio.Queue[CallbackDelivery] = asyncio.Queue()
        self.sender = CallbackSender(self._tried.put_nowait, **options)

    async def send(self, callbacks: Callbacks, rows: list[Row], tries: int) -> None:
        """Set where callbacks go, send rows there, and wait for some tries after the checks."""
        self.sender.callbacks = callbacks
        for row in rows:
            self.sender.take(row)
        await self.tries(CHECKS + tries)

    async def tries(self, count: int) -> None:
        """Wait for some tries."""
        for _ in range(count):
            await self._tried.get()

    @property
    def deliveries(self) -> tuple[CallbackDelivery, ...]:
        """All callbacks but the checks."""
        return tuple(each for each in self.sender.deliveries if each.body not in ("", "{}"))

    @property
    def statuses(self) -> list[list[int | None]]:
        """The status of every try of every callback but the checks."""
        return [[tried.status for tried in each.tries] for each in self.deliveries]


@asynccontextmanager
async def running(started: Running) -> AsyncIterator[Running]:
    """Let a sender run."""
    task = asyncio.create_task(started.sender.run())
    try:
        yield started
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


T = TypeVar("T")


def by(clock: LeapingClock, main: Callable[[], Coroutine[object, object, T]]) -> T:
    """Run a test by a clock, and return what it returns."""
    return anyio.run(main, backend_options=clock.options("asyncio"))


@pytest_asyncio.fixture
async def sender() -> AsyncIterator[Running]:
    """A sender that runs."""
    async with running(Running()) as started:
        yield started


@pytest.fixture
def message(platform: Platform) -> SentMessage:
    """A message of the OTP product."""
    platform.send_otp({"to": "+6591234567", "template": {"id": "login"}})
    return platform.outbox.messages[-1]


def rows_of(message: SentMessage, count: int = 1) -> list[Row]:
    """Make rows of a message, numbered by their time."""
    row = status_row(message, plan_of(message, pace=1)[0])
    return [evolve(row, content={**row.content, "itime": number}) for number in range(count)]


def received(server: Hostile) -> list[list[int]]:
    """Return the numbers of the rows in each callback but the checks."""
    bodies = [json.loads(request.body) for request in server.requests[CHECKS:]]
    return [[row["itime"] for row in body["rows"]] for body in bodies]


class TestCheck:
    """A new URL is checked as the platform checks one that is saved."""

    @pytest.mark.asyncio
    async def test_a_body_for_each_product(self, sender: Running) -> None:
        """An empty one for OTP, and one of {} for SMS; both are recorded."""
        with Hostile(OK) as server:
            await sender.send(Callbacks(server.url), [], tries=0)

        assert [b"", b"{}"] == [request.body for request in server.requests]
        assert [("otp", True, True), ("sms", True, True)] == [
            (each.product, each.is_over, each.is_answered) for each in sender.sender.deliveries
        ]

    @pytest.mark.asyncio
    async def test_a_failed_check_changes_nothing(
        self, sender: Running, message: SentMessage
    ) -> None:
        """It is not retried, and callbacks are sent."""
        with Hostile(answers(500), answers(500), OK) as server:
            await sender.send(Callbacks(server.url), rows_of(message), tries=1)

        assert [[0]] == received(server)
        assert [(True, False), (True, False), (True, True)] == [
            (each.is_over, each.is_answered) for each in sender.sender.deliveries
        ]


class TestRequest:
    """What a callback is made of."""

    @pytest.mark.asyncio
    async def test_it_is_signed(self, sender: Running, message: SentMessage) -> None:
        """Each try has a signature of its own, which the secret reproduces."""
        with Hostile(OK) as server:
            callbacks = Callbacks(
                server.url, username="shop", secret="my_secret", authorization="Bearer b"
            )
            await sender.send(callbacks, rows_of(message), tries=1)

        headers = [request.values("x-callback-id")[0] for request in server.requests]
        for header in headers:
            fields = dict(part.split("=") for part in header.split(";"))
            again = sign(
                "shop", "my_secret", timestamp=int(fields["timestamp"]), nonce=fields["nonce"]
            )
            assert header == again
        assert 3 == len(set(headers))
        assert ["Bearer b"] == server.requests[-1].values("authorization")
        assert ["application/json"] == server.requests[-1].values("content-type")

    @pytest.mark.asyncio
    async def test_without_a_secret_there_is_no_signature(self, sender: Running) -> None:
        """Nor is there any authorization."""
        with Hostile(OK) as server:
            await sender.send(Callbacks(server.url), [], tries=0)

        assert [] == server.requests[0].values("x-callback-id")
        assert [] == server.requests[0].values("authorization")

    @pytest.mark.asyncio
    async def test_it_has_no_cookies(self, sender: Running, message: SentMessage) -> None:
        """The platform keeps none, either."""
        cookie = answers(200, headers={"Set-Cookie": "a=b; Path=/"})
        with Hostile(cookie, cookie, OK) as server:
            await sender.send(Callbacks(server.url), rows_of(message), tries=1)

        assert [[]] * 3 == [request.values("cookie") for request in server.requests]

    @pytest.mark.asyncio
    async def test_rows_that_wait_go_together(self, sender: Running, message: SentMessage) -> None:
        """As many as a callback may hold, in their order."""
        with Hostile(OK) as server:
            await sender.send(Callbacks(server.url, max_rows=3), rows_of(message, 7), tries=3)

        assert [[0, 1, 2], [3, 4, 5], [6]] == received(server)

    @pytest.mark.asyncio
    async def test_products_do_not_share_a_callback(
        self, sender: Running, platform: Platform, message: SentMessage
    ) -> None:
        """Rows of OTP and of SMS go in callbacks of their own."""
        platform.send_sms({"to": "+6591234567", "template": {"id": "7", "params": {}}})
        rows = [*rows_of(message, 2), *rows_of(platform.outbox.messages[-1])]
        with Hostile(OK) as server:
            await sender.send(Callbacks(server.url), rows, tries=2)

        assert [[0, 1], [0]] == received(server)
        assert [("otp", (1,)), ("sms", (2,))] == [
            (each.product, each.messages) for each in sender.deliveries
        ]


class TestAnswer:
    """Which answers end a callback, and which are failures."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\xff\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 \xff\r\nX: \xfe\xff\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nLocation: https://[\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad",
            b"HTTP/1.1 200 OK\r\nContent-Type: \xff\r\nContent-Length: 2\r\n\r\n\xff\xff",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ],
    )
    async def test_an_odd_200(self, sender: Running, message: SentMessage, answer: bytes) -> None:
        """Only the status counts; the next callback is sent."""
        with Hostile(OK, OK, says(answer), OK) as server:
            await sender.send(Callbacks(server.url, max_rows=1), rows_of(message, 2), tries=2)

        assert [[0], [1]] == received(server)
        assert [[200], [200]] == sender.statuses

    @pytest.mark.asyncio
    async def test_an_endless_200(self, sender: Running, message: SentMessage) -> None:
        """Of the body only the beginning is read and kept."""
        with Hostile(OK, OK, floods(), OK) as server:
            await sender.send(Callbacks(server.url), rows_of(message), tries=1)

        assert [[200]] == sender.statuses
        assert " " * 2048 == sender.deliveries[0].tries[0].answer

    @pytest.mark.asyncio
    async def test_a_200_that_breaks_off(self, sender: Running, message: SentMessage) -> None:
        """Its status came, and the rest of the body does not matter."""
        cut = says(http(200, b"cut", {"Content-Length": "9"}), then=lambda peer: peer.closes())
        with Hostile(OK, OK, cut) as server:
            await sender.send(Callbacks(server.url), rows_of(message), tries=1)

        assert [[200]] == sender.statuses
        assert "cut" == sender.deliveries[0].tries[0].answer

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("failure", "status", "answer"),
        [
            (answers(503, {"busy": True}), 503, '{"busy": true}'),
            (answers(204), 204, ""),
            (answers(302, headers={"Location": "/elsewhere"}), 302, ""),
            (resets, None, "ReadError: "),
            (says(b"nonsense\r\n\r\n"), None, "RemoteProtocolError: "),
        ],
    )
    async def test_anything_else_is_retried(
        self,
        sender: Running,
        message: SentMessage,
        failure: Callable[[Any], object],
        status: int | None,
        answer: str,
    ) -> None:
        """The same body, until it is answered; every try is recorded."""
        with Hostile(OK, OK, failure, failure, OK) as server:
            await sender.send(Callbacks(server.url, backoff=0), rows_of(message), tries=3)
        (delivery,) = sender.deliveries

        assert [[0], [0], [0]] == received(server)
        assert [[status, status, 200]] == sender.statuses
        assert delivery.tries[0].answer.startswith(answer)
        assert (True, True, False) == (
            delivery.is_over,
            delivery.is_answered,
            delivery.has_failed,
        )

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 99999 OK\r\n\r\n",
            b"HTTP/1.1 301 Moved\r\nLocation: mailto:a@b\r\nContent-Length: 0\r\n\r\n",
            b"\x16\x03\x01\x00\x05hello",
            b"\0" * 100,
        ],
    )
    async def test_a_broken_answer_is_retried(
        self, sender: Running, message: SentMessage, answer: bytes
    ) -> None:
        """On a connection of its own: the server may close the other at any moment."""
        broken = says(answer, then=lambda peer: peer.closes())
        with Hostile(OK, OK, broken, OK) as server:
            await sender.send(Callbacks(server.url, backoff=0), rows_of(message), tries=2)

        assert [False, True] == [status == 200 for status in sender.statuses[0]]
        assert CHECKS + 2 == server.connections

    def test_no_answer_in_time_is_retried(self, message: SentMessage) -> None:
        """The platform waits 3 seconds; this test leaps over a minute."""
        clock = LeapingClock()

        async def main() -> Running:
            with Hostile(OK, OK, hangs, OK) as server:
                server.on_stall = partial(clock.leap, 60)
                async with running(Running(timeout=60)) as sender:
                    await sender.send(Callbacks(server.url, backoff=0), rows_of(message), tries=2)
            return sender

        first, second = by(clock, main).deliveries[0].tries

        assert (None, "TimeoutError") == (first.status, first.answer.partition(":")[0])
        assert 200 == second.status

    @pytest.mark.asyncio
    async def test_it_gives_up(self, sender: Running, message: SentMessage) -> None:
        """After as many attempts as it is allowed."""
        with refusing() as url:
            await sender.send(Callbacks(url, attempts=2, backoff=0), rows_of(message), tries=2)
        (delivery,) = sender.deliveries

        assert ["ConnectError", "ConnectError"] == [
            each.answer.partition(":")[0] for each in delivery.tries
        ]
        assert (True, False, True) == (delivery.is_over, delivery.is_answered, delivery.has_failed)


class TestWaits:
    """When a callback is retried."""

    @pytest.mark.parametrize("pace", [1, 0.001, 0])
    def test_the_platform_s_schedule(self, pace: float) -> None:
        """It retries for almost 19 days; the sandbox's pace makes that shorter."""
        callbacks = Callbacks("http://127.0.0.1")
        waits = [callbacks.wait_after(attempts, pace) for attempts in range(1, callbacks.attempts)]
        minutes = [1, 10, 60, 120, 300, 600] + [1440] * 18

        assert [60 * each * pace for each in minutes] == pytest.approx(waits)
        assert 18 * 86_400 < sum(60 * each for each in minutes) < REPEAT_WINDOW

    @pytest.mark.asyncio
    async def test_the_pace_is_the_sandbox_s(self, message: SentMessage) -> None:
        """A test need not wait for the platform's minutes."""
        with Hostile(OK, OK, answers(500), answers(500), OK) as server:
            async with running(Running(pace=0.0001)) as sender:
                await sender.send(Callbacks(server.url), rows_of(message), tries=3)

        assert_waits(sender.deliveries[0], 0.006, 0.06)

    @pytest.mark.asyncio
    async def test_each_is_twice_the_one_before(
        self, sender: Running, message: SentMessage
    ) -> None:
        """Other callbacks overtake one that waits."""
        with Hostile(OK, OK, answers(500), OK, answers(500), OK) as server:
            callbacks = Callbacks(server.url, backoff=0.05, max_rows=1)
            await sender.send(callbacks, rows_of(message, 2), tries=4)

        assert [[0], [1], [0], [0]] == received(server)
        assert_waits(sender.deliveries[0], 0.05, 0.1)

    def test_a_failing_server_gets_nothing_new(self, message: SentMessage) -> None:
        """When many callbacks wait for a retry, rows wait too; they are not lost."""
        clock = LeapingClock()

        async def main() -> list[list[int]]:
            with Hostile(OK, OK, *[answers(500)] * 4, OK) as server:
                async with running(Running(most_pending=2)) as sender:
                    callbacks = Callbacks(server.url, attempts=2, backoff=60, max_rows=1)
                    await sender.send(callbacks, rows_of(message, 3), tries=2)
                    clock.leap(60)
                    await sender.tries(3)
            return received(server)

        *before, last_but_one, last = by(clock, main)
        assert [[0], [1], [0]] == before
        assert [[1], [2]] == sorted([last_but_one, last])


def assert_waits(delivery: CallbackDelivery, *seconds: float) -> None:
    """Assert that the tries of a callback are at least so far apart."""
    waits = [(after.at - before.at).total_seconds() for before, after in pairwise(delivery.tries)]
    assert [True] * len(seconds) == [
        wait >= least for wait, least in zip(waits, seconds, strict=True)
    ]


def test_only_the_newest_are_kept(message: SentMessage) -> None:
    """A sandbox that runs for long remembers a number of callbacks, and drops the oldest."""
    clock = LeapingClock()

    async def main() -> tuple[list[list[int]], list[int]]:
        with Hostile(OK, OK, answers(500), OK, OK, OK) as server:
            async with running(Running(keep=2)) as sender:
                callbacks = Callbacks(server.url, backoff=60, max_rows=1)
                await sender.send(callbacks, rows_of(message, 3), tries=3)
                clock.leap(60)
                await sender.tries(1)
        return received(server), [each.number for each in sender.sender.deliveries]

    assert ([[0], [1], [2], [0]], [4, 5]) == by(clock, main)


@pytest.mark.asyncio
async def test_callbacks_can_be_turned_off(sender: Running, message: SentMessage) -> None:
    """Without a URL rows go nowhere, and are not kept for a later one."""
    with Hostile(OK) as server:
        await sender.send(Callbacks(server.url), [], tries=0)
        sender.sender.callbacks = None
        sender.sender.take(rows_of(message)[0])
        await sender.send(Callbacks(server.url), [], tries=0)

    assert [b"", b"{}"] * 2 == [request.body for request in server.requests]


@pytest.mark.asyncio
async def test_what_a_stop_interrupts_is_sent_after_it(message: SentMessage) -> None:
    """A callback in flight is tried again when the sender runs again."""
    sender = Running()
    with Hostile(OK, OK, hangs, OK) as server:
        async with running(sender):
            await sender.send(Callbacks(server.url), rows_of(message), tries=0)
            await server.until(lambda: len(server.requests) == CHECKS + 1)
        await server.until(lambda: server.open == 0)
        async with running(sender):
            await sender.tries(1)

    assert [[0], [0]] == received(server)
    assert [[200]] == sender.statuses


@pytest.mark.asyncio
async def test_what_waits_at_a_stop_waits_after_it(message: SentMessage) -> None:
    """A retry is made when it is due, whenever the sender was started again."""
    sender = Running()
    with Hostile(OK, OK, answers(500), OK) as server:
        async with running(sender):
            await sender.send(Callbacks(server.url, backoff=0.2), rows_of(message), tries=1)
        async with running(sender):
            await sender.tries(1)

    assert [[500, 200]] == sender.statuses
    assert_waits(sender.deliveries[0], 0.2)


class TestMischief:
    """Duplicates and reordering on demand."""

    async def sent(self, rows: list[Row], tries: int, **mischief: float) -> list[list[int]]:
        """Send rows, and return the numbers of those in each callback."""
        with Hostile(OK) as server:
            async with running(Running(patience=0.05)) as sender:
                settings: dict[str, Any] = mischief
                await sender.send(Callbacks(server.url, **settings), rows, tries)
        return received(server)

    @pytest.mark.asyncio
    async def test_duplicates(self, message: SentMessage) -> None:
        """A row comes again in a later callback."""
        sent = await self.sent(rows_of(message, 3), 2, duplicates=1.0)

        assert [[0, 1, 2], [0, 1, 2]] == sent

    @pytest.mark.asyncio
    async def test_reordering(self, message: SentMessage) -> None:
        """Some rows are overtaken by the rest, and none is lost."""
        sent = await self.sent(rows_of(message, 20), 2, reorder=0.5, seed=1)

        assert 2 == len(sent)
        assert sent[1][0] < sent[0][-1]
        assert list(range(20)) == sorted(sent[0] + sent[1])

    def test_the_last_row_waits_to_be_overtaken(self, message: SentMessage) -> None:
        """A row that nothing has followed yet goes behind the next that comes."""
        rows = WaitingRows(Callbacks("http://127.0.0.1", reorder=0.5, seed=1))
        first, second = rows_of(message, 2)
        rows.add(first)
        alone = [rows.take(now=0), rows.take(now=1)]
        rows.add(second)

        assert [[], []] == alone
        assert [second, first] == rows.take(now=0)

    @pytest.mark.asyncio
    async def test_a_row_that_nothing_overtakes_goes_anyway(self, message: SentMessage) -> None:
        """After a moment without others it is sent."""
        sent = await self.sent(rows_of(message, 2), 1, reorder=1.0)

        assert [[0, 1]] == sent

    @pytest.mark.asyncio
    async def test_a_seed_decides(self, message: SentMessage) -> None:
        """The same seed plays the same tricks, another plays others."""
        first, again, other = [
            await self.sent(rows_of(message, 20), 2, reorder=0.5, duplicates=0.5, seed=seed)
            for seed in (7, 7, 8)
        ]

        assert first == again != other

    @pytest.mark.asyncio
    async def test_a_callback_is_never_too_long(self, message: SentMessage) -> None:
        """Rows that come twice go on to the next callback when this one is full."""
        sent = await self.sent(rows_of(message, 3), 3, duplicates=1.0, max_rows=2)

        assert [[0, 1], [2, 0], [1, 2]] == sent
