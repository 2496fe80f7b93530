"""A sandbox's platform without an event loop."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from engagelab_async.sandbox import platform
from engagelab_async.sandbox.bodies import Answer, Body

F = TypeVar("F")
R = TypeVar("R")


def finished(awaitable: Awaitable[R]) -> R:
    """Return the result of a send, without the turns that it leaves to other tasks."""
    steps = awaitable.__await__()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: R = end.value
            return result


def at_once(send: Callable[[Body], Awaitable[Answer]]) -> Callable[[Body], Answer]:
    """Make a send that is finished when it returns."""
    return lambda body: finished(send(body))


def _declared_as(declared: object) -> Callable[[F], F]:
    def declare(method: F) -> F:
        vars(method).update(vars(declared))
        return method

    return declare


class Platform(platform.Platform):
    """A platform whose sends are finished when they return."""

    @_declared_as(platform.Platform.send_sms)
    def send_sms(self, body: Body) -> Answer:  # type: ignore[override]
        """Send at once."""
        return finished(super().send_sms(body))

    @_declared_as(platform.Platform.send_custom_message)
    def send_custom_message(self, body: Body) -> Answer:  # type: ignore[override]
        """Send at once."""
        return finished(super().send_custom_message(body))
