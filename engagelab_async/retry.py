"""When a call is retried, and after how long.

Both parts are pure of I/O: the policy decides about one failure of one call, the budget about all
calls of a client together.

=========================================  =====================================================
what happened                              retried?
=========================================  =====================================================
not sent (`ConnectError`)                  yes, every operation
HTTP 429, 5016, 5001                       yes, nothing was sent; ``Retry-After`` is obeyed
may have been sent (timeout, connection    only where the operation is ``repeatable``, or with
lost, 5xx, unreadable 2xx)                 ``repeat_uncertain=True``
anything else                              no
=========================================  =====================================================

The first two rows are the errors that are ``transient`` and that nothing was sent before: see
`engagelab_async.errors`.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import Factory, define, field, frozen

from engagelab_async import arguments
from engagelab_async.operation import Operation

from .errors import APIError, EngageLabError


@frozen
class RetryPolicy:
    """How often a failed call is retried, and after how long: immutable, shared by many calls.

    Delays grow exponentially with full jitter: ``random() * min(cap, base * 2**n)`` before retry
    number ``n``, counted from 0. A ``Retry-After`` of the server is a lower bound.

    Attributes:
        attempts: How many requests one call may make, including the first one; at least 1.
        base: Seconds; the upper bound of the first delay.
        cap: Seconds; the upper bound of every delay that the server did not ask for.
        repeat_uncertain: Repeat also where the message may have been sent already. It can reach
            the same person twice: for messages that bear repeating only.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: A number is out of range.

    Example:
        >>> RetryPolicy(attempts=5, cap=2.0)
        RetryPolicy(attempts=5, base=0.5, cap=2.0, repeat_uncertain=False)
    """

    attempts: int = field(default=3, validator=arguments.integer(1))
    base: float = field(default=0.5, validator=arguments.seconds_or_zero)
    cap: float = field(default=8.0, validator=arguments.seconds_or_zero)
    repeat_uncertain: bool = field(default=False, validator=arguments.flag)

    def delay(
        self,
        error: EngageLabError,
        operation: Operation[object],
        *,
        attempt: int,
        remaining: float,
        random: Callable[[], float],
    ) -> float | None:
        """Return the delay before a retry, if the call may be retried.

        Args:
            error: The error of the last attempt.
            operation: The operation.
            attempt: The number of that attempt, counted from 1.
            remaining: Seconds until the call's deadline.
            random: A source of numbers in [0, 1).

        Returns:
            Seconds, or ``None`` for "do not retry": it would be unsafe or useless, the attempts
            are used up, or the wait would outlast the deadline.
        """
        if attempt >= self.attempts or not self._may_repeat(error, operation):
            return None
        # An exponent above 1000 overflows a float; the cap has long been reached by then.
        backoff = random() * min(self.cap, self.base * 2.0 ** min(attempt - 1, 1000))
        asked = error.retry_after if isinstance(error, APIError) else None
        wait = backoff if asked is None else max(asked, backoff)
        return wait if wait < remaining else None

    def repeats_uncertain(self, operation: Operation[object]) -> bool:
        """Return whether to retry an operation that may have been carried out already."""
        return self.repeat_uncertain or operation.endpoint.repeatable

    def _may_repeat(self, error: EngageLabError, operation: Operation[object]) -> bool:
        if error.may_have_been_sent:
            return self.repeats_uncertain(operation)
        return error.transient


@define(eq=False)
class RetryBudget:
    """A token bucket that all calls of a client share, so that an outage is not amplified.

    A retry takes tokens out. A call that succeeds puts some back: the cost of its last retry, or
    one token if it needed none. When most calls fail, the bucket runs dry and failures are raised
    at once, until the API answers again. The numbers are those of the AWS SDKs.

    Attributes:
        capacity: How many tokens the bucket holds; it starts full.
        cost: How many tokens one retry takes.
    """

    capacity: int = 500
    cost: int = 5
    _tokens: int = Factory(lambda self: self.capacity, takes_self=True)

    def spend(self) -> bool:
        """Pay for one retry, if there are enough tokens."""
        if self._tokens < self.cost:
            return False
        self._tokens -= self.cost
        return True

    def earn(self, *, repeated: bool) -> None:
        """Record a call that succeeded, with or without a retry."""
        self._tokens = min(self.capacity, self._tokens + (self.cost if repeated else 1))
