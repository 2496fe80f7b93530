"""What a program can do with the extra ``aiohttp``: the fast engine, a session, callbacks."""

import asyncio

from aiohttp import ClientSession, web

from engagelab_async import EngageLab
from engagelab_async.webhooks import Event, Verifier
from engagelab_async.webhooks.aiohttp import webhook_handler

ENGAGELAB = web.AppKey("ENGAGELAB", EngageLab)


async def send(request: web.Request) -> web.Response:
    """Send a code."""
    sent = await request.app[ENGAGELAB].otp.send(request.query["phone"], "login")
    return web.json_response(sent.to_dict())


async def handle(event: Event) -> None:
    """Take an event."""
    print(event.identity)


async def main() -> None:
    """Put an app together."""
    async with (
        ClientSession() as session,
        EngageLab.from_env(http=session) as engagelab,
        EngageLab.from_env(http="aiohttp"),
    ):
        app = web.Application()
        app[ENGAGELAB] = engagelab
        receive = webhook_handler(app, Verifier("shop", "my_secret"), handle)
        app.add_routes([web.post("/codes", send), web.post("/callbacks", receive)])


if __name__ == "__main__":
    asyncio.run(main())
