"""What a program can do with the extra ``fastapi``: return results, receive callbacks."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.encoders import jsonable_encoder

from engagelab_async import EngageLab, Plan, Sent, Verification
from engagelab_async.bulk import Outcome
from engagelab_async.webhooks import Event, Verifier
from engagelab_async.webhooks.fastapi import Events, webhook_router


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, EngageLab]]:
    """Open the client."""
    async with EngageLab.from_env() as engagelab:
        yield {"engagelab": engagelab}


def client(request: Request) -> EngageLab:
    """Find what `lifespan` opened."""
    engagelab: EngageLab = request.state.engagelab
    return engagelab


def handle(event: Event) -> None:
    """Take an event."""
    print(event.identity)


Client = Annotated[EngageLab, Depends(client)]
verifier = Verifier("shop", "my_secret")
app = FastAPI(lifespan=lifespan)
app.include_router(webhook_router(verifier, handle, path="/callbacks"))


@app.post("/codes")
async def send(phone: str, engagelab: Client) -> Sent:
    """Send a code."""
    return await engagelab.otp.send(phone, "login")


@app.post("/codes/verify")
async def verify(message_id: str, code: str, engagelab: Client) -> Verification | None:
    """Check a code."""
    return await engagelab.otp.verify(message_id, code)


@app.post("/notices")
async def notify(phones: list[str], engagelab: Client) -> list[Plan]:
    """Send a notice."""
    return [await engagelab.sms.send(phones, "1233")]


@app.get("/outcomes")
async def outcomes() -> list[Outcome[Any]]:
    """Show a run."""
    return []


@app.post("/others")
async def receive(events: Annotated[tuple[Event, ...], Depends(Events(verifier))]) -> list[Event]:
    """Show the events."""
    return list(events)


if __name__ == "__main__":
    assert {"Sent", "Plan", "Event"} <= set(app.openapi()["components"]["schemas"])
    assert {"message_id": "1", "send_channel": "sms"} == jsonable_encoder(Sent("1", "sms"))
