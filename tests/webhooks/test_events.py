"""Events: what they are, what they show, and how they are told apart."""

import pickle
from collections.abc import Sequence
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError

from engagelab_async.templates import Channel
from engagelab_async.webhooks import (
    MessageStatus,
    Notification,
    SystemEvent,
    UnknownEvent,
    UplinkMessage,
    parse,
)
from support.callback_requests import ROW, body_of


@pytest.mark.parametrize(
    ("status", "final", "delivered", "failed"),
    [
        ("plan", False, False, False),
        ("target_valid", False, False, False),
        ("target_invalid", True, False, True),
        ("sent", False, False, False),
        ("sent_failed", True, False, True),
        ("sent_fail", True, False, True),
        ("delivered", True, True, False),
        ("delivered_failed", False, False, True),
        ("verified", True, True, False),
        ("verified_failed", False, False, True),
        ("verified_timeout", True, False, True),
        ("read", False, False, False),
    ],
)
def test_what_a_status_means(status: str, final: bool, delivered: bool, failed: bool) -> None:
    """All documented statuses are known, and one that is not yet says nothing."""
    event = MessageStatus(message_id="7", status=status)

    assert (final, delivered, failed) == (event.is_final, event.is_delivered, event.is_failed)


@pytest.mark.parametrize(
    ("server", "channels", "may_fall_back"),
    [
        ("otp", ("whatsapp", None), True),
        ("otp", ("sms", "CHANNEL_A"), True),
        (None, (None, None), True),
        ("otp", ("email", None), False),
        ("otp", (None, "email"), False),
        ("sms", ("sms", None), False),
    ],
)
def test_another_channel_may_follow(
    server: str | None, channels: tuple[str | None, str | None], may_fall_back: bool
) -> None:
    """Unless the product has no strategies, or the channel stands alone, nothing rules it out."""
    event = MessageStatus(
        message_id="7",
        status="delivered_failed",
        server=server,
        channel=channels[0],
        current_send_channel=channels[1],
    )

    assert (may_fall_back, not may_fall_back, True) == (
        event.may_fall_back,
        event.is_final,
        event.is_failed,
    )


@pytest.mark.parametrize(
    ("status", "channels", "strategy", "final"),
    [
        ("delivered_failed", ("whatsapp", None), "whatsapp|sms", False),
        ("delivered_failed", (None, "whatsapp"), "whatsapp | sms", False),
        ("delivered_failed", ("sms", "sms"), "whatsapp|sms", True),
        ("delivered_failed", ("sms", "CHANNEL_A"), "sms|voice", False),
        ("delivered_failed", ("sms", "sms"), "whatsapp|sms|voice", False),
        ("delivered_failed", ("sms", "sms"), "sms", True),
        ("delivered_failed", ("whatsapp", "sms"), "whatsapp|sms", True),
        ("delivered_failed", ("sms", "whatsapp"), "whatsapp|sms", False),
        ("delivered_failed", ("whatsapp", None), (Channel.WHATSAPP, Channel.SMS), False),
        ("delivered_failed", ("sms", None), (Channel.WHATSAPP, Channel.SMS), True),
        ("delivered_failed", ("sms", None), ["sms", "voice"], False),
        ("delivered_failed", ("email", None), "email", True),
        ("sent", ("sms", "sms"), "sms", False),
        ("verified_failed", ("sms", "sms"), "sms", False),
        ("sent_failed", ("whatsapp", None), "whatsapp|sms", True),
        ("delivered", ("whatsapp", None), "whatsapp|sms", True),
    ],
)
def test_a_strategy_tells(
    status: str, channels: tuple[str | None, str | None], strategy: str | Sequence[str], final: bool
) -> None:
    """Who knows the template's channels knows whether one is left."""
    event = MessageStatus(
        message_id="7",
        status=status,
        server="otp",
        channel=channels[0],
        current_send_channel=channels[1],
    )

    assert final == event.is_final_with(strategy)


def test_only_a_failed_delivery_falls_back() -> None:
    """Any other failure is the end, also of a code."""
    event = MessageStatus(message_id="7", status="sent_failed", server="otp", channel="whatsapp")

    assert (False, True) == (event.may_fall_back, event.is_final)


PERSONAL = ["6591234567", "ORDER-77", "see you", "refused at", "user@example.com", "api-key-1"]
EVENTS = [
    MessageStatus(
        message_id="7",
        status="delivered",
        to="+6591234567",
        custom_args={"order": "ORDER-77"},
        error_message="refused at +6591234567",
        raw={"to": "+6591234567"},
    ),
    UplinkMessage(sender="+6591234567", recipient="+6591234567", text="see you at 8"),
    Notification(
        event="template_audit_result", data={"x": "user@example.com"}, reason="see you at 8"
    ),
    SystemEvent(event="key_manage", data={"operator": {"email": "user@example.com"}}),
    UnknownEvent(raw={"key": "api-key-1", "to": "+6591234567"}),
]
every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)


@every_event
def test_a_repr_is_discreet(event: Any) -> None:  # noqa: ANN401 - of any class
    """Neither an event nor what it holds shows numbers, texts or people."""
    held = [getattr(event, name, None) for name in ("raw", "custom_args", "data")]
    shown = f"{event!r} {event} {held}"

    assert [] == [each for each in PERSONAL if each in shown]


def test_a_repr_tells_recipients_apart() -> None:
    """The last two digits help to find one."""
    assert "to='…67'" in repr(EVENTS[0])
    assert "to=None" in repr(MessageStatus(message_id="7", status="sent"))


@every_event
def test_events_travel(event: Any) -> None:  # noqa: ANN401 - of any class
    """An event goes through a pickle, and can be a key."""
    twin = pickle.loads(pickle.dumps(event))  # noqa: S301 - our own

    assert event == twin
    assert {event} == {twin}


def test_events_do_not_change() -> None:
    """Neither they nor what they hold can be written to."""
    (event,) = parse(body_of(ROW))
    raw: Any = event.raw

    with pytest.raises(FrozenInstanceError):
        event.server = "otp"  # type: ignore[misc]
    with pytest.raises(TypeError):
        raw["to"] = "+1"


def test_an_event_has_its_own_row() -> None:
    """What becomes of the mapping that it was made of does not matter."""
    row = {"to": "+1"}
    event = UnknownEvent(raw=row)
    row["to"] = "+2"

    assert {"to": "+1"} == event.raw


class TestIdentity:
    """What makes a row the same as one that came before."""

    def test_order_does_not_matter(self) -> None:
        """The same members in another order are the same row."""
        one, other = parse(body_of(ROW, dict(reversed(ROW.items()))))

        assert one.identity == other.identity

    @pytest.mark.parametrize(
        "change",
        [
            {"itime": 1701234568},
            {"message_id": 123456789},
            {"status": {"message_status": "delivered"}},
            {"custom_args": None},
            {"new": 1},
        ],
    )
    def test_everything_else_does(self, change: dict[str, Any]) -> None:
        """A row that differs in anything is another one."""
        one, other = parse(body_of(ROW, ROW | change))

        assert one.identity != other.identity
