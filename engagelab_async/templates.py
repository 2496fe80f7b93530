"""Templates and signatures: the values, the calls, and rendering of a template's text.

The coroutines are those of ``engagelab.sms.templates``, ``engagelab.sms.signatures`` and
``engagelab.otp.templates``.
"""

from engagelab_async.otp.channels import (
    Channel,
    ChannelConfig,
    EmailConfig,
    EmailContent,
    PWAConfig,
    SMSConfig,
    TemplateCustomConfig,
    TemplateDefaultConfig,
    VerifyCodeConfig,
    VerifyCodeType,
)
from engagelab_async.otp.templates import (
    CreateOTPTemplate,
    DeleteOTPTemplate,
    GetOTPTemplate,
    ListOTPTemplates,
    OTPTemplate,
    OTPTemplates,
)
from engagelab_async.rendering import Rendering, render
from engagelab_async.sms.signatures import (
    CreatedSignature,
    CreateSignature,
    DeleteSignature,
    GetSignature,
    ListSignatures,
    Signature,
    Signatures,
    UpdateSignature,
)
from engagelab_async.sms.templates import (
    CreatedSMSTemplate,
    CreateSMSTemplate,
    DeleteSMSTemplate,
    GetSMSTemplate,
    ListSMSTemplates,
    SignaturePosition,
    SMSTemplate,
    SMSTemplates,
    UpdateSMSTemplate,
)
from engagelab_async.template import SignatureStatus, TemplateStatus, TemplateType

__all__ = [
    "Channel",
    "ChannelConfig",
    "CreateOTPTemplate",
    "CreateSMSTemplate",
    "CreateSignature",
    "CreatedSMSTemplate",
    "CreatedSignature",
    "DeleteOTPTemplate",
    "DeleteSMSTemplate",
    "DeleteSignature",
    "EmailConfig",
    "EmailContent",
    "GetOTPTemplate",
    "GetSMSTemplate",
    "GetSignature",
    "ListOTPTemplates",
    "ListSMSTemplates",
    "ListSignatures",
    "OTPTemplate",
    "OTPTemplates",
    "PWAConfig",
    "Rendering",
    "SMSConfig",
    "SMSTemplate",
    "SMSTemplates",
    "Signature",
    "SignaturePosition",
    "SignatureStatus",
    "Signatures",
    "TemplateCustomConfig",
    "TemplateDefaultConfig",
    "TemplateStatus",
    "TemplateType",
    "UpdateSMSTemplate",
    "UpdateSignature",
    "VerifyCodeConfig",
    "VerifyCodeType",
    "render",
]
