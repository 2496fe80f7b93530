"""When a run ends before its source does, and when it waits.

Sending goes on only while that makes sense. What will be refused for every row, such as a wrong
key, ends a run at once. An outage makes all of its workers wait, longer each time, and then ends
it. What was not sent is left untouched, and a journal lets the next run begin there.
"""

import re
from collections.abc import Callable
from typing import Final

from engagelab_async.errors import (
    APIError,
    AuthenticationError,
    BusinessRuleError,
    ConfigurationError,
    ConnectError,
    EngageLabError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    SendFailedError,
    ServerError,
    TransportError,
)
from engagelab_async.retry import PASSING_CODES

from .outcomes import AnyOutcome, Rejected, Uncertain

StopRule = Callable[[AnyOutcome], str | None]
"""Tells from an outcome why the run has to end, or ``None``."""

OUTAGE_PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""How long a run waits in an outage, in seconds, before it gives up."""

_STREAK: Final = 10
_WITH_ERROR: Final = (Rejected, Uncertain)
_BALANCE: Final = re.compile(r"\bbalance\b", re.IGNORECASE)
_OF_AN_OUTAGE: Final = (TransportError, ServerError, RateLimitError, InvalidResponseError)


def hopeless(outcome: AnyOutcome) -> str | None:
    """Find what all other operations will meet as well: the rule that holds by default.

    Args:
        outcome: Any outcome.

    Returns:
        The reason to stop, which is that the key pair is not accepted or has no permission, that
        the template does not exist, or that the balance is exhausted. ``None`` for all else.

    Example:
        >>> from engagelab_async import AuthenticationError, SendSMS
        >>> outcome = Rejected(SendSMS("+6591234567", "1"), AuthenticationError("2001"), index=0)
        >>> hopeless(outcome)
        'the key pair is not accepted'
    """
    return hopeless_error(outcome.error) if isinstance(outcome, _WITH_ERROR) else None


def hopeless_error(error: EngageLabError) -> str | None:
    """Find what an error says about all other operations; see `hopeless`."""
    if isinstance(error, ConfigurationError | AuthenticationError):
        return "the key pair is not accepted"
    if isinstance(error, PermissionDeniedError):
        return "the key pair has no permission"
    if isinstance(error, NotFoundError):
        return "the template does not exist"
    # The API documents no code for it; its words are in the message. A gateway's page, which may
    # speak of load balancers, is a `ServerError`.
    if isinstance(error, BusinessRuleError | SendFailedError) and _BALANCE.search(
        error.api_message
    ):
        return "the balance is exhausted"
    return None


def may_be_tried_again(error: EngageLabError) -> bool:
    """Tell whether a later run should send what this one could not: it was not about the row."""
    passing = isinstance(error, APIError) and error.code in PASSING_CODES
    never_left = isinstance(error, ConnectError | RateLimitError)
    return passing or never_left or hopeless_error(error) is not None


class Outage:
    """Tells an outage from single failures.

    ::

        fine ── 10 failures in a row ──> pause ── over ──> fine, on probation
          ↑                                ↑  └── no pause left ──> the run ends
          └──────── success ───────────────┴── 1 failure on probation

    Args:
        pauses: Seconds of each pause that is made before giving up.
    """

    def __init__(self, pauses: tuple[float, ...] = OUTAGE_PAUSES) -> None:
        self._pauses = pauses
        self._taken = 0
        self._streak = 0

    def succeeded(self) -> None:
        """Take note that the API answers."""
        self._streak = 0
        self._taken = 0

    def failed(self, error: EngageLabError) -> float | None:
        """Take note of a failure.

        Returns:
            How long everybody has to wait, in seconds; infinity to give up; ``None`` to go on.
        """
        if not isinstance(error, _OF_AN_OUTAGE):
            return None
        self._streak += 1
        if self._streak < (1 if self._taken else _STREAK):
            return None
        if self._taken == len(self._pauses):
            return float("inf")
        self._streak = 0
        self._taken += 1
        return self._pauses[self._taken - 1]
