"""What an API call is: a value whose class says where it goes and what comes back.

Each field of the class goes to one place::

    path      DELETE /v1/sign-configs/{sign_id}       the fields that the path names
    query     GET /v1/echo?from=…                     those that `Endpoint.query` names
    body      {"to": …, "template": …}                all others; GET and DELETE have no body
"""

import keyword
import re
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar, get_args

from attrs import Attribute, Factory, field, fields, frozen, validators

from engagelab_async.arguments import JSON_NAME

Product = Literal["otp", "sms"]
"""The two products. Each has its own host and its own key pairs."""

Effect = Literal["send", "check", "change", "read"]
"""What a call does: it sends a message to people, checks a code, changes what the account has, such
as its templates, or only reads."""

WITHOUT_BODY: Final = frozenset({"GET", "DELETE"})
"""The methods of requests that have no body."""

IN_PATH: Final = re.compile(r"\{(\w+)\}")
"""What stands in an endpoint's path for a field."""

IDENTIFIER: Final = "an id, written as a string or as a number"

StringId = Annotated[str, IDENTIFIER]
"""An id that is documented as a string; a number is taken for its decimal digits."""

IntegerId = Annotated[int, IDENTIFIER]
"""An id that is documented as a number above 2**53; a string of digits is taken as well."""


class Separator(str):
    """Marks a tuple of strings that is one string on the wire: what stands between its items."""

    __slots__ = ()


R_co = TypeVar("R_co", covariant=True)


@frozen(kw_only=True)
class Endpoint:
    """Where an operation is sent, what it returns, what it does, and whether it may be retried.

    Attributes:
        name: The call as users write it, such as ``otp.send_code``.
        product: Whose host and key pair it needs.
        method: The HTTP method. ``GET`` and ``DELETE`` have no body.
        path: The path below the product's base URL. ``{name}`` stands for the operation's field of
            that name: it is sent as one segment of the path, whatever is in it, and not in the
            body.
        query: The fields that are sent in the query, in this order, and not in the body. One that
            is ``None`` is left out. A ``bool`` is ``true`` or ``false``, a ``date`` is
            ``2026-11-29``, and an aware ``datetime`` is in Unix seconds, as everywhere in the API.
        result: The class of the answer; ``tuple[X, ...]`` for an array, ``type(None)`` for an
            answer that says no more than that it went well.
        effect: What the call does: ``"send"`` a message, ``"check"`` a code, ``"change"`` what the
            account has, or ``"read"``. Only of a read is it certain that a failure sent nothing.
        repeatable: Whether repeating is harmless when an attempt may already have been carried
            out. Defaults to ``True`` for reads and ``False`` for all others; sends that the
            platform guards against duplicates itself are repeatable, too.
    """

    name: str
    product: Product
    method: str
    path: str
    query: tuple[str, ...] = field(default=(), converter=tuple)
    result: type[Any]
    effect: Effect = field(default="send", validator=validators.in_(get_args(Effect)))
    repeatable: bool = Factory(lambda self: self.is_read, takes_self=True)

    @property
    def is_read(self) -> bool:
        """Whether the call only reads, and so sends nothing, whatever becomes of it."""
        return self.effect == "read"

    @property
    def is_send(self) -> bool:
        """Whether the call sends a message."""
        return self.effect == "send"

    @property
    def has_body(self) -> bool:
        """Whether the request has a body, as those of some methods do not."""
        return self.method not in WITHOUT_BODY


@frozen
class Operation(Generic[R_co]):
    """One API call as a frozen value; ``Operation[Plan]`` answers a `Plan` when executed.

    Raises:
        TypeError: When a subclass is made: its `endpoint` names a field that it does not have, or
            has no place for one of its fields.
    """

    endpoint: ClassVar[Endpoint]

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Check that each field goes somewhere, as soon as attrs has made the fields."""
        endpoint: Endpoint | None = getattr(cls, "endpoint", None)
        if endpoint is None:  # a class for others to derive from
            return
        query_fields(cls)
        names = {each.name for each in fields(cls)}
        in_path = IN_PATH.findall(endpoint.path)
        if unknown := [name for name in in_path if name not in names]:
            raise TypeError(f"{cls.__name__}: the path names {unknown[0]}, which is no field")
        if endpoint.has_body:
            return
        placed = {*in_path, *(each.name for each in query_fields(cls))}
        if lost := [each.name for each in fields(cls) if each.name not in placed]:
            raise TypeError(
                f"{cls.__name__}.{lost[0]}: {endpoint.method} requests have no body; name the "
                "field in the endpoint's path or query"
            )


def wire_name(attribute: "Attribute[Any]") -> str:
    """Return a field's name on the wire; ``from_`` is ``from`` there, which Python reserves."""
    stem = attribute.name.removesuffix("_")
    name: str = attribute.metadata.get(JSON_NAME) or (
        stem if keyword.iskeyword(stem) else attribute.name
    )
    return name


def query_fields(kind: type[Operation[Any]]) -> tuple["Attribute[Any]", ...]:
    """Return the fields of a class that are sent in the query, in the endpoint's order.

    Raises:
        TypeError: The endpoint's query names a field that the class does not have.
    """
    named = {wire_name(each): each for each in fields(kind)}
    named |= {each.name: each for each in fields(kind)}
    query = kind.endpoint.query
    if unknown := [name for name in query if name not in named]:
        raise TypeError(f"{kind.__name__}: the query names {unknown[0]}, which is no field")
    return tuple(named[name] for name in query)
