"""What the tests of the examples share: a sandbox, and the environment that leads to it."""

import os
from collections.abc import Iterator, Mapping

import pytest

from engagelab_async.sandbox import Sandbox
from support.fake_clock import FakeClock


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    """The sandbox's clock."""
    return FakeClock()


@pytest.fixture(scope="module")
def sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    """The platform that the examples send with."""
    with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def environment(sandbox: Sandbox) -> Mapping[str, str]:
    """The environment in which an example finds the sandbox."""
    return os.environ | {
        "ENGAGELAB_DEV_KEY": "any",
        "ENGAGELAB_DEV_SECRET": "any",
        "ENGAGELAB_OTP_BASE_URL": sandbox.otp_base_url,
        "ENGAGELAB_SMS_BASE_URL": sandbox.sms_base_url,
        "PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
