"""What has become of the messages of a platform, and who is told."""

import pytest
from attrs import field, frozen

from engagelab_async.sandbox import SentMessage
from engagelab_async.sandbox.lifecycle import StatusChange
from engagelab_async.sandbox.platform import Platform
from support.fake_clock import FakeClock


def send(platform: Platform, to: str = "+6591234567") -> SentMessage:
    """Send a code that the platform makes."""
    platform.send_otp({"to": to, "template": {"id": f"login-{len(platform.outbox.messages)}"}})
    return platform.outbox.messages[-1]


@frozen
class Ear:
    """Hears of changes."""

    platform: Platform
    heard: list[tuple[int, str]] = field(factory=list)

    def listen(self) -> None:
        """Hear of all from now on."""
        self.platform.progress.listen(self._hear, lambda: self.platform.outbox.messages)

    def _hear(self, message: SentMessage, change: StatusChange) -> None:
        self.heard.append((message.number, change.status))

    def now(self) -> list[tuple[int, str]]:
        """Return what is heard by now, for the first time."""
        while self.platform.progress.tell():
            pass
        heard = list(self.heard)
        self.heard.clear()
        return heard


@pytest.fixture
def ear(platform: Platform) -> Ear:
    """Somebody who does not listen yet."""
    return Ear(platform)


def statuses(platform: Platform, message: SentMessage) -> list[str]:
    """List what a message has reached."""
    return [change.status for change in platform.progress.history(message)]


def test_history_needs_nobody_to_listen(platform: Platform, clock: FakeClock) -> None:
    """What a message has reached follows from the time, whether anything runs or not."""
    message = send(platform)
    at_once = statuses(platform, message)
    clock.now += 1
    later = statuses(platform, message)

    assert ["plan", "target_valid"] == at_once
    assert ["plan", "target_valid", "sent"] == later


def test_changes_are_told_when_they_are_due(platform: Platform, clock: FakeClock, ear: Ear) -> None:
    """Each is told once, at its time; those of one message in their order."""
    ear.listen()
    send(platform)
    first = ear.now()
    clock.now += 1
    send(platform, "+10000000003")
    second = ear.now()
    clock.now += 60

    assert [(1, "plan"), (1, "target_valid")] == first
    assert [(1, "sent"), (2, "plan"), (2, "target_valid")] == second
    assert [(1, "delivered"), (2, "sent")] == ear.now()
    clock.now += 300
    assert [(1, "verified_timeout"), (2, "verified_timeout")] == ear.now()
    assert [] == ear.now()


def test_listening_begins_in_the_middle(platform: Platform, clock: FakeClock, ear: Ear) -> None:
    """Of a message that is on its way, only what comes next is told; of an old one, nothing."""
    send(platform, "+10000000003")
    clock.now += 400
    send(platform)
    clock.now += 1
    ear.listen()
    nothing_new = ear.now()
    clock.now += 1

    assert [] == nothing_new
    assert [(2, "delivered")] == ear.now()


def test_one_listener_is_enough(platform: Platform, clock: FakeClock, ear: Ear) -> None:
    """Listening again changes nothing."""
    ear.listen()
    ear.listen()
    send(platform)

    assert [(1, "plan"), (1, "target_valid")] == ear.now()


def test_hundreds_are_told_in_turns(platform: Platform, ear: Ear) -> None:
    """One turn does not tell of thousands, so that others get theirs in between."""
    ear.listen()
    for number in range(600):
        platform.send_sms({"to": f"+65{number:08}", "template": {"id": "7", "params": {}}})

    assert platform.progress.tell()
    assert 1000 == len(ear.heard)
    assert not platform.progress.tell()
    assert 1200 == len(ear.heard)


def test_what_is_done_by_hand_is_told(platform: Platform, clock: FakeClock, ear: Ear) -> None:
    """It is told at once, and what it replaces is not told at all."""
    ear.listen()
    message = send(platform)
    ear.now()
    platform.progress.deliver(message)
    delivered = ear.now()
    clock.now += 10
    platform.verify_by_hand(message)
    verified = ear.now()
    clock.now += 1000

    assert [(1, "sent"), (1, "delivered")] == delivered
    assert [(1, "verified")] == verified
    assert [] == ear.now()
    assert ["plan", "target_valid", "sent", "delivered", "verified"] == statuses(platform, message)


def test_stepping_in_before_anybody_listens(platform: Platform, clock: FakeClock, ear: Ear) -> None:
    """What was changed by hand is told from where it stands."""
    message = send(platform)
    platform.progress.fail(message, 5018)
    ear.listen()
    nothing_new = ear.now()
    clock.now += 300

    assert [] == nothing_new
    assert [(1, "verified_timeout")] == ear.now()


def test_stepping_in_after_all_was_told(platform: Platform, clock: FakeClock, ear: Ear) -> None:
    """A message whose journey was over sets out again."""
    ear.listen()
    platform.send_sms({"to": "+10000000003", "template": {"id": "7", "params": {}}})
    (message,) = platform.outbox.messages
    clock.now += 60
    ear.now()
    platform.progress.deliver(message)

    assert [(1, "delivered")] == ear.now()


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
        platform.expire_by_hand(message)

        assert "verified_timeout" == statuses(platform, message)[-1]
        with pytest.raises(ValueError, match=r"^message: the code has expired"):
            platform.verify_by_hand(message)
        with pytest.raises(ValueError, match=r"^message: it has no live code$"):
            platform.expire_by_hand(message)
        assert platform.send_otp({"to": "+6591234567", "template": {"id": "login-0"}})

    def test_a_callers_code_expires_too(self, platform: Platform) -> None:
        """It has no end to tell of, but stops being in the way of the next."""
        body = {"to": "+6591234567", "template": {"id": "login"}, "code": "42"}
        platform.send_code(body)
        platform.expire_by_hand(platform.outbox.messages[-1])
        platform.send_code(body)

        assert ["plan", "target_valid"] == statuses(platform, platform.outbox.messages[0])

    def test_there_must_be_a_code(self, platform: Platform) -> None:
        """A message without a code of the platform's has nothing to verify."""
        platform.send_custom_message({"to": "+6591234567", "template": {"id": "shipped"}})
        (message,) = platform.outbox.messages

        with pytest.raises(ValueError, match=r"^message: there is no code"):
            platform.verify_by_hand(message)
        with pytest.raises(ValueError, match=r"^message: it has no live code$"):
            platform.expire_by_hand(message)


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
        platform.progress.reply(one, text)

    assert ["STOP", "please"] == [each.text for each in platform.progress.replies(one)]
    assert () == platform.progress.replies(other)
    assert "STOP" not in repr(platform.progress.replies(one))
