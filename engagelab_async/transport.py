"""From an operation to its result: credentials, deadline, the retry loop and its hooks.

::

    execute(operation)
      encode, once
      ┌> engine.send, within min(timeout, what is left of the deadline)
      │  decode ──────────────> result
      │    └ error ─ RetryPolicy.delay ─ None ──> raise
      │                  │ seconds, if the RetryBudget pays
      └───── sleep <─────┘
"""

from __future__ import annotations

import base64
import inspect
import logging
import math
import random as _random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

import anyio
from attrs import Attribute, define, field, frozen

from . import _wire
from .engines import Engine, Request
from .errors import ConfigurationError, EngageLabError
from .operations import Operation
from .retry import RetryBudget, RetryPolicy

if TYPE_CHECKING:
    from .operations import Product

R = TypeVar("R")

_SHORT_KEY: Final = 8

_logger: Final = logging.getLogger("engagelab_async")
# Without a handler, Python would print the warnings of programs that do not use logging.
_logger.addHandler(logging.NullHandler())


@frozen
class Attempt:
    """What became of one request, for logs and metrics; nothing in it is personal.

    Attributes:
        operation: The call, such as ``otp.send_code``.
        product: ``otp`` or ``sms``.
        number: Which attempt of its call, counted from 1.
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


def _key_part(_: object, attribute: Attribute[str], value: str) -> None:
    if not isinstance(value, str):
        msg = f"{attribute.name}: expected a str, got {type(value).__name__}"
        raise TypeError(msg)
    if not value or not value.isprintable() or value != value.strip():
        msg = f"{attribute.name}: must not be empty, nor hold control characters or outer spaces"
        raise ConfigurationError(msg)


def _without_colon(_: object, attribute: Attribute[str], value: str) -> None:
    if ":" in value:
        msg = f"{attribute.name}: must not hold a colon, which ends it on the wire"
        raise ConfigurationError(msg)


def _hidden(_: str) -> str:
    return "<hidden>"


def _masked(value: str) -> str:
    return f"'{value[:4]}…'" if len(value) > _SHORT_KEY else "'…'"


@frozen
class Credentials:
    """A key pair of one product, made in that product's console.

    Args:
        key: The ``dev_key``.
        secret: The ``dev_secret``; a ``repr`` hides it.

    Raises:
        TypeError: An argument is not a ``str``.
        ConfigurationError: An argument is empty or cannot be sent.

    Example:
        >>> Credentials("jiguangdev", "dev_secret")
        Credentials(key='jigu…', secret=<hidden>)
    """

    key: str = field(validator=[_key_part, _without_colon], repr=_masked)
    secret: str = field(validator=_key_part, repr=_hidden)

    def authorization(self) -> str:
        """Make the value of the ``Authorization`` header: HTTP Basic (RFC 7617), in UTF-8."""
        return "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()


@frozen(eq=False, repr=False)
class Account:
    """Where a product is and how to be let in.

    Attributes:
        base_url: Without a slash at its end.
        headers: Sent with every request.
    """

    base_url: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, credentials: Credentials, base_url: str, user_agent: str) -> Account:
        """Prepare what all requests of a product share."""
        headers = (
            ("Accept", "application/json"),
            # Answers have a few hundred bytes: compressing them costs more than it saves.
            ("Accept-Encoding", "identity"),
            ("Authorization", credentials.authorization()),
            ("Content-Type", "application/json"),
            ("User-Agent", user_agent),
        )
        return cls(base_url, headers)


def seconds(value: float, name: str) -> float:
    """Check a duration.

    Raises:
        TypeError: It is not a number.
        ValueError: It is not positive. Infinity, for "no limit", is.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{name}: expected seconds as a number, got {type(value).__name__}"
        raise TypeError(msg)
    if not value > 0:
        msg = f"{name}: must be more than 0 seconds"
        raise ValueError(msg)
    return value


def instance(value: R, kind: type[R], name: str) -> R:
    """Check an argument's type.

    Raises:
        TypeError: It is of another type.
    """
    if not isinstance(value, kind):
        msg = f"{name}: expected {kind.__name__}, got {type(value).__name__}"
        raise TypeError(msg)
    return value


class Gate(Protocol):
    """Who has a say in the pace of a call: a bulk run, for each of its operations."""

    async def enter(self, request: Request) -> Request:
        """Wait until a request may leave; the call's deadline waits as well.

        Returns:
            The request, or what is to be sent in its place.
        """
        ...

    def failed(self, error: EngageLabError, delay: float | None) -> float | None:
        """Take note of a failed attempt.

        Args:
            error: What it failed with.
            delay: After how many seconds the policy would repeat it, or ``None``.

        Returns:
            After how many seconds to repeat it, or ``None`` to give up.
        """
        ...

    async def rest(self, seconds: float) -> None:
        """Wait before a repeat; the deadline goes on."""
        ...


class Transport:
    """Executes operations over an engine.

    Args:
        engine: Who moves the bytes.
        accounts: The products that can be called.
        retry: The policy of calls that bring none of their own.
        timeout: Seconds for one attempt, unless a call says otherwise.
        deadline: Seconds for a whole call, waits included, unless it says otherwise.
        owns_engine: Whether closing the transport closes the engine.
        on_attempt: Called after each attempt.
        budget: What repeats are paid from.
        clock: Monotonic seconds.
        wall_clock: Unix seconds.
        sleep: Waits for a number of seconds.
        random: Numbers in [0, 1).

    Attributes:
        clock: As above, for whoever makes several calls in a limited time.
        sleep: As above.
        retry: The policy of calls that bring none of their own.
    """

    def __init__(
        self,
        engine: Engine,
        accounts: Mapping[Product, Account],
        *,
        retry: RetryPolicy,
        timeout: float,
        deadline: float,
        owns_engine: bool = True,
        on_attempt: Callable[[Attempt], object] | None = None,
        budget: RetryBudget | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        random: Callable[[], float] = _random.random,
    ) -> None:
        """Check the durations and keep the parts."""
        self._engine = engine
        self._accounts = accounts
        self._owns_engine = owns_engine
        self.retry: RetryPolicy = instance(retry, RetryPolicy, "retry")
        self._timeout = seconds(timeout, "timeout")
        self._deadline = seconds(deadline, "deadline")
        self._on_attempt = _plain_function(on_attempt)
        self._budget = RetryBudget() if budget is None else budget
        self.clock = clock
        self._wall_clock = wall_clock
        self.sleep = sleep
        self._random = random
        self._closed = False

    @property
    def base_urls(self) -> Mapping[str, str]:
        """Where each product is that can be called."""
        return {product: account.base_url for product, account in self._accounts.items()}

    async def aclose(self) -> None:
        """Close the engine; further calls are refused."""
        self._closed = True
        if self._owns_engine:
            await self._engine.aclose()

    async def execute(
        self,
        operation: Operation[R],
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        gate: Gate | None = None,
    ) -> R:
        """Send an operation, repeating it where the policy allows.

        Args:
            operation: What to send.
            timeout: Seconds for one attempt; ``None`` for the client's.
            deadline: Seconds for the whole call; ``None`` for the client's.
            retry: The policy; ``None`` for the client's.
            gate: Asked before each attempt.

        Returns:
            The operation's result.

        Raises:
            EngageLabError: One of its subclasses; see `engagelab_async.errors`.
            RuntimeError: The client is closed.
            TypeError: `timeout` or `deadline` is not a number.
            ValueError: `timeout` or `deadline` is not positive.
        """
        call = _Call(
            operation,
            self._request(operation),
            self.retry if retry is None else instance(retry, RetryPolicy, "retry"),
            self._timeout if timeout is None else seconds(timeout, "timeout"),
            self.clock() + (self._deadline if deadline is None else seconds(deadline, "deadline")),
            gate,
        )
        while True:
            request = call.request if gate is None else await _enter(gate, call, self.clock)
            try:
                return await self._attempt(call, request)
            except EngageLabError as error:
                delay = self._failed(call, error)
                if delay is None:
                    raise
                await (self.sleep if gate is None else gate.rest)(delay)
                # A late wake-up leaves no time for an attempt, only for a half-sent one.
                if self._closed or self.clock() >= call.ends:
                    raise

    def _request(self, operation: Operation[object]) -> Request:
        instance(operation, Operation, "operation")
        if self._closed:
            msg = "this EngageLab is closed"
            raise RuntimeError(msg)
        endpoint = operation.endpoint
        account = self._accounts.get(endpoint.product)
        if account is None:
            raise _no_credentials(operation)
        body = _wire.encode(operation)
        return Request(
            endpoint.method,
            account.base_url + _wire.path(operation),
            account.headers if body else _about_no_body(account.headers),
            body,
        )

    async def _attempt(self, call: _Call[R], request: Request) -> R:
        call.number += 1
        call.began = self.clock()
        left = min(call.timeout, call.ends - call.began)
        response = await self._engine.send(
            request,
            timeout=None if left == math.inf else left,
            max_bytes=_wire.MAX_BODY_BYTES,
        )
        result = _wire.decode(
            call.operation,
            response.status,
            response.headers,
            response.body,
            now=self._wall_clock(),
        )
        self._budget.earn(repeated=call.number > 1)
        # Most programs want no report of a success, and its making shows in bulk.
        if self._on_attempt is not None or _logger.isEnabledFor(logging.DEBUG):
            self._report(call, status=response.status)
        return result

    def _failed(self, call: _Call[Any], error: EngageLabError) -> float | None:
        """Complete the error, and say after how many seconds to try again, if at all."""
        delay = call.policy.delay(
            error,
            call.operation,
            attempt=call.number,
            remaining=0.0 if self._closed else call.ends - self.clock(),
            random=self._random,
        )
        if delay is not None and not self._budget.spend():
            _logger.debug("%s not repeated: the retry budget is spent", call.name)
            delay = None
        # An earlier attempt may have gone through, whatever became of this one.
        call.sent_before = error.may_have_been_sent = call.sent_before or error.may_have_been_sent
        error.attempts = call.number
        error.operation = call.operation
        if call.gate is not None:
            delay = call.gate.failed(error, delay)
        self._report(
            call,
            status=getattr(error, "http_status", None),
            code=getattr(error, "code", None),
            error=type(error).__name__,
            delay=delay,
        )
        return delay

    def _report(
        self,
        call: _Call[Any],
        *,
        status: int | None,
        code: int | None = None,
        error: str | None = None,
        delay: float | None = None,
    ) -> None:
        attempt = Attempt(
            call.name,
            call.operation.endpoint.product,
            call.number,
            status,
            code,
            error,
            self.clock() - call.began,
            delay,
        )
        _log(attempt)
        if self._on_attempt is None:
            return
        try:
            self._on_attempt(attempt)
        except Exception:
            # A failing metric must not turn an accepted message into a failed one.
            _logger.exception("on_attempt failed")


def _plain_function(
    hook: Callable[[Attempt], object] | None,
) -> Callable[[Attempt], object] | None:
    # It would be called, and what it does never awaited.
    if inspect.iscoroutinefunction(hook):
        msg = "on_attempt: expected a plain function, got a coroutine function"
        raise TypeError(msg)
    return hook


@define(eq=False, repr=False)
class _Call(Generic[R]):
    """One call under way."""

    operation: Operation[R]
    request: Request
    policy: RetryPolicy
    timeout: float
    ends: float
    gate: Gate | None
    number: int = 0
    began: float = 0.0
    sent_before: bool = False

    @property
    def name(self) -> str:
        return self.operation.endpoint.name


async def _enter(gate: Gate, call: _Call[Any], clock: Callable[[], float]) -> Request:
    came = clock()
    try:
        request = await gate.enter(call.request)
    except EngageLabError as error:
        # Not let in, so this is no attempt; but an earlier one may have gone through.
        error.may_have_been_sent = error.may_have_been_sent or call.sent_before
        error.attempts = call.number
        error.operation = call.operation
        raise
    call.ends += clock() - came
    return request


def _about_no_body(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple(header for header in headers if header[0] != "Content-Type")


def _no_credentials(operation: Operation[object]) -> ConfigurationError:
    product = operation.endpoint.product
    name = product.upper()
    error = ConfigurationError(
        f"no {name} key pair: pass EngageLab({product}=Credentials(…)), or set "
        f"ENGAGELAB_{name}_DEV_KEY and ENGAGELAB_{name}_DEV_SECRET for from_env()"
    )
    error.operation = operation
    return error


def _log(attempt: Attempt) -> None:
    if _logger.isEnabledFor(logging.DEBUG):
        _logger.debug(
            "%s attempt %d: %s, HTTP %s, code %s, %.3f s",
            attempt.operation,
            attempt.number,
            attempt.error or "ok",
            attempt.status,
            attempt.code,
            attempt.elapsed,
        )
    if attempt.delay is not None:
        _logger.warning(
            "%s attempt %d ended in %s (code %s); repeating in %.2f s",
            attempt.operation,
            attempt.number,
            attempt.error,
            attempt.code,
            attempt.delay,
        )
