"""Callbacks on their way to a real server on loopback."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from attrs import evolve

from engagelab_async.sandbox import CallbackDelivery, Callbacks, SentMessage, courier
from engagelab_async.sandbox.callbacks import Row, status_row
from engagelab_async.sandbox.courier import Courier
from engagelab_async.sandbox.lifecycle import plan_of
from engagelab_async.sandbox.platform import Platform
from engagelab_async.webhooks import REPEAT_WINDOW
from engagelab_async.webhooks.signatures import sign
from support.hostile import Hostile, answers, floods, hangs, http, refusing, resets, says

OK = answers(200)
CHECKS = 2
"""The URL is checked for either product before anything else."""


class Office:
    """A courier at work, with what it has tried."""

    def __init__(self, pace: float = 1.0) -> None:
        self.tried: asyncio.Queue[int] = asyncio.Queue()
        self.courier = Courier(self.tried.put_nowait, pace)

    async def tries(self, count: int) -> tuple[CallbackDelivery, ...]:
        """Wait for some tries, and return the deliveries."""
        for _ in range(count):
            async with asyncio.timeout(10):
                await self.tried.get()
        return self.courier.deliveries

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let the courier run."""
        running = asyncio.create_task(self.courier.run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@pytest_asyncio.fixture
async def office() -> AsyncIterator[Office]:
    """A courier that runs."""
    office = Office()
    async with office.open():
        yield office


@pytest.fixture
def message(platform: Platform) -> SentMessage:
    """A message of the OTP product."""
    platform.send_otp({"to": "+6591234567", "template": {"id": "login"}})
    return platform.outbox.messages[-1]


def rows_of(message: SentMessage, count: int = 1) -> list[Row]:
    """Make rows that tell of a message; the seconds tell them apart."""
    row = status_row(message, plan_of(message, pace=1)[0])
    return [evolve(row, content={**row.content, "itime": number}) for number in range(count)]


def told(server: Hostile) -> list[list[int]]:
    """Tell which rows each callback brought, but for the checks."""
    bodies = [json.loads(request.body) for request in server.requests[CHECKS:]]
    return [[row["itime"] for row in body["rows"]] for body in bodies]


@pytest.mark.asyncio
async def test_a_new_url_is_checked(office: Office) -> None:
    """By an empty body for OTP, and one of {} for SMS; both are recorded."""
    with Hostile(OK) as server:
        office.courier.callbacks = Callbacks(server.url)
        deliveries = await office.tries(CHECKS)

        assert [b"", b"{}"] == [request.body for request in server.requests]
        assert ["otp", "sms"] == [each.product for each in deliveries]
        assert [True, True] == [each.is_over and each.is_answered for each in deliveries]


@pytest.mark.asyncio
async def test_a_failed_check_changes_nothing(office: Office, message: SentMessage) -> None:
    """It is not repeated, and callbacks are sent."""
    with Hostile(answers(500), answers(500), OK) as server:
        office.courier.callbacks = Callbacks(server.url)
        office.courier.take(rows_of(message)[0])
        deliveries = await office.tries(CHECKS + 1)

        assert [[0]] == told(server)
        assert [(True, False), (True, False), (True, True)] == [
            (each.is_over, each.is_answered) for each in deliveries
        ]


@pytest.mark.asyncio
async def test_callbacks_are_signed(office: Office, message: SentMessage) -> None:
    """Each try has a signature of its own that can be made again with the secret."""
    with Hostile(OK) as server:
        office.courier.callbacks = Callbacks(
            server.url, username="shop", secret="my_secret", authorization="Bearer b"
        )
        office.courier.take(rows_of(message)[0])
        await office.tries(CHECKS + 1)

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
async def test_without_a_secret_there_is_no_signature(office: Office) -> None:
    """Nor is there any authorization."""
    with Hostile(OK) as server:
        office.courier.callbacks = Callbacks(server.url)
        await office.tries(CHECKS)

        assert [] == server.requests[0].values("x-callback-id")
        assert [] == server.requests[0].values("authorization")


@pytest.mark.asyncio
async def test_rows_that_wait_go_together(office: Office, message: SentMessage) -> None:
    """As many as a callback may hold, in their order."""
    with Hostile(OK) as server:
        office.courier.callbacks = Callbacks(server.url, max_rows=3)
        for row in rows_of(message, 7):
            office.courier.take(row)
        await office.tries(CHECKS + 3)

        assert [[0, 1, 2], [3, 4, 5], [6]] == told(server)


@pytest.mark.asyncio
async def test_products_do_not_share_a_callback(
    office: Office, platform: Platform, message: SentMessage
) -> None:
    """Rows of OTP and of SMS go in callbacks of their own."""
    platform.send_sms({"to": "+6591234567", "template": {"id": "7", "params": {}}})
    other = platform.outbox.messages[-1]
    with Hostile(OK) as server:
        office.courier.callbacks = Callbacks(server.url)
        for row in [*rows_of(message, 2), *rows_of(other, 1)]:
            office.courier.take(row)
        deliveries = await office.tries(CHECKS + 2)

        assert [[0, 1], [0]] == told(server)
        assert [("otp", (1,)), ("sms", (2,))] == [
            (each.product, each.messages) for each in deliveries[CHECKS:]
        ]


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
async def test_what_is_not_answered_200_is_sent_again(
    office: Office,
    message: SentMessage,
    failure: Callable[[Any], object],
    status: int | None,
    answer: str,
) -> None:
    """The same body, until it is; every try is recorded."""
    with Hostile(OK, OK, failure, failure, OK) as server:
        office.courier.callbacks = Callbacks(server.url, backoff=0)
        office.courier.take(rows_of(message)[0])
        delivery = (await office.tries(CHECKS + 3))[-1]

        assert [[0], [0], [0]] == told(server)
        assert [status, status, 200] == [each.status for each in delivery.tries]
        assert delivery.tries[0].answer.startswith(answer)
        assert (True, True, False) == (
            delivery.is_over,
            delivery.is_answered,
            delivery.has_failed,
        )


@pytest.mark.asyncio
async def test_nobody_waits_for_ever_for_an_answer(
    office: Office, message: SentMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer in time is one that did not answer."""
    monkeypatch.setattr(courier, "_TIMEOUT", 0.1)
    with Hostile(OK, OK, hangs, OK) as server:
        office.courier.callbacks = Callbacks(server.url, backoff=0)
        office.courier.take(rows_of(message)[0])
        delivery = (await office.tries(CHECKS + 2))[-1]

    assert [(None, "TimeoutError"), (200, "")] == [
        (each.status, each.answer.partition(":")[0]) for each in delivery.tries
    ]
    assert delivery.tries[0].took < 3


@pytest.mark.asyncio
async def test_an_endless_answer_is_an_answer(office: Office, message: SentMessage) -> None:
    """What counts is the status; of the body only the beginning is read and kept."""
    with Hostile(OK, OK, floods(), says(http(200, b"cut", {"Content-Length": "9"}))) as server:
        office.courier.callbacks = Callbacks(server.url)
        office.courier.take(rows_of(message)[0])
        delivery = (await office.tries(CHECKS + 1))[-1]

    assert delivery.is_answered
    assert " " * 2048 == delivery.tries[0].answer


@pytest.mark.asyncio
async def test_an_answer_that_breaks_off_is_an_answer(office: Office, message: SentMessage) -> None:
    """Its status came, and the body is of no interest."""
    cut = says(http(200, b"cut", {"Content-Length": "9"}), then=lambda peer: peer.closes())
    with Hostile(OK, OK, cut) as server:
        office.courier.callbacks = Callbacks(server.url)
        office.courier.take(rows_of(message)[0])
        delivery = (await office.tries(CHECKS + 1))[-1]

    assert [(200, "cut")] == [(each.status, each.answer) for each in delivery.tries]


@pytest.mark.asyncio
async def test_it_gives_up(office: Office, message: SentMessage) -> None:
    """After as many attempts as it is allowed; later callbacks are sent all the same."""
    with refusing() as url:
        office.courier.callbacks = Callbacks(url, attempts=2, backoff=0)
        office.courier.take(rows_of(message)[0])
        delivery = (await office.tries(CHECKS + 2))[-1]

    assert ["ConnectError", "ConnectError"] == [
        each.answer.partition(":")[0] for each in delivery.tries
    ]
    assert (True, False, True) == (delivery.is_over, delivery.is_answered, delivery.has_failed)


@pytest.mark.asyncio
async def test_the_waits_grow(office: Office, message: SentMessage) -> None:
    """Each is twice the one before; other callbacks overtake one that waits."""
    with Hostile(OK, OK, answers(500), OK, answers(500), OK) as server:
        office.courier.callbacks = Callbacks(server.url, backoff=0.05, max_rows=1)
        for row in rows_of(message, 2):
            office.courier.take(row)
        delivery = (await office.tries(CHECKS + 4))[CHECKS]

        assert [[0], [1], [0], [0]] == told(server)
    waits = [(after.at - before.at).total_seconds() for before, after in pairwise(delivery.tries)]
    assert waits[0] >= 0.05
    assert waits[1] >= 0.1


ODD = [
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=\xff\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 \xff\r\nX: \xfe\xff\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nLocation: https://[\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad",
    b"HTTP/1.1 200 OK\r\nContent-Type: x; charset=\xff\r\nContent-Length: 2\r\n\r\n\xff\xff",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
]
BROKEN = [
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 99999 OK\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nLocation: mailto:a@b\r\nContent-Length: 0\r\n\r\n",
    b"\x16\x03\x01\x00\x05hello",
    b"\0" * 100,
]


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", ODD)
async def test_odd_answers_are_answers(office: Office, message: SentMessage, answer: bytes) -> None:
    """A status of 200 counts, whatever stands beside it; the next callback is sent."""
    with Hostile(OK, OK, says(answer), OK) as server:
        office.courier.callbacks = Callbacks(server.url, max_rows=1)
        for row in rows_of(message, 2):
            office.courier.take(row)
        deliveries = await office.tries(CHECKS + 2)

        assert [[0], [1]] == told(server)
    assert [[200], [200]] == [[each.status for each in one.tries] for one in deliveries[CHECKS:]]


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", BROKEN)
async def test_what_is_no_answer_ends_nothing(
    office: Office, message: SentMessage, answer: bytes
) -> None:
    """It is tried again, like any other failure."""
    broken = says(answer, then=lambda peer: peer.closes())
    with Hostile(OK, OK, broken, OK) as server:
        office.courier.callbacks = Callbacks(server.url, backoff=0)
        office.courier.take(rows_of(message)[0])
        delivery = (await office.tries(CHECKS + 2))[-1]

    assert [False, True] == [each.status == 200 for each in delivery.tries]


@pytest.mark.asyncio
async def test_it_keeps_no_cookies(office: Office, message: SentMessage) -> None:
    """The platform does not, either."""
    cookie = answers(200, headers={"Set-Cookie": "a=b; Path=/"})
    with Hostile(cookie, cookie, OK) as server:
        office.courier.callbacks = Callbacks(server.url)
        office.courier.take(rows_of(message)[0])
        await office.tries(CHECKS + 1)

        assert [[]] * 3 == [request.values("cookie") for request in server.requests]


@pytest.mark.parametrize("pace", [1, 0.001, 0])
def test_the_platform_s_schedule(pace: float) -> None:
    """It repeats for almost 19 days; the sandbox's pace makes that shorter."""
    callbacks = Callbacks("http://127.0.0.1")
    waits = [callbacks.wait_after(attempts, pace) for attempts in range(1, callbacks.attempts)]
    minutes = [1, 10, 60, 120, 300, 600] + [1440] * 18

    assert [60 * each * pace for each in minutes] == pytest.approx(waits)
    assert 18 * 86_400 < sum(60 * each for each in minutes) < REPEAT_WINDOW


@pytest.mark.asyncio
async def test_the_pace_is_the_sandbox_s(message: SentMessage) -> None:
    """A test that is in no hurry need not wait for the platform's minutes."""
    office = Office(pace=0.0001)
    with Hostile(OK, OK, answers(500), answers(500), OK) as server:
        async with office.open():
            office.courier.callbacks = Callbacks(server.url)
            office.courier.take(rows_of(message)[0])
            delivery = (await office.tries(CHECKS + 3))[-1]

    waits = [(after.at - before.at).total_seconds() for before, after in pairwise(delivery.tries)]
    assert 0.006 <= waits[0]
    assert 0.06 <= waits[1]


@pytest.mark.asyncio
async def test_a_failing_server_gets_nothing_new(
    office: Office, message: SentMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When many callbacks wait to be tried again, rows wait too; they are not lost."""
    monkeypatch.setattr(courier, "_MOST_WAITING", 2)
    with Hostile(OK, OK, *[answers(500)] * 4, OK) as server:
        office.courier.callbacks = Callbacks(server.url, attempts=2, backoff=0.05, max_rows=1)
        for row in rows_of(message, 3):
            office.courier.take(row)
        await office.tries(CHECKS + 5)

        *before, last_but_one, last = told(server)
        assert [[0], [1], [0]] == before
        assert [[1], [2]] == sorted([last_but_one, last])


@pytest.mark.asyncio
async def test_only_the_newest_are_kept(
    office: Office, message: SentMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox that runs for long remembers a number of callbacks, and drops the oldest."""
    monkeypatch.setattr(courier, "_KEPT", 2)
    with Hostile(OK, OK, answers(500), OK, OK, OK) as server:
        office.courier.callbacks = Callbacks(server.url, backoff=0.05, max_rows=1)
        for row in rows_of(message, 3):
            office.courier.take(row)
        deliveries = await office.tries(CHECKS + 4)

        assert [[0], [1], [2], [0]] == told(server)
    assert [4, 5] == [each.number for each in deliveries]


@pytest.mark.asyncio
async def test_callbacks_can_be_turned_off(office: Office, message: SentMessage) -> None:
    """Without a URL rows go nowhere, and are not kept for a later one."""
    with Hostile(OK) as server:
        office.courier.callbacks = Callbacks(server.url)
        await office.tries(CHECKS)
        office.courier.callbacks = None
        office.courier.take(rows_of(message)[0])
        office.courier.callbacks = Callbacks(server.url)
        await office.tries(CHECKS)

        assert [b"", b"{}"] * 2 == [request.body for request in server.requests]


@pytest.mark.asyncio
async def test_what_was_under_way_is_sent_after_a_stop(message: SentMessage) -> None:
    """A callback that the stop interrupts is tried again when the courier runs again."""
    office = Office()
    with Hostile(OK, OK, hangs, OK) as server:
        office.courier.callbacks = Callbacks(server.url)
        async with office.open():
            office.courier.take(rows_of(message)[0])
            await server.until(lambda: len(server.requests) == CHECKS + 1)
        await server.until(lambda: server.open == 0)
        async with office.open():
            delivery = (await office.tries(CHECKS + 1))[-1]

        assert [[0], [0]] == told(server)
    assert [200] == [each.status for each in delivery.tries]


class TestMischief:
    """Duplicates and reordering on demand."""

    async def brought(
        self, office: Office, rows: Sequence[Row], callbacks: int, **mischief: float
    ) -> list[list[int]]:
        """Send rows, and tell which each callback brought."""
        with Hostile(OK) as server:
            settings: dict[str, Any] = mischief
            office.courier.callbacks = Callbacks(server.url, **settings)
            for row in rows:
                office.courier.take(row)
            await office.tries(CHECKS + callbacks)
            return told(server)

    @pytest.mark.asyncio
    async def test_duplicates(self, office: Office, message: SentMessage) -> None:
        """A row comes again in a later callback."""
        brought = await self.brought(office, rows_of(message, 3), 2, duplicates=1.0)

        assert [[0, 1, 2], [0, 1, 2]] == brought

    @pytest.mark.asyncio
    async def test_reordering(self, office: Office, message: SentMessage) -> None:
        """Some rows are overtaken by the rest, and none is lost."""
        brought = await self.brought(office, rows_of(message, 20), 2, reorder=0.5, seed=1)

        assert 2 == len(brought)
        assert brought[1][0] < brought[0][-1]
        assert list(range(20)) == sorted(brought[0] + brought[1])

    def test_the_last_row_waits_to_be_overtaken(self, message: SentMessage) -> None:
        """A row that nothing has followed yet goes behind the next that comes."""
        rows = courier._Rows(Callbacks("http://127.0.0.1", reorder=0.5, seed=1))  # noqa: SLF001
        first, second = rows_of(message, 2)
        rows.add(first)
        alone = [rows.take(now=0), rows.take(now=1)]
        rows.add(second)

        assert [[], []] == alone
        assert [second, first] == rows.take(now=0)

    @pytest.mark.asyncio
    async def test_a_row_that_nothing_overtakes_goes_anyway(
        self, office: Office, message: SentMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a moment without others it is sent."""
        monkeypatch.setattr(courier, "_PATIENCE", 0.05)
        brought = await self.brought(office, rows_of(message, 2), 1, reorder=1.0)

        assert [[0, 1]] == brought

    @pytest.mark.asyncio
    async def test_a_seed_decides(
        self, message: SentMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The same seed plays the same tricks, another plays others."""
        monkeypatch.setattr(courier, "_PATIENCE", 0.05)
        played = []
        for seed in (7, 7, 8):
            office = Office()
            async with office.open():
                tricks = {"reorder": 0.5, "duplicates": 0.5, "seed": seed}
                played.append(await self.brought(office, rows_of(message, 20), 2, **tricks))

        assert played[0] == played[1] != played[2]

    @pytest.mark.asyncio
    async def test_a_callback_is_never_too_long(self, office: Office, message: SentMessage) -> None:
        """Rows that come twice go on to the next callback when this one is full."""
        brought = await self.brought(office, rows_of(message, 3), 3, duplicates=1.0, max_rows=2)

        assert [[0, 1], [2, 0], [1, 2]] == brought
