"""What the sandbox's tests share."""

import pytest

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
