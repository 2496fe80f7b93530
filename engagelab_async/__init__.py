"""engagelab-async: the asyncio-native client of the EngageLab SMS and OTP APIs.

Example:
    >>> from engagelab_async import Credentials, EngageLab
    >>> async def main():
    ...     async with EngageLab(otp=Credentials("key", "secret")) as engagelab:
    ...         sent = await engagelab.otp.send_code("+6591234567", "039487", "login")
"""

from importlib import import_module
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from .bulk import (
        Accepted,
        BulkReport,
        FanOut,
        JournalError,
        Limiter,
        Outcome,
        Rate,
        RateLimit,
        Rejected,
        Skipped,
        StopRule,
        Uncertain,
        broadcast,
        hopeless,
    )

__all__ = [
    "OTP",
    "SMS",
    "APIError",
    "Accepted",
    "Attempt",
    "AuthenticationError",
    "BlacklistedError",
    "BulkReport",
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
    "FanOut",
    "FrequencyLimitError",
    "HandsetError",
    "InterceptedError",
    "InternalSendError",
    "InvalidNumberError",
    "InvalidRequestError",
    "InvalidResponseError",
    "JournalError",
    "Limiter",
    "NotFoundError",
    "Operation",
    "Outcome",
    "PermissionDeniedError",
    "Plan",
    "Rate",
    "RateLimit",
    "RateLimitError",
    "RegionForbiddenError",
    "Rejected",
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
    "Skipped",
    "StopRule",
    "Template",
    "TransportError",
    "Uncertain",
    "UnreachableError",
    "UnregisteredNumberError",
    "UnsubscribedError",
    "Verification",
    "VerifyOTP",
    "__version__",
    "broadcast",
    "hopeless",
]

_IN_BULK = frozenset(
    {
        "Accepted",
        "BulkReport",
        "FanOut",
        "JournalError",
        "Limiter",
        "Outcome",
        "Rate",
        "RateLimit",
        "Rejected",
        "Skipped",
        "StopRule",
        "Uncertain",
        "broadcast",
        "hopeless",
    }
)


def __getattr__(name: str) -> object:
    # What sends many messages needs SQLite, which would make the import a tenth slower for the
    # programs that send one at a time.
    if name in _IN_BULK:
        value: object = getattr(import_module(".bulk", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
