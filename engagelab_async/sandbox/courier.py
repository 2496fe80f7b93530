"""Sends callbacks from the server's event loop, one at a time, and sends again what fails.

::

    `take`, from any thread ──> rows that wait
                                      │ up to `max_rows` of one product
              overtaken, doubled <──  ├──────> a callback ──> answered with 200: it is over
                      │               │             ↑    └──> not so within 3 seconds
                      └──> behind the next rows     │              │
                                                    └── waits, ever longer, or is given up

A callback that waits to be tried again holds up none of the others.
"""

import asyncio
import heapq
import random
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from typing import Final

import httpx
from attrs import evolve, field, frozen

from engagelab_async.webhooks.signatures import SIGNATURE_HEADER, sign

from .bell import Bell
from .callbacks import CallbackDelivery, Callbacks, CallbackTry, Row, body_of
from .outbox import Product

_TIMEOUT: Final = 3.0  # seconds; what the platform allows
_LONGEST_ANSWER: Final = 2048  # bytes
_KEPT: Final = 500
# An endpoint that fails again and again gets no new callbacks meanwhile; their rows wait. As those
# that fail wait for up to a day, there is room for many.
_MOST_WAITING: Final = 1000
# How long a row waits for others to overtake it: at the documented pace, the next is a second away.
_PATIENCE: Final = 1.5
_CHECKS: Final[tuple[tuple[Product, str], ...]] = (("otp", ""), ("sms", "{}"))


@frozen(order=True)
class _Parcel:
    """A callback that is going to be tried.

    Attributes:
        due: When, on the monotonic clock.
        number: The number of the callback.
        delivery: The callback.
        callbacks: How to send it.
    """

    due: float
    number: int
    delivery: CallbackDelivery = field(order=False)
    callbacks: Callbacks = field(order=False)


class _Rows:
    """Rows that wait to be sent to one URL, some of which are doubled or let others overtake them.

    Attributes:
        callbacks: Where to, and how.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self.callbacks: Callbacks = callbacks
        self._dice = random.Random(callbacks.seed)  # noqa: S311 - nothing secret hangs on it
        self._fresh: deque[Row] = deque()
        self._held: list[Row] = []
        self._held_until = 0.0

    def add(self, row: Row) -> None:
        """Put a row behind the others; from any thread."""
        self._fresh.append(row)

    @property
    def due(self) -> float | None:
        """From when on there is something to take, on the monotonic clock."""
        if self._fresh:
            return 0.0
        return self._held_until if self._held else None

    def take(self, now: float) -> list[Row]:
        """Take the rows of one callback: of one product, and perhaps none."""
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
        # What goes last has overtaken all that stays; otherwise something still has to.
        if fresh:
            is_overtaken = bool(going) and going[-1] is fresh[-1]
            self._held_until = now if is_overtaken else now + _PATIENCE
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
            # Both are thrown for every row: a seed decides alike, however rows come together.
            overtaken = self._dice.random() < self.callbacks.reorder
            doubled = self._dice.random() < self.callbacks.duplicates
            (staying if overtaken else going).append(row)
            if doubled:
                staying.append(row)
        return going, staying


class Courier:
    """Sends the callbacks of one sandbox.

    Args:
        on_try: Called with the number of a callback after each try to deliver it.
        pace: By what to multiply the platform's waits between tries.
    """

    def __init__(self, on_try: Callable[[int], object], pace: float = 1.0) -> None:
        self._on_try = on_try
        self._pace = pace
        self._rows: _Rows | None = None
        self._waiting: list[_Parcel] = []
        self._deliveries: dict[int, CallbackDelivery] = {}
        self._last = 0
        self._unchecked: deque[Callbacks] = deque()
        self._bell = Bell()

    @property
    def callbacks(self) -> Callbacks | None:
        """Where callbacks go; may be set from any thread, which has the URL checked."""
        return None if self._rows is None else self._rows.callbacks

    @callbacks.setter
    def callbacks(self, callbacks: Callbacks | None) -> None:
        self._rows = None if callbacks is None else _Rows(callbacks)
        if callbacks is not None:
            self._unchecked.append(callbacks)
            self._bell.ring()

    @property
    def deliveries(self) -> tuple[CallbackDelivery, ...]:
        """The newest callbacks, oldest first; a copy."""
        return tuple(self._deliveries.values())

    def take(self, row: Row) -> None:
        """Have a row sent, if there is somewhere to send it; from any thread."""
        if self._rows is not None:
            self._rows.add(row)
            self._bell.ring()

    async def run(self) -> None:
        """Send callbacks, until it is cancelled."""
        async with AsyncExitStack() as stack:
            transport = None
            while True:
                parcel = self._next()
                if parcel is None:
                    await self._bell.wait(self._seconds_to_wait())
                    continue
                if transport is None:  # most sandboxes send no callbacks, and need none
                    # No client: it would keep cookies, and fail at one that is not ASCII.
                    transport = httpx.AsyncHTTPTransport(trust_env=False)
                    await stack.enter_async_context(transport)
                await self._try(transport, parcel)

    # --------------------------------------------------------------------------- what is next

    def _next(self) -> _Parcel | None:
        now = time.monotonic()
        while self._unchecked:
            callbacks = self._unchecked.popleft()
            for product, body in _CHECKS:
                delivery = self._new(callbacks, product, body)
                heapq.heappush(self._waiting, _Parcel(0.0, delivery.number, delivery, callbacks))
        if self._waiting and self._waiting[0].due <= now:
            return heapq.heappop(self._waiting)
        return self._filled(now)

    def _filled(self, now: float) -> _Parcel | None:
        waiting = self._rows
        if waiting is None or self._rows_due() is None:
            return None
        rows = waiting.take(now)
        if not rows:
            return None
        product = rows[0].product
        messages = dict.fromkeys(row.message.number for row in rows if row.message is not None)
        delivery = self._new(waiting.callbacks, product, body_of(rows), tuple(messages))
        return _Parcel(now, delivery.number, delivery, waiting.callbacks)

    def _rows_due(self) -> float | None:
        if self._rows is None or len(self._waiting) >= _MOST_WAITING:
            return None
        return self._rows.due

    def _new(
        self, callbacks: Callbacks, product: Product, body: str, messages: tuple[int, ...] = ()
    ) -> CallbackDelivery:
        self._last += 1
        delivery = CallbackDelivery(
            number=self._last, url=callbacks.url, product=product, body=body, messages=messages
        )
        self._deliveries[delivery.number] = delivery
        if len(self._deliveries) > _KEPT:
            del self._deliveries[next(iter(self._deliveries))]
        return delivery

    def _seconds_to_wait(self) -> float | None:
        times = [self._waiting[0].due] if self._waiting else []
        rows_due = self._rows_due()
        if rows_due is not None:
            times.append(rows_due)
        return max(min(times) - time.monotonic(), 0.0) if times else None

    # --------------------------------------------------------------------------- sending

    async def _try(self, transport: httpx.AsyncHTTPTransport, parcel: _Parcel) -> None:
        try:
            tried = await _posted(transport, parcel)
        except asyncio.CancelledError:
            heapq.heappush(self._waiting, evolve(parcel, due=0.0))  # when it is started again
            raise
        tries = (*parcel.delivery.tries, tried)
        is_check = parcel.delivery.body in dict(_CHECKS).values()
        is_over = (
            tried.status == httpx.codes.OK or is_check or len(tries) >= parcel.callbacks.attempts
        )
        delivery = evolve(parcel.delivery, tries=tries, is_over=is_over)
        if delivery.number in self._deliveries:
            self._deliveries[delivery.number] = delivery
        if not is_over:
            wait = parcel.callbacks.wait_after(len(tries), self._pace)
            again = evolve(parcel, due=time.monotonic() + wait, delivery=delivery)
            heapq.heappush(self._waiting, again)
        self._on_try(delivery.number)


async def _posted(transport: httpx.AsyncHTTPTransport, parcel: _Parcel) -> CallbackTry:
    """Post a callback, and tell what came of it."""
    at, began = datetime.now(UTC), time.monotonic()
    status, answer = None, b""
    request = httpx.Request(
        "POST",
        parcel.delivery.url,
        content=parcel.delivery.body.encode(),
        headers=_headers(parcel.callbacks),
    )
    try:
        async with asyncio.timeout(_TIMEOUT):
            response = await transport.handle_async_request(request)
            async with aclosing(response):
                status = response.status_code
                async for piece in response.aiter_raw():
                    answer += piece
                    if len(answer) >= _LONGEST_ANSWER:
                        break
    except Exception as error:  # noqa: BLE001 - whatever a receiver answers, others are sent to
        if status is None:  # otherwise it was the body that broke off, which nobody needs
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
