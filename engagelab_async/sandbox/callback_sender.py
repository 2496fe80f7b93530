"""Sends callbacks, one request at a time, and retries those that fail.

::

    `take` ──> rows that wait
                    │ up to `max_rows` of one product
      overtaken, <──┤
      duplicated    └──> a callback ──> answered with 200: it is over
                              ↑    └──> not answered so within 3 seconds: a task of its own
                              └──────── waits, longer each time, and tries again; or gives up

A callback that waits for its next try does not delay the others.
"""

import asyncio
import random
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial
from typing import Final

import httpx
from attrs import define, evolve

from engagelab_async.webhooks.signatures import SIGNATURE_HEADER, sign

from .callbacks import CallbackDelivery, Callbacks, CallbackTry, Row, body_of
from .loop import Wakeup
from .outbox import Product

_LONGEST_ANSWER: Final = 2048  # bytes
_CHECKS: Final[tuple[tuple[Product, str], ...]] = (("otp", ""), ("sms", "{}"))


@define
class PendingCallback:
    """A callback that is not over, and when to try next, on the monotonic clock."""

    delivery: CallbackDelivery
    callbacks: Callbacks
    due: float = 0.0


class WaitingRows:
    """Rows that wait to be sent to one URL, some of which are duplicated or overtaken by others.

    A row waits some seconds, its ``patience``, for another to overtake it. At the documented pace,
    the next is a second away.
    """

    def __init__(self, callbacks: Callbacks, patience: float = 1.5) -> None:
        self.callbacks: Callbacks = callbacks
        self._patience = patience
        self._random = random.Random(callbacks.seed)  # noqa: S311 - nothing secret depends on it
        self._fresh: deque[Row] = deque()
        self._held: list[Row] = []
        self._held_until = 0.0

    def add(self, row: Row) -> None:
        """Add a row behind the others."""
        self._fresh.append(row)

    @property
    def due(self) -> float | None:
        """When there is something to take, on the monotonic clock."""
        if self._fresh:
            return 0.0
        return self._held_until if self._held else None

    def take(self, now: float) -> list[Row]:
        """Take the rows of one callback: all of one product, and perhaps none."""
        most = self.callbacks.max_rows
        fresh = self._take_fresh()
        if not fresh and now < self._held_until:
            return []
        going, staying = self._split(fresh)
        product = (fresh or self._held)[0].product
        overtaken = [row for row in self._held if row.product == product]
        others = [row for row in self._held if row.product != product]
        rows = [*going, *overtaken]
        self._held = [*others, *rows[most:], *staying]
        # If the last one goes, it has overtaken all that stay; otherwise they wait for one that
        # does.
        if fresh:
            is_overtaken = bool(going) and going[-1] is fresh[-1]
            self._held_until = now if is_overtaken else now + self._patience
        return rows[:most]

    def _take_fresh(self) -> list[Row]:
        fresh: list[Row] = []
        while self._fresh and len(fresh) < self.callbacks.max_rows:
            if fresh and self._fresh[0].product != fresh[0].product:
                break
            fresh.append(self._fresh.popleft())
        return fresh

    def _split(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        going: list[Row] = []
        staying: list[Row] = []
        for row in rows:
            # Both are drawn for every row: a seed decides alike, however rows are grouped.
            is_overtaken = self._random.random() < self.callbacks.reorder
            is_duplicated = self._random.random() < self.callbacks.duplicates
            (staying if is_overtaken else going).append(row)
            if is_duplicated:
                staying.append(row)
        return going, staying


class CallbackSender:
    """Sends the callbacks of one sandbox.

    Args:
        on_try: Called with a callback after each try to deliver it.
        pace: Factor for the platform's waits between tries.
        timeout: How many seconds the platform waits for an answer.
        patience: See `WaitingRows`.
        keep: How many callbacks to remember.
        most_pending: With so many callbacks that fail, new rows wait. As a callback is retried for
            days, there is room for many.
    """

    def __init__(
        self,
        on_try: Callable[[CallbackDelivery], object],
        pace: float = 1.0,
        *,
        timeout: float = 3.0,
        patience: float = 1.5,
        keep: int = 500,
        most_pending: int = 1000,
    ) -> None:
        self._on_try = on_try
        self._pace = pace
        self._timeout = timeout
        self._patience = patience
        self._keep = keep
        self._most_pending = most_pending
        self._rows: WaitingRows | None = None
        self._checks: deque[PendingCallback] = deque()
        self._pending: dict[int, PendingCallback] = {}
        self._deliveries: dict[int, CallbackDelivery] = {}
        self._last = 0
        self._wakeup = Wakeup()

    @property
    def callbacks(self) -> Callbacks | None:
        """Where callbacks go; the platform checks a URL that is set."""
        return None if self._rows is None else self._rows.callbacks

    @callbacks.setter
    def callbacks(self, callbacks: Callbacks | None) -> None:
        self._rows = None if callbacks is None else WaitingRows(callbacks, self._patience)
        if callbacks is not None:
            once = evolve(callbacks, attempts=1)
            self._checks.extend(self._new(once, product, body) for product, body in _CHECKS)
            self._wakeup.set()

    @property
    def deliveries(self) -> tuple[CallbackDelivery, ...]:
        """The newest callbacks, oldest first."""
        return tuple(self._deliveries.values())

    def take(self, row: Row) -> None:
        """Send a row, if callbacks go anywhere."""
        if self._rows is not None:
            self._rows.add(row)
            self._wakeup.set()

    async def run(self) -> None:
        """Send callbacks until cancelled; those that are not over go on with the next run."""
        while not (self._checks or self._pending or self._rows):
            await self._wakeup.wait()
        # No client, which would keep cookies, and fail at one that is not ASCII. No connection is
        # reused: the receiver may be closing it, and a callback that is lost waits for a minute.
        limits = httpx.Limits(max_keepalive_connections=0)
        # In a thread, as it reads the certificates of all authorities, which takes a moment.
        made = await asyncio.to_thread(httpx.AsyncHTTPTransport, trust_env=False, limits=limits)
        async with made as transport, asyncio.TaskGroup() as tasks:
            attempt = partial(self._try, transport, asyncio.Lock())
            for pending in self._pending.values():
                tasks.create_task(self._retry(pending, attempt))
            while True:
                fresh = self._next()
                if fresh is None:
                    due = self._rows_due
                    await self._wakeup.wait(None if due is None else max(due - time.monotonic(), 0))
                    continue
                # The first try is made here: meanwhile the next rows gather.
                self._pending[fresh.delivery.number] = fresh
                await attempt(fresh)
                if fresh.delivery.number in self._pending:
                    tasks.create_task(self._retry(fresh, attempt))

    # --------------------------------------------------------------------------- what is next

    def _next(self) -> PendingCallback | None:
        """Return the next callback: the check of a new URL, or one with the rows that wait."""
        if self._checks:
            return self._checks.popleft()
        if self._rows is None or self._rows_due is None:
            return None
        rows, callbacks = self._rows.take(time.monotonic()), self._rows.callbacks
        if not rows:
            return None
        messages = dict.fromkeys(row.message.number for row in rows if row.message is not None)
        return self._new(callbacks, rows[0].product, body_of(rows), tuple(messages))

    def _new(
        self, callbacks: Callbacks, product: Product, body: str, messages: tuple[int, ...] = ()
    ) -> PendingCallback:
        self._last += 1
        delivery = CallbackDelivery(
            number=self._last, url=callbacks.url, product=product, body=body, messages=messages
        )
        self._deliveries[delivery.number] = delivery
        if len(self._deliveries) > self._keep:
            del self._deliveries[next(iter(self._deliveries))]
        return PendingCallback(delivery, callbacks)

    @property
    def _rows_due(self) -> float | None:
        if self._rows is None or len(self._pending) >= self._most_pending:
            return None
        return self._rows.due

    # --------------------------------------------------------------------------- sending

    async def _retry(
        self, pending: PendingCallback, attempt: Callable[[PendingCallback], Awaitable[None]]
    ) -> None:
        """Try until it is over."""
        while pending.delivery.number in self._pending:
            await asyncio.sleep(pending.due - time.monotonic())
            await attempt(pending)
        self._wakeup.set()  # there is room for another

    async def _try(
        self, transport: httpx.AsyncHTTPTransport, turn: asyncio.Lock, pending: PendingCallback
    ) -> None:
        async with turn:  # one request at a time, in order
            tried = await self._post(pending, transport)
        number, tries = pending.delivery.number, (*pending.delivery.tries, tried)
        is_over = tried.status == httpx.codes.OK or len(tries) >= pending.callbacks.attempts
        pending.delivery = evolve(pending.delivery, tries=tries, is_over=is_over)
        pending.due = time.monotonic() + pending.callbacks.wait_after(len(tries), self._pace)
        if number in self._deliveries:
            self._deliveries[number] = pending.delivery
        if is_over:
            del self._pending[number]
        self._on_try(pending.delivery)

    async def _post(
        self, pending: PendingCallback, transport: httpx.AsyncHTTPTransport
    ) -> CallbackTry:
        at, began = datetime.now(UTC), time.monotonic()
        status, answer = None, b""
        request = httpx.Request(
            "POST",
            pending.delivery.url,
            content=pending.delivery.body.encode(),
            headers=_headers(pending.callbacks),
        )
        try:
            async with asyncio.timeout(self._timeout):
                response = await transport.handle_async_request(request)
                async with aclosing(response):
                    status = response.status_code
                    async for piece in response.aiter_raw():
                        answer += piece
                        if len(answer) >= _LONGEST_ANSWER:
                            break
        except Exception as error:  # noqa: BLE001 - whatever a receiver answers, go on
            if status is None:  # otherwise only the body broke off, which does not matter
                answer = f"{type(error).__name__}: {error}".encode(errors="replace")
        shown = answer[:_LONGEST_ANSWER].decode("utf-8", "replace")
        return CallbackTry(at, status, shown, time.monotonic() - began)


def _headers(callbacks: Callbacks) -> list[tuple[bytes, bytes]]:
    headers = [(b"Content-Type", b"application/json"), (b"Accept-Encoding", b"identity")]
    if callbacks.username is not None and callbacks.secret is not None:
        # The time of day, whatever the sandbox's own clock says: receivers compare it with theirs.
        signature = sign(
            callbacks.username,
            callbacks.secret,
            timestamp=int(time.time()),
            nonce=secrets.token_hex(8),
        )
        headers.append((SIGNATURE_HEADER.encode(), signature.encode()))
    if callbacks.authorization is not None:
        headers.append((b"Authorization", callbacks.authorization.encode()))
    return headers
