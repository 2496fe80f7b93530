"""Notify customers about their orders: an aiohttp app with one shared client.

::

    POST /orders/1042/shipped   {"phone": "+6591234567"}                   a message to one
    POST /delays                {"phones": ["+65…", "+92…"], "day": "…"}   an SMS to many

    202   {"sent": "yes", …}        the platform accepted it
    202   {"sent": "maybe"}         it is not known; a retry could cause a duplicate
    4xx   {"sent": "no", "why": …}  it was refused; a retry would be refused, too
    503   {"sent": "no", "why": …}  it was not sent; a retry later is safe

To try it without an account, start the sandbox in one terminal and the app in another::

    engagelab sandbox --port 8025

    export ENGAGELAB_DEV_KEY=any ENGAGELAB_DEV_SECRET=any
    export ENGAGELAB_OTP_BASE_URL=http://127.0.0.1:8025/otp
    export ENGAGELAB_SMS_BASE_URL=http://127.0.0.1:8025/sms
    python examples/aiohttp_orders.py
"""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from engagelab_async import (
    EngageLab,
    EngageLabError,
    InvalidRequestError,
    SendCustomMessage,
    SendFailedError,
    SendSMS,
    Template,
)

logger = logging.getLogger("aiohttp_orders")

ENGAGELAB = web.AppKey("ENGAGELAB", EngageLab)
routes = web.RouteTableDef()


@routes.post("/orders/{order}/shipped")
async def shipped(request: web.Request) -> web.Response:
    """Notify one customer, on the channel that the template's strategy prefers."""
    with checked():
        asked = await request.json()
        order = request.match_info["order"]
        template = Template("order-shipped", params={"order": order})
        message = SendCustomMessage(asked["phone"], template)
    sent = await request.app[ENGAGELAB].execute(message)
    return answer(202, sent="yes", message_id=sent.message_id, channel=sent.send_channel)


@routes.post("/delays")
async def delayed(request: web.Request) -> web.Response:
    """Notify many customers with the same text."""
    with checked():
        asked = await request.json()
        message = SendSMS(asked["phones"], Template("delayed", params={"day": asked["day"]}))
    plan = await request.app[ENGAGELAB].execute(message)
    dropped = plan.total_count - plan.accepted_count
    return answer(202, sent="yes", plan_id=plan.plan_id, invalid_numbers=dropped)


@contextmanager
def checked() -> Iterator[None]:
    """Answer 400 if the request is not valid for a message.

    Operations check their arguments when they are made, and name the one that is wrong.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text=f"missing or wrong: {error}") from error


@web.middleware
async def explain(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer for every call of the API that failed."""
    try:
        return await handler(request)
    except EngageLabError as error:
        # An error's text holds no number, no text and no key, so it may be logged.
        logger.warning("%s", error)
        return answer_to(error)


def answer_to(error: EngageLabError) -> web.Response:
    """Choose the status so that clients that retry every 5xx cause no duplicates."""
    why = type(error).__name__
    match error:
        case EngageLabError(may_have_been_sent=True):
            return answer(202, sent="maybe")
        case SendFailedError(code=5001 | 5016):  # not because of the phone
            return answer(503, sent="no", why=why)
        case SendFailedError() | InvalidRequestError():
            return answer(422, sent="no", why=why)
        case _:
            return answer(503, sent="no", why=why)


def answer(status: int, **body: object) -> web.Response:
    """Make an answer in JSON."""
    return web.json_response(body, status=status)


async def engagelab(app: web.Application) -> AsyncIterator[None]:
    """Open one client for all requests, and close it with the app."""
    async with EngageLab.from_env(require=("otp", "sms")) as client:
        app[ENGAGELAB] = client
        yield


def make_app() -> web.Application:
    """Assemble the app."""
    app = web.Application(middlewares=[explain])
    app.add_routes(routes)
    app.cleanup_ctx.append(engagelab)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
