"""Where callbacks go, and what is in them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from engagelab_async.sandbox import CallbackDelivery, Callbacks, CallbackTry, SentMessage
from engagelab_async.sandbox.callbacks import body_of, status_row, uplink_row
from engagelab_async.sandbox.lifecycle import plan_of
from engagelab_async.webhooks import UplinkMessage, parse
from support.fake_clock import FakeClock
from support.platforms import Platform

URL = "http://127.0.0.1:8000/callbacks"
SAMPLES = json.loads((Path(__file__).parents[1] / "samples/callbacks.json").read_text("utf-8"))
SENT, FAILED, REPLIED = (SAMPLES[number]["body"]["rows"][0] for number in (0, 1, 3))


def sms(platform: Platform, to: str, custom_args: Mapping[str, str] | None = None) -> SentMessage:
    """Send an SMS."""
    body = {"to": to, "template": {"id": "7", "params": {}}, "custom_args": custom_args}
    platform.send_sms(body)
    return platform.outbox.messages[-1]


def shape(value: object) -> object:
    """Replace every value of a JSON document by the name of its type."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return type(value).__name__


class TestSettings:
    """`Callbacks`."""

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"url": "127.0.0.1:8000"}, "^url: "),
            ({"url": "ftp://127.0.0.1"}, "^url: "),
            ({"url": "http://"}, "^url: "),
            ({"url": "http://[::1"}, "^url: "),
            ({"url": "http://127.0.0.1:99999"}, r"^url: "),
            ({"url": "http://127.0.0.1/\udc80"}, r"^url: "),
            ({"url": "http://user:password@127.0.0.1"}, r"^url: must hold no password"),
            ({"username": "shop"}, "^username: "),
            ({"secret": "my_secret"}, "^username: "),
            ({"username": "sh;op", "secret": "my_secret"}, "^username: "),
            ({"username": "shop", "secret": ""}, "^secret: "),
            ({"username": "\ud800", "secret": "my_secret"}, "^username: "),
            ({"authorization": "Bearer\r\nX: y"}, "^authorization: "),
            ({"authorization": ""}, "^authorization: "),
            ({"attempts": 0}, "^attempts: "),
            ({"max_rows": 0}, "^max_rows: "),
            ({"backoff": -1}, "^backoff: "),
            ({"backoff": float("nan")}, "^backoff: "),
            ({"duplicates": 1.1}, "^duplicates: "),
            ({"reorder": -0.1}, "^reorder: "),
        ],
    )
    def test_what_cannot_be_is_refused(self, wrong: dict[str, Any], words: str) -> None:
        """The error names the argument."""
        with pytest.raises(ValueError, match=words):
            Callbacks(**{"url": URL, **wrong})

    @pytest.mark.parametrize("wrong", [{"url": 8000}, {"attempts": 1.5}, {"max_rows": True}])
    def test_what_is_of_another_type_is_refused(self, wrong: dict[str, Any]) -> None:
        """The error names the argument."""
        with pytest.raises(TypeError, match=f"^{next(iter(wrong))}: expected "):
            Callbacks(**{"url": URL, **wrong})

    def test_secrets_do_not_show(self) -> None:
        """Neither the secret nor the header is in the repr."""
        shown = repr(Callbacks(URL, username="shop", secret="my_secret", authorization="Bearer b"))

        assert "username='shop'" in shown
        assert "my_secret" not in shown
        assert "Bearer" not in shown


class TestRows:
    """What a body says, compared with the vendor's own examples."""

    def test_sent(self, platform: Platform) -> None:
        """A message that was sent has a price, and its custom arguments come back."""
        message = sms(platform, "+6591234567", {"order_id": "ORDER123"})
        row = status_row(message, plan_of(message, pace=1)[2]).content

        assert shape(SENT) == shape(row)
        assert {"order_id": "ORDER123"} == row["custom_args"]

    def test_failed(self, platform: Platform, clock: FakeClock) -> None:
        """A failure has a code and words, and no price; times are whole Unix seconds."""
        message = sms(platform, "+10000000202")
        row = status_row(message, plan_of(message, pace=1)[-1]).content

        assert shape(FAILED) == shape(row)
        assert {
            "message_id": message.message_id,
            "to": "+10000000202",
            "server": "sms",
            "channel": "sms",
            "itime": int(clock.now) + 1,
            "status": {
                "message_status": "sent_fail",
                "status_data": {
                    "msg_time": int(clock.now),
                    "message_id": message.message_id,
                    "current_send_channel": "sms",
                    "template_key": "7",
                    "business_id": "1001",
                },
                "error_code": 5016,
                "error_detail": {"message": "internal sending error"},
            },
        } == row

    def test_replied(self, platform: Platform) -> None:
        """A reply comes from the recipient, and does not tell what it replies to."""
        message = sms(platform, "+6591234567")
        platform.simulation.reply(message, "STOP")
        row = uplink_row(message, platform.simulation.replies(message)).content

        assert shape(REPLIED) == shape(row)
        assert ("0", "0") == (row["message_id"], row["business_id"])
        assert '"from": "+6591234567"' in json.dumps(row)

    def test_replied_twice(self, platform: Platform) -> None:
        """The same text at the same moment is not taken for a repeat of the platform."""
        message = sms(platform, "+6591234567")
        platform.simulation.reply(message, "1")
        platform.simulation.reply(message, "1")
        replies = platform.simulation.replies(message)
        rows = [uplink_row(message, replies[:count]) for count in (1, 2)]
        first, second = parse(body_of(rows))

        assert isinstance(first, UplinkMessage)
        assert isinstance(second, UplinkMessage)
        assert first.itime == second.itime
        assert first.message_sid != second.message_sid
        assert first.identity != second.identity

    def test_a_body_counts_its_rows(self, platform: Platform) -> None:
        """The total goes before the rows."""
        message = sms(platform, "+6591234567")
        rows = [status_row(message, change) for change in plan_of(message, pace=1)]
        body = json.loads(body_of(rows))

        assert {"total": 4, "rows": [row.content for row in rows]} == body


def test_deliveries_show_nothing_personal(platform: Platform, clock: FakeClock) -> None:
    """Neither a body nor an answer is in a repr."""
    tried = CallbackTry(
        platform.simulation.history(sms(platform, "+6591234567"))[0].at, 500, "personal", 0.1
    )
    delivery = CallbackDelivery(number=1, url=URL, product="otp", body="personal", tries=(tried,))

    assert "personal" not in repr(delivery)
    assert not delivery.is_answered
