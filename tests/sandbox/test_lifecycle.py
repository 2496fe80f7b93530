"""What becomes of a message: planned, and changed by hand."""

from datetime import UTC, datetime

import pytest

from engagelab_async.sandbox import SentMessage, lifecycle
from engagelab_async.sandbox.lifecycle import Plan, plan_of
from support.fake_clock import FakeClock
from support.platforms import Platform

EARLY = [("plan", 0), ("target_valid", 0)]


def sent(platform: Platform, to: str = "+6591234567") -> SentMessage:
    """Send a code that the caller made, which nobody verifies."""
    platform.send_code({"to": to, "code": "039487", "template": {"id": "login"}})
    return platform.outbox.messages[-1]


def steps(plan: Plan, clock: FakeClock) -> list[tuple[str, float]]:
    """Return each status and after how many seconds it is reached."""
    return [(each.status, each.at.timestamp() - clock.now) for each in plan]


def at(clock: FakeClock, seconds: float) -> datetime:
    """Return the moment some seconds from now."""
    return datetime.fromtimestamp(clock.now + seconds, UTC)


@pytest.mark.parametrize(
    ("to", "ending"),
    [
        ("+6591234567", [("sent", 1), ("delivered", 2)]),
        ("bob@example.com", [("sent", 1), ("delivered", 2)]),
        ("+10000000000", [("sent", 1), ("delivered", 2)]),
        ("10000000003", [("sent", 1)]),
        ("+10000000010", [("sent", 0), ("delivered", 0)]),
        ("+10000000018", [("sent", 1), ("delivered_failed", 2)]),
        ("+10000000024", [("sent", 1), ("delivered", 2)]),
        (
            "+10000000004",
            [("sent", 1), ("delivered_failed", 2), ("sent", 2), ("delivered", 3)],
        ),
        (
            "+10000000014",
            [("sent", 1), ("delivered_failed", 2), ("sent", 2), ("delivered_failed", 3)],
        ),
        ("+10000000201", [("sent_failed", 1)]),
        ("+10000000202", [("sent_fail", 1)]),
        ("+10000000203", [("sent", 1), ("delivered_failed", 2)]),
    ],
)
def test_the_recipient_decides(
    platform: Platform, clock: FakeClock, to: str, ending: list[tuple[str, float]]
) -> None:
    """A message is delivered after two seconds, unless its recipient is a magic one."""
    plan = plan_of(sent(platform, to), pace=1)

    assert [*EARLY, *ending] == steps(plan, clock)


@pytest.mark.parametrize(
    ("to", "last"),
    [("+10000000004", ("delivered", 0)), ("+10000000014", ("delivered_failed", 5012))],
)
def test_a_fallback_changes_the_channel(platform: Platform, to: str, last: tuple[str, int]) -> None:
    """The vendor's numbers for it fail on WhatsApp, and go on by SMS."""
    plan = plan_of(sent(platform, to), pace=1)

    assert [
        ("sent", "whatsapp", 0),
        ("delivered_failed", "whatsapp", 5012),
        ("sent", "sms", 0),
        (last[0], "sms", last[1]),
    ] == [(each.status, each.channel, each.error_code) for each in plan[2:]]


def test_no_fallback_from_the_channel_itself(platform: Platform) -> None:
    """The SMS product has no other channel."""
    platform.send_sms({"to": ["+10000000014"], "template": {"id": "7", "params": {}}})
    plan = plan_of(platform.outbox.messages[-1], pace=1)

    assert ["plan", "target_valid", "sent", "delivered_failed"] == [each.status for each in plan]


@pytest.mark.parametrize(
    ("to", "code", "words"),
    [
        ("+10000000201", 5016, "internal sending error"),
        ("+10000000203", 5018, "handset fault"),
        ("+10000000003", 0, ""),
    ],
)
def test_a_failure_has_a_code(platform: Platform, to: str, code: int, words: str) -> None:
    """What went wrong is told by the last status, in the words of the documentation."""
    last = plan_of(sent(platform, to), pace=1)[-1]

    assert (code, words) == (last.error_code, last.error)


@pytest.mark.parametrize(("pace", "ending"), [(0, [0, 0]), (0.5, [0.5, 1]), (3, [3, 6])])
def test_the_pace_stretches_it(
    platform: Platform, clock: FakeClock, pace: float, ending: list[float]
) -> None:
    """All waits are multiplied by the pace."""
    plan = plan_of(sent(platform), pace)

    assert [0, 0, *ending] == [seconds for _, seconds in steps(plan, clock)]


def test_a_scheduled_message_waits(platform: Platform, clock: FakeClock) -> None:
    """A plan is one at once; everything else waits until it is due."""
    due = int(clock.now) + 600
    body = {"to": ["+6591234567"], "template": {"id": "7", "params": {}}, "schedule_time": due}
    platform.send_sms(body)
    plan = plan_of(platform.outbox.messages[-1], pace=1)

    assert [("plan", 0), ("target_valid", 600), ("sent", 601), ("delivered", 602)] == steps(
        plan, clock
    )


@pytest.mark.parametrize(("to", "code"), [("nobody", 5011), ("+10000005013", 5013)])
def test_a_dropped_target_is_invalid(platform: Platform, to: str, code: int) -> None:
    """A target that SMS drops gets no further than being checked."""
    platform.send_sms({"to": ["+6591234567", to], "template": {"id": "7", "params": {}}})
    (dropped,) = platform.outbox.dropped
    plan = plan_of(dropped, pace=1)

    assert (to, False) == (dropped.recipient, dropped.accepted)
    assert [("plan", 0), ("target_invalid", code)] == [
        (each.status, each.error_code) for each in plan
    ]


@pytest.mark.parametrize(
    ("ttl", "statuses"),
    [
        (300, ["plan", "target_valid", "sent", "delivered", "verified_timeout"]),
        (1.5, ["plan", "target_valid", "sent", "verified_timeout", "delivered"]),
    ],
)
def test_a_code_runs_out(clock: FakeClock, ttl: float, statuses: list[str]) -> None:
    """A code that the platform made times out when it expires, on its way or after it arrived."""
    platform = Platform(code_ttl=ttl, clock=clock)
    platform.send_otp({"to": "+6591234567", "template": {"id": "login"}})
    plan = plan_of(platform.outbox.messages[-1], pace=1)

    assert statuses == [each.status for each in plan]
    assert ("verified_timeout", ttl) in steps(plan, clock)


def test_only_what_has_happened_was_reached(platform: Platform, clock: FakeClock) -> None:
    """A status is reached at its moment, and not before."""
    plan = plan_of(sent(platform), pace=1)

    assert plan[:2] == lifecycle.reached(plan, at(clock, 0.999))
    assert plan[:3] == lifecycle.reached(plan, at(clock, 1))


class TestByHand:
    """Somebody steps in."""

    @pytest.mark.parametrize(
        ("to", "when", "ending"),
        [
            ("+6591234567", 0.5, [("sent", 0.5), ("delivered", 0.5)]),
            ("+6591234567", 1.5, [("sent", 1), ("delivered", 1.5)]),
            ("+10000000003", 60, [("sent", 1), ("delivered", 60)]),
            ("+10000000201", 0.5, [("sent", 0.5), ("delivered", 0.5)]),
        ],
    )
    def test_deliver(
        self,
        platform: Platform,
        clock: FakeClock,
        to: str,
        when: float,
        ending: list[tuple[str, float]],
    ) -> None:
        """It is delivered now, was sent before that, and nothing else becomes of it."""
        plan = lifecycle.deliver(plan_of(sent(platform, to), pace=1), at(clock, when))

        assert [*EARLY, *ending] == steps(plan, clock)

    @pytest.mark.parametrize(
        ("when", "ending"),
        [
            (0.5, [("sent_failed", 0.5)]),
            (1.5, [("sent", 1), ("delivered_failed", 1.5)]),
        ],
    )
    def test_fail(
        self, platform: Platform, clock: FakeClock, when: float, ending: list[tuple[str, float]]
    ) -> None:
        """Whether sending or delivering failed follows from how far it has come."""
        plan = lifecycle.fail(plan_of(sent(platform), pace=1), at(clock, when), 5019)

        assert [*EARLY, *ending] == steps(plan, clock)
        assert 5019 == plan[-1].error_code

    def test_a_failed_channel_is_not_the_end(self, platform: Platform, clock: FakeClock) -> None:
        """The next one can deliver, or fail; without an error of the first."""
        plan = plan_of(sent(platform, "+10000000014"), pace=1)
        delivered = lifecycle.deliver(plan, at(clock, 2.5))[-1]
        failed = lifecycle.fail(plan, at(clock, 2.5), 5019)[-1]

        assert [("delivered", "sms", 0), ("delivered_failed", "sms", 5019)] == [
            (each.status, each.channel, each.error_code) for each in (delivered, failed)
        ]
        with pytest.raises(ValueError, match=r"is over, it is delivered_failed$"):
            lifecycle.deliver(plan, at(clock, 3))

    def test_what_is_over_stays_so(self, platform: Platform, clock: FakeClock) -> None:
        """A delivered message can be neither delivered nor fail."""
        plan = plan_of(sent(platform), pace=1)
        with pytest.raises(ValueError, match=r"^message: its delivery is over, it is delivered$"):
            lifecycle.deliver(plan, at(clock, 2))
        with pytest.raises(ValueError, match=r"^message: its delivery is over, it is delivered$"):
            lifecycle.fail(plan, at(clock, 2), 5018)

    def test_an_error_code_is_a_documented_one(self, platform: Platform, clock: FakeClock) -> None:
        """It fails only for a reason that there is."""
        with pytest.raises(ValueError, match=r"^error_code: 42 "):
            lifecycle.fail(plan_of(sent(platform), pace=1), at(clock, 0), 42)

    def test_a_clock_that_was_set_back_does_no_harm(
        self, platform: Platform, clock: FakeClock
    ) -> None:
        """What had not begun by then begins anyway."""
        plan = lifecycle.deliver(plan_of(sent(platform), pace=1), at(clock, -60))

        assert ["plan", "target_valid", "sent", "delivered"] == [each.status for each in plan]


class TestCodes:
    """What becomes of a code, while its message is delivered or after."""

    @pytest.fixture
    def plan(self, platform: Platform) -> Plan:
        """The plan of a message with a code that can be verified for 300 seconds."""
        platform.send_otp({"to": "+6591234567", "template": {"id": "login"}})
        return plan_of(platform.outbox.messages[-1], pace=1)

    def test_verified(self, plan: Plan, clock: FakeClock) -> None:
        """A right guess ends it; it no longer times out."""
        verified = lifecycle.guess(plan, at(clock, 1.5), is_right=True)

        assert [*EARLY, ("sent", 1), ("verified", 1.5), ("delivered", 2)] == steps(verified, clock)

    def test_a_wrong_guess_ends_nothing(self, plan: Plan, clock: FakeClock) -> None:
        """It is told, and the code may still be verified or time out."""
        guessed = lifecycle.guess(plan, at(clock, 5), is_right=False)

        assert [("delivered", 2), ("verified_failed", 5), ("verified_timeout", 300)] == steps(
            guessed, clock
        )[-3:]

    def test_expired(self, plan: Plan, clock: FakeClock) -> None:
        """It times out now, and the message goes on."""
        expired = lifecycle.expire(plan, at(clock, 1.5))

        assert [("verified_timeout", 1.5), ("delivered", 2)] == steps(expired, clock)[-2:]

    def test_delivery_does_not_touch_the_code(self, plan: Plan, clock: FakeClock) -> None:
        """A message that is delivered or fails by hand still has a code that times out."""
        delivered = lifecycle.deliver(plan, at(clock, 0))
        failed = lifecycle.fail(plan, at(clock, 0), 5018)

        assert ("verified_timeout", 300) == steps(delivered, clock)[-1]
        assert ("verified_timeout", 300) == steps(failed, clock)[-1]
