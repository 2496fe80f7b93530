"""What all tests share."""

import signal

from hypothesis import HealthCheck, settings

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
