"""What a test can do with the extra ``testing``; pytest finds the fixtures."""

import asyncio
import subprocess
import sys

from engagelab_async import EngageLab, InvalidNumberError
from engagelab_async.testing import FakeEngageLab, no_backoff


async def log_in(engagelab: EngageLab, fake: FakeEngageLab) -> bool:
    """Send a code, and type it."""
    sent = await engagelab.otp.send("+6591234567", "login")
    check = await engagelab.otp.verify(sent.message_id, fake.code_for("+6591234567"))
    return check.verified


def test_log_in(engagelab: EngageLab, engagelab_fake: FakeEngageLab) -> None:
    """The code that was sent is right."""
    engagelab_fake.otp.fail("+6591234568", InvalidNumberError)
    with no_backoff():
        assert asyncio.run(log_in(engagelab, engagelab_fake))
    assert engagelab_fake.assert_sent("+6591234567").code


if __name__ == "__main__":
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", "-q", __file__]))
