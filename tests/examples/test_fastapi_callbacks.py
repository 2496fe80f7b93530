"""The FastAPI app that receives callbacks, started with uvicorn and called by real requests."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest

from engagelab_async import Credentials, EngageLab
from engagelab_async.sandbox import Callbacks, Sandbox
from engagelab_async.webhooks import sign
from support.programs import EXAMPLES, serving

_NONCES = (f"nonce-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def app(environment: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A client of the app."""
    account = {"ENGAGELAB_CALLBACK_USERNAME": "shop", "ENGAGELAB_CALLBACK_SECRET": "my_secret"}
    command = ["-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", "0", "fastapi_callbacks:app"]
    with (
        serving(*command, environment={**environment, **account}) as url,
        httpx.Client(base_url=url, timeout=50) as client,
    ):
        yield client


def call_back(app: httpx.Client, order: str, status: str, secret: str = "my_secret") -> int:
    """Send a callback, and return how it is answered."""
    row = {
        "message_id": f"of-{order}",
        "to": "+6591234567",
        "custom_args": {"order": order},
        "status": {"message_status": status},
    }
    signature = sign("shop", secret, timestamp=int(time.time()), nonce=next(_NONCES))
    content = json.dumps({"total": 1, "rows": [row]})
    return app.post("/callbacks", content=content, headers={"X-CALLBACK-ID": signature}).status_code


def message_of(app: httpx.Client, order: str, expected: str) -> str:
    """Ask until what was answered is handled too, or for as long as a test may take."""
    while True:
        answer = app.get(f"/orders/{order}")
        if answer.status_code == 200 and answer.json()["message"] == expected:
            return expected


def test_a_message_is_followed(app: httpx.Client) -> None:
    """What the platform tells last is what is known."""
    for status in ("plan", "sent", "delivered"):
        assert 200 == call_back(app, "1", status)
        assert status == message_of(app, "1", status)


def test_callbacks_come_in_any_order(app: httpx.Client) -> None:
    """What is late changes nothing."""
    statuses = ["delivered", "sent", "sent_fail"]
    assert [200] * 3 == [call_back(app, "2", status) for status in statuses]
    call_back(app, "3", "sent_fail")  # handled after those
    message_of(app, "3", "sent_fail")

    assert {"order": "2", "message": "delivered"} == app.get("/orders/2").json()


def test_a_failed_channel_is_not_the_end(app: httpx.Client) -> None:
    """A fallback may follow; and what arrived after all is known, whatever was told before."""
    statuses = ["sent", "delivered_failed", "sent", "delivered", "delivered_failed"]
    assert [200] * 5 == [call_back(app, "9", status) for status in statuses]
    call_back(app, "8", "sent_fail")
    call_back(app, "8", "delivered")

    assert "delivered" == message_of(app, "8", "delivered")
    assert {"order": "9", "message": "delivered"} == app.get("/orders/9").json()


def test_a_failure_is_known(app: httpx.Client) -> None:
    """So that somebody can call the customer."""
    call_back(app, "4", "sent")
    call_back(app, "4", "sent_failed")

    assert "sent_failed" == message_of(app, "4", "sent_failed")


@pytest.mark.parametrize(
    ("to", "status"), [("+6591234567", "delivered"), ("+10000000203", "delivered_failed")]
)
def test_a_send_is_followed_to_its_end(app: httpx.Client, to: str, status: str) -> None:
    """From the send to what became of it, with the sandbox in the platform's place."""
    callbacks = Callbacks(str(app.base_url.join("/callbacks")), username="shop", secret="my_secret")
    order = f"6{to}"

    async def send(base_url: str) -> None:
        async with EngageLab(sms=Credentials("k", "s"), sms_base_url=base_url) as engagelab:
            await engagelab.sms.send([to], "1233", custom_args={"order": order})

    with Sandbox(callbacks=callbacks, pace=0) as sandbox:
        asyncio.run(send(sandbox.sms_base_url))

        assert status == message_of(app, order, status)


def test_a_forged_callback(app: httpx.Client) -> None:
    """Who does not know the secret changes nothing."""
    assert 401 == call_back(app, "5", "delivered", secret="guessed")
    assert 404 == app.get("/orders/5").status_code
