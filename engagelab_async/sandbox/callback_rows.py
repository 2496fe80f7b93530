"""The rows of callbacks, of which the OpenAPI documents are made."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from .bodies import Text


class _Row(Struct, kw_only=True):
    """What all rows hold.

    Attributes:
        server: `otp` or `sms`.
        itime: Unix seconds.
    """

    server: Text
    itime: int


class StatusData(Struct):
    """The message, once more."""

    msg_time: int | UnsetType = UNSET
    message_id: Text | UnsetType = UNSET
    current_send_channel: str | UnsetType = UNSET
    template_key: str | UnsetType = UNSET
    business_id: str | UnsetType = UNSET


class Billing(Struct):
    """The price of what was sent."""

    cost: float
    currency: Text


class ErrorDetail(Struct):
    """The error in words."""

    message: str


class Status(Struct):
    """A status of a message.

    Attributes:
        error_code: 0 for none.
    """

    message_status: Literal[
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
    status_data: StatusData
    billing: Billing | UnsetType = UNSET
    error_code: int | UnsetType = UNSET
    error_detail: ErrorDetail | UnsetType = UNSET


class MessageStatus(_Row):
    """What became of a message."""

    message_id: Text
    to: Text
    channel: str
    status: Status
    custom_args: dict[str, Any] | UnsetType = UNSET


class NotificationData(Struct):
    """What a notification says, by event."""

    business_id: str | UnsetType = UNSET
    remain_balance: float | UnsetType = UNSET
    balance_threshold: float | UnsetType = UNSET
    currency: Text | UnsetType = UNSET
    rate: float | UnsetType = UNSET
    threshold: float | UnsetType = UNSET
    template_id: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class AccountNotification(Struct):
    """An event of the account."""

    event: Literal[
        "insufficient_verification_rate", "insufficient_balance", "template_audit_result"
    ]
    notification_data: NotificationData


class Notification(_Row):
    """Something that the account's owner should know."""

    notification: AccountNotification


class ResponseData(Struct, rename={"sender": "from"}):
    """What the user replied."""

    sender: Text
    to: Text
    body: str
    message_sid: str | UnsetType = UNSET
    account_sid: str | UnsetType = UNSET


class Uplink(Struct):
    """A reply."""

    event: Literal["uplink_message"]
    response_data: ResponseData


class UplinkMessage(_Row):
    """The user replied."""

    response: Uplink
    message_id: Text | UnsetType = UNSET
    business_id: str | UnsetType = UNSET


class AccountEvent(Struct):
    """What was done.

    Attributes:
        data: Who did it, and what happened, under the event's own name.
    """

    event: Literal["account_login", "key_manage", "msg_history", "template_manage", "api_call"]
    data: dict[str, Any]


class SystemEvent(_Row):
    """Something was done with the account."""

    system_event: AccountEvent
