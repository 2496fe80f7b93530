"""The rows of callbacks, as the OpenAPI documents describe them."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Text = Annotated[str, Meta(min_length=1)]


class _Row(Struct, kw_only=True):
    server: Annotated[Text, Meta(description="`otp` or `sms`.")]
    itime: Annotated[int, Meta(description="Unix seconds.")]


class StatusData(Struct):
    """The message's place in the account."""

    msg_time: Annotated[int, Meta(description="Unix seconds.")] | UnsetType = UNSET
    message_id: Text | UnsetType = UNSET
    current_send_channel: str | UnsetType = UNSET
    template_key: str | UnsetType = UNSET
    business_id: str | UnsetType = UNSET


class Billing(Struct):
    """Of what was sent."""

    cost: float
    currency: Annotated[Text, Meta(examples=["USD"])]


class ErrorDetail(Struct):
    """The error in words."""

    message: str


class Status(Struct):
    """What became of the message."""

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
    error_code: Annotated[int, Meta(description="0 for none.")] | UnsetType = UNSET
    error_detail: ErrorDetail | UnsetType = UNSET


class MessageStatus(_Row):
    """What became of a message."""

    message_id: Text
    to: Text
    channel: str
    status: Status
    custom_args: (
        Annotated[dict[str, Any], Meta(description="What came with the SMS.")] | UnsetType
    ) = UNSET


class NotificationData(Struct):
    """What a notification says, by event."""

    business_id: str | UnsetType = UNSET
    remain_balance: float | UnsetType = UNSET
    balance_threshold: float | UnsetType = UNSET
    currency: Annotated[Text, Meta(examples=["USD"])] | UnsetType = UNSET
    rate: float | UnsetType = UNSET
    threshold: float | UnsetType = UNSET
    template_id: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class Notified(Struct):
    """An event of the account."""

    event: Literal[
        "insufficient_verification_rate", "insufficient_balance", "template_audit_result"
    ]
    notification_data: NotificationData


class Notification(_Row):
    """Something that the account's owner should know."""

    notification: Notified


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
    """What was done with the account."""

    event: Literal["account_login", "key_manage", "msg_history", "template_manage", "api_call"]
    data: Annotated[
        dict[str, Any],
        Meta(description="Who did it, and what happened, under the event's own name."),
    ]


class SystemEvent(_Row):
    """Something was done with the account."""

    system_event: AccountEvent
