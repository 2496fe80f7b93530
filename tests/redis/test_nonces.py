"""Signatures that several workers remember."""

import time
from typing import Any

import pytest
from redis.asyncio import Redis

from engagelab_async import SignatureError
from engagelab_async.errors import ConfigurationError
from engagelab_async.redis import RedisNonces
from engagelab_async.webhooks import REPEAT_WINDOW, SIGNATURE_HEADER, Verifier, sign
from engagelab_async.webhooks.asgi import WebhookApp
from support.fake_clock import FakeClock

pytestmark = pytest.mark.asyncio

NOW = 1_700_000_000


def signed(nonce: str = "a", timestamp: int = NOW) -> dict[str, str]:
    """Make the headers of a callback."""
    return {SIGNATURE_HEADER: sign("shop", "secret", timestamp=timestamp, nonce=nonce)}


def verifier(redis: Redis, prefix: str, clock: FakeClock | None = None) -> Verifier:
    """Make the verifier of a worker."""
    nonces = RedisNonces(redis, prefix=prefix)
    return Verifier("shop", "secret", nonces=nonces, clock=clock or FakeClock(NOW))


async def accept(verifier: Verifier, headers: dict[str, str], body: bytes) -> str:
    """Return why a callback is refused; "" if it is accepted."""
    try:
        await verifier.accept(verifier.admit(headers), body)
    except SignatureError as error:
        return error.reason
    return ""


async def test_a_signature_is_good_for_one_body(redis: Redis, prefix: str) -> None:
    """With whichever worker it arrives."""
    here, there = verifier(redis, prefix), verifier(redis, prefix)

    assert ["", "", "replayed", ""] == [
        await accept(here, signed(), b"1"),
        await accept(there, signed(), b"1"),
        await accept(there, signed(), b"2"),
        await accept(there, signed("b"), b"2"),
    ]


@pytest.mark.parametrize(
    ("age", "body", "reason"),
    [
        (301, b"1", ""),
        (REPEAT_WINDOW - 1, b"1", ""),
        (301, b"2", "too_old"),
        (-301, b"2", "too_new"),
    ],
)
async def test_an_old_signature_is_good_for_a_repeat_alone(
    redis: Redis, prefix: str, age: int, body: bytes, reason: str
) -> None:
    """The platform repeats a callback for days, with its first signature."""
    clock = FakeClock(NOW)
    worker = verifier(redis, prefix, clock)
    await accept(worker, signed(), b"1")
    clock.now = NOW + age

    assert reason == await accept(worker, signed(), body)


async def test_an_old_signature_that_never_came_is_refused(redis: Redis, prefix: str) -> None:
    """As with a memory of one process."""
    worker = verifier(redis, prefix)

    assert "too_old" == await accept(worker, signed(timestamp=NOW - 301), b"1")
    assert "too_new" == await accept(worker, signed(timestamp=NOW + 301), b"1")


async def test_signatures_are_kept_as_long_as_they_may_be_repeated(
    redis: Redis, prefix: str
) -> None:
    """Then Redis forgets them by itself."""
    await accept(verifier(redis, prefix), signed(), b"1")
    (key,) = await redis.keys(f"{prefix}*")

    assert REPEAT_WINDOW - 60 < await redis.ttl(key) <= REPEAT_WINDOW


async def test_a_signature_that_is_forgotten_while_it_is_asked_for(prefix: str) -> None:
    """It is bound anew."""

    class Forgetting(Redis):
        """A Redis where the key expires between two commands."""

        answers = iter([None, None, True])

        async def execute_command(self, *command: Any, **_: Any) -> Any:  # noqa: ANN401
            """Answer."""
            return next(self.answers)

    assert await RedisNonces(Forgetting(), prefix=prefix).bind("1:a", b"1")


async def test_without_redis_nothing_is_accepted(prefix: str) -> None:
    """The platform sends it again: 503 is its sign to."""
    worker = verifier(Redis(port=1), prefix, FakeClock(time.time()))
    app, sent = WebhookApp(worker, print), []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [
        (name.lower().encode(), value.encode())
        for name, value in signed(timestamp=int(time.time())).items()
    ]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "client": None}
    await app(scope, receive, send)  # type: ignore[arg-type]

    assert 503 == sent[0]["status"]
    assert "unavailable" == await accept(worker, signed(timestamp=int(time.time())), b"1")


async def test_a_memory_of_one_process_is_asked_in_the_same_way() -> None:
    """`accept` is `bind` then."""
    worker = Verifier("shop", "secret", clock=FakeClock(NOW))

    assert ["", "replayed"] == [await accept(worker, signed(), each) for each in (b"1", b"2")]


async def test_shared_nonces_have_to_be_awaited(prefix: str) -> None:
    """A verifier that cannot ask them says what does."""
    worker = verifier(Redis(), prefix)

    with pytest.raises(ConfigurationError, match=r"await verifier\.accept"):
        worker.verify(signed(), b"1")

    class Half:
        async def bind(self, signature: str, body: bytes) -> bool:
            raise NotImplementedError

    for wrong in ("redis", Half()):
        with pytest.raises(TypeError, match=r"^nonces: "):
            Verifier("shop", "secret", nonces=wrong)  # type: ignore[arg-type]
