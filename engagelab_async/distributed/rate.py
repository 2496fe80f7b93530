"""A rate that any number of processes share: turns, taken from the fleet's store in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engagelab_async.arguments import check_instance
from engagelab_async.bulk.rate import Rate
from engagelab_async.bulk.turns import rate_of

if TYPE_CHECKING:
    from .fleet import Fleet


_LONGEST: Final = 200


class SharedRate:
    """A rate limit that several processes keep together: a `Limiter`.

    In any second, all together send at most the rate and one block of 50 ms for each process. A
    process that is killed wastes at most its block. Give it to `Fleet.fan_out`, so that several
    campaigns share it, or to `EngageLab.fan_out`.

    Args:
        fleet: Where it is kept.
        name: What all that share it call it.
        rate: Requests a second, or a `Rate`, which can count targets; its ``burst`` does not
            count. All that share it have to give the same.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: `name` is empty or too long, or the rate is out of range.

    .. versionadded:: 0.1.0
    """

    def __init__(self, fleet: Fleet, name: str, rate: float | Rate) -> None:
        """Reserve nothing yet."""
        if not (0 < len(check_instance(name, "name", str)) <= _LONGEST and name.isprintable()):
            raise ValueError(f"name: expected 1 to {_LONGEST} printable characters")
        self.name: str = name
        self.rate: Rate = rate_of(rate)
        self._turns = fleet.turns(name, self.rate)

    async def acquire(self, requests: int, targets: int) -> None:
        """Wait until a request may be sent; see `Limiter`.

        Raises:
            JournalError: The store cannot be reached.
        """
        await self._turns.acquire(requests, targets)
