"""Callbacks that the sandbox sends: where to and how, what is in them, and what came of each.

::

    Callbacks            where to, and how; given to `Sandbox`
    CallbackDelivery     one callback: its body, and every try to deliver it
    └── CallbackTry      when, and the HTTP status that answered

    Row                  one event of a body, as the platform's examples have it
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import httpx
from attrs import Attribute, field, frozen, validators

from engagelab_async.arguments import check_text, integer, number
from engagelab_async.webhooks.signatures import check_name

from .balances import PRICE
from .bodies import Answer
from .lifecycle import Reply, StatusChange
from .outbox import Product, SentMessage
from .reviews import Submission, TemplateId

_BUSINESS_ID: Final = "1001"
_SENDER: Final = "+10000009000"
_PORTS: Final = range(1, 65536)
_MINUTE: Final = 60.0
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_WAITS: Final = (_MINUTE, 10 * _MINUTE, _HOUR, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR)
"""How long the platform waits before it sends a callback again; later on, a day."""


def _check_url(_: object, attribute: "Attribute[str]", value: str) -> None:
    try:
        url = httpx.URL(check_text(value, attribute.name))
    except (httpx.InvalidURL, UnicodeError):
        raise ValueError(f"{attribute.name}: is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host or (url.port or 80) not in _PORTS:
        raise ValueError(f"{attribute.name}: must be like http://127.0.0.1:8000/callbacks")
    if url.userinfo:
        raise ValueError(
            f"{attribute.name}: must hold no password; there is authorization for that"
        )


def _check_header(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is not None and not (value and value.isprintable()):
        raise ValueError(f"{attribute.name}: must be printable and not empty")


@frozen
class Callbacks:
    """Where the sandbox sends callbacks, and how.

    When it is set, the URL is checked as the platform does when one is saved: by an empty body for
    OTP, and one of ``{}`` for SMS. Whatever comes of that, callbacks are sent.

    Attributes:
        url: Where to.
        username: Signs them, together with ``secret``; both or neither.
        secret: The secret.
        authorization: The ``Authorization`` header to send.
        attempts: How often a callback is sent that is not answered with 200 within 3 seconds.
        backoff: Seconds between the first two attempts; each later wait is twice the one before.
            ``None`` is as the platform does it, times the sandbox's ``pace``: after 1 minute, 10
            minutes, 1 hour, 2, 5 and 10 hours, and then daily.
        max_rows: How many events a callback holds at most.
        duplicates: How likely an event is to be sent twice, from 0 to 1.
        reorder: How likely an event is to be overtaken by later ones, from 0 to 1.
        seed: With the same one, the same events are doubled and overtaken.

    Example:
        >>> Callbacks("http://127.0.0.1:8000/callbacks", username="shop", secret="my_secret")
        Callbacks(url='http://127.0.0.1:8000/callbacks', username='shop', attempts=25, ...

    .. versionadded:: 0.1.0
    """

    url: str = field(validator=_check_url)
    username: str | None = field(default=None, kw_only=True, validator=_check_header)
    secret: str | None = field(default=None, kw_only=True, repr=False)
    authorization: str | None = field(
        default=None, kw_only=True, repr=False, validator=_check_header
    )
    attempts: int = field(default=25, kw_only=True, validator=integer(1))
    backoff: float | None = field(
        default=None, kw_only=True, validator=validators.optional(number(0, 3600))
    )
    max_rows: int = field(default=100, kw_only=True, validator=integer(1))
    duplicates: float = field(default=0.0, kw_only=True, validator=number(0, 1))
    reorder: float = field(default=0.0, kw_only=True, validator=number(0, 1))
    seed: int | str | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Check what belongs together."""
        if (self.username is None) != (self.secret is None):
            raise ValueError("username: a signature takes both a username and a secret")
        if self.username is not None and self.secret is not None:
            check_name("username", self.username)
            check_text(self.secret, "secret")

    def wait_after(self, attempts: int, pace: float) -> float:
        """Return how many seconds to wait after so many attempts."""
        if self.backoff is not None:
            return self.backoff * 2.0 ** min(attempts - 1, 64)
        return (_WAITS[attempts - 1] if attempts <= len(_WAITS) else _DAY) * pace


@frozen
class CallbackTry:
    """One try to deliver a callback.

    Attributes:
        at: When it began.
        status: The HTTP status of the answer, or ``None`` when there was none.
        answer: The beginning of the answer's body, or why there was none.
        took: Seconds.

    .. versionadded:: 0.1.0
    """

    at: datetime
    status: int | None
    answer: str = field(repr=False)
    took: float


@frozen(kw_only=True)
class CallbackDelivery:
    """A callback, and every try to deliver it.

    Attributes:
        number: Its place among all callbacks of its sandbox, from 1.
        url: Where it goes.
        product: Whose events it holds.
        body: What is posted.
        messages: The numbers of the messages that it reports on; none in the check of a URL.
        tries: Every try so far, oldest first.
        is_over: Whether it was answered with 200, or given up.

    .. versionadded:: 0.1.0
    """

    number: int
    url: str
    product: Product
    body: str = field(repr=False)
    messages: tuple[int, ...] = ()
    tries: tuple[CallbackTry, ...] = ()
    is_over: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether it was answered with 200."""
        return any(each.status == 200 for each in self.tries)  # noqa: PLR2004 - OK

    @property
    def has_failed(self) -> bool:
        """Whether it was given up."""
        return self.is_over and not self.is_answered


@frozen
class Row:
    """One event in the body of a callback, which may be about no message."""

    message: SentMessage | None
    content: Answer
    product: Product


def body_of(rows: Sequence[Row]) -> str:
    """Write the body of a callback."""
    return json.dumps({"total": len(rows), "rows": [row.content for row in rows]})


def status_row(message: SentMessage, change: StatusChange) -> Row:
    """Return the row of a message's status."""
    status: Answer = {
        "message_status": change.status,
        "status_data": {
            "msg_time": int(message.sent_at.timestamp()),
            "message_id": message.message_id,
            "current_send_channel": change.channel,
            "template_key": message.template_id,
            "business_id": _BUSINESS_ID,
        },
    }
    if change.status == "sent":
        status["billing"] = {"cost": float(PRICE), "currency": "USD"}
    status["error_code"] = change.error_code
    if change.error_code:
        status["error_detail"] = {"message": change.error}
    content: Answer = {
        "message_id": message.message_id,
        "to": message.recipient,
        "server": message.product,
        "channel": change.channel,
        "itime": int(change.at.timestamp()),
        **({"custom_args": dict(message.custom_args)} if message.custom_args else {}),
        "status": status,
    }
    return Row(message, content, message.product)


def uplink_row(message: SentMessage, replies: Sequence[Reply]) -> Row:
    """Return the row of the last of a recipient's replies."""
    reply = replies[-1]
    said: Mapping[str, object] = {
        # Who says the same twice in a second has said it twice.
        "message_sid": f"SM{message.message_id}-{len(replies)}",
        "account_sid": f"AC{_BUSINESS_ID}",
        "from": message.recipient,
        "to": _SENDER,
        "body": reply.text,
    }
    content: Answer = {
        "server": message.product,
        "itime": int(reply.at.timestamp()),
        # The platform's example has zeros here: a reply does not tell what it replies to.
        "message_id": "0",
        "business_id": "0",
        "response": {"event": "uplink_message", "response_data": said},
    }
    return Row(message, content, message.product)


def review_row(template: TemplateId, submission: Submission) -> Row:
    """Return the row of the outcome of a template's review, which is over."""
    product, template_id = template
    content: Answer = {
        "server": product,
        "itime": int(submission.ends_at),
        "notification": {
            "event": "template_audit_result",
            "notification_data": {
                "template_id": template_id,
                "status": "approved" if submission.review.outcome == "approve" else "rejected",
                "reason": submission.review.remark,
            },
        },
    }
    return Row(None, content, product)
