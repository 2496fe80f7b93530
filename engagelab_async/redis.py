"""What several processes of a web app share in Redis, or in Valkey.

::

    callback ──> any worker ──> RedisNonces      which body came with which signature
                    │  └──────> RedisSeenStore   which events are new, in flight or handled
                    └─────────> RedisTracker ──> the worker that waits for the message
    send ────────> any worker ──> RedisRate      one rate for all

Each takes a client of ``redis.asyncio`` or ``valkey.asyncio``, which the caller makes and closes.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import logging
import math
import secrets
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from engagelab_async.arguments import check_seconds, check_text, identifier
from engagelab_async.bulk.rate import Rate
from engagelab_async.bulk.turns import Turns, rate_of
from engagelab_async.webhooks.events import Event, MessageStatus
from engagelab_async.webhooks.seen import REPEAT_WINDOW, Progress
from engagelab_async.webhooks.tracking import GRACE, Milestone, Tracker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

_logger: Final = logging.getLogger("engagelab_async")

_HANDLED: Final = b"handled"
_IN_FLIGHT: Final = b"in flight: "
_LEASE: Final = 600.0
_A_DAY: Final = 86_400.0
_PAUSE: Final = 1.0
"""Seconds before a lost subscription is renewed."""

_ABANDON: Final = """
local known = redis.call('GET', KEYS[1])
if known and string.sub(known, 1, #ARGV[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""
_TAKE_TURNS: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local due = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local after = due + ARGV[1]
redis.call('SET', KEYS[1], string.format('%.6f', after), 'PX', math.ceil((after - now) * 1000) + 1)
return string.format('%.6f', due - now)
"""


class RedisSeenStore:
    """A `SeenStore` that all workers of an app share.

    An event is in flight until it is handled, and handled for `REPEAT_WINDOW`, for which the
    platform may repeat it. What Redis loses may be handled twice: run it with
    ``maxmemory-policy noeviction``. One event takes about 150 bytes.

    Args:
        redis: A client.
        prefix: What its keys begin with.
        lease: After how many seconds an event that is in flight is new again: longer than a handler
            takes.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument is invalid; the text names it.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self, redis: Redis, *, prefix: str = "engagelab:seen:", lease: float = _LEASE
    ) -> None:
        self._redis = _client(redis)
        self._prefix = check_text(prefix, "prefix")
        self._lease = math.ceil(check_seconds(lease, "lease") * 1000)

    async def begin(self, identity: str, owner: str) -> Progress:
        """Take an event to be handled; see `SeenStore.begin`."""
        key = self._prefix + identity
        # Each call has its own: a client that lost the answer has repeated the command.
        mark = _mark(owner) + secrets.token_hex(8).encode()
        while not await self._redis.set(key, mark, nx=True, px=self._lease):
            state = _bytes(await self._redis.get(key))
            if state == mark:
                break
            if state is not None:  # or its lease ended in between
                return "handled" if state == _HANDLED else "in_flight"
        return "new"

    async def commit(self, identity: str) -> None:
        """Remember an event as handled."""
        await self._redis.set(self._prefix + identity, _HANDLED, ex=REPEAT_WINDOW)

    async def abandon(self, identity: str, owner: str) -> None:
        """Make an event new again; see `SeenStore.abandon`."""
        await cast("Any", self._redis.eval)(_ABANDON, 1, self._prefix + identity, _mark(owner))


class RedisNonces:
    """Remembers for all workers which body came with which signature: ``Verifier(nonces=…)``.

    A signature is remembered for `REPEAT_WINDOW`. If Redis cannot be asked, callbacks are answered
    503, and the platform sends them again. If it loses its data, a signature that is still fresh,
    which is 5 minutes by default, could be used with another body.

    Args:
        redis: A client.
        prefix: What its keys begin with.

    Raises:
        TypeError: An argument is of another type.
        ValueError: `prefix` is empty.

    .. versionadded:: 0.1.0
    """

    def __init__(self, redis: Redis, *, prefix: str = "engagelab:nonce:") -> None:
        self._redis = _client(redis)
        self._prefix = check_text(prefix, "prefix")

    async def bind(self, signature: str, body: bytes) -> bool:
        """Remember a signature's body; see `NonceStore.bind`."""
        key = self._key(signature)
        while not await self._redis.set(key, body.hex(), nx=True, ex=REPEAT_WINDOW):
            known = _bytes(await self._redis.get(key))
            if known is not None:
                return known == body.hex().encode()
        return True

    async def knows(self, signature: str, body: bytes) -> bool:
        """Return whether a signature came with this body; see `NonceStore.knows`."""
        return _bytes(await self._redis.get(self._key(signature))) == body.hex().encode()

    def _key(self, signature: str) -> str:
        # A nonce may be long.
        return self._prefix + hashlib.blake2b(signature.encode(), digest_size=16).hexdigest()


class RedisTracker(Tracker):
    """A `Tracker` for several workers: the one that waits need not be the one that is called back.

    Use it as a handler, and keep it open while the app runs::

        tracker = RedisTracker(redis)
        async with tracker.listening():
            ...

    An event is kept in Redis, recipient included, for a day, and published on a channel. A worker
    whose subscription is lost subscribes again, and reads what was published in between. asyncio
    only.

    Args:
        redis: A client.
        prefix: What its keys and the channel begin with.
        keep: How many seconds the statuses of a message are kept after the last one.
        capacity: See `Tracker`.
        grace: See `Tracker`.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument is invalid; the text names it.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        redis: Redis,
        *,
        prefix: str = "engagelab:status:",
        keep: float = _A_DAY,
        capacity: int = 10_000,
        grace: float = GRACE,
    ) -> None:
        super().__init__(capacity=capacity, grace=grace)
        self._redis = _client(redis)
        self._prefix = check_text(prefix, "prefix")
        self._keep = math.ceil(check_seconds(keep, "keep"))
        self._is_listening = False

    async def __call__(self, event: Event) -> None:
        """Keep an event for all workers, and wake the coroutines that wait for it."""
        if not self.concerns(event):
            return
        key = self._prefix + event.message_id
        text = json.dumps(event.to_dict())
        # A repeat does not count as news: the first of each status and channel stays.
        name = json.dumps([event.status, event.channel, event.current_send_channel])
        commands: Any = self._redis.pipeline(transaction=True)
        async with commands:
            await (
                commands.hsetnx(key, name, text)
                .expire(key, self._keep)
                .publish(self._prefix, text)
                .execute()
            )
        await super().__call__(event)

    async def wait_for(
        self,
        message_id: str,
        *,
        until: Milestone = "delivered",
        timeout: float = 60.0,
        grace: float | None = None,
    ) -> MessageStatus:
        """Wait until a message has reached a status, or a later one; see `Tracker.wait_for`.

        Raises:
            RuntimeError: It does not listen.
        """
        if not self._is_listening:
            raise RuntimeError("the tracker does not listen: use `async with tracker.listening()`")
        await self._read(identifier(message_id, "message_id"))
        return await super().wait_for(message_id, until=until, timeout=timeout, grace=grace)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen to what other workers are told, within the block.

        If Redis cannot be reached, the client's error leaves the block's beginning.

        Raises:
            RuntimeError: It listens already.
        """
        if self._is_listening:
            raise RuntimeError("the tracker listens already")
        self._is_listening = True
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # No task group: it would wrap the exceptions of the caller's block.
        listener = asyncio.create_task(self._listen(started))
        try:
            await asyncio.wait([listener, started], return_when=asyncio.FIRST_COMPLETED)
            if listener.done():
                listener.result()
            yield
        finally:
            self._is_listening = False
            listener.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([listener])

    async def _listen(self, started: asyncio.Future[None]) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(self._prefix)
                    if not started.done():
                        started.set_result(None)
                    for message_id in self.awaited():
                        await self._read(message_id)
                    async for message in channel.listen():
                        await self._handle(message["data"])
            except Exception as error:
                if not started.done():
                    raise
                _logger.warning("lost the subscription to Redis: %s", type(error).__name__)
                await anyio.sleep(_PAUSE)

    async def _read(self, message_id: str) -> None:
        for text in await cast("Any", self._redis.hvals)(self._prefix + message_id):
            await self._handle(text)

    async def _handle(self, text: str | bytes) -> None:
        try:
            event = _event(text)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # As one of another version may be: the others must not wait for it.
            _logger.warning("an event in Redis cannot be read: %s", type(error).__name__)
        else:
            await super().__call__(event)


class RedisRate:
    """A rate limit that several processes keep together: a `Limiter`.

    In any second, all together send at most the rate and one block of 50 ms for each process. The
    clock is that of Redis. Give it to `EngageLab.fan_out` or `EngageLab.send_all` as their rate.

    Args:
        redis: A client.
        name: What all that share it call it.
        rate: Requests a second, or a `Rate`, which can count targets; its ``burst`` does not
            count. All that share it have to give the same.
        prefix: What its key begins with.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is invalid; the text names it.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self, redis: Redis, name: str, rate: float | Rate, *, prefix: str = "engagelab:rate:"
    ) -> None:
        self._redis = _client(redis)
        self._key = check_text(prefix, "prefix") + check_text(name, "name")
        made = rate_of(rate)
        self._interval = 1 / float(made.per_second)
        self._turns = Turns(self._take, made)

    async def acquire(self, requests: int, targets: int) -> None:
        """Wait until a request may be sent; see `Limiter`."""
        await self._turns.acquire(requests, targets)

    async def _take(self, turns: float) -> float:
        taken = turns * self._interval
        return float(await cast("Any", self._redis.eval)(_TAKE_TURNS, 1, self._key, taken))


def _mark(owner: str) -> bytes:
    return _IN_FLIGHT + owner.encode() + b" "


def _client(redis: Redis) -> Redis:
    """Refuse what is no client of asyncio: its commands would block, or do nothing."""
    if not inspect.iscoroutinefunction(getattr(redis, "execute_command", None)):
        raise TypeError(
            "redis: expected a client of redis.asyncio or valkey.asyncio, "
            f"got {type(redis).__module__}.{type(redis).__name__}"
        )
    return redis


def _bytes(value: object) -> bytes | None:
    """Return what a client answered, whether or not it decodes."""
    return value.encode() if isinstance(value, str) else cast("bytes | None", value)


def _event(text: str | bytes) -> MessageStatus:
    fields = json.loads(text)
    del fields["type"]
    for name in ("itime", "msg_time"):
        fields[name] = fields[name] and datetime.fromisoformat(fields[name])
    return MessageStatus(**fields)
