"""A whole document."""

from typing import Any, Final

from engagelab_async.client import OTP_BASE_URL, SMS_BASE_URL
from engagelab_async.sandbox.outbox import Product

from . import callbacks, otp, otp_templates, sms
from ._operations import error_components
from ._schemas import Schema

_TITLES: Final = {"otp": "EngageLab OTP", "sms": "EngageLab SMS"}
_BASE_URLS: Final = {"otp": OTP_BASE_URL, "sms": SMS_BASE_URL}
_ABOUT: Final = """\
The API as the vendor's public pages document it. Of what they leave open, this says what the
sandbox does: `null` counts as left out, and a refusal without a documented code has the HTTP status
as its code. It is not the vendor's own document.
"""


def document(product: Product) -> dict[str, Any]:
    """Describe the API of a product in OpenAPI 3.1.

    Args:
        product: ``"otp"`` or ``"sms"``.

    Returns:
        The document, which JSON can hold.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLES[product], "version": "1", "description": _ABOUT},
        "servers": [
            {"url": f"/{product}", "description": "The sandbox that serves this."},
            {"url": _BASE_URLS[product], "description": "EngageLab."},
        ],
        "security": [{"keyPair": []}],
        "paths": _paths(product),
        "webhooks": callbacks.webhooks(),
        "components": {
            "securitySchemes": {"keyPair": _key_pair(product)},
            "schemas": _schemas(product) | callbacks.COMPONENTS | error_components(),
        },
    }


def _paths(product: Product) -> dict[str, Any]:
    return {**otp.paths(), **otp_templates.paths()} if product == "otp" else sms.paths()


def _schemas(product: Product) -> dict[str, Schema]:
    if product == "otp":
        return {
            "Balance": otp.BALANCE,
            "Sent": otp.SENT,
            "Verification": otp.VERIFICATION,
            "Template": otp_templates.TEMPLATE,
            "ListedTemplate": otp_templates.LISTED_TEMPLATE,
        }
    return {
        "Balance": sms.BALANCE,
        "Plan": sms.PLAN,
        "FailedPlan": sms.FAILED_PLAN,
        "Template": sms.TEMPLATE,
        "Signature": sms.SIGNATURE,
    }


def _key_pair(product: Product) -> Schema:
    return {
        "type": "http",
        "scheme": "basic",
        "description": f"The dev_key and the dev_secret of the {product.upper()} product. "
        "Those of the other product are refused.",
    }
