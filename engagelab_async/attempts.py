"""Reports of attempts: to the log, and to the caller's hook."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from engagelab_async.arguments import check_function

if TYPE_CHECKING:
    from engagelab_async.operation import Product

logger: Final = logging.getLogger("engagelab_async")
# Without a handler, Python would print the warnings of programs that do not use logging.
logger.addHandler(logging.NullHandler())


@frozen
class Attempt:
    """The result of one request, for logs and metrics; it holds no personal data.

    Attributes:
        operation: The call, such as ``otp.send_code``.
        product: ``otp`` or ``sms``.
        number: The number of the attempt in its call, counted from 1.
        status: The HTTP status, or ``None`` if no answer arrived.
        code: The API's error code, or ``None``.
        error: The name of the error's class, or ``None`` for a success.
        elapsed: Seconds from sending to the result.
        delay: Seconds until the next attempt, or ``None`` if this was the last.
    """

    operation: str
    product: Product
    number: int
    status: int | None
    code: int | None
    error: str | None
    elapsed: float
    delay: float | None


class Reporter:
    """Reports attempts, to the log and to the hook if there is one."""

    def __init__(self, on_attempt: Callable[[Attempt], object] | None) -> None:
        # An async one would hold up every call. What hides being one is awaited all the same.
        self._on_attempt = check_function(on_attempt, "on_attempt")

    @property
    def reports_successes(self) -> bool:
        """Whether successes are reported; making a report is measurable in bulk."""
        return self._on_attempt is not None or logger.isEnabledFor(logging.DEBUG)

    async def report(self, attempt: Attempt) -> None:
        """Log an attempt, and pass it to the hook."""
        _log(attempt)
        if self._on_attempt is None:
            return
        try:
            waiting = self._on_attempt(attempt)
            if inspect.isawaitable(waiting):
                await waiting
        except Exception:
            # A failing metric must not turn an accepted message into a failed one.
            logger.exception("on_attempt failed")


def _log(attempt: Attempt) -> None:
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug(
            "%s attempt %d: %s, HTTP %s, code %s, %.3f s",
            attempt.operation,
            attempt.number,
            attempt.error or "ok",
            attempt.status,
            attempt.code,
            attempt.elapsed,
        )
    if attempt.delay is not None:
        logger.warning(
            "%s attempt %d ended in %s (code %s); repeating in %.2f s",
            attempt.operation,
            attempt.number,
            attempt.error,
            attempt.code,
            attempt.delay,
        )
