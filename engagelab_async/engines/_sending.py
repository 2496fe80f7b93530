"""Shared by the built-in engines: the time limit, the errors, and whether the request was sent.

::

    send ── prepare ───> a departure, which notices that the request leaves
            exchange ──> Response, within the time limit
              └ failed ─ it never left ──> ConnectError; ConfigurationError for a fault of set-up
                         it did ─────────> ResponseTimeoutError, ConnectionLostError

Once the body was taken no class of exception proves that nothing was sent: HTTP libraries raise
their connection errors after an answer as well, for a redirect, say, or for a second try.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import anyio
from attrs import evolve

from engagelab_async.errors import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    EngageLabError,
    ResponseTimeoutError,
)

from ._engine import Request, Response, in_asyncio, reason
from ._loops import PerLoop, current_loop

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from ._limits import Limits


class Departure(Protocol):
    """What an engine knows about the sending of one request."""

    @property
    def times(self) -> int:
        """How often the request left, or began to."""
        ...

    @property
    def progress(self) -> str:
        """What to add to an error's text, once the head of an answer has arrived."""
        ...


D = TypeVar("D", bound=Departure)


class SendingEngine(ABC, Generic[D]):
    """An engine; a subclass brings the exchange, and the failures of its library.

    Args:
        failures: What the library raises when a request fails. Anything else comes from a fault
            of set-up, or from code of the caller's that runs inside the library.
        timeouts: Those of them that say that time ran out.
    """

    def __init__(
        self,
        failures: tuple[type[Exception], ...],
        timeouts: tuple[type[Exception], ...] = (),
    ) -> None:
        self._failures = (*failures, OSError)
        self._timeouts = (*timeouts, TimeoutError)
        self._limits = PerLoop(_limits)

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:
        departure = self.prepare(request)
        # A limit that has passed would fire in the next turn of the event loop, and over an open
        # connection the request would leave in this one.
        if timeout is not None and timeout <= 0:
            raise ConnectError("no connection in time")
        try:
            with self.limit(timeout, departure):
                response = await self.exchange(request, departure, max_bytes)
        except EngageLabError as error:
            error.may_have_been_sent = error.may_have_been_sent or departure.times > 0
            raise
        except TimeoutError as error:
            if self.never_left(error, departure):
                raise ConnectError("no connection in time") from None
            raise ResponseTimeoutError(f"no answer in time{departure.progress}") from None
        except Exception as error:
            raise self.failed(error, departure) from error
        if departure.times > 1:
            return evolve(response, times_sent=departure.times)
        return response

    @abstractmethod
    def prepare(self, request: Request) -> D:
        """Make an object that records that the request is sent.

        Raises:
            ConfigurationError: The engine cannot be used here.
        """

    @abstractmethod
    async def exchange(self, request: Request, departure: D, max_bytes: int) -> Response:
        """Send the request, and read its answer."""

    def limit(
        self,
        seconds: float | None,
        departure: D,  # noqa: ARG002 - others keep it there
    ) -> AbstractContextManager[object]:
        """Make a context that raises ``TimeoutError`` when time runs out in it."""
        if not in_asyncio():
            current_loop()  # its error says what is wrong, where none runs
            return anyio.fail_after(seconds)
        return self._limits.get().limit(seconds)

    async def aclose(self) -> None:
        if in_asyncio():
            await self._limits.aclose()

    def never_left(self, error: Exception, departure: D) -> bool:  # noqa: ARG002 - others look at it
        """Return whether it is certain that a request that failed was not sent."""
        return departure.times == 0

    def failed(self, error: Exception, departure: D) -> EngageLabError:
        """Translate what was raised in place of an answer.

        The texts of exceptions stay in the cause: they may quote a URL with a password.
        """
        known = isinstance(error, self._failures)
        if self.never_left(error, departure):
            if known:
                return ConnectError(f"no connection ({reason(error)})")
            return ConfigurationError(
                f"the HTTP client failed before anything was sent ({reason(error)})"
            )
        why = f"({reason(error)}){departure.progress}"
        if isinstance(error, self._timeouts):
            return ResponseTimeoutError(f"no answer in time {why}")
        if known:
            return ConnectionLostError(f"the connection broke {why}")
        return ConnectionLostError(f"the HTTP client failed {why}")


def _limits() -> Limits:
    # Not sooner: the module imports asyncio, which a program on trio does without.
    from ._limits import Limits

    return Limits()
