"""What an API call is: a value whose class says where it goes and what comes back."""

from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar

from attrs import frozen

Product = Literal["otp", "sms"]
"""The two products. Each has its own host and its own key pairs."""

IDENTIFIER: Final = "an id, written as a string or as a number"

StringId = Annotated[str, IDENTIFIER]
"""An id that is documented as a string; a number is taken for its decimal digits."""

IntegerId = Annotated[int, IDENTIFIER]
"""An id that is documented as a number above 2**53; a string of digits is taken as well."""


class Separator(str):
    """Marks a tuple of strings that is one string on the wire: what stands between its items."""

    __slots__ = ()


R_co = TypeVar("R_co", covariant=True)


@frozen
class Endpoint:
    """Where an operation goes, what it answers, and whether it may be repeated.

    Attributes:
        name: The call as users write it, such as ``otp.send_code``.
        product: Whose host and key pair it needs.
        method: The HTTP method. ``GET`` and ``DELETE`` have no body.
        path: The path below the product's base URL. ``{name}`` stands for the operation's field of
            that name: it is sent as one segment of the path, whatever is in it, and not in the
            body.
        result: The class of the answer; ``tuple[X, ...]`` for an array, ``type(None)`` for an
            answer that says no more than that it went well.
        repeatable: Whether repeating is harmless when an attempt may already have been carried
            out: for reads, and for sends that the platform guards against duplicates itself.
    """

    name: str
    product: Product
    method: str
    path: str
    result: type[Any]
    repeatable: bool

    @property
    def is_read(self) -> bool:
        """Whether the call only reads, and so sends nothing, whatever becomes of it."""
        return self.method == "GET"


@frozen
class Operation(Generic[R_co]):
    """One API call as a frozen value; ``Operation[Plan]`` answers a `Plan` when executed."""

    endpoint: ClassVar[Endpoint]
