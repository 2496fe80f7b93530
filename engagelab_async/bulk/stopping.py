"""When a run stops before the end of its source.

Sending goes on only while that makes sense. What will be refused for every row, such as a wrong
key, ends a run at once. What was not sent is left untouched, and a journal lets the next run begin
there.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio

from engagelab_async.errors import (
    AuthenticationError,
    BusinessRuleError,
    ConfigurationError,
    EngageLabError,
    NotFoundError,
    PermissionDeniedError,
    SendFailedError,
)

from .concurrency import ConcurrencyLimit
from .outcomes import AnyOutcome, Rejected, Uncertain

StopRule = Callable[[AnyOutcome], str | None]
"""Returns why the run has to end after an outcome, or ``None``."""

_WITH_ERROR: Final = (Rejected, Uncertain)
_BALANCE: Final = re.compile(r"\bbalance\b", re.IGNORECASE)


def stop_on_fatal_error(outcome: AnyOutcome) -> str | None:
    """Return an error that every other operation would get too: the default rule.

    Args:
        outcome: Any outcome.

    Returns:
        The reason to stop, which is that the key pair is not accepted or has no permission, that
        the template does not exist, or that the balance is exhausted. ``None`` for all else.

    Example:
        >>> from engagelab_async import AuthenticationError, SendSMS
        >>> outcome = Rejected(SendSMS("+6591234567", "1"), AuthenticationError("2001"), index=0)
        >>> stop_on_fatal_error(outcome)
        'the key pair is not accepted'
    """
    return fatal_reason(outcome.error) if isinstance(outcome, _WITH_ERROR) else None


def fatal_reason(error: EngageLabError) -> str | None:
    """Return why an error applies to all other operations; see `stop_on_fatal_error`."""
    if isinstance(error, ConfigurationError | AuthenticationError):
        return "the key pair is not accepted"
    if isinstance(error, PermissionDeniedError):
        return "the key pair has no permission"
    if isinstance(error, NotFoundError):
        return "the template does not exist"
    # The API documents no code for it, so the message decides. A gateway's page, which may
    # speak of load balancers, is a `ServerError`.
    if isinstance(error, BusinessRuleError | SendFailedError) and _BALANCE.search(
        error.api_message
    ):
        return "the balance is exhausted"
    return None


def may_be_tried_again(error: EngageLabError) -> bool:
    """Return whether a later run should send what this one could not: it was not about the row."""
    return error.transient or fatal_reason(error) is not None


class RunState:
    """Whether a run goes on.

    Attributes:
        closed: Whether nothing new is started.
        stopped: Why the run was stopped, if it was.
    """

    def __init__(
        self, limit: ConcurrencyLimit, on_stop: Callable[[str], object] | None = None
    ) -> None:
        self.closed: bool = False
        self.stopped: str | None = None
        self._limit = limit
        self._on_stop = on_stop
        self._waits: set[anyio.CancelScope] = set()

    def close(self) -> None:
        """Start nothing new."""
        self.closed = True
        self._limit.dismiss(self)

    def stop(self, reason: str) -> None:
        """Start nothing new, and end all waits; the first reason counts."""
        self.close()
        for scope in self._waits:
            scope.cancel()
        if self.stopped is None:
            self.stopped = reason
            if self._on_stop is not None:
                self._on_stop(reason)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Make a wait that ends when the run is stopped."""
        with anyio.CancelScope() as scope:
            if self.stopped is not None:
                scope.cancel()
            self._waits.add(scope)
            try:
                yield
            finally:
                self._waits.discard(scope)
