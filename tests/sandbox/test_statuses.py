"""The statuses of messages, from the time and from manual changes."""

import pytest
from attrs import field, frozen

from engagelab_async.sandbox import SentMessage
from engagelab_async.sandbox.lifecycle import StatusChange
from support.fake_clock import FakeClock
from support.platforms import Platform


def send(platform: Platform, to: str = "+6591234567") -> SentMessage:
    """Send a code that the platform makes."""
    platform.send_otp({"to": to, "template": {"id": f"login-{len(platform.outbox.messages)}"}})
    return platform.outbox.messages[-1]


@frozen
class Observer:
    """Observes the statuses of a platform's messages, once it has begun."""

    platform: Platform
    seen: list[tuple[int, str]] = field(factory=list)

    def begin(self) -> None:
        """Observe from now on."""
        self.platform.simulation.observe(self._observe)

    def _observe(self, number: int, event: object) -> None:
        assert isinstance(event, StatusChange)
        self.seen.append((number, event.status))

    def now(self) -> list[tuple[int, str]]:
        """Return what is reported by now, for the first time."""
        while self.platform.simulation.report_due():
            pass
        seen = list(self.seen)
        self.seen.clear()
        return seen


@pytest.fixture
def observer(platform: Platform) -> Observer:
    """An observer that has not begun."""
    return Observer(platform)


def statuses(platform: Platform, message: SentMessage) -> list[str]:
    """List what a message has reached."""
    return [change.status for change in platform.simulation.history(message)]


def test_history_needs_no_observer(platform: Platform, clock: FakeClock) -> None:
    """What a message has reached follows from the time, whether anything runs or not."""
    message = send(platform)
    at_once = statuses(platform, message)
    clock.now += 1
    later = statuses(platform, message)

    assert ["plan", "target_valid"] == at_once
    assert ["plan", "target_valid", "sent"] == later


def test_changes_are_reported_when_they_are_due(
    platform: Platform, clock: FakeClock, observer: Observer
) -> None:
    """Each is reported once, at its time; those of one message in their order."""
    observer.begin()
    send(platform)
    first = observer.now()
    clock.now += 1
    send(platform, "+10000000003")
    second = observer.now()
    clock.now += 60

    assert [(1, "plan"), (1, "target_valid")] == first
    assert [(1, "sent"), (2, "plan"), (2, "target_valid")] == second
    assert [(1, "delivered"), (2, "sent")] == observer.now()
    clock.now += 300
    assert [(1, "verified_timeout"), (2, "verified_timeout")] == observer.now()
    assert [] == observer.now()


def test_observing_begins_in_the_middle(
    platform: Platform, clock: FakeClock, observer: Observer
) -> None:
    """Of a message in flight, only what comes next is reported; of an old one, nothing."""
    send(platform, "+10000000003")
    clock.now += 400
    send(platform)
    clock.now += 1
    observer.begin()
    nothing_new = observer.now()
    clock.now += 1

    assert [] == nothing_new
    assert [(2, "delivered")] == observer.now()


def test_a_second_observer_changes_nothing_for_the_first(
    platform: Platform, observer: Observer
) -> None:
    """Each is reported every status once."""
    other = Observer(platform)
    observer.begin()
    other.begin()
    send(platform)

    assert [(1, "plan"), (1, "target_valid")] == observer.now() == other.seen


def test_hundreds_are_reported_in_turns(platform: Platform, observer: Observer) -> None:
    """One turn does not report thousands, so that requests are answered in between."""
    observer.begin()
    for number in range(600):
        platform.send_sms({"to": f"+65{number:08}", "template": {"id": "7", "params": {}}})

    assert platform.simulation.report_due()  # schedules them
    assert platform.simulation.report_due()
    assert 1000 == len(observer.seen)
    assert not platform.simulation.report_due()
    assert 1200 == len(observer.seen)


def test_manual_changes_are_reported(
    platform: Platform, clock: FakeClock, observer: Observer
) -> None:
    """At once, and what they replace is not reported at all."""
    observer.begin()
    message = send(platform)
    observer.now()
    platform.simulation.deliver(message)
    delivered = observer.now()
    clock.now += 10
    platform.simulation.verify(message)
    verified = observer.now()
    clock.now += 1000

    assert [(1, "sent"), (1, "delivered")] == delivered
    assert [(1, "verified")] == verified
    assert [] == observer.now()
    assert ["plan", "target_valid", "sent", "delivered", "verified"] == statuses(platform, message)


def test_a_manual_change_before_anything_observes(
    platform: Platform, clock: FakeClock, observer: Observer
) -> None:
    """A plan that was changed is reported from where it stands."""
    message = send(platform)
    platform.simulation.fail(message, 5018)
    observer.begin()
    nothing_new = observer.now()
    clock.now += 300

    assert [] == nothing_new
    assert [(1, "verified_timeout")] == observer.now()


def test_a_manual_change_after_all_was_reported(
    platform: Platform, clock: FakeClock, observer: Observer
) -> None:
    """A message whose statuses were over has new ones."""
    observer.begin()
    platform.send_sms({"to": "+10000000003", "template": {"id": "7", "params": {}}})
    (message,) = platform.outbox.messages
    clock.now += 60
    observer.now()
    platform.simulation.deliver(message)

    assert [(1, "delivered")] == observer.now()


class TestGuesses:
    """Guesses at a code, by the API and by hand."""

    def test_the_api_tells_of_guesses(self, platform: Platform) -> None:
        """Both a wrong one and a right one."""
        message = send(platform, "+10000000005")
        for guess in ("000000", "123456"):
            platform.verify({"message_id": message.message_id, "verify_code": guess})

        assert ["verified_failed", "verified"] == statuses(platform, message)[2:]

    def test_a_code_that_expired_is_over(self, platform: Platform) -> None:
        """It can be neither verified nor let expire; the same template may be sent again."""
        message = send(platform)
        platform.simulation.expire(message)

        assert "verified_timeout" == statuses(platform, message)[-1]
        with pytest.raises(ValueError, match=r"^message: the code has expired"):
            platform.simulation.verify(message)
        with pytest.raises(ValueError, match=r"^message: it has no live code$"):
            platform.simulation.expire(message)
        assert platform.send_otp({"to": "+6591234567", "template": {"id": "login-0"}})

    def test_a_callers_code_expires_too(self, platform: Platform) -> None:
        """It has no end to tell of, but stops being in the way of the next."""
        body = {"to": "+6591234567", "template": {"id": "login"}, "code": "42"}
        platform.send_code(body)
        platform.simulation.expire(platform.outbox.messages[-1])
        platform.send_code(body)

        assert ["plan", "target_valid"] == statuses(platform, platform.outbox.messages[0])

    def test_there_must_be_a_code(self, platform: Platform) -> None:
        """A message without a code of the platform's has nothing to verify."""
        platform.send_custom_message({"to": "+6591234567", "template": {"id": "shipped"}})
        (message,) = platform.outbox.messages

        with pytest.raises(ValueError, match=r"^message: there is no code"):
            platform.simulation.verify(message)
        with pytest.raises(ValueError, match=r"^message: it has no live code$"):
            platform.simulation.expire(message)


def test_a_code_may_live_for_ever(clock: FakeClock) -> None:
    """A validity that no datetime reaches is one all the same."""
    platform = Platform(code_ttl=float("inf"), clock=clock)
    message = send(platform)

    assert message.code_expires_at is not None
    assert 9999 == message.code_expires_at.year


def test_replies_are_kept(platform: Platform) -> None:
    """What a recipient replies is kept with the message, and shown in no repr."""
    one, other = send(platform), send(platform, "+6591234568")
    for text in ("STOP", "please"):
        platform.simulation.reply(one, text)

    assert ["STOP", "please"] == [each.text for each in platform.simulation.replies(one)]
    assert () == platform.simulation.replies(other)
    assert "STOP" not in repr(platform.simulation.replies(one))


def test_what_was_sent_before_is_scheduled_in_turns(
    platform: Platform, clock: FakeClock, observer: Observer
) -> None:
    """With thousands of messages, requests are answered in between."""
    for number in range(1200):
        platform.send_sms({"to": f"+65{number:08}", "template": {"id": "7", "params": {}}})
    observer.begin()
    turns = [platform.simulation.report_due() for _ in range(4)]
    clock.now += 2

    assert [True, True, False, False] == turns
    assert 2 * 1200 == len(observer.now())


def test_a_manual_change_while_earlier_messages_are_scheduled(
    platform: Platform, observer: Observer
) -> None:
    """It is reported once."""
    for number in range(1200):
        platform.send_sms({"to": f"+65{number:08}", "template": {"id": "7", "params": {}}})
    observer.begin()
    platform.simulation.deliver(platform.outbox.messages[-1])

    assert [(1200, "sent"), (1200, "delivered")] == observer.now()
