"""Repeats without the waits between them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec
from unittest import mock

from engagelab_async.retry import RetryPolicy

P = ParamSpec("P")


@contextmanager
def no_backoff() -> Iterator[None]:
    """Let failed calls be repeated at once, for all clients of the process.

    What is repeated, and how often, stays as it is; so does giving up where the wait would have
    outlasted the deadline. A bulk run still pauses where the API asks all its requests to wait.

    It is a context manager, and a decorator of plain functions.

    Example:
        >>> with no_backoff():
        ...     pass  # calls of any client

    .. versionadded:: 0.1.0
    """
    with mock.patch.object(RetryPolicy, "delay", _at_once(RetryPolicy.delay)):
        yield


def _at_once(delay: Callable[P, float | None]) -> Callable[P, float | None]:
    @wraps(delay)
    def decided(*args: P.args, **kwargs: P.kwargs) -> float | None:
        return None if delay(*args, **kwargs) is None else 0.0

    return decided
