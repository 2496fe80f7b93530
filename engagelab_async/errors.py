"""Everything that can go wrong, as one tree.

::

    EngageLabError                       .may_have_been_sent  .transient  .attempts  .operation
    ├── ConfigurationError               a missing key pair, a bad base URL
    ├── TransportError
    │   ├── ConnectError          (t)    DNS, refused, TLS, waiting for a connection: never left
    │   ├── ResponseTimeoutError  (t)    sent, or partly sent, and no answer in time
    │   └── ConnectionLostError   (t)    the connection broke after sending began
    ├── InvalidResponseError      (t)    a 2xx whose body is not what the API documents
    ├── ReviewRejectedError              the platform's reviewers said no        .audit_remark
    │   ├── TemplateRejectedError
    │   └── SignatureRejectedError
    ├── ReviewTimeoutError               they have not said anything yet; also a TimeoutError
    ├── InvalidCallbackError             a callback whose body is not one of the platform   .reason
    ├── SignatureError                   a request that is not authentic                    .reason
    ├── NotDeliveredError                a callback says that a message failed              .event
    └── APIError                         .code  .http_status  .retry_after  .plan_id  .api_message
        ├── AuthenticationError          2001 2002, HTTP 401
        ├── PermissionDeniedError        2004, HTTP 403
        ├── InvalidRequestError          3001 3002
        ├── BusinessRuleError            3003, "… can not …"
        │   ├── InUseError               "… pending or running plans …"
        │   ├── NameTakenError           "… already exist"
        │   └── PendingReviewError       "… pending status …"
        ├── FrequencyLimitError          3004
        ├── NotFoundError                4001, "… not exist", HTTP 404
        ├── RateLimitError        (t)    HTTP 429
        ├── ServerError           (t)    1000, HTTP 5xx
        └── SendFailedError              5001 (t), and 5xxx codes not known yet
            ├── InvalidNumberError       5011
            ├── UnreachableError         5012
            ├── BlacklistedError         5013
            ├── ContentRejectedError     5014
            ├── InterceptedError         5015
            ├── InternalSendError (t)    5016
            ├── RegionForbiddenError     5017
            ├── HandsetError             5018
            ├── UnsubscribedError        5019
            └── UnregisteredNumberError  5020

Those marked (t) are ``transient``: the same operation may succeed when it is tried again.

Invalid arguments raise the built-in ``ValueError`` and ``TypeError`` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# The platform says that nothing went out, and the cause is on its side. The other codes of its
# class are not known, and may be about the number or the text.
_SENDING_FAILED: Final = 5001


class EngageLabError(Exception):
    """The root of the tree: catching it catches whatever a call can raise.

    Attributes:
        may_have_been_sent: Whether the request may have been carried out, by this attempt or an
            earlier one of the same call. ``False`` is a promise: nothing was sent.
        transient: Whether the cause is one that passes, of the network or the platform and not of
            what was sent: the same operation may succeed in a while. It says nothing of what the
            failed one did; with ``may_have_been_sent``, trying again may send twice.
        attempts: How many requests the call made; 0 when it failed before the first.
        operation: The operation value, such as a `SendCode`, or ``None`` outside a call. It
            carries what the caller passed in; its ``repr`` hides what is personal.
    """

    may_have_been_sent: bool = False
    transient: bool = False
    attempts: int = 0
    operation: object | None = None

    def __str__(self) -> str:
        """Say what happened, to what, after how many attempts, and whether it may have been sent.

        Returns:
            One line without recipients, codes, texts or secrets.
        """
        line = super().__str__()
        if self.operation is not None:
            line = f"{type(self.operation).__name__}: {line}"
        if self.attempts > 1:
            line += f", after {self.attempts} attempts"
        if self.may_have_been_sent:
            line += "; it may have been sent"
        return line


class ConfigurationError(EngageLabError):
    """The client is not set up for this: a missing key pair, a bad base URL."""


class TransportError(EngageLabError):
    """No usable HTTP response arrived."""


class ConnectError(TransportError):
    """No connection was possible (DNS, refused, TLS, no free one in time): nothing was sent."""

    transient = True


class ResponseTimeoutError(TransportError):
    """The request was sent, or partly sent, and its answer did not arrive in time."""

    may_have_been_sent = True
    transient = True


class ConnectionLostError(TransportError):
    """The connection broke, or stopped speaking HTTP, after sending began."""

    may_have_been_sent = True
    transient = True


class InvalidResponseError(EngageLabError):
    """The API answered 2xx with a body that is not what it documents.

    Attributes:
        http_status: The status of the answer.
        code: Always ``None``; such a body has no code. It is here so that code which reports
            `APIError` and this class alike needs no special case.
    """

    may_have_been_sent = True
    transient = True
    code: None = None

    def __init__(self, text: str, *, http_status: int = 200) -> None:
        """Describe what was expected and found, by its address in the body."""
        super().__init__(text)
        self.http_status = http_status


class ReviewRejectedError(EngageLabError):
    """The platform's reviewers rejected a template or a signature. No call failed.

    Attributes:
        audit_remark: The reviewers' remark; empty if they gave none.
    """

    def __init__(self, text: str, *, audit_remark: str = "") -> None:
        super().__init__(text)
        self.audit_remark = audit_remark


class TemplateRejectedError(ReviewRejectedError):
    """The reviewers rejected a template."""


class SignatureRejectedError(ReviewRejectedError):
    """The reviewers rejected a signature."""


class ReviewTimeoutError(EngageLabError, TimeoutError):
    """The reviewers have not decided within the timeout; they still may."""


class InvalidCallbackError(EngageLabError):
    """A callback's body is not what the platform documents.

    Attributes:
        reason: What is wrong with it, in a word for programs: ``not_json``, ``not_an_object``,
            ``no_rows``, ``too_many_rows`` or ``bad_row``.
    """

    def __init__(self, text: str, *, reason: str = "not_json") -> None:
        """Keep the reason beside the text, which quotes nothing of the body."""
        super().__init__(text)
        self.reason = reason


class SignatureError(EngageLabError):
    """A request does not prove that it is a callback of the platform.

    Attributes:
        reason: What is missing, in a word for programs: ``missing``, ``malformed``,
            ``wrong_username``, ``wrong_signature``, ``too_old``, ``too_new``, ``replayed``,
            ``wrong_authorization`` or ``wrong_address``; or ``unavailable``, if the shared memory
            of signatures cannot be asked.
    """

    def __init__(self, text: str, *, reason: str = "missing") -> None:
        """Keep the reason beside the text, which quotes nothing of the request."""
        super().__init__(text)
        self.reason = reason


class NotDeliveredError(EngageLabError):
    """The platform called back to say that a message failed. No call failed.

    Attributes:
        event: The ``MessageStatus`` that says so; its ``error_code`` and ``error_message`` say why.
    """

    def __init__(self, text: str, *, event: object = None) -> None:
        """Keep the event beside the text, which names its status and its code."""
        super().__init__(text)
        self.event = event


class APIError(EngageLabError):
    """The API refused: a status outside 2xx, or a 200 that carries a non-zero code.

    Attributes:
        code: The API's error code, or ``None`` when the body had none (a gateway's page, say).
        http_status: The HTTP status of the answer.
        retry_after: Seconds the server asked to wait, or ``None``.
        plan_id: The plan that an SMS send made before it failed, or ``None``.
        api_message: The API's unmodified message. It may quote a phone number; the
            exception's text masks what looks like one.
        headers: The headers of the answer, their names in lower case; one may identify the request
            to the vendor's support.
    """

    def __init__(
        self,
        text: str,
        *,
        code: int | None = None,
        http_status: int = 400,
        retry_after: float | None = None,
        plan_id: str | None = None,
        api_message: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.code = code
        if code == _SENDING_FAILED:
            self.transient = True
        self.http_status = http_status
        self.retry_after = retry_after
        self.plan_id = plan_id
        # Not `message`, which error trackers take for the title of what they report.
        self.api_message = api_message
        self.headers: Mapping[str, str] = {} if headers is None else headers


class AuthenticationError(APIError):
    """The key pair is wrong, expired, disabled, or belongs to the other product (2001, 2002)."""


class PermissionDeniedError(APIError):
    """The key pair may not call this API (2004)."""


class InvalidRequestError(APIError):
    """The API did not accept the parameters (3001, 3002)."""


class BusinessRuleError(APIError):
    """A business rule was broken; the API's message says which (3003)."""


class InUseError(BusinessRuleError):
    """Something still uses what was to be changed or deleted, such as a plan that is not over."""


class NameTakenError(BusinessRuleError):
    """The name is already in use."""


class PendingReviewError(BusinessRuleError):
    """It is being reviewed, and cannot be changed until that is over."""


class FrequencyLimitError(APIError):
    """This person still has a live code of this template (3004).

    It is not throttling: it holds until the code expires, minutes later. With
    ``may_have_been_sent`` an attempt of this call went unanswered before, and it or an earlier
    call sent that code.
    """


class NotFoundError(APIError):
    """What the request names, such as the template, does not exist (4001)."""


class RateLimitError(APIError):
    """Too many requests (HTTP 429): nothing was sent."""

    transient = True


class ServerError(APIError):
    """The platform or a gateway failed (1000, HTTP 5xx); it may have sent before it did."""

    may_have_been_sent = True
    transient = True


class SendFailedError(APIError):
    """The platform tried and could not send (5001, and 5xxx codes not known yet)."""


class InvalidNumberError(SendFailedError):
    """The mobile number is malformed (5011)."""


class UnreachableError(SendFailedError):
    """The target cannot be reached (5012)."""


class BlacklistedError(SendFailedError):
    """The number is on a blacklist (5013)."""


class ContentRejectedError(SendFailedError):
    """The content does not meet the specifications (5014)."""


class InterceptedError(SendFailedError):
    """The message was intercepted or rejected in transit (5015)."""


class InternalSendError(SendFailedError):
    """The platform's sending failed internally; nothing was sent (5016)."""

    transient = True


class RegionForbiddenError(SendFailedError):
    """The account may not send to the China region (5017)."""


class HandsetError(SendFailedError):
    """The phone is off or out of service (5018)."""


class UnsubscribedError(SendFailedError):
    """The person has unsubscribed (5019)."""


class UnregisteredNumberError(SendFailedError):
    """The number is not in use (5020)."""
