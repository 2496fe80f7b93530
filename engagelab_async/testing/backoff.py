"""Retries without delays."""

import inspect
from collections.abc import Callable
from contextlib import ContextDecorator
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from unittest import mock

from engagelab_async.retry import RetryPolicy

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


class WithoutBackoff(ContextDecorator):
    """What `no_backoff` returns; may be entered again while it is entered."""

    def __init__(self) -> None:
        self._patches: list[Any] = []

    def __enter__(self) -> None:
        patch = mock.patch.object(RetryPolicy, "delay", _at_once(RetryPolicy.delay))
        patch.start()
        self._patches.append(patch)

    def __exit__(self, *_: object) -> None:
        self._patches.pop().stop()

    def __call__(self, func: F) -> F:
        """Decorate a plain function.

        Raises:
            TypeError: It is not plain: its body would run after the decorator has ended.
        """
        if _is_run_later(func):
            raise TypeError("func: expected a plain function; in others, use `with`")
        return super().__call__(func)


def no_backoff() -> WithoutBackoff:
    """Retry failed calls without delays, for all clients of the process.

    What is retried, and how often, stays the same; so does giving up if the delay would have
    exceeded the deadline. A bulk run still pauses if the API asks it to.

    It is a context manager, and a decorator of plain functions; one of ``async def`` is refused
    with a `TypeError`.

    Example:
        >>> with no_backoff():
        ...     pass  # calls of any client

    .. versionadded:: 0.1.0
    """
    return WithoutBackoff()


def _is_run_later(func: Callable[..., object]) -> bool:
    return (
        inspect.iscoroutinefunction(func)
        or inspect.isasyncgenfunction(func)
        or inspect.isgeneratorfunction(func)
    )


def _at_once(delay: Callable[P, float | None]) -> Callable[P, float | None]:
    @wraps(delay)
    def decided(*args: P.args, **kwargs: P.kwargs) -> float | None:
        return None if delay(*args, **kwargs) is None else 0.0

    return decided
