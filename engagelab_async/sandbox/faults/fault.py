"""A fault: what goes wrong, in which calls, how often, and whether the message was sent by then."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from random import Random
from typing import Final, Self

from attrs import asdict, field, fields_dict, frozen
from attrs.validators import optional

from engagelab_async.arguments import flag, integer, number, text
from engagelab_async.sandbox.recipients import canonical
from engagelab_async.sandbox.refusals import MEANINGS

from .kinds import KINDS

_AN_HOUR: Final = 3600
_A_DAY: Final = 24 * _AN_HOUR
_PLANS: Final = "/sms/v1/messages"
_P99: Final = 2.3263  # standard deviations from the median to the 99th percentile

_DISTRIBUTIONS: Final[Mapping[str, tuple[Callable[[Random, float, float], float], set[str]]]] = {
    "constant": (lambda _, seconds, __: seconds, set()),
    "uniform": (
        lambda rng, seconds, spread: rng.uniform(seconds - spread, seconds + spread),
        {"spread"},
    ),
    "normal": (lambda rng, seconds, spread: rng.normalvariate(seconds, spread), {"spread"}),
    "exponential": (lambda rng, seconds, _: rng.expovariate(1 / seconds), {"seconds"}),
    "lognormal": (
        lambda rng, seconds, spread: (
            seconds * rng.lognormvariate(0, math.log1p(spread / seconds) / _P99)
        ),
        {"spread", "seconds"},
    ),
}
"""What draws from each distribution, and which fields must then be above 0."""


@frozen
class Fault:
    """Something that goes wrong in some calls.

    =================  ==========================================================================
    ``kind``           what the caller sees
    =================  ==========================================================================
    ``latency``        an answer that takes ``seconds`` more, or as a ``distribution`` says
    ``hang``           no answer
    ``reset``          the connection breaks before there is an answer
    ``cut``            the connection ends in the middle of the answer
    ``slow``           an answer byte by byte, with ``seconds`` in between
    ``http``           an HTML page with a ``status``, like that of a gateway
    ``error``          the API's error ``code``
    ``error_in_200``   an HTTP 200 with a ``code`` that is not zero
    ``partial``        an SMS plan that leaves out a ``share`` of its targets
    =================  ==========================================================================

    Attributes:
        kind: What goes wrong, as in this table.
        to: Only calls to a recipient that this pattern matches, such as ``"+65*"``; ``partial``
            leaves out those recipients alone. Calls that name none are matched by ``"*"`` alone.
        path: Only calls of a path that this pattern matches, such as ``"/sms/v1/messages"``.
        probability: How likely it strikes such a call, from 0 to 1.
        times: How often it strikes before it is gone; ``None`` for as long as it is there.
        lasts: After how many seconds it is gone, by the sandbox's clock; ``None`` for never.
        after: Whether the call is carried out first, so that a message is sent, and recorded, of
            which the caller does not learn. Only for ``latency``, ``hang``, ``reset``, ``cut``, and
            ``http`` with a status of 500 or more: other answers say that nothing was sent.
        seconds: For ``latency`` and ``slow``.
        distribution: For ``latency``: how ``seconds`` are distributed. ``"constant"``;
            ``"uniform"``, ``seconds`` plus or minus ``spread``; ``"normal"``, with a mean of
            ``seconds`` and a standard deviation of ``spread``; ``"exponential"``, with a mean of
            ``seconds``; or ``"lognormal"``, with a median of ``seconds`` and a 99th percentile of
            ``seconds + spread``, which is what measured latencies look like.
        spread: For ``distribution``: in seconds.
        status: For ``http``.
        retry_after: For ``http``: seconds in a ``Retry-After`` header, or ``None`` for no header.
        code: For ``error``, a documented one; for ``error_in_200``, any but 0.
        share: For ``partial``: how many of the targets that ``to`` matches, from 0 to 1; at least
            one is left out.
        seed: With the same one, the same calls are struck in the same way.

    Example:
        >>> Fault("http", status=429, retry_after=2, path="/sms/*", times=3)
        Fault(kind='http', path='/sms/*', probability=1.0, times=3, lasts=None, ...

    .. versionadded:: 0.1.0
    """

    kind: str = field()
    to: str = field(default="*", kw_only=True, repr=False, validator=text)
    path: str = field(default="*", kw_only=True, validator=text)
    probability: float = field(default=1.0, kw_only=True, validator=number(0, 1))
    times: int | None = field(default=None, kw_only=True, validator=optional(integer(1)))
    lasts: float | None = field(
        default=None, kw_only=True, validator=optional(number(0.001, _A_DAY))
    )
    after: bool = field(default=False, kw_only=True, validator=flag)
    seconds: float = field(default=1.0, kw_only=True, validator=number(0, _AN_HOUR))
    distribution: str = field(default="constant", kw_only=True)
    spread: float = field(default=0.0, kw_only=True, validator=number(0, _AN_HOUR))
    status: int = field(default=502, kw_only=True, validator=integer(400, 599))
    retry_after: int | None = field(default=None, kw_only=True, validator=optional(integer(0)))
    code: int | None = field(default=None, kw_only=True, validator=optional(integer(1)))
    share: float = field(default=0.5, kw_only=True, validator=number(0, 1))
    seed: int | None = field(default=None, kw_only=True, validator=optional(integer(0)))

    def __attrs_post_init__(self) -> None:
        """Check what belongs together."""
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise ValueError(f"kind: must be one of {' '.join(KINDS)}")
        if self.kind == "error" and self.code not in MEANINGS:
            raise ValueError("code: an error needs a documented one, such as 5016")
        if self.kind == "error_in_200" and self.code is None:
            raise ValueError("code: an error in an HTTP 200 needs one")
        kind = KINDS[self.kind]
        is_refusal = "status" in kind.fields and self.status < kind.after_from_status
        if self.after and (is_refusal or not kind.may_come_after):
            raise ValueError(f"after: {self.kind} says that nothing was sent, or strikes meanwhile")
        self._check_distribution()

    def _check_distribution(self) -> None:
        name = self.distribution
        if not isinstance(name, str) or name not in _DISTRIBUTIONS:
            raise ValueError(f"distribution: must be one of {' '.join(_DISTRIBUTIONS)}")
        if name != "constant" and "distribution" not in KINDS[self.kind].fields:
            raise ValueError(f"distribution: {self.kind} has none")
        for field_name in _DISTRIBUTIONS[name][1]:
            if not getattr(self, field_name):
                raise ValueError(f"{field_name}: must be above 0 with {name}")

    def delay(self, generator: Random) -> float:
        """Return for how many seconds it delays a call, drawn from its distribution."""
        draw, _ = _DISTRIBUTIONS[self.distribution]
        return min(max(draw(generator, self.seconds, self.spread), 0.0), _AN_HOUR)

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
        """Return whether a call is one that it may strike."""
        if not fnmatchcase(path, self.path):
            return False
        if self.kind == "partial" and path != _PLANS:
            return False
        is_for_all = self.to == "*" and self.kind != "partial"
        return is_for_all or bool(self.meant(recipients))

    def meant(self, recipients: Iterable[str]) -> frozenset[str]:
        """Return those recipients that `to` matches."""
        return frozenset(
            each
            for each in recipients
            if fnmatchcase(each, self.to) or fnmatchcase(canonical(each) or each, self.to)
        )
