"""The operations of both products, each declared with the method that carries it out.

The app routes them, and the OpenAPI documents list them.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from attrs import frozen
from msgspec import Meta, Struct

from .bodies import answer
from .outbox import Product
from .refusals import MEANINGS, OTP_ONLY, RefusedError

Effect: TypeAlias = Literal["send", "verify", "other"]
"""What an operation does: keys can be limited to sending or to verifying."""


F = TypeVar("F", bound=Callable[..., Any])

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
        method: Its HTTP method.
        path: Its path; an id in that is a name in braces.
        summary: What it does.
        answers: The class of an HTTP 200; a tuple of several, or a list of one for an array.
        body: The class of its request's body, or ``None``.
        effect: What it does, as far as the permissions of keys go.
    """

    name: str
    method: str
    path: str
    summary: str
    answers: Any
    body: type[Struct] | None
    effect: Effect

    @property
    def product(self) -> Product:
        """The product that has it."""
        return "otp" if self.name.startswith("otp.") else "sms"

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


def operation(
    name: str,
    call: str,
    answers: Any,  # noqa: ANN401 - a class, or several
    body: type[Struct] | None = None,
    effect: Effect = "other",
) -> Callable[[F], F]:
    """Declare a method as an operation, which its docstring sums up."""

    def declare(carry_out: F) -> F:
        method, _, path = call.partition(" ")
        summary = (carry_out.__doc__ or "").partition("\n")[0].rstrip(".")
        declared = Operation(name, method, path, summary, answers, body, effect)
        vars(carry_out)["operation"] = declared
        return carry_out

    return declare


def operations_of(kind: type) -> dict[str, Operation]:
    """Return the operations of a class, by the names of their methods, as they are declared."""
    methods = {name: getattr(kind, name) for each in kind.__mro__ for name in vars(each)}
    return {
        name: method.operation for name, method in methods.items() if hasattr(method, "operation")
    }
