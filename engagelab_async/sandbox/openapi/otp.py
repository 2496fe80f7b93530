"""The sends of the OTP product, and the verification of codes."""

from typing import Any, Final

from engagelab_async.sandbox.recipients import EMAIL, NUMBER

from ._operations import DONE, operation
from ._schemas import (
    Schema,
    answer,
    array,
    body,
    boolean,
    either,
    mapping,
    reference,
    text,
)

_LANGUAGES: Final = ["default", "zh_CN", "zh_HK", "en", "ja", "th", "es"]

_RECIPIENT: Final = either(
    text("A phone number in E.164 form.", pattern=f"^{NUMBER.pattern}$", examples=["+6591234567"]),
    text("An email address.", pattern=f"^{EMAIL.pattern}$", examples=["support@engagelab.com"]),
    description="A phone number or an email address.",
)
_PARAMS: Final = mapping(
    {"type": "string"},
    "Values of the template's variables. One that is left out is delivered literally, as "
    "`{{name}}`. Keys such as `from_id` override the template's presets, on the email channel "
    "`subject`, `from_name` and `from_mail`.",
    examples=[{"key1": "value1", "key2": "value2"}],
)
_TEMPLATE: Final = body(
    {"id": text("The template's id.", examples=["test-template-1"])},
    {
        "language": text("`default` if it is left out.", enum=_LANGUAGES, examples=["default"]),
        "params": _PARAMS,
    },
)
_MUTE_TEMPLATE: Final = body(
    {"id": text("The template's id.", examples=["code-template"])},
    {"params": _PARAMS | {"examples": [{"code": "123456"}, {"order": "123456"}]}},
)

SENT: Final = answer(
    {
        "message_id": text("Identifies the message.", examples=["1725407449772531712"]),
        "send_channel": text(
            "The channel used now; a strategy may fall back to another later.",
            enum=["whatsapp", "sms", "email", "voice"],
            examples=["sms"],
        ),
    },
    description="A message that was accepted.",
)
VERIFICATION: Final = answer(
    {
        "message_id": text("The message that carried the code."),
        "verify_code": text("What was to be verified."),
        "verified": boolean("Whether it was right. A wrong code is not an error."),
    },
    description="The platform's opinion of a code.",
)


_DECIMAL: Final = r"^-?[0-9]+\.[0-9]{4}$"
BALANCE: Final = answer(
    {
        "currency": text("Always `USD`.", examples=["USD"]),
        "balance": text("Negative with an overdraft.", pattern=_DECIMAL, examples=["-12.3400"]),
        "gift_balance": text(pattern=_DECIMAL, examples=["0.0000"]),
        "total_balance": text("The two together.", pattern=_DECIMAL, examples=["-12.3400"]),
    },
    description="What the account has left.",
)


def paths() -> dict[str, Any]:
    """Describe the operations, by path."""
    return {
        "/v1/balance": {
            "get": operation("otp.balance", "Read the balance", answers=reference("Balance"))
        },
        "/v1/sandbox/webhook": {"put": _set_webhook()},
        "/v1/messages": {"post": _send()},
        "/v1/codes": {"post": _send_code()},
        "/v1/verifications": {"post": _verify()},
        "/v1/custom-messages": {"post": _send_custom_message()},
    }


def _set_webhook() -> Schema:
    return operation(
        "otp.sandbox.webhook",
        "Say where callbacks are to go; only the vendor's sandbox has this call, and ours",
        body=body(
            {"url": text("Where to.", examples=["http://127.0.0.1:8000/callbacks"])},
            {
                "username": text("Signs them; `sandbox_demo` if it is left out."),
                "secret": text("Its secret; `sandbox_webhook_secret` if it is left out."),
            },
        ),
        answers=DONE,
    )


def _send() -> Schema:
    return operation(
        "otp.send",
        "Send a code that the platform makes",
        body=body({"to": _RECIPIENT, "template": _TEMPLATE}),
        answers=reference("Sent"),
        description="3004: this person still has a live code of this template.",
    )


def _send_code() -> Schema:
    code = text("The code; leading zeros matter.", examples=["398210", "039487"])
    return operation(
        "otp.send_code",
        "Send a code that the caller made",
        body=body({"to": _RECIPIENT, "code": code, "template": _TEMPLATE}),
        answers=reference("Sent"),
        description="There is nothing to verify afterwards.",
    )


def _verify() -> Schema:
    return operation(
        "otp.verify",
        "Verify a code that the platform made",
        body=body(
            {
                "message_id": text("What the send answered.", examples=["1725407449772531712"]),
                "verify_code": text("What the person typed.", examples=["667090"]),
            }
        ),
        answers=reference("Verification"),
        description="3003: the code has expired, or was verified before.",
    )


def _send_custom_message() -> Schema:
    return operation(
        "otp.send_custom_message",
        "Send a message of the caller's own template",
        body=body(
            {
                "to": either(_RECIPIENT, array(_RECIPIENT, minItems=1)),
                "template": _MUTE_TEMPLATE,
            }
        ),
        answers=reference("Sent"),
        description="A template of the verification type must be given `params.code`.",
    )
