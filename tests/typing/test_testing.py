"""What a type checker knows of the fake platform, and what it refuses.

mypy and pyright judge this file; running it shows that what they know is true.
"""

from typing import assert_type

import pytest

from engagelab_async import EngageLab, InvalidNumberError, RateLimitError, SendSMS, VerifyOTP
from engagelab_async.sandbox import Sandbox, SentMessage
from engagelab_async.testing import Call, Clock, FakeEngageLab, OTPScript, Script

PHONE = "+6591234567"


@pytest.mark.asyncio
async def test_what_is_read() -> None:
    """Messages, requests and codes have their classes."""
    fake = FakeEngageLab()
    client = assert_type(fake.client(timeout=5), EngageLab)
    await client.otp.send(PHONE, "login")

    assert_type(fake.sent, list[SentMessage])
    assert_type(fake.calls, list[Call])
    assert_type(fake.assert_sent(PHONE, product="otp", times=1), SentMessage)
    assert_type(fake.code_for(PHONE), str)
    assert_type((fake.otp, fake.sms), tuple[OTPScript, Script])
    assert_type((fake.clock, fake.sandbox), tuple[Clock, Sandbox])


def test_what_is_scripted() -> None:
    """Errors come as classes or as instances; operations as classes, of any result."""
    fake = FakeEngageLab()
    fake.otp.fail(PHONE, InvalidNumberError, times=1, on=VerifyOTP)
    fake.sms.fail(None, RateLimitError("later", retry_after=1), on=SendSMS)

    with pytest.raises(TypeError):
        fake.otp.fail(PHONE, ValueError)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        fake.sms.use_code(PHONE, "123456")  # type: ignore[attr-defined]
