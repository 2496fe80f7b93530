"""What a type checker knows of callbacks, and what it refuses.

mypy and pyright judge this file; running it shows that what they know is true.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_type

import pytest

from engagelab_async import ConfigurationError
from engagelab_async.webhooks import (
    REPEAT_WINDOW,
    Counts,
    Event,
    MessageStatus,
    Notification,
    Progress,
    RecentlySeen,
    SystemEvent,
    Tracker,
    UplinkMessage,
    Verifier,
    parse,
    sign,
)
from engagelab_async.webhooks.asgi import WebhookApp

EVENTS: tuple[Event, ...] = (
    MessageStatus(message_id="7", status="sent"),
    Notification(event="insufficient_balance"),
    UplinkMessage(sender="+6591234567"),
    SystemEvent(event="api_call"),
)


def test_events() -> None:
    """A match tells the kinds apart."""
    assert_type(parse(b""), tuple[Event, ...])
    for event in EVENTS:
        assert_type(event.itime, datetime | None)
        assert_type(event.raw, Mapping[str, Any])
        match event:
            case MessageStatus():
                assert_type(event.status, str)
                assert_type(event.is_final, bool)
                assert_type(event.cost, float | None)
                assert_type(event.custom_args, Mapping[str, Any])
            case UplinkMessage():
                assert_type(event.sender, str)
            case Notification():
                assert_type(event.remain_balance, Decimal | None)
                assert_type(event.rate, float | None)
                assert_type(event.data, Mapping[str, Any])
            case SystemEvent():
                assert_type(event.action, str | None)
            case _:
                pytest.fail("another kind")


def test_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is signed and verified has its types."""
    header = assert_type(sign("shop", "old", timestamp=1701234567, nonce="a"), str)
    verifier = Verifier("shop", ("new", "old"), clock=lambda: 1701234567)
    verifier.verify({"x-callback-id": header}, b"")
    assert_type(verifier, Verifier)
    monkeypatch.setenv("ENGAGELAB_CALLBACK_SECRET", "")
    monkeypatch.setenv("ENGAGELAB_WEBHOOK_SECRET", "")
    Verifier("shop", "old", repeat_tolerance=REPEAT_WINDOW, authorization="Bearer token")
    with pytest.raises(ConfigurationError):
        Verifier.from_env(tolerance=60)
    monkeypatch.setenv("ENGAGELAB_CALLBACK_USERNAME", "shop")
    monkeypatch.setenv("ENGAGELAB_CALLBACK_SECRET", "old")
    with pytest.raises(TypeError):
        Verifier.from_env(tolerant=True)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        sign("shop", "old", timestamp="1701234567", nonce="a")  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_handlers() -> None:
    """A handler may be a coroutine function or a function; options are known by name."""

    async def handler(event: Event) -> None:
        assert_type(event, Event)

    verifier = Verifier("shop", "s")
    WebhookApp(verifier, handler, counts=Counts(), seen=RecentlySeen(), max_in_flight=2)
    WebhookApp(verifier, Tracker(), on_error=print)
    with pytest.raises(TypeError):
        WebhookApp(verifier, handler, max_flights=2)  # type: ignore[call-arg]


@pytest.mark.asyncio
async def test_stores() -> None:
    """How far an event has got is one of three words."""
    assert_type(await RecentlySeen(lease=60).begin("a", "me"), Progress)


@pytest.mark.asyncio
async def test_waiting() -> None:
    """A wait returns what it waited for."""
    tracker = Tracker(grace=0)
    await tracker(MessageStatus(message_id="7", status="delivered"))
    assert_type(await tracker.wait_for("7", until="delivered"), MessageStatus)
    with pytest.raises(ValueError, match="until"):
        await tracker.wait_for("7", until="read")  # type: ignore[arg-type]
