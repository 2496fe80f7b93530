"""The operations of both products: the app routes them, and the OpenAPI documents list them."""

from itertools import starmap
from typing import Annotated, Any, Final, Literal, TypeAlias

from attrs import frozen
from msgspec import Meta, Struct

from . import otp_api as otp
from . import sms_api as sms
from .bodies import answer
from .outbox import Product
from .refusals import MEANINGS, OTP_ONLY, RefusedError

Effect: TypeAlias = Literal["send", "verify", "other"]
"""What an operation does: keys can be limited to sending or to verifying."""


Zero: TypeAlias = Annotated[int, Meta(extra_json_schema={"const": 0})]

DONE: Final[dict[str, object]] = {"code": 0, "message": "success"}
"""The answer that says no more than that it went well."""

Done: Final = answer("Done", "It went well; the code is 0.", {"code": Zero, "message": str})
Error: Final = answer("Error", "A refusal.", {"code": int, "message": str})


@frozen
class Operation:
    """One operation of a product.

    Attributes:
        name: Its name, which begins with the product's.
        call: Its HTTP method and its path; an id in that is a name in braces.
        summary: What it does.
        answers: The class of an HTTP 200; a tuple of several, or a list of one for an array.
        body: The class of its request's body, or ``None``.
        effect: What it does, as far as the permissions of keys go.
    """

    name: str
    call: str
    summary: str
    answers: Any
    body: type[Struct] | None = None
    effect: Effect = "other"

    @property
    def product(self) -> Product:
        """The product that has it."""
        return "otp" if self.name.startswith("otp.") else "sms"

    @property
    def method(self) -> str:
        """Its HTTP method."""
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        """Its path."""
        return self.call.partition(" ")[2]

    @property
    def refuses_by_status(self) -> bool:
        """Whether its refusals have the HTTP status as their code, and say the rest in words."""
        return self.name.startswith(("sms.templates.", "sms.signatures."))

    @property
    def codes(self) -> dict[int, list[int]]:
        """The error codes that it can answer, by HTTP status."""
        statuses = {
            code: RefusedError(code).http_status
            for code in MEANINGS
            if self.product == "otp" or code not in OTP_ONLY
        } | ({400: 400, 500: 500} if self.refuses_by_status else {})
        return {
            status: sorted(code for code in statuses if statuses[code] == status)
            for status in sorted({*statuses.values()})
        }


_TEMPLATES: Final = "/v1/template-configs"
_TEMPLATE: Final = f"{_TEMPLATES}/{{template_id}}"
_SIGNS: Final = "/v1/sign-configs"
_SIGN: Final = f"{_SIGNS}/{{sign_id}}"
_SUBMIT: Final = "Submit a template for review"

# fmt: off
OPERATIONS: Final = tuple(starmap(Operation, (
    ("otp.balance", "GET /v1/balance", "Read the balance", otp.Balance),
    ("otp.sandbox.webhook", "PUT /v1/sandbox/webhook",
     "Set where callbacks go; only sandboxes have this", Done, otp.WebhookRequest),
    ("otp.send", "POST /v1/messages",
     "Send a code that the platform makes", otp.Sent, otp.OTPRequest, "send"),
    ("otp.send_code", "POST /v1/codes",
     "Send a code that the caller made", otp.Sent, otp.CodeRequest, "send"),
    ("otp.verify", "POST /v1/verifications",
     "Verify a code that the platform made", otp.Verification, otp.VerificationRequest, "verify"),
    ("otp.send_custom_message", "POST /v1/custom-messages",
     "Send a message of the caller's own template", otp.Sent, otp.CustomMessageRequest, "send"),
    ("otp.templates.list", f"GET {_TEMPLATES}", "Read all templates", [otp.ListedTemplate]),
    ("otp.templates.create", f"POST {_TEMPLATES}", _SUBMIT, Done, otp.TemplateRequest),
    ("otp.templates.get", f"GET {_TEMPLATE}", "Read a template", otp.Template),
    ("otp.templates.delete", f"DELETE {_TEMPLATE}", "Delete a template", Done),
    ("sms.send", "POST /v1/messages",
     "Send to one or many targets, now or at a set time",
     (sms.Plan, sms.FailedPlan), sms.SMSRequest, "send"),
    ("sms.balance", "GET /v1/balance", "Read the balance", sms.Balance),
    ("sms.templates.list", f"GET {_TEMPLATES}", "Read all templates", [sms.Template]),
    ("sms.templates.create", f"POST {_TEMPLATES}",
     _SUBMIT, sms.CreatedTemplate, sms.TemplateRequest),
    ("sms.templates.get", f"GET {_TEMPLATE}", "Read a template", sms.Template),
    ("sms.templates.update", f"PUT {_TEMPLATE}", "Change a template", Done, sms.TemplateRequest),
    ("sms.templates.delete", f"DELETE {_TEMPLATE}", "Delete a template", Done),
    ("sms.signatures.list", f"GET {_SIGNS}", "Read all signatures", [sms.Signature]),
    ("sms.signatures.create", f"POST {_SIGNS}",
     "Submit a signature for review", sms.CreatedSignature, sms.SignatureRequest),
    ("sms.signatures.get", f"GET {_SIGN}", "Read a signature", sms.Signature),
    ("sms.signatures.update", f"PUT {_SIGN}", "Change a signature", Done, sms.SignatureRequest),
    ("sms.signatures.delete", f"DELETE {_SIGN}", "Delete a signature", Done),
)))
# fmt: on
"""Every operation of the API, and the one that the vendor's sandbox adds."""
