"""What tells that it has changed, so that it can be kept."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K", bound="Kept")


def nobody(*_: object) -> None:
    """Be told of a change, and do nothing."""


class Kept:
    """A part of the platform that tells of its changes.

    Attributes:
        on_change: Called after each.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[], object] = nobody


def changes(method: Callable[Concatenate[K, P], R]) -> Callable[Concatenate[K, P], R]:
    """Have a method tell of the change that it makes, unless it raises."""

    @wraps(method)
    def changing(self: K, /, *args: P.args, **kwargs: P.kwargs) -> R:
        result = method(self, *args, **kwargs)
        self.on_change()
        return result

    return changing
