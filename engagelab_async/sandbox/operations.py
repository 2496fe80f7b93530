"""The operations of the API and of the control API, each declared with the method that answers.

::

    @operation("POST /messages/{number}/reply")
    def reply(self, number: Number, body: ReplyText) -> None:
        '''Reply to a message as its recipient.'''

The signature says what an operation takes: parameters of the path and of the query, a ``body``, or
the whole ``request``. Where another class than that of an annotation is to be described, the
annotation is ``Annotated`` with it. Routes and OpenAPI documents are made of what is declared here.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from inspect import Parameter, signature
from types import NoneType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import Meta, Struct, defstruct

from .bodies import answer
from .outbox import Product

Effect: TypeAlias = Literal["send", "verify", "other"]
"""What an operation does: keys can be limited to sending or to verifying."""

View: TypeAlias = Callable[..., Any]
"""A method that answers."""

V = TypeVar("V", bound=View)

Zero: TypeAlias = Annotated[int, Meta(extra_json_schema={"const": 0})]

DONE: Final[dict[str, object]] = {"code": 0, "message": "success"}
"""The answer that says no more than that it went well."""

Done: Final = answer("Done", "It went well; the code is 0.", {"code": Zero, "message": str})

_PLAIN: Final = str.maketrans({"/": "_", ".": "_", "{": None, "}": None})


class Error(Struct):
    """A refusal."""

    code: int
    message: str


class Operation:
    """One operation of the API, or of the control API.

    Args:
        view: The method that answers, whose docstring sums it up.
        call: The HTTP method and the path; a parameter in that is a name in braces.
        name: Begins with the product's name; made of the call if it is left out.
        effect: What it does, as far as the permissions of keys go.
        status: The HTTP status of its answer, if it has one.
        media_type: That of its answer.
    """

    method: str
    path: str

    def __init__(
        self, view: View, call: str, name: str, effect: Effect, *, status: int, media_type: str
    ) -> None:
        self.method, _, self.path = call.partition(" ")
        self.name: str = name or f"{self.method.lower()}{self.path.translate(_PLAIN)}"
        self.summary: str = (view.__doc__ or "").partition("\n")[0]
        self.effect: Effect = effect
        self.status: int = status
        self.media_type: str = media_type
        self.types: dict[str, Any] = get_type_hints(view, include_extras=True)
        self._view = view

    @property
    def product(self) -> Product:
        """The product that has it."""
        return "otp" if self.name.startswith("otp.") else "sms"

    @cached_property
    def parameters(self) -> type[Struct]:
        """The class of its parameters, in the path and in the query."""
        fields = [
            (name, self.types[name], *({each.default} - {Parameter.empty}))
            for name, each in signature(self._view).parameters.items()
            if name not in {"self", "body", "request"}
        ]
        return defstruct("Parameters", fields)

    def documented(self, name: str) -> Any:  # noqa: ANN401 - a class, a list of one, or several
        """Return what describes the ``body`` or the ``return``, or ``None``."""
        hint = self.types.get(name, NoneType)
        kind = get_args(hint)[1] if get_origin(hint) is Annotated else hint
        return None if kind is NoneType else kind


def operation(
    call: str,
    name: str = "",
    effect: Effect = "other",
    *,
    status: int = 200,
    media_type: str = "application/json",
) -> Callable[[V], V]:
    """Declare a method as an operation; see `Operation`."""

    def declare(view: V) -> V:
        vars(view)["operation"] = Operation(
            view, call, name, effect, status=status, media_type=media_type
        )
        return view

    return declare


def operations_of(parts: Iterable[object]) -> list[tuple[Operation, View]]:
    """Return the operations of some objects with their methods, in the order of declaration."""
    return [
        (declared.operation, getattr(part, name))
        for part in parts
        for name in dict.fromkeys(name for each in type(part).__mro__ for name in vars(each))
        if hasattr(declared := getattr(type(part), name), "operation")
    ]
