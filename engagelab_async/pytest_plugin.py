"""The pytest plugin of engagelab-async: fixtures, and nothing else.

pytest loads this module in every run, wherever engagelab-async is installed. So it imports nothing
of the package before a test asks for a fixture. All fixtures are plain functions: they work without
pytest-asyncio, with it, and with anyio's plugin on asyncio and trio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    import respx

    from engagelab_async import EngageLab
    from engagelab_async.sandbox import Sandbox
    from engagelab_async.testing import Clock, FakeEngageLab


@pytest.fixture
def engagelab_clock() -> Clock:
    """The clock of the fake and of the sandbox: ``engagelab_clock.advance(300)``."""
    from engagelab_async.testing import Clock

    return Clock()


@pytest.fixture
def engagelab_fake(engagelab_clock: Clock) -> Iterator[FakeEngageLab]:
    """The EngageLab platform inside the test: scripts, what was sent, assertions."""
    from engagelab_async.testing import FakeEngageLab, no_backoff

    with no_backoff():
        yield FakeEngageLab(clock=engagelab_clock)


@pytest.fixture
def engagelab(engagelab_fake: FakeEngageLab) -> EngageLab:
    """A client of `engagelab_fake`, without a network and without delays."""
    return engagelab_fake.client()


@pytest.fixture
def engagelab_sandbox(engagelab_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A running sandbox that `EngageLab.from_env()` uses: real HTTP on this machine."""
    from engagelab_async.sandbox import Sandbox
    from engagelab_async.testing import no_backoff

    with no_backoff(), Sandbox(clock=engagelab_clock) as sandbox:
        _set_key_pairs(monkeypatch)
        monkeypatch.setenv("ENGAGELAB_OTP_BASE_URL", sandbox.otp_base_url)
        monkeypatch.setenv("ENGAGELAB_SMS_BASE_URL", sandbox.sms_base_url)
        yield sandbox


@pytest.fixture
def engagelab_respx(
    engagelab_fake: FakeEngageLab, monkeypatch: pytest.MonkeyPatch
) -> Iterator[respx.MockRouter]:
    """A respx router with a route for each call, such as ``engagelab_respx["otp.send"]``."""
    from engagelab_async.testing.respx import router_of

    _set_key_pairs(monkeypatch)
    monkeypatch.delenv("ENGAGELAB_OTP_BASE_URL", raising=False)
    monkeypatch.delenv("ENGAGELAB_SMS_BASE_URL", raising=False)
    with router_of(engagelab_fake) as router:
        yield router


def _set_key_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    for product in ("OTP", "SMS"):
        monkeypatch.setenv(f"ENGAGELAB_{product}_DEV_KEY", "any")
        monkeypatch.setenv(f"ENGAGELAB_{product}_DEV_SECRET", "any")
