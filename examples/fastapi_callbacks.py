"""Keep track of what became of each order's message: a FastAPI app that receives callbacks.

::

    POST /callbacks          the callback URL, which is set in the console
    GET  /orders/{order}     {"order": "1042", "message": "delivered"}

Messages are sent with ``custom_args={"order": …}``, which comes back in the callbacks. To try it,
start the app in one terminal::

    export ENGAGELAB_CALLBACK_USERNAME=shop ENGAGELAB_CALLBACK_SECRET=my_secret
    uvicorn --app-dir examples fastapi_callbacks:app

and send it a callback from another one, with the same variables::

    engagelab webhooks sign http://127.0.0.1:8000/callbacks --send
    curl http://127.0.0.1:8000/orders/1042
"""

import logging

from fastapi import FastAPI, HTTPException

from engagelab_async.webhooks import Event, MessageStatus, Verifier
from engagelab_async.webhooks.fastapi import webhook_router

logger = logging.getLogger("fastapi_callbacks")

PROGRESS = ["plan", "target_valid", "sent", "delivered", "verified"]

verifier = Verifier.from_env()

messages: dict[str, str] = {}
"""The delivery status of each order's message; a real app has a database."""


async def handle(event: Event) -> None:
    """Record the delivery status of a message."""
    if isinstance(event, MessageStatus) and "order" in event.custom_args:
        order = str(event.custom_args["order"])
        if is_news(event, messages.get(order, "plan")):
            messages[order] = event.status
    else:
        # An event's repr holds no number and no text, so it may be logged.
        logger.info("nothing to do for %r", event)


def is_news(event: MessageStatus, before: str) -> bool:
    """Return whether an event is newer than the known status: callbacks arrive in any order.

    A failure that is not final is no news: another channel or another guess may follow.
    """
    if event.is_failed:
        return event.is_final and before not in {"delivered", "verified"}
    if before not in PROGRESS:  # a failure: only what has arrived after all is news
        return event.is_delivered
    return event.status in PROGRESS and PROGRESS.index(before) <= PROGRESS.index(event.status)


async def failed(event: Event, error: Exception) -> None:
    """Log an event that could not be handled; the platform will not send it again."""
    logger.error("to be handled manually: %r (%s)", event, type(error).__name__)


app = FastAPI(title="Delivery status")
app.include_router(webhook_router(verifier, handle, path="/callbacks", on_error=failed))


@app.get("/orders/{order}")
async def show(order: str) -> dict[str, str]:
    """Return the delivery status."""
    if order not in messages:
        raise HTTPException(404, "The status of this order's message is unknown.")
    return {"order": order, "message": messages[order]}
