"""Every call of the library: its operation, its coroutine, its arguments, and a good answer."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest
from attrs import frozen

from engagelab_async import (
    Credentials,
    Endpoint,
    EngageLab,
    Operation,
    Plan,
    SendCode,
    SendCustomMessage,
    SendOTP,
    SendSMS,
    VerifyOTP,
)

KEY_PAIR = Credentials("jiguangdev", "dev_secret")

SENT = {"message_id": "1725407449772531712", "send_channel": "sms"}
VERIFIED = {"message_id": "1725407449772531712", "verified": True}
PLAN = {"plan_id": "1972488990548348928", "total_count": 1, "accepted_count": 1}


@frozen
class GetSMSTemplate(Operation[Plan]):
    """A read, which may always be repeated; the library has none yet, but others may add one."""

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.templates.get",
        product="sms",
        method="GET",
        path="/v1/template-configs/1",
        result=Plan,
        repeatable=True,
    )


OPERATIONS: dict[str, Operation[object]] = {
    operation.endpoint.name: operation
    for operation in (
        SendOTP("+6591234567", "login"),
        SendCode("+6591234567", "039487", "login"),
        SendCustomMessage("+6591234567", "shipped"),
        VerifyOTP("1725407449772531712", "667090"),
        SendSMS("+6591234567", "1233"),
        GetSMSTemplate(),
    )
}
"""A value of each call, by its name."""

ANSWERS: dict[str, object] = {
    "otp.send": SENT,
    "otp.send_code": SENT,
    "otp.send_custom_message": SENT,
    "otp.verify": VERIFIED,
    "sms.send": PLAN,
}
"""What the API answers to each, if all is well."""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "otp.send": {"to": "+6591234567", "template": "login"},
    "otp.send_code": {"to": "+6591234567", "code": "039487", "template": "login"},
    "otp.send_custom_message": {"to": "+6591234567", "template": "shipped"},
    "otp.verify": {"message_id": "1", "code": "667090"},
    "sms.send": {"to": "+6591234567", "template": "1233"},
}
"""What each coroutine must be given."""

every_coroutine = pytest.mark.parametrize("call", ARGUMENTS)


def coroutine_of(engagelab: EngageLab, call: str) -> Callable[..., Awaitable[object]]:
    """Find the coroutine function that is called as ``engagelab.<call>``."""
    product, _, name = call.partition(".")
    found: Callable[..., Awaitable[object]] = getattr(getattr(engagelab, product), name)
    return found
