"""engagelab-async: the asyncio-native client of the EngageLab SMS and OTP APIs.

Example:
    >>> from engagelab_async import Credentials, EngageLab
    >>> async def main():
    ...     async with EngageLab(otp=Credentials("key", "secret")) as engagelab:
    ...         sent = await engagelab.otp.send_code("+6591234567", "039487", "login")

The names below are looked up when they are first used: most programs only send, and need half of
them. Those of bulk runs and of templates, beyond these, are in ``engagelab_async.bulk`` and
``engagelab_async.templates``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from ._version import __version__

__all__ = [
    "OTP",
    "SMS",
    "APIError",
    "Accepted",
    "Attempt",
    "AuthenticationError",
    "Balance",
    "BlacklistedError",
    "BulkReport",
    "BusinessRuleError",
    "CallOptions",
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
    "GetOTPBalance",
    "GetSMSBalance",
    "HandsetError",
    "InUseError",
    "InterceptedError",
    "InternalSendError",
    "InvalidCallbackError",
    "InvalidNumberError",
    "InvalidRequestError",
    "InvalidResponseError",
    "Journal",
    "JournalError",
    "NameTakenError",
    "NotDeliveredError",
    "NotFoundError",
    "Operation",
    "PendingReviewError",
    "PermissionDeniedError",
    "Plan",
    "Rate",
    "RateLimitError",
    "RegionForbiddenError",
    "Rejected",
    "Request",
    "Response",
    "ResponseTimeoutError",
    "RetryPolicy",
    "ReviewRejectedError",
    "ReviewTimeoutError",
    "ScheduleInfo",
    "SendCode",
    "SendCustomMessage",
    "SendFailedError",
    "SendOTP",
    "SendSMS",
    "Sent",
    "ServerError",
    "SignatureError",
    "SignatureRejectedError",
    "Skipped",
    "Template",
    "TemplateRejectedError",
    "TransportError",
    "Uncertain",
    "UnreachableError",
    "UnregisteredNumberError",
    "UnsubscribedError",
    "Verification",
    "VerifyOTP",
    "__version__",
    "broadcast",
    "render",
    "stop_on_fatal_error",
]

_MODULES: Final = {
    "attempts": ("Attempt",),
    "balance": ("Balance",),
    "bulk": (
        "Accepted",
        "BulkReport",
        "FanOut",
        "Journal",
        "JournalError",
        "Rate",
        "Rejected",
        "Skipped",
        "Uncertain",
        "broadcast",
        "stop_on_fatal_error",
    ),
    "calls": ("CallOptions",),
    "client": ("EngageLab",),
    "engines": ("Engine", "Request", "Response"),
    "credentials": ("Credentials",),
    "errors": tuple(name for name in __all__ if name.endswith("Error") and name != "JournalError"),
    "operation": ("Endpoint", "Operation"),
    "otp": ("OTP",),
    "otp.balance": ("GetOTPBalance",),
    "otp.codes": ("SendCode", "SendOTP", "Verification", "VerifyOTP"),
    "otp.messages": ("SendCustomMessage", "Sent"),
    "rendering": ("render",),
    "retry": ("RetryPolicy",),
    "sms": ("SMS",),
    "sms.balance": ("GetSMSBalance",),
    "sms.messages": ("Plan", "ScheduleInfo", "SendSMS"),
    "template": ("Template",),
}
"""Where each public name is defined; the imports below say the same to type checkers."""

if TYPE_CHECKING:
    from .attempts import Attempt
    from .balance import Balance
    from .bulk import (
        Accepted,
        BulkReport,
        FanOut,
        Journal,
        JournalError,
        Rate,
        Rejected,
        Skipped,
        Uncertain,
        broadcast,
        stop_on_fatal_error,
    )
    from .calls import CallOptions
    from .client import EngageLab
    from .credentials import Credentials
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
        InUseError,
        InvalidCallbackError,
        InvalidNumberError,
        InvalidRequestError,
        InvalidResponseError,
        NameTakenError,
        NotDeliveredError,
        NotFoundError,
        PendingReviewError,
        PermissionDeniedError,
        RateLimitError,
        RegionForbiddenError,
        ResponseTimeoutError,
        ReviewRejectedError,
        ReviewTimeoutError,
        SendFailedError,
        ServerError,
        SignatureError,
        SignatureRejectedError,
        TemplateRejectedError,
        TransportError,
        UnreachableError,
        UnregisteredNumberError,
        UnsubscribedError,
    )
    from .operation import Endpoint, Operation
    from .otp import OTP
    from .otp.balance import GetOTPBalance
    from .otp.codes import SendCode, SendOTP, Verification, VerifyOTP
    from .otp.messages import SendCustomMessage, Sent
    from .rendering import render
    from .retry import RetryPolicy
    from .sms import SMS
    from .sms.balance import GetSMSBalance
    from .sms.messages import Plan, ScheduleInfo, SendSMS
    from .template import Template
else:
    _HOMES: Final = {name: module for module, names in _MODULES.items() for name in names}

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f".{name}", __name__)
        home = _HOMES.get(name) or _namespace_of(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f".{home}", __name__), name)
        return globals().setdefault(name, found)

    def _namespace_of(name: str) -> str | None:
        """Find a class of bulk runs or templates, which all stood here once."""
        # Anything else may be a module that is being imported.
        if not name[0].isupper():
            return None
        namespaces = ("bulk", "templates")
        return next(
            (each for each in namespaces if name in import_module(f".{each}", __name__).__all__),
            None,
        )

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
