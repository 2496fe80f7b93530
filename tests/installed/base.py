"""What a program can do with the base install: every call, bulk runs, callbacks."""

import asyncio
import json
import time

from engagelab_async import (
    Accepted,
    APIError,
    Attempt,
    Credentials,
    EngageLab,
    EngageLabError,
    Request,
    Response,
    RetryPolicy,
    SendSMS,
    Template,
    broadcast,
)
from engagelab_async.webhooks import Event, MessageStatus, Tracker, Verifier, parse, sign
from engagelab_async.webhooks.asgi import WebhookApp


class Platform:
    """An engine of the caller's, which plays the platform."""

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        """Answer what both products understand."""
        answer = {"message_id": "1", "send_channel": "sms", "verified": True}
        answer |= {"plan_id": "1", "total_count": 1, "accepted_count": 1}
        return Response(200, {}, json.dumps(answer)[:max_bytes].encode())

    async def aclose(self) -> None:
        """Have nothing to close."""


def seen(attempt: Attempt) -> None:
    """Count an attempt."""
    print(attempt.operation, attempt.status, attempt.elapsed)


async def main() -> None:
    """Send and verify, one and many."""
    await EngageLab.from_env(http="auto", timeout=5).aclose()
    pair = Credentials("key", "secret")
    retry = RetryPolicy(attempts=2)
    async with EngageLab(
        otp=pair, sms=pair, http=Platform(), retry=retry, on_attempt=seen
    ) as engagelab:
        sent = await engagelab.otp.send("+6591234567", "login", params={"name": "Bob"})
        check = await engagelab.otp.verify(sent.message_id, "667090")
        plan = await engagelab.execute(SendSMS("+6591234567", Template("1233")))
        print(sent.to_dict(), check.verified, plan.accepted_count)
        operations = broadcast(["+6591234567", "+6591234568"], "1233")
        async with engagelab.fan_out(operations, rate=200) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome, Accepted):
                    print(outcome.index, outcome.to_dict())
        report = await engagelab.send_all([SendSMS("+6591234567", "1233")])
        print(report.accepted, outcomes.report.errors)
        try:
            print(await engagelab.sms.templates.list())
        except APIError as error:
            print(error.code, error.retry_after)
        except EngageLabError as error:
            print(error.may_have_been_sent)


async def handle(event: Event) -> None:
    """Take an event."""
    print(event.identity)


verifier = Verifier("shop", "my_secret")
APPS = [WebhookApp(verifier, handle), WebhookApp(verifier, Tracker())]


def receive(body: bytes) -> None:
    """Read a callback."""
    header = sign("shop", "my_secret", timestamp=int(time.time()), nonce="n")
    verifier.verify({"X-CALLBACK-ID": header}, body)
    for event in parse(body):
        if isinstance(event, MessageStatus):
            print(event.message_id, event.status, event.to_dict())


if __name__ == "__main__":
    asyncio.run(main())
    receive(b'{"total": 0, "rows": []}')
