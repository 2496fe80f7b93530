"""What several rounds say together."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Self

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@frozen
class Spread:
    """The values of one quantity, one for each round.

    Attributes:
        middle: Their median.
        low: The smallest.
        high: The largest.
    """

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Take what matters of at least one value."""
        found = list(values)
        return cls(median(found), min(found), max(found))


@frozen
class Comparison:
    """What two things cost, measured in turns.

    Attributes:
        ours: Our cost.
        bare: The cost of the other thing.
        ratio: Ours for one of the other's, of each round.
    """

    ours: Spread
    bare: Spread
    ratio: Spread


def compare(ours: Callable[[], float], bare: Callable[[], float], *, rounds: int) -> Comparison:
    """Measure both in each round."""
    pairs = [(ours(), bare()) for _ in range(rounds)]
    our_costs, bare_costs = zip(*pairs, strict=True)
    return Comparison(
        Spread.of(our_costs), Spread.of(bare_costs), Spread.of(a / b for a, b in pairs)
    )
