"""From a command's operation to its exit code: make it, send it, show the outcome.

Every command ends in an `Outcome`, also after Ctrl-C or a bug: Python's own exit code for an
uncaught exception is 1, which here would mean that nothing was sent.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeAlias, TypeVar

from engagelab_async import ConfigurationError, EngageLab, EngageLabError, RetryPolicy

from .options import Call, spelled
from .outcome import Action, Answered, Outcome, crashed, failed, interrupted, misused
from .output import show

T = TypeVar("T")

_logger: Final = logging.getLogger("engagelab_async")


class _NothingSentError(Exception):
    """Ctrl-C, at a moment when it is certain that nothing was sent."""


Send: TypeAlias = Callable[[EngageLab], Awaitable[object]]
"""Makes the calls of a command that needs more than one."""


def perform(make: Callable[[], Action], call: Call, *, send: Send | None = None) -> int:
    """Send an operation and show the outcome.

    Args:
        make: Makes the operation; ``TypeError`` and ``ValueError`` are bad usage.
        call: How to send it, and how to show the outcome.
        send: What to do instead of sending the operation once.

    Returns:
        The exit code.
    """
    with logged(verbose=call.verbose):
        outcome = _outcome(make, call, send)
    show(outcome, as_json=call.json)
    return outcome.exit_code


def _outcome(make: Callable[[], Action], call: Call, send: Send | None) -> Outcome:
    try:
        operation, policy = make(), call.policy()
    except (TypeError, ValueError) as error:
        return misused(spelled(str(error)))
    try:
        answer = run(lambda: _send(operation, policy, call, send))
        return Answered(operation, answer)
    except EngageLabError as error:
        return failed(operation, error)
    except _NothingSentError:
        return interrupted(operation)
    except KeyboardInterrupt:
        return interrupted(operation, may_have_been_sent=not operation.endpoint.is_read)
    except Exception as error:
        _logger.debug("unforeseen", exc_info=True)
        return crashed(operation, error)


async def _send(operation: Action, policy: RetryPolicy, call: Call, send: Send | None) -> object:
    async with call.client() as engagelab:
        try:
            if send is not None:
                return await send(engagelab)
            return await engagelab.execute(operation, retry=policy)
        except asyncio.CancelledError as cancelled:
            # Ctrl-C. Between two attempts the error of the last one is still being handled, and
            # it knows about all attempts before. Anywhere else a request is in flight.
            last = cancelled.__context__
            if isinstance(last, EngageLabError) and not last.may_have_been_sent:
                raise _NothingSentError from None
            raise


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in an event loop of its own.

    Raises:
        ConfigurationError: There can be no event loop; nothing was sent.
    """
    try:
        # Those of an event loop. One that can only be half made complains when it is collected.
        with ExitStack() as stack:
            for _ in range(3):
                stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        raise ConfigurationError(f"cannot start: {error.strerror}") from error
    return asyncio.run(main())


@contextmanager
def logged(*, verbose: bool) -> Iterator[None]:
    """Send the library's log to standard error, or nowhere."""
    # Without any handler, Python would print warnings by itself.
    handler = logging.StreamHandler() if verbose else logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    before = _logger.level
    _logger.addHandler(handler)
    _logger.setLevel(logging.DEBUG if verbose else before)
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _logger.setLevel(before)
