"""Which rows were here before: the platform may deliver one twice."""

from collections import OrderedDict
from typing import Final, Protocol

from ._limits import whole

_CAPACITY: Final = 100_000


class SeenStore(Protocol):
    """Remembers the `identity` of events; a program that runs on several machines shares one.

    With Redis, `add` is ``SET key 1 NX EX 86400`` and `discard` is ``DEL key``.

    An identity is remembered before its event is handled, and forgotten when that fails or is cut
    off by the end of the program. A process that is killed forgets nothing: if the platform tells
    the event again, nobody handles it. Where that matters, store events before the answer, with
    ``fastapi.Events``.

    .. versionadded:: 0.1.0
    """

    async def add(self, identity: str) -> bool:
        """Remember an identity.

        Returns:
            Whether it is new.
        """
        ...

    async def discard(self, identity: str) -> None:
        """Forget an identity, if it is there: its event was not handled."""
        ...


class RecentlySeen:
    """A `SeenStore` in the memory of one process: about 15 MB when it is full.

    Args:
        capacity: How many identities it remembers; then it forgets the oldest.

    Example:
        >>> store = RecentlySeen(capacity=2)
        >>> import asyncio
        >>> [asyncio.run(store.add(identity)) for identity in ("a", "a", "b", "c", "a")]
        [True, False, True, True, True]

    .. versionadded:: 0.1.0
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = whole("capacity", capacity)
        self._identities: OrderedDict[str, None] = OrderedDict()

    async def add(self, identity: str) -> bool:
        """Remember an identity; see `SeenStore.add`."""
        if identity in self._identities:
            self._identities.move_to_end(identity)
            return False
        self._identities[identity] = None
        if len(self._identities) > self._capacity:
            self._identities.popitem(last=False)
        return True

    async def discard(self, identity: str) -> None:
        """Forget an identity."""
        self._identities.pop(identity, None)
