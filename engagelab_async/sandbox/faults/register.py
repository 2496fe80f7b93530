"""The faults that are in force, in the order in which they were added."""

import math
import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence

from attrs import define, evolve, field, frozen

from engagelab_async.sandbox.loop import StateLoop

from .fault import Fault


@frozen
class ActiveFault:
    """A fault that is in force.

    Attributes:
        number: Its number, which no other fault of the sandbox has.
        fault: The fault.
        struck: How often it has struck so far.

    .. versionadded:: 0.1.0
    """

    number: int
    fault: Fault
    struck: int


@define
class _Registered:
    """A fault with its random numbers."""

    active: ActiveFault
    generator: random.Random
    ends_at: float


@frozen
class Strike:
    """A fault strikes a call: with a delay, or some of its recipients, if the fault has those."""

    fault: Fault
    seconds: float = 0.0
    chosen: frozenset[str] = field(factory=frozenset, repr=False)


class Faults:
    """The faults of one sandbox; may be used from any thread.

    Of several that match a call, the one that was added first and strikes is played.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self, loop: StateLoop | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._loop = loop or StateLoop()
        self._clock = clock
        self._entries: dict[int, _Registered] = {}
        self._last = 0

    def __len__(self) -> int:
        return len(self._loop.call(self._in_force))

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(self._loop.call(lambda: [entry.active for entry in self._in_force().values()]))

    def _in_force(self) -> dict[int, _Registered]:
        if self._entries:
            now = self._clock()
            for number, entry in tuple(self._entries.items()):
                if now >= entry.ends_at:
                    del self._entries[number]
        return self._entries

    def add(self, fault: Fault) -> int:
        """Put a fault in force.

        Returns:
            Its number.

        Raises:
            TypeError: It is no `Fault`.
        """
        if not isinstance(fault, Fault):
            raise TypeError(f"fault: expected a Fault, got {type(fault).__name__}")
        return self._loop.call(self._add, fault)

    def _add(self, fault: Fault) -> int:
        self._last += 1
        generator = random.Random(fault.seed)  # noqa: S311 - nothing secret depends on it
        ends_at = math.inf if fault.lasts is None else self._clock() + fault.lasts
        active = ActiveFault(self._last, fault, 0)
        self._entries[self._last] = _Registered(active, generator, ends_at)
        return self._last

    def remove(self, number: int) -> None:
        """Take a fault out of force.

        Raises:
            LookupError: There is none with this number, or no longer.
        """
        if self._loop.call(self._entries.pop, number, None) is None:
            raise LookupError(f"there is no fault {number}")

    def clear(self) -> None:
        """Take all faults out of force."""
        self._loop.call(self._entries.clear)

    def strike(self, path: str, recipients: Sequence[str]) -> Strike | None:
        """Decide whether a call is struck, and by which fault."""
        for number, entry in self._in_force().items():
            fault, generator = entry.active.fault, entry.generator
            if fault.matches(path, recipients) and generator.random() < fault.probability:
                entry.active = evolve(entry.active, struck=entry.active.struck + 1)
                if entry.active.struck == fault.times:
                    del self._entries[number]
                delay = fault.delay(generator)
                return Strike(fault, delay, _chosen(fault, generator, recipients))
        return None


def _chosen(fault: Fault, generator: random.Random, recipients: Collection[str]) -> frozenset[str]:
    if fault.kind != "partial":
        return frozenset()
    distinct = sorted(fault.meant(recipients))
    count = max(1, math.floor(fault.share * len(distinct)))
    return frozenset(generator.sample(distinct, count))
