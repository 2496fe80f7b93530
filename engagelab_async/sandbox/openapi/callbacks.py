"""What the platform calls back with: the webhooks of both products."""

from typing import Any, Final

from ._schemas import (
    Schema,
    answer,
    any_text,
    array,
    either,
    integer,
    mapping,
    number,
    reference,
    text,
)

_STATUSES: Final = [
    "plan",
    "target_valid",
    "target_invalid",
    "sent",
    "sent_failed",
    "sent_fail",
    "delivered",
    "delivered_failed",
    "verified",
    "verified_failed",
    "verified_timeout",
]
_ORIGIN: Final = {"server": text("`otp` or `sms`."), "itime": integer("Unix seconds.")}

_STATUS: Final = answer(
    {
        "message_status": text("What became of the message.", enum=_STATUSES),
        "status_data": answer(
            {},
            {
                "msg_time": integer("Unix seconds."),
                "message_id": text(),
                "current_send_channel": any_text(),
                "template_key": any_text(),
                "business_id": any_text(),
            },
        ),
    },
    {
        "billing": answer(
            {"cost": number(), "currency": text(examples=["USD"])}, description="Of what was sent."
        ),
        "error_code": integer("0 for none."),
        "error_detail": answer({"message": any_text()}),
    },
)
_MESSAGE_STATUS: Final = answer(
    {
        "message_id": text(),
        "to": text(),
        **_ORIGIN,
        "channel": any_text(),
        "status": _STATUS,
    },
    {"custom_args": mapping({}, "What came with the SMS.")},
    description="What became of a message.",
)
_NOTIFICATION: Final = answer(
    {
        **_ORIGIN,
        "notification": answer(
            {
                "event": text(
                    enum=[
                        "insufficient_verification_rate",
                        "insufficient_balance",
                        "template_audit_result",
                    ]
                ),
                "notification_data": answer(
                    {},
                    {
                        "business_id": any_text(),
                        "remain_balance": number(),
                        "balance_threshold": number(),
                        "currency": text(examples=["USD"]),
                        "rate": number(),
                        "threshold": number(),
                        "template_id": any_text(),
                        "status": any_text(),
                        "reason": any_text(),
                    },
                    description="What it says, by event.",
                ),
            }
        ),
    },
    description="Something that the account's owner should know.",
)
_UPLINK: Final = answer(
    {
        **_ORIGIN,
        "response": answer(
            {
                "event": text(enum=["uplink_message"]),
                "response_data": answer(
                    {"from": text(), "to": text(), "body": any_text()},
                    {"message_sid": any_text(), "account_sid": any_text()},
                ),
            }
        ),
    },
    {"message_id": text(), "business_id": any_text()},
    description="The user replied.",
)
_SYSTEM_EVENT: Final = answer(
    {
        **_ORIGIN,
        "system_event": answer(
            {
                "event": text(
                    enum=[
                        "account_login",
                        "key_manage",
                        "msg_history",
                        "template_manage",
                        "api_call",
                    ]
                ),
                "data": mapping({}, "Who did it, and what happened, under the event's own name."),
            }
        ),
    },
    description="Somebody did something with the account.",
)

COMPONENTS: Final = {
    "MessageStatus": _MESSAGE_STATUS,
    "Notification": _NOTIFICATION,
    "UplinkMessage": _UPLINK,
    "SystemEvent": _SYSTEM_EVENT,
}
"""A row of each kind, by name."""

_SIGNED: Final = (
    "timestamp=1701234567;nonce=abc123;username=shop;"
    "signature=26b90d8f2ac14b638fb2da51c09514e174d2e1a69f32f615617952d16ca33ff8"
)
_SIGNATURE: Final = {
    "name": "X-CALLBACK-ID",
    "in": "header",
    "description": "`signature` is `hex(hmac_sha256(secret, timestamp + nonce + username))`. "
    "It does not cover the body.",
    "schema": text(
        pattern="^timestamp=[^;]*;nonce=[^;]*;username=[^;]*;signature=[0-9a-f]{64}$",
        examples=[_SIGNED],
    ),
}


def webhooks() -> dict[str, Any]:
    """Describe the callbacks."""
    return {"callback": {"post": _callback()}}


def _callback() -> Schema:
    # Rows of other kinds will come one day.
    row = either(*map(reference, COMPONENTS), {"type": "object"})
    rows = answer({"total": integer(minimum=0), "rows": array(row)})
    return {
        "operationId": "callback",
        "summary": "Tell what became of messages, and of the account",
        "description": "When the URL is saved, the body is empty (OTP) or `{}` (SMS). "
        "Whatever is not answered with a 200 within 3 seconds has failed.",
        "parameters": [_SIGNATURE],
        "security": [{}],
        "requestBody": {
            "content": {"application/json": {"schema": either(rows, {"const": {}})}},
        },
        "responses": {"200": {"description": "Received; the body is ignored."}},
    }
