"""Every call of the library: its operation, its coroutine, its arguments, and a good answer."""

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any

import pytest

from engagelab_async import (
    Credentials,
    EngageLab,
    GetOTPBalance,
    GetSMSBalance,
    Operation,
    SendCode,
    SendCustomMessage,
    SendOTP,
    SendSMS,
    VerifyOTP,
)
from engagelab_async.templates import (
    CreateOTPTemplate,
    CreateSignature,
    CreateSMSTemplate,
    DeleteOTPTemplate,
    DeleteSignature,
    DeleteSMSTemplate,
    GetOTPTemplate,
    GetSignature,
    GetSMSTemplate,
    ListOTPTemplates,
    ListSignatures,
    ListSMSTemplates,
    OTPTemplate,
    UpdateSignature,
    UpdateSMSTemplate,
)

KEY_PAIR = Credentials("jiguangdev", "dev_secret")

SENT = {"message_id": "1725407449772531712", "send_channel": "sms"}
VERIFIED = {"message_id": "1725407449772531712", "verified": True}
PLAN = {"plan_id": "1972488990548348928", "total_count": 1, "accepted_count": 1}
OTP_BALANCE = {
    "currency": "USD",
    "balance": "-12.3400",
    "gift_balance": "0.0000",
    "total_balance": "-12.3400",
}
SMS_BALANCE = {
    "balance": 12.3456,
    "gift_balance": 2,
    "total_balance": 14.3456,
    "balance10000": 123456,
    "gift_balance10000": 20000,
    "total_balance10000": 143456,
}


SMS_TEMPLATE = {
    "template_id": "1972490061974913024",
    "template_name": "shipped",
    "template_type": "utility",
    "template_content": "Order {{order}} is on its way",
    "status": 2,
}
SIGNATURE = {"sign_id": "1972490061974913025", "sign_name": "Acme", "status": 2}
OTP_TEMPLATE = {"template_id": "login", "send_channel_strategy": "sms", "status": 2}
DONE = {"code": 0, "message": "success"}

WORDING: dict[str, Any] = {
    "template_name": "shipped",
    "template_type": "utility",
    "template_content": "Order {{order}} is on its way",
    "country_codes": ("SG", "MY"),
}
LOGIN = OTPTemplate.sms("login", brand_name="Acme")

OPERATIONS: dict[str, Operation[object]] = {
    operation.endpoint.name: operation
    for operation in (
        SendOTP("+6591234567", "login"),
        SendCode("+6591234567", "039487", "login"),
        SendCustomMessage("+6591234567", "shipped"),
        VerifyOTP("1725407449772531712", "667090"),
        SendSMS("+6591234567", "1233"),
        GetOTPBalance(),
        GetSMSBalance(),
        ListSMSTemplates(),
        GetSMSTemplate("1972490061974913024"),
        CreateSMSTemplate(**WORDING),
        UpdateSMSTemplate(template_id="1972490061974913024", **WORDING),
        DeleteSMSTemplate("1972490061974913024"),
        ListSignatures(),
        GetSignature("1972490061974913025"),
        CreateSignature("Acme"),
        UpdateSignature("1972490061974913025", "Acme"),
        DeleteSignature("1972490061974913025"),
        ListOTPTemplates(),
        GetOTPTemplate("login"),
        CreateOTPTemplate(LOGIN),
        DeleteOTPTemplate("login"),
    )
}
"""A value of each call, by its name."""

ANSWERS: dict[str, object] = {
    "otp.send": SENT,
    "otp.send_code": SENT,
    "otp.send_custom_message": SENT,
    "otp.verify": VERIFIED,
    "sms.send": PLAN,
    "otp.balance": OTP_BALANCE,
    "sms.balance": SMS_BALANCE,
    "sms.templates.list": [SMS_TEMPLATE],
    "sms.templates.get": SMS_TEMPLATE,
    "sms.templates.create": {"template_id": "1972490061974913024"},
    "sms.templates.update": DONE,
    "sms.templates.delete": DONE,
    "sms.signatures.list": [SIGNATURE],
    "sms.signatures.get": SIGNATURE,
    "sms.signatures.create": {"sign_id": "1972490061974913025"},
    "sms.signatures.update": DONE,
    "sms.signatures.delete": DONE,
    "otp.templates.list": [OTP_TEMPLATE],
    "otp.templates.get": OTP_TEMPLATE,
    "otp.templates.create": DONE,
    "otp.templates.delete": DONE,
}
"""What the API answers to each, if all is well."""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "otp.send": {"to": "+6591234567", "template": "login"},
    "otp.send_code": {"to": "+6591234567", "code": "039487", "template": "login"},
    "otp.send_custom_message": {"to": "+6591234567", "template": "shipped"},
    "otp.verify": {"message_id": "1", "code": "667090"},
    "sms.send": {"to": "+6591234567", "template": "1233"},
    "otp.balance": {},
    "sms.balance": {},
    "sms.templates.list": {},
    "sms.templates.get": {"template_id": "1"},
    "sms.templates.create": WORDING,
    "sms.templates.update": {"template_id": "1", **WORDING},
    "sms.templates.delete": {"template_id": "1"},
    "sms.signatures.list": {},
    "sms.signatures.get": {"sign_id": "1"},
    "sms.signatures.create": {"sign_name": "Acme"},
    "sms.signatures.update": {"sign_id": "1", "sign_name": "Acme"},
    "sms.signatures.delete": {"sign_id": "1"},
    "otp.templates.list": {},
    "otp.templates.get": {"template_id": "login"},
    "otp.templates.create": {"template": LOGIN},
    "otp.templates.delete": {"template_id": "login"},
}
"""What each coroutine must be given."""

every_coroutine = pytest.mark.parametrize("call", ARGUMENTS)


def coroutine_of(engagelab: EngageLab, call: str) -> Callable[..., Awaitable[object]]:
    """Find the coroutine function that is called as ``engagelab.<call>``."""
    found: Callable[..., Awaitable[object]] = attrgetter(call)(engagelab)
    return found
