"""The rows of callbacks, for the OpenAPI documents."""

from typing import Any, Final, Literal, TypeAlias

from .bodies import Moment, Text, answer

MessageState: TypeAlias = Literal[
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
NotificationEvent: TypeAlias = Literal[
    "insufficient_verification_rate", "insufficient_balance", "template_audit_result"
]
AccountEvent: TypeAlias = Literal[
    "account_login", "key_manage", "msg_history", "template_manage", "api_call"
]

_TEXTS: Final = dict.fromkeys(("current_send_channel", "template_key", "business_id"), str)
_DATA: Final = answer(
    "StatusData", "About it.", {}, {"msg_time": Moment, "message_id": Text, **_TEXTS}
)
_PRICE: Final = answer("Billing", "Its price.", {"cost": float, "currency": Text})
_ERROR: Final = answer("ErrorDetail", "The error.", {"message": str})
_STATUS: Final = answer(
    "Status",
    "A status of a message; the error code 0 is none.",
    {"message_status": MessageState, "status_data": _DATA},
    {"billing": _PRICE, "error_code": int, "error_detail": _ERROR},
)
_NUMBERS: Final = dict.fromkeys(("remain_balance", "balance_threshold", "rate", "threshold"), float)
_WORDS: Final = dict.fromkeys(("business_id", "template_id", "status", "reason"), str)
_NOTICE: Final = answer(
    "NotificationData",
    "What a notification says, by event.",
    {},
    {**_NUMBERS, **_WORDS, "currency": Text},
)
_NOTIFICATION: Final = answer(
    "AccountNotification", "An event.", {"event": NotificationEvent, "notification_data": _NOTICE}
)
_REPLY: Final = answer(
    "ResponseData",
    "What the user replied.",
    {"from_": Text, "to": Text, "body": str},
    {"message_sid": str, "account_sid": str},
)
_RESPONSE: Final = answer(
    "Uplink", "A reply.", {"event": Literal["uplink_message"], "response_data": _REPLY}
)
_EVENT: Final = answer(
    "AccountEvent",
    "Who did what; `data` has it under the event's own name.",
    {"event": AccountEvent, "data": dict[str, Any]},
)

_ROW: Final = {"server": Text, "itime": Moment}
ROWS: Final = (
    answer(
        "MessageStatus",
        "What became of a message.",
        {**_ROW, "message_id": Text, "to": Text, "channel": str, "status": _STATUS},
        {"custom_args": dict[str, Any]},
    ),
    answer(
        "Notification",
        "Something that the account's owner should know.",
        {**_ROW, "notification": _NOTIFICATION},
    ),
    answer(
        "UplinkMessage",
        "The user replied.",
        {**_ROW, "response": _RESPONSE},
        {"message_id": Text, "business_id": str},
    ),
    answer(
        "SystemEvent",
        "Something was done with the account.",
        {**_ROW, "system_event": _EVENT},
    ),
)
"""A row of each kind."""
