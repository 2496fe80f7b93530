"""The operations of both products: the app routes them, and the OpenAPI documents list them."""

from typing import Annotated, Any, Final, Literal, TypeAlias

from attrs import frozen
from msgspec import Meta, Struct

from . import otp_api as otp
from . import sms_api as sms
from .outbox import Product
from .refusals import MEANINGS, OTP_ONLY, RefusedError

Effect: TypeAlias = Literal["send", "verify", "other"]
"""What an operation does: keys can be limited to sending or to verifying."""


class Done(Struct):
    """It went well."""

    code: Annotated[int, Meta(description="Always 0.", extra_json_schema={"const": 0})]
    message: Annotated[str, Meta(examples=["success"])]


DONE: Final = {"code": 0, "message": "success"}


@frozen
class Operation:
    """One operation of a product.

    Attributes:
        name: Its name, which begins with the product's.
        call: Its HTTP method and its path; an id in that is a name in braces.
        summary: What it does.
        answers: The classes that an HTTP 200 can be of.
        body: The class of its request's body, or ``None``.
        effect: What it does, as far as the permissions of keys go.
        description: What else there is to know.
    """

    name: str
    call: str
    summary: str
    answers: tuple[Any, ...]
    body: type[Struct] | None = None
    effect: Effect = "other"
    description: str = ""

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
    def codes(self) -> dict[int, list[int]]:
        """The error codes that it can answer, by HTTP status."""
        codes = {
            code: RefusedError(code).http_status
            for code in MEANINGS
            if self.product == "otp" or code not in OTP_ONLY
        }
        if self.description == _BY_STATUS:
            codes |= {400: 400, 500: 500}
        return {
            status: sorted(code for code in codes if codes[code] == status)
            for status in sorted({*codes.values()})
        }


_BY_STATUS: Final = "A refusal has the HTTP status as its code; `message` tells what is wrong."


def _config(
    name: str, call: str, summary: str, answers: object, body: type[Struct] | None = None
) -> Operation:
    return Operation(f"sms.{name}", call, summary, (answers,), body, description=_BY_STATUS)


_TEMPLATES: Final = "/v1/template-configs"
_TEMPLATE: Final = f"{_TEMPLATES}/{{template_id}}"
_SIGNATURES: Final = "/v1/sign-configs"
_SIGNATURE: Final = f"{_SIGNATURES}/{{sign_id}}"

OPERATIONS: Final = (
    Operation(
        "otp.send",
        "POST /v1/messages",
        "Send a code that the platform makes",
        (otp.Sent,),
        otp.OTPRequest,
        "send",
        "3004: this person still has a live code of this template.",
    ),
    Operation(
        "otp.send_code",
        "POST /v1/codes",
        "Send a code that the caller made",
        (otp.Sent,),
        otp.CodeRequest,
        "send",
        "There is nothing to verify afterwards.",
    ),
    Operation(
        "otp.send_custom_message",
        "POST /v1/custom-messages",
        "Send a message of the caller's own template",
        (otp.Sent,),
        otp.CustomMessageRequest,
        "send",
        "A template of the verification type must be given `params.code`.",
    ),
    Operation(
        "otp.verify",
        "POST /v1/verifications",
        "Verify a code that the platform made",
        (otp.Verification,),
        otp.VerificationRequest,
        "verify",
        "3003: the code has expired, or was verified before.",
    ),
    Operation("otp.balance", "GET /v1/balance", "Read the balance", (otp.Balance,)),
    Operation(
        "otp.sandbox.webhook",
        "PUT /v1/sandbox/webhook",
        "Set where callbacks go; only the vendor's sandbox has this call, and ours",
        (Done,),
        otp.WebhookRequest,
    ),
    Operation(
        "otp.templates.list",
        f"GET {_TEMPLATES}",
        "Read all templates",
        (list[otp.ListedTemplate],),
        description="Without what the templates say; read one to have its texts.",
    ),
    Operation(
        "otp.templates.create",
        f"POST {_TEMPLATES}",
        "Submit a template for review",
        (Done,),
        otp.TemplateRequest,
        description="3003: not contains any channel config.",
    ),
    Operation("otp.templates.get", f"GET {_TEMPLATE}", "Read a template", (otp.Template,)),
    Operation("otp.templates.delete", f"DELETE {_TEMPLATE}", "Delete a template", (Done,)),
    Operation(
        "sms.send",
        "POST /v1/messages",
        "Send to one or many targets, now or at a set time",
        (sms.Plan, sms.FailedPlan),
        sms.SMSRequest,
        "send",
        "An HTTP 200 with a `code` other than 0 is a failure.",
    ),
    Operation("sms.balance", "GET /v1/balance", "Read the balance", (sms.Balance,)),
    _config("templates.list", f"GET {_TEMPLATES}", "Read all templates", list[sms.Template]),
    _config(
        "templates.create",
        f"POST {_TEMPLATES}",
        "Submit a template for review",
        sms.CreatedTemplate,
        sms.TemplateRequest,
    ),
    _config("templates.get", f"GET {_TEMPLATE}", "Read a template", sms.Template),
    _config("templates.update", f"PUT {_TEMPLATE}", "Change a template", Done, sms.TemplateRequest),
    _config("templates.delete", f"DELETE {_TEMPLATE}", "Delete a template", Done),
    _config("signatures.list", f"GET {_SIGNATURES}", "Read all signatures", list[sms.Signature]),
    _config(
        "signatures.create",
        f"POST {_SIGNATURES}",
        "Submit a signature for review",
        sms.CreatedSignature,
        sms.SignatureRequest,
    ),
    _config("signatures.get", f"GET {_SIGNATURE}", "Read a signature", sms.Signature),
    _config(
        "signatures.update", f"PUT {_SIGNATURE}", "Change a signature", Done, sms.SignatureRequest
    ),
    _config("signatures.delete", f"DELETE {_SIGNATURE}", "Delete a signature", Done),
)
"""Every operation of the API, and the one that the vendor's sandbox adds."""
