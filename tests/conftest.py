"""What all tests share."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from support import services

# A loaded machine is slow now and then, which says nothing about the code. And what passed once
# passes again: the examples are the same each time.
settings.register_profile(
    "engagelab",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("engagelab")

# A job that a shell put into the background hears no Ctrl-C, and neither do its children; tests
# that press it are right all the same.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _shared_services() -> Iterator[None]:
    """End the servers that tests share; pytest-xdist does not wait long for a process to exit."""
    yield
    services.shared.close()
