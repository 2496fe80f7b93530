"""Strategies: the channels of a template, tried one after the other."""

from datetime import UTC, datetime, timedelta

import pytest

from engagelab_async.sandbox import Sandbox, lifecycle
from engagelab_async.sandbox.lifecycle import plan_of
from engagelab_async.sandbox.otp_configs import check_template
from engagelab_async.sandbox.outbox import SentMessage
from support.fake_clock import FakeClock
from support.platforms import Platform

STRATEGIES = {"login": "whatsapp|sms|voice", "call": "voice"}


def sent(to: str, template_id: str, clock: FakeClock | None = None) -> SentMessage:
    """Send a code by a template with a strategy."""
    platform = Platform(strategies=STRATEGIES, clock=clock or FakeClock())
    platform.send_otp({"to": to, "template": {"id": template_id}})
    return platform.outbox.messages[-1]


def on_channels(plan: lifecycle.Plan) -> list[tuple[str, str]]:
    """Return the statuses of delivery, with their channels."""
    return [
        (change.status, change.channel)
        for change in plan
        if change.status in {"sent", "delivered", "delivered_failed"}
    ]


@pytest.mark.parametrize(
    ("to", "template_id", "channel"),
    [
        ("+6591234567", "login", "whatsapp"),
        ("+10000000000", "login", "whatsapp"),
        ("+6591234567", "call", "voice"),
        ("+6591234567", "other", "sms"),
        ("bob@example.com", "login", "email"),
    ],
)
def test_the_first_channel_is_used(to: str, template_id: str, channel: str) -> None:
    """A send goes out on the first channel of its template."""
    assert channel == sent(to, template_id).channel


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("+6591234567", [("sent", "whatsapp"), ("delivered", "whatsapp")]),
        (
            "+10000000004",
            [
                ("sent", "whatsapp"),
                ("delivered_failed", "whatsapp"),
                ("sent", "sms"),
                ("delivered", "sms"),
            ],
        ),
        (
            "+10000000014",
            [
                ("sent", "whatsapp"),
                ("delivered_failed", "whatsapp"),
                ("sent", "sms"),
                ("delivered_failed", "sms"),
                ("sent", "voice"),
                ("delivered_failed", "voice"),
            ],
        ),
    ],
)
def test_a_failed_channel_is_followed_by_the_next(to: str, expected: list[tuple[str, str]]) -> None:
    """A recipient whose delivery fails gets the message on the next channel of the template."""
    assert expected == on_channels(plan_of(sent(to, "login"), pace=1))


def test_only_later_channels_follow() -> None:
    """A recipient of the vendor's that is on WhatsApp begins there, wherever it stands."""
    platform = Platform(strategies={"login": "sms|whatsapp|voice"})
    platform.send_otp({"to": "+10000000014", "template": {"id": "login"}})
    message = platform.outbox.messages[-1]

    assert ("whatsapp", ("voice",)) == (message.channel, message.fallbacks)


def test_a_manual_failure_is_followed_by_the_next_channel() -> None:
    """A message that is failed manually goes on, until its last channel has failed as well."""
    clock = FakeClock()
    message = sent("+6591234567", "login", clock)
    plan = plan_of(message, pace=1)
    seen = []
    for seconds in (1.5, 1.6, 1.7):
        now = datetime.fromtimestamp(clock.now, UTC) + timedelta(seconds=seconds)
        plan = lifecycle.fail(
            plan, now, 5018, fallbacks=message.fallbacks, delay=timedelta(seconds=1)
        )
        seen.append(on_channels(plan)[-2:])

    assert [
        [("sent", "sms"), ("delivered", "sms")],
        [("sent", "voice"), ("delivered", "voice")],
        [("sent", "voice"), ("delivered_failed", "voice")],
    ] == seen


def test_a_sandbox_fails_over_manually() -> None:
    """So it does in a sandbox."""
    clock = FakeClock()
    sandbox = Sandbox(strategies=STRATEGIES, pace=1, clock=clock)
    sandbox._platform.send_otp({"to": "+6591234567", "template": {"id": "login"}})  # noqa: SLF001
    message = sandbox.last_message()
    clock.now += 1.5
    sandbox.fail(message, 5018)
    clock.now += 1

    assert [
        ("sent", "whatsapp"),
        ("delivered_failed", "whatsapp"),
        ("sent", "sms"),
        ("delivered", "sms"),
    ] == on_channels(sandbox.history(message))


@pytest.mark.parametrize("strategy", ["sms", "whatsapp|sms", "voice", "email"])
@pytest.mark.parametrize("text", ["Code {{code}}", "Shipped"])
def test_given_templates_show_their_strategy(strategy: str, text: str) -> None:
    """The platform lists them as if they had been submitted."""
    platform = Platform(templates={"own": text}, strategies={"own": strategy})
    template = platform.otp.get_template("own")

    assert strategy == template["send_channel_strategy"]
    assert "own" == check_template(template).template_id


@pytest.mark.parametrize(
    ("strategies", "message"),
    [
        ({"login": "fax"}, "^strategies: .* must be of whatsapp sms voice email"),
        ({"login": "sms|sms"}, "^strategies: .* must name each channel once"),
        ({"login": "sms|email"}, "^strategies: .* must not join email"),
        ({"missing": "sms"}, "^strategies: there is no template 'missing'"),
    ],
)
def test_a_strategy_that_cannot_be(strategies: dict[str, str], message: str) -> None:
    """A wrong strategy, or one for a template that does not exist, is a ValueError."""
    with pytest.raises(ValueError, match=message):
        Platform(strategies=strategies)
