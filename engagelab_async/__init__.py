"""engagelab-async: the asyncio-native client of the EngageLab SMS and OTP APIs.

Example:
    >>> from engagelab_async import Credentials, EngageLab
    >>> async def main():
    ...     async with EngageLab(otp=Credentials("key", "secret")) as engagelab:
    ...         sent = await engagelab.otp.send_code("+6591234567", "039487", "login")
"""

from ._version import __version__
from .client import EngageLab
from .engines import Engine, Request, Response
from .errors import (
    APIError,
    AuthenticationError,
    BlacklistedError,
    BusinessRuleError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ContentRejectedError,
    EngageLabError,
    FrequencyLimitError,
    HandsetError,
    InterceptedError,
    InternalSendError,
    InvalidNumberError,
    InvalidRequestError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RegionForbiddenError,
    ResponseTimeoutError,
    SendFailedError,
    ServerError,
    TransportError,
    UnreachableError,
    UnregisteredNumberError,
    UnsubscribedError,
)
from .operations import (
    Endpoint,
    Operation,
    Plan,
    ScheduleInfo,
    SendCode,
    SendCustomMessage,
    SendOTP,
    SendSMS,
    Sent,
    Template,
    Verification,
    VerifyOTP,
)
from .otp import OTP
from .retry import RetryPolicy
from .sms import SMS
from .transport import Attempt, Credentials

__all__ = [
    "OTP",
    "SMS",
    "APIError",
    "Attempt",
    "AuthenticationError",
    "BlacklistedError",
    "BusinessRuleError",
    "ConfigurationError",
    "ConnectError",
    "ConnectionLostError",
    "ContentRejectedError",
    "Credentials",
    "Endpoint",
    "EngageLab",
    "EngageLabError",
    "Engine",
    "FrequencyLimitError",
    "HandsetError",
    "InterceptedError",
    "InternalSendError",
    "InvalidNumberError",
    "InvalidRequestError",
    "InvalidResponseError",
    "NotFoundError",
    "Operation",
    "PermissionDeniedError",
    "Plan",
    "RateLimitError",
    "RegionForbiddenError",
    "Request",
    "Response",
    "ResponseTimeoutError",
    "RetryPolicy",
    "ScheduleInfo",
    "SendCode",
    "SendCustomMessage",
    "SendFailedError",
    "SendOTP",
    "SendSMS",
    "Sent",
    "ServerError",
    "Template",
    "TransportError",
    "UnreachableError",
    "UnregisteredNumberError",
    "UnsubscribedError",
    "Verification",
    "VerifyOTP",
    "__version__",
]
