"""From items to operations: one a row, or one for many rows that are told the same."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen

from engagelab_async import Operation

from .checks import Item

_WAITING: Final = 10_000
"""How many rows may wait for others that are told the same."""

Maker: TypeAlias = Callable[[tuple[str, ...], Mapping[str, str]], Operation[Any]]
"""Makes an operation of recipients and variables."""


@frozen
class Request:
    """An operation, and the rows that it was made of."""

    operation: Operation[Any]
    items: tuple[Item, ...]


@frozen
class Grouping:
    """How rows become requests.

    The same rows become the same requests every time: that is what a journal knows them by.

    Attributes:
        make: Makes an operation.
        size: How many recipients a request may have.

    Raises:
        ValueError: That is not even one.
    """

    make: Maker
    size: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse a size that no request can have."""
        if self.size < 1:
            raise ValueError("--targets-per-request: must be at least 1")

    def requests(self, items: Iterable[Item]) -> Iterator[Request]:
        """Make requests, of rows with equal variables in the order of the list."""
        groups: dict[tuple[str, ...], list[Item]] = {}
        waiting = 0
        for item in items:
            told = tuple(item.params.values())
            group = groups.setdefault(told, [])
            group.append(item)
            waiting += 1
            if len(group) == self.size or waiting > _WAITING:
                told = told if len(group) == self.size else next(iter(groups))
                waiting -= len(groups[told])
                yield self._request(groups.pop(told))
        for group in groups.values():
            yield self._request(group)

    def _request(self, items: list[Item]) -> Request:
        to = tuple(item.to for item in items)
        return Request(self.make(to, items[0].params), tuple(items))


@define(eq=False)
class UnderWay:
    """Remembers the rows of the requests that a run has taken and not brought to an end.

    A run tells outcomes by their place in its source, which is counted here.
    """

    _requests: Iterable[Request]
    _items: dict[int, tuple[Item, ...]] = field(factory=dict)

    def operations(self) -> Iterator[Operation[Any]]:
        """Hand out the operations."""
        for index, request in enumerate(self._requests):
            self._items[index] = request.items
            yield request.operation

    def pop(self, index: int, operation: Operation[Any]) -> tuple[Item, ...]:
        """Give the rows of an operation, or of a part of one, that has come to its end."""
        items = self._items.pop(index)
        to = getattr(operation, "to", None)
        if not isinstance(to, tuple) or len(to) == len(items):
            return items
        reached = set(to)
        self._items[index] = tuple(item for item in items if item.to not in reached)
        return tuple(item for item in items if item.to in reached)
