"""What a user of Redis writes, with the extra ``redis`` alone."""

import asyncio

from redis.asyncio import Redis

from engagelab_async import SignatureError
from engagelab_async.redis import RedisNonces, RedisRate, RedisSeenStore, RedisTracker
from engagelab_async.webhooks import Event, Verifier
from engagelab_async.webhooks.asgi import WebhookApp

redis = Redis(port=1)
tracker = RedisTracker(redis)
rate = RedisRate(redis, "sms", 200)
verifier = Verifier("shop", "secret", nonces=RedisNonces(redis))


async def handle(event: Event) -> None:
    """Pass an event on."""
    await tracker(event)


app = WebhookApp(verifier, handle, seen=RedisSeenStore(redis))


async def main() -> None:
    """Refuse what is not signed, which needs no server."""
    async with redis:
        try:
            await verifier.accept(verifier.admit({}), b"")
        except SignatureError as error:
            print(error.reason)


asyncio.run(main())
