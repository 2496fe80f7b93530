"""The memory of signatures that were used, and of what each was used for.

It cannot be flooded: only what is signed gets in. It cannot be made to forget either: whatever it
lets go of, or no longer takes as new, moves a floor up, and nothing at or below the floor is taken
any more that is not remembered. So a crowd makes late callbacks fail, and replays never work.

::

    too old, or too many ──┐
                           ↓
    ─── only what is remembered, ─── floor ──── remembered, each with its body ──── now ──>
        with the same body
"""

import heapq
import math
from typing import Final, Protocol, runtime_checkable

CAPACITY: Final = 100_000
"""How many it knows: 333 callbacks a second for five minutes, or 5,000 a day for as long as they
may be repeated."""


@runtime_checkable
class NonceStore(Protocol):
    """The same memory, shared by several processes; see ``Verifier(nonces=…)``.

    .. versionadded:: 0.1.0
    """

    async def bind(self, signature: str, body: bytes) -> bool:
        """Remember the body of a signature that is not known yet.

        Args:
            signature: What distinguishes the signature from all others.
            body: A digest of the body.

        Returns:
            Whether the signature came with no other body before.
        """
        ...

    async def knows(self, signature: str, body: bytes) -> bool:
        """Return whether a signature came with this body before."""
        ...


class NonceMemory:
    """Which nonce came with which body."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._bodies: dict[tuple[int, str], bytes] = {}
        self._oldest: list[tuple[int, str]] = []
        self._above: list[tuple[int, str]] = []  # those that are above the floor
        self._floor = -math.inf

    def __len__(self) -> int:
        return len(self._bodies)

    def forgets(self, timestamp: int) -> bool:
        """Return whether it may no longer know what was used at that time."""
        return timestamp <= self._floor

    def knows(self, timestamp: int, nonce: str, body: bytes | None = None) -> bool:
        """Return whether a nonce was used; if a body is given, whether it was used with that."""
        known = self._bodies.get((timestamp, nonce))
        return known is not None and body in {None, known}

    def bind(self, timestamp: int, nonce: str, body: bytes) -> bool:
        """Remember the digest that a nonce came with, and return whether it came with no other."""
        key = timestamp, nonce
        if key not in self._bodies:
            self._bodies[key] = body
            heapq.heappush(self._oldest, key)
            heapq.heappush(self._above, key)
            self._let_go(-math.inf)
        return self._bodies.get(key, body) == body

    def close_before(self, time: float) -> None:
        """Take nothing as new any more that is older; what is remembered stays so."""
        while self._above and self._above[0][0] < time:
            self._floor = max(self._floor, heapq.heappop(self._above)[0])

    def forget_before(self, time: float) -> None:
        """Let go of what is too old to be taken anyway."""
        self.close_before(time)
        self._let_go(time)

    def _let_go(self, time: float) -> None:
        while self._oldest and (self._oldest[0][0] < time or len(self) > self._capacity):
            key = heapq.heappop(self._oldest)
            self._floor = max(self._floor, key[0])
            del self._bodies[key]
        while self._above and self._above[0][0] <= self._floor:
            heapq.heappop(self._above)
