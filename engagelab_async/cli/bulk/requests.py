"""From the items of a list to operations.

::

    Item ── Kind ──> Request: an operation, and the items it is made of
                        └── InFlight: the items, until the outcome is known
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from attrs import define, evolve, field, frozen

from engagelab_async import Operation, SendSMS
from engagelab_async.bulk.checking import Item, Normalizer
from engagelab_async.bulk.content import ListError
from engagelab_async.bulk.identity import Key, identity
from engagelab_async.cli.options import spelled

Maker: TypeAlias = Callable[[tuple[str, ...], Mapping[str, str]], Operation[Any]]
"""Makes an operation of recipients and variables."""


@frozen
class Request:
    """An operation, and the items that it is made of."""

    operation: Operation[Any]
    items: tuple[Item, ...]


@frozen
class Kind:
    """What is sent to a list: the same requests every time, as a journal knows them by that."""

    make: Maker
    normalize: Normalizer
    size: int = 1  # recipients with equal variables, in a request
    most_waiting: int = 10_000

    def __attrs_post_init__(self) -> None:
        """Refuse a size that no request can have."""
        if self.size < 1:
            raise ValueError("--targets-per-request: must be at least 1")

    def requests(self, items: Iterable[Item]) -> Iterator[Request]:
        """Make requests, of items with equal variables in the order of the list."""
        groups: dict[tuple[str, ...], list[Item]] = {}
        waiting = 0
        for item in items:
            values = tuple(item.params.values())
            group = groups.setdefault(values, [])
            group.append(item)
            waiting += 1
            if len(group) == self.size or waiting > self.most_waiting:
                values = values if len(group) == self.size else next(iter(groups))
                waiting -= len(groups[values])
                yield self._request(groups.pop(values))
        for group in groups.values():
            yield self._request(group)

    def _request(self, items: list[Item]) -> Request:
        to = tuple(item.to for item in items)
        try:
            return Request(self.make(to, items[0].params), tuple(items))
        except ValueError as error:
            raise ListError(spelled(str(error))) from None


def journal_key(sample: Operation[Any]) -> Key | None:
    """Return a key that leaves out the time of a scheduled SMS: a resumed run may need another."""
    is_scheduled = isinstance(sample, SendSMS) and sample.schedule_time is not None
    return (lambda operation: identity(at_once(operation), None)) if is_scheduled else None


def at_once(operation: Operation[Any]) -> Operation[Any]:
    """Return the same operation without a time that it is sent at."""
    return evolve(operation, schedule_time=None) if isinstance(operation, SendSMS) else operation


@define(eq=False)
class InFlight:
    """Remembers the items of requests that have no outcome yet, by index in the run's source."""

    _requests: Iterable[Request]
    _items: dict[int, tuple[Item, ...]] = field(factory=dict)

    def operations(self) -> Iterator[Operation[Any]]:
        """Yield the operations."""
        for index, request in enumerate(self._requests):
            self._items[index] = request.items
            yield request.operation

    def pop(self, index: int, operation: Operation[Any]) -> tuple[Item, ...]:
        """Return the items of an operation, or of a part of one, that has an outcome."""
        items = self._items.pop(index)
        to = getattr(operation, "to", None)
        if not isinstance(to, tuple) or len(to) == len(items):
            return items
        reached = set(to)
        self._items[index] = tuple(item for item in items if item.to not in reached)
        return tuple(item for item in items if item.to in reached)
