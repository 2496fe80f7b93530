"""What the sandbox's tests share."""

import pytest

from engagelab_async.sandbox import serving
from engagelab_async.sandbox.callback_sender import CallbackSender
from support.fake_clock import FakeClock
from support.platforms import Platform


@pytest.fixture
def clock() -> FakeClock:
    """The clock of `platform`."""
    return FakeClock()


@pytest.fixture
def platform(clock: FakeClock) -> Platform:
    """A platform that takes any template and whose codes live for five minutes."""
    return Platform(code_ttl=300, clock=clock)


@pytest.fixture(autouse=True)
def _patient_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a receiver on a busy machine more than the 3 seconds that the platform does."""
    options = CallbackSender.__init__.__kwdefaults__
    monkeypatch.setitem(options, "timeout", 50.0)  # type: ignore[arg-type]


@pytest.fixture
def patient_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server that stops wait as long as it takes: what delays it holds the test up."""
    monkeypatch.setattr(serving, "_GRACE", None)
