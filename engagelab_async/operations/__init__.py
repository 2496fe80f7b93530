"""Every API call is a value: the requests and results of both products."""

from ._operation import Endpoint, Operation, Product
from ._template import Template
from .otp import SendCode, SendCustomMessage, SendOTP, Sent, Verification, VerifyOTP
from .sms import Plan, ScheduleInfo, SendSMS

__all__ = [
    "Endpoint",
    "Operation",
    "Plan",
    "Product",
    "ScheduleInfo",
    "SendCode",
    "SendCustomMessage",
    "SendOTP",
    "SendSMS",
    "Sent",
    "Template",
    "Verification",
    "VerifyOTP",
]
