"""The memory of signatures that were used, and of what each was used for.

It cannot be flooded: only what is signed gets in. It cannot be made to forget either: whatever it
lets go of, because it is too old or because there are too many, moves a floor up, and nothing at
or below the floor is taken any more. So a crowd makes late callbacks fail, and replays never work.

::

    too old, or too many ──┐
                           ↓
    ─── refused ──────── floor ──── remembered, each with its body ──── now + tolerance ──>
"""

import heapq
import math
from typing import Final

CAPACITY: Final = 100_000
"""How many it knows: with the usual tolerance, 333 callbacks a second for five minutes."""


class NonceMemory:
    """Which nonce came with which body.

    Args:
        capacity: How many nonces are remembered at most.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._bodies: dict[tuple[int, str], bytes] = {}
        self._oldest: list[tuple[int, str]] = []
        self._floor = -math.inf

    def __len__(self) -> int:
        return len(self._bodies)

    def forgets(self, timestamp: int) -> bool:
        """Tell whether it no longer knows what was used at that time."""
        return timestamp <= self._floor

    def bind(self, timestamp: int, nonce: str, body: bytes) -> bool:
        """Remember what a nonce came with, or tell that it came with something else before.

        Args:
            timestamp: When it was sent, in Unix seconds.
            nonce: What tells it from others of that second.
            body: A digest of the body.
        """
        key = timestamp, nonce
        if key not in self._bodies:
            self._bodies[key] = body
            heapq.heappush(self._oldest, key)
            self._let_go(-math.inf)
        return self._bodies.get(key, body) == body

    def forget_before(self, time: float) -> None:
        """Let go of what is too old to be taken anyway."""
        self._let_go(time)

    def _let_go(self, time: float) -> None:
        while self._oldest and (self._oldest[0][0] < time or len(self) > self._capacity):
            key = heapq.heappop(self._oldest)
            self._floor = max(self._floor, key[0])
            del self._bodies[key]
