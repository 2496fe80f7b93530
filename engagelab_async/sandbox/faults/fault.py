"""A fault: what goes wrong, in which calls, how often, and whether the message was sent by then."""

from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final, Literal, Self, TypeAlias, get_args

from attrs import asdict, field, fields_dict, frozen
from attrs.validators import optional

from engagelab_async.arguments import flag, integer, number, text
from engagelab_async.sandbox.recipients import canonical
from engagelab_async.sandbox.refusals import MEANINGS

FaultKind: TypeAlias = Literal[
    "latency", "hang", "reset", "cut", "slow", "http", "error", "error_in_200", "partial"
]
"""What goes wrong; see `Fault`."""

_KINDS: Final[tuple[str, ...]] = get_args(FaultKind)
_MAY_COME_AFTER: Final = ("latency", "hang", "reset", "cut", "http")
_SERVER_ERRORS: Final = 500
_AN_HOUR: Final = 3600
_PLANS: Final = "/sms/v1/messages"


@frozen
class Fault:
    """Something that goes wrong in some calls.

    =================  ==========================================================================
    ``kind``           what the caller sees
    =================  ==========================================================================
    ``latency``        an answer that takes ``seconds`` more
    ``hang``           no answer
    ``reset``          the connection breaks before there is an answer
    ``cut``            the connection ends in the middle of the answer
    ``slow``           an answer byte by byte, with ``seconds`` in between
    ``http``           an HTML page with a ``status``, as of a gateway, perhaps with ``retry_after``
    ``error``          the API's error ``code``
    ``error_in_200``   an HTTP 200 with a ``code`` that is not zero
    ``partial``        an SMS plan that leaves out a ``share`` of its targets
    =================  ==========================================================================

    Attributes:
        kind: What goes wrong.
        to: Only calls to a recipient that this pattern matches, such as ``"+65*"``; ``partial``
            leaves out those recipients alone. Calls that name none are matched by ``"*"`` alone.
        path: Only calls of a path that this pattern matches, such as ``"/sms/v1/messages"``.
        probability: How likely it strikes such a call, from 0 to 1.
        times: How often it strikes before it is gone; ``None`` for as long as it is there.
        after: Whether the call is carried out first, so that a message is sent, and recorded, of
            which the caller does not learn. Only for ``latency``, ``hang``, ``reset``, ``cut``, and
            ``http`` with a status of 500 or more: other answers say that nothing was sent.
        seconds: For ``latency`` and ``slow``.
        status: For ``http``.
        retry_after: For ``http``: seconds in a ``Retry-After`` header, or ``None`` for no header.
        code: For ``error``, a documented one; for ``error_in_200``, any but 0.
        share: For ``partial``: how many of the targets that ``to`` matches, from 0 to 1; at least
            one is left out.
        seed: With the same one, the same calls are struck in the same way.

    Example:
        >>> Fault("http", status=429, retry_after=2, path="/sms/*", times=3)
        Fault(kind='http', path='/sms/*', probability=1.0, times=3, after=False, ...

    .. versionadded:: 0.1.0
    """

    kind: FaultKind = field()
    to: str = field(default="*", kw_only=True, repr=False, validator=text)
    path: str = field(default="*", kw_only=True, validator=text)
    probability: float = field(default=1.0, kw_only=True, validator=number(0, 1))
    times: int | None = field(default=None, kw_only=True, validator=optional(integer(1)))
    after: bool = field(default=False, kw_only=True, validator=flag)
    seconds: float = field(default=1.0, kw_only=True, validator=number(0, _AN_HOUR))
    status: int = field(default=502, kw_only=True, validator=integer(400, 599))
    retry_after: int | None = field(default=None, kw_only=True, validator=optional(integer(0)))
    code: int | None = field(default=None, kw_only=True, validator=optional(integer(1)))
    share: float = field(default=0.5, kw_only=True, validator=number(0, 1))
    seed: int | None = field(default=None, kw_only=True, validator=optional(integer(0)))

    def __attrs_post_init__(self) -> None:
        """Check what belongs together."""
        if self.kind not in _KINDS:
            raise ValueError(f"kind: must be one of {' '.join(_KINDS)}")
        if self.kind == "error" and self.code not in MEANINGS:
            raise ValueError("code: an error needs a documented one, such as 5016")
        if self.kind == "error_in_200" and self.code is None:
            raise ValueError("code: an error in an HTTP 200 needs one")
        if self.after and not self._may_come_after:
            raise ValueError(f"after: {self.kind} says that nothing was sent, or strikes meanwhile")

    @property
    def _may_come_after(self) -> bool:
        is_refusal = self.kind == "http" and self.status < _SERVER_ERRORS
        return self.kind in _MAY_COME_AFTER and not is_refusal

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> Self:
        """Make a fault of a JSON object with the same names.

        Raises:
            TypeError: A value is of another type.
            ValueError: A name is unknown, ``kind`` is missing, or a value cannot be.
        """
        unknown = sorted(document.keys() - fields_dict(cls).keys())
        if unknown:
            raise ValueError(f"{unknown[0]}: a fault has no such field")
        return cls(**{"kind": None, **document})  # type: ignore[arg-type]  # validated by itself

    def as_json(self) -> dict[str, object]:
        """Make a JSON object of it, without what was left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def matches(self, path: str, recipients: Collection[str]) -> bool:
        """Tell whether a call is one that it may strike."""
        if not fnmatchcase(path, self.path):
            return False
        if self.kind == "partial" and path != _PLANS:
            return False
        is_for_all = self.to == "*" and self.kind != "partial"
        return is_for_all or bool(self.meant(recipients))

    def meant(self, recipients: Iterable[str]) -> frozenset[str]:
        """Return those recipients that `to` matches."""
        return frozenset(
            recipient
            for recipient in recipients
            if any(
                fnmatchcase(spelling, self.to)
                for spelling in (recipient, canonical(recipient) or recipient)
            )
        )
