"""engagelab-async: the asyncio-native client of the EngageLab SMS and OTP APIs.

Example:
    >>> from engagelab_async import Credentials, EngageLab
    >>> async def main():
    ...     async with EngageLab(otp=Credentials("key", "secret")) as engagelab:
    ...         sent = await engagelab.otp.send_code("+6591234567", "039487", "login")
"""

from importlib import import_module
from typing import TYPE_CHECKING

from engagelab_async.operation import Endpoint, Operation
from engagelab_async.operations.otp import (
    SendCode,
    SendCustomMessage,
    SendOTP,
    Sent,
    Verification,
    VerifyOTP,
)
from engagelab_async.operations.sms import Plan, ScheduleInfo, SendSMS
from engagelab_async.template import Template

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
from .operations.balance import Balance, GetOTPBalance, GetSMSBalance
from .otp import OTP
from .retry import RetryPolicy
from .sms import SMS
from .transport import Attempt, Credentials

# Most programs only send. These names are looked up when they are first used, because making their
# classes would double the time that importing the package takes.
if TYPE_CHECKING:
    from engagelab_async.template import SignatureStatus, TemplateStatus

    from .bulk import (
        Accepted,
        BulkReport,
        FanOut,
        FanOutOptions,
        Journal,
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
        stop_on_fatal_error,
    )
    from .operations.otp_templates import (
        Channel,
        ChannelConfig,
        CreateOTPTemplate,
        DeleteOTPTemplate,
        EmailConfig,
        EmailContent,
        GetOTPTemplate,
        ListOTPTemplates,
        OTPTemplate,
        PWAConfig,
        SMSConfig,
        TemplateCustomConfig,
        TemplateDefaultConfig,
        VerifyCodeConfig,
        VerifyCodeType,
    )
    from .operations.signatures import (
        CreatedSignature,
        CreateSignature,
        DeleteSignature,
        GetSignature,
        ListSignatures,
        Signature,
        UpdateSignature,
    )
    from .operations.sms_templates import (
        CreatedSMSTemplate,
        CreateSMSTemplate,
        DeleteSMSTemplate,
        GetSMSTemplate,
        ListSMSTemplates,
        SignaturePosition,
        SMSTemplate,
        TemplateType,
        UpdateSMSTemplate,
    )
    from .rendering import (
        Rendering,
        render,
    )
    from .templates import (
        CallOptions,
        OTPTemplates,
        Signatures,
        SMSTemplates,
    )
else:
    _LATER = (
        "template",
        "operations.otp_templates",
        "operations.sms_templates",
        "operations.signatures",
        "rendering",
        "templates",
        "bulk",
    )

    def __getattr__(name: str) -> object:
        for module in _LATER if name in __all__ else ():
            found = getattr(import_module(f".{module}", __name__), name, None)
            if found is not None:
                return globals().setdefault(name, found)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


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
    "Channel",
    "ChannelConfig",
    "ConfigurationError",
    "ConnectError",
    "ConnectionLostError",
    "ContentRejectedError",
    "CreateOTPTemplate",
    "CreateSMSTemplate",
    "CreateSignature",
    "CreatedSMSTemplate",
    "CreatedSignature",
    "Credentials",
    "DeleteOTPTemplate",
    "DeleteSMSTemplate",
    "DeleteSignature",
    "EmailConfig",
    "EmailContent",
    "Endpoint",
    "EngageLab",
    "EngageLabError",
    "Engine",
    "FanOut",
    "FanOutOptions",
    "FrequencyLimitError",
    "GetOTPBalance",
    "GetOTPTemplate",
    "GetSMSBalance",
    "GetSMSTemplate",
    "GetSignature",
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
    "Limiter",
    "ListOTPTemplates",
    "ListSMSTemplates",
    "ListSignatures",
    "NameTakenError",
    "NotDeliveredError",
    "NotFoundError",
    "OTPTemplate",
    "OTPTemplates",
    "Operation",
    "Outcome",
    "PWAConfig",
    "PendingReviewError",
    "PermissionDeniedError",
    "Plan",
    "Rate",
    "RateLimit",
    "RateLimitError",
    "RegionForbiddenError",
    "Rejected",
    "Rendering",
    "Request",
    "Response",
    "ResponseTimeoutError",
    "RetryPolicy",
    "ReviewRejectedError",
    "ReviewTimeoutError",
    "SMSConfig",
    "SMSTemplate",
    "SMSTemplates",
    "ScheduleInfo",
    "SendCode",
    "SendCustomMessage",
    "SendFailedError",
    "SendOTP",
    "SendSMS",
    "Sent",
    "ServerError",
    "Signature",
    "SignatureError",
    "SignaturePosition",
    "SignatureRejectedError",
    "SignatureStatus",
    "Signatures",
    "Skipped",
    "StopRule",
    "Template",
    "TemplateCustomConfig",
    "TemplateDefaultConfig",
    "TemplateRejectedError",
    "TemplateStatus",
    "TemplateType",
    "TransportError",
    "Uncertain",
    "UnreachableError",
    "UnregisteredNumberError",
    "UnsubscribedError",
    "UpdateSMSTemplate",
    "UpdateSignature",
    "Verification",
    "VerifyCodeConfig",
    "VerifyCodeType",
    "VerifyOTP",
    "__version__",
    "broadcast",
    "render",
    "stop_on_fatal_error",
]
