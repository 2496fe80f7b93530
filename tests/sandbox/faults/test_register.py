"""Which faults are in force, and whether one strikes."""

import pytest

from engagelab_async.sandbox import ActiveFault, Fault, Faults
from support.fake_clock import FakeClock

OTP = "/otp/v1/messages"
TO = ["+6591234567"]
HANG, RESET = Fault("hang"), Fault("reset")


def struck(faults: Faults, calls: int = 1) -> list[str | None]:
    """Make some calls, and tell what strikes each."""
    strikes = [faults.strike(OTP, TO) for _ in range(calls)]
    return [None if strike is None else strike.fault.kind for strike in strikes]


def test_faults_come_and_go() -> None:
    """Each has a number of its own, by which it is removed; or all are."""
    faults = Faults()
    hang, reset = faults.add(HANG), faults.add(RESET)
    both = list(faults)
    faults.remove(hang)
    one = list(faults)
    faults.clear()

    assert [ActiveFault(hang, HANG, 0), ActiveFault(reset, RESET, 0)] == both
    assert [ActiveFault(reset, RESET, 0)] == one
    assert 0 == len(faults)
    with pytest.raises(LookupError, match=r"^there is no fault 1"):
        faults.remove(hang)


def test_only_faults_are_taken() -> None:
    """Anything else is refused."""
    with pytest.raises(TypeError, match=r"^fault: expected a Fault, got str"):
        Faults().add("hang")  # type: ignore[arg-type]


def test_the_first_that_strikes_is_played() -> None:
    """A fault that does not match, or misses, leaves the call to the next."""
    faults = Faults()
    faults.add(Fault("cut", path="/sms/*"))
    faults.add(Fault("slow", probability=0))
    faults.add(HANG)
    faults.add(RESET)

    assert ["hang", "hang"] == struck(faults, 2)
    assert [0, 0, 2, 0] == [each.struck for each in faults]


def test_a_fault_can_be_for_the_next_calls() -> None:
    """After it has struck so often it is gone; calls that it is not for do not count."""
    faults = Faults()
    faults.add(Fault("hang", times=2))
    faults.strike(OTP, [])
    faults.add(Fault("reset", to="+92*", times=1))

    assert ["hang", None] == struck(faults, 2)
    assert ["reset"] == [each.fault.kind for each in faults]


def test_a_fault_can_end_by_itself() -> None:
    """After some seconds of the sandbox's clock, whether it has struck or not."""
    clock = FakeClock()
    faults = Faults(clock=clock)
    faults.add(Fault("hang", lasts=60))
    faults.add(RESET)
    clock.now += 59.9
    during = struck(faults)
    clock.now += 0.1

    assert ["hang"] == during
    assert ["reset"] == struck(faults)
    assert ["reset"] == [each.fault.kind for each in faults]
    assert 1 == len(faults)


def test_a_delay_is_drawn_for_each_strike() -> None:
    """The same ones with the same seed."""

    def delays() -> list[float]:
        faults = Faults()
        faults.add(Fault("latency", distribution="uniform", seconds=1, spread=1, seed=7))
        strikes = [faults.strike(OTP, TO) for _ in range(20)]
        return [strike.seconds for strike in strikes if strike is not None]

    assert delays() == delays()
    assert 20 == len(set(delays()))


def test_a_seed_decides() -> None:
    """With the same seed the same calls are struck; about as many as the probability says."""

    def calls(seed: int | None) -> list[str | None]:
        faults = Faults()
        faults.add(Fault("hang", probability=0.3, seed=seed))
        return struck(faults, 200)

    assert calls(7) == calls(7) != calls(8)
    assert calls(None) != calls(None)
    assert 30 < calls(7).count("hang") < 90


@pytest.mark.parametrize(("share", "count"), [(0, 1), (0.2, 2), (0.29, 2), (1, 10)])
def test_a_share_of_the_targets_is_chosen(share: float, count: int) -> None:
    """At least one; the same with the same seed, whatever their order."""
    targets = [f"+659123456{digit}" for digit in range(10)]

    def chosen(recipients: list[str]) -> frozenset[str]:
        faults = Faults()
        faults.add(Fault("partial", share=share, seed=7))
        strike = faults.strike("/sms/v1/messages", recipients)
        return strike.chosen if strike else frozenset()

    assert count == len(chosen(targets))
    assert chosen(targets) == chosen(targets[::-1])


def test_only_those_who_are_meant_are_chosen() -> None:
    """A share is one of the recipients that the pattern matches, in either spelling."""
    faults = Faults()
    faults.add(Fault("partial", to="+65*", share=1))
    strike = faults.strike("/sms/v1/messages", ["+9291234567", "6591234567", "+6591234568"])

    assert strike is not None
    assert {"6591234567", "+6591234568"} == strike.chosen


def test_the_chosen_do_not_show() -> None:
    """They are phone numbers."""
    faults = Faults()
    faults.add(Fault("partial", to="+65*"))

    assert "659123" not in repr(faults.strike("/sms/v1/messages", TO))
