"""From an operation to its result: credentials, deadline, the retry loop and its hooks.

::

    begin(operation) ──> Call            encodes once
      Call.attempt() ──> result          within min(timeout, what is left of the deadline)
                     └─> error, and Call.delay: RetryPolicy.delay, if the RetryBudget pays

    execute(operation)                   begin, and attempt until there is a result or no delay
"""

from __future__ import annotations

import math
import random as _random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import anyio
from attrs import define, field

from engagelab_async import wire
from engagelab_async.arguments import check_instance, check_timeout
from engagelab_async.frames import clear
from engagelab_async.operation import Operation

from .attempts import Attempt, Reporter, logger
from .engines import Engine, Request, Response, current_task
from .errors import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    EngageLabError,
    InvalidResponseError,
    SendFailedError,
)
from .retry import RetryBudget, RetryPolicy

if TYPE_CHECKING:
    from engagelab_async.operation import Product

    from .credentials import Account

R = TypeVar("R")

_TURNS: Final = 3
"""Turns of the event loop after which a cancellation has reached the calls that it is for."""

_GRACE_SECONDS: Final = 5.0
"""How long closing waits for tasks that were cancelled; servers give 10 s before they kill."""


class Transport:
    """Executes operations over an engine; what is public is for its calls.

    Args:
        engine: The HTTP engine.
        accounts: The products that can be called.
        retry: The default policy of calls.
        timeout: Seconds for one attempt, by default.
        deadline: Seconds for a whole call, including delays, by default.
        owns_engine: Whether closing the transport closes the engine.
        on_attempt: Called after each attempt.
        budget: The retry budget.
        clock: Monotonic seconds.
        wall_clock: Unix seconds.
        sleep: Waits for a number of seconds.
        random: Numbers in [0, 1).

    Attributes:
        is_ready: Whether what the first wait before a retry needs has been imported.
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
        self.engine: Engine = engine
        self.accounts: Mapping[Product, Account] = accounts
        self._owns_engine = owns_engine
        self.retry: RetryPolicy = check_instance(retry, "retry", RetryPolicy)
        self._timeout = check_timeout(timeout, "timeout")
        self._deadline = check_timeout(deadline, "deadline")
        self.reporter: Reporter = Reporter(on_attempt)
        self.budget: RetryBudget = RetryBudget() if budget is None else budget
        self.clock = clock
        self.wall_clock = wall_clock
        self.sleep = sleep
        self.random = random
        self.closed: bool = False
        self.is_ready: bool = False
        self.grace = _GRACE_SECONDS
        self._tasks: set[Any] = set()

    @property
    def base_urls(self) -> Mapping[str, str]:
        """The base URLs of the products that can be called."""
        return {product: account.base_url for product, account in self.accounts.items()}

    async def aclose(self) -> None:
        """Close the engine; further calls are refused.

        A server that shuts down cancels its handlers and closes its clients in one breath. So this
        waits, for a few seconds at most, until the tasks whose calls are being cancelled have
        ended: with their connections, and with what their handlers do in ``finally``.
        """
        self.closed = True
        if current_task() is not None:
            await self._cancelled_tasks()
        if self._owns_engine:
            await self.engine.aclose()

    async def _cancelled_tasks(self) -> None:
        asyncio = sys.modules["asyncio"]
        mine = current_task()
        cancelled: set[Any] = set()
        # A cancellation goes down through task groups by a turn of the loop each. And a time limit
        # cancels, too, but takes that back in the next turn.
        for _ in range(_TURNS):
            # Threads with a loop of their own may begin and end calls meanwhile. Those on trio have
            # no task of asyncio.
            cancelled.update(task for task in tuple(self._tasks) if task and task.cancelling())
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        leaving = {
            task
            for task in cancelled
            if task is not mine and task.cancelling() and task.get_loop() is loop
        }
        if leaving:
            await asyncio.wait(leaving, timeout=self.grace)

    def get_ready(self) -> None:
        """Import what the first wait before a retry needs, or raise `ConnectError`."""
        # Later, there may be no file descriptor left to import it with.
        try:
            anyio.get_cancelled_exc_class()
        except (ImportError, OSError) as error:
            raise ConnectError(f"no connection ({type(error).__name__})") from error
        self.is_ready = True

    async def execute(
        self,
        operation: Operation[R],
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
    ) -> R:
        """Send an operation, retrying it where the policy allows.

        Args:
            operation: What to send.
            timeout: Seconds for one attempt; defaults to the client's.
            deadline: Seconds for the whole call; defaults to the client's.
            retry: The policy; defaults to the client's.

        Returns:
            The operation's result.

        Raises:
            EngageLabError: One of its subclasses; see `engagelab_async.errors`.
            RuntimeError: The client is closed.
            TypeError: `timeout` or `deadline` is not a number.
            ValueError: `timeout` or `deadline` is not positive.
        """
        handled = sys.exception()
        task = current_task()
        self._tasks.add(task)
        try:
            call = self.begin(operation, timeout=timeout, deadline=deadline, retry=retry)
            while True:
                try:
                    return await call.attempt()
                except EngageLabError:
                    # Without what the wait needs, there is none.
                    if call.delay is None or not self.is_ready:
                        raise
                    await self.sleep(call.delay)
                    if call.is_over:
                        raise
        except BaseException as error:
            clear(error, handled)
            del handled
            raise
        finally:
            self._tasks.discard(task)
            # Else a task that failed would hold itself, by the frames of its error.
            del task

    def begin(
        self,
        operation: Operation[R],
        *,
        timeout: float | None = None,
        deadline: float | None = None,
        retry: RetryPolicy | None = None,
        patience: float | None = None,
    ) -> Call[R]:
        """Begin a call whose attempts the caller makes; options and errors are as for `execute`.

        What never left is retried after `patience` seconds even where the policy would not retry
        it, until the deadline.
        """
        return Call(
            self,
            operation,
            self._request(operation),
            self.retry if retry is None else check_instance(retry, "retry", RetryPolicy),
            self._timeout if timeout is None else check_timeout(timeout, "timeout"),
            self.clock()
            + (self._deadline if deadline is None else check_timeout(deadline, "deadline")),
            patience,
        )

    def _request(self, operation: Operation[object]) -> Request:
        check_instance(operation, "operation", Operation)
        if self.closed:
            raise RuntimeError("this EngageLab is closed")
        endpoint = operation.endpoint
        account = self.accounts.get(endpoint.product)
        if account is None:
            raise _no_credentials(operation)
        body = wire.encode(operation)
        return Request(
            endpoint.method,
            account.base_url + wire.path(operation),
            account.headers if body else account.headers_without_body(),
            body,
        )


@define(eq=False, repr=False)
class Call(Generic[R]):
    """One call: an operation, its attempts, and what is known of them.

    Attributes:
        operation: What is sent.
        request: What leaves; its body may be replaced between two attempts.
        policy: When to retry.
        timeout: Seconds for one attempt.
        ends: The deadline, on the transport's clock.
        patience: As for `Transport.begin`.
        number: How many attempts were made.
        sent_before: Whether an earlier attempt may have been carried out.
        delay: After a failure: seconds until the next attempt, or ``None`` for none.
    """

    _transport: Transport
    operation: Operation[R]
    request: Request
    policy: RetryPolicy
    timeout: float
    ends: float
    patience: float | None = None
    number: int = 0
    sent_before: bool = False
    delay: float | None = None
    _began: float = 0.0
    _handled: BaseException | None = field(factory=sys.exception)

    @property
    def name(self) -> str:
        """The name of the call, such as ``otp.send_code``."""
        return self.operation.endpoint.name

    @property
    def is_over(self) -> bool:
        """Whether it is too late for another attempt, or only time for half of one."""
        return self._transport.closed or self._transport.clock() >= self.ends

    async def attempt(self) -> R:
        """Send the request once.

        Returns:
            The operation's result.

        Raises:
            EngageLabError: It failed, and `delay` says when to retry.
        """
        transport = self._transport
        self.number += 1
        self._began = began = transport.clock()
        timeout = min(self.timeout, self.ends - began)
        try:
            if not transport.is_ready:
                transport.get_ready()
            try:
                response = await transport.engine.send(
                    self.request,
                    timeout=None if timeout == math.inf else timeout,
                    max_bytes=wire.MAX_BODY_BYTES,
                )
            except EngageLabError:
                raise
            except Exception as error:
                # The caller's engine violated its contract; it may have sent the request before.
                raise ConnectionLostError(f"the engine failed ({type(error).__name__})") from error
            self._note_resending(response)
            result = self._decode(response)
        except EngageLabError as error:
            await self._fail(error)
            raise
        transport.budget.earn(repeated=self.number > 1)
        if transport.reporter.reports_successes:
            await self._report(status=response.status)
        return result

    def _decode(self, response: Response) -> R:
        transport = self._transport
        try:
            return wire.decode(
                self.operation,
                response.status,
                response.headers,
                response.body,
                now=transport.wall_clock(),
                secrets=transport.accounts[self.operation.endpoint.product].secrets,
            )
        except EngageLabError:
            raise
        except Exception as error:
            raise InvalidResponseError(
                f"what the engine returned cannot be read ({type(error).__name__})"
            ) from error

    def _note_resending(self, response: Response) -> None:
        # A caller's engine may return anything.
        times = getattr(response, "times_sent", 1)
        if times not in (0, 1):
            # This answer says nothing about the earlier request.
            self.sent_before = True
            logger.warning("%s was sent %s times by the HTTP client itself", self.name, times)

    async def _fail(self, error: EngageLabError) -> None:
        """Complete the error, and decide when to retry."""
        # Here as well: hooks see it, and a run keeps it in an outcome.
        clear(error, self._handled)
        self.delay = self._delay_after(error)
        if self.sent_before and not self.policy.repeats_uncertain(self.operation):
            self.delay = None
        # An earlier attempt may have succeeded, whatever the result of this one.
        uncertain = self.sent_before or error.may_have_been_sent
        # A send that failed is an answer: how often to try that again is the policy's alone.
        never_taken = error.transient and not (uncertain or isinstance(error, SendFailedError))
        if self.delay is None and never_taken:
            self.delay = self.patience
        # A read sends nothing.
        self.sent_before = error.may_have_been_sent = (
            uncertain and not self.operation.endpoint.is_read
        )
        error.attempts = self.number
        error.operation = self.operation
        await self._report(
            status=getattr(error, "http_status", None),
            code=getattr(error, "code", None),
            error=type(error).__name__,
            delay=self.delay,
        )

    def _delay_after(self, error: EngageLabError) -> float | None:
        transport = self._transport
        delay = self.policy.delay(
            error,
            self.operation,
            attempt=self.number,
            remaining=0.0 if transport.closed else self.ends - transport.clock(),
            random=transport.random,
        )
        if delay is not None and not transport.budget.spend():
            logger.debug("%s not retried: the retry budget is spent", self.name)
            return None
        return delay

    async def _report(
        self,
        *,
        status: int | None,
        code: int | None = None,
        error: str | None = None,
        delay: float | None = None,
    ) -> None:
        elapsed = self._transport.clock() - self._began
        product = self.operation.endpoint.product
        await self._transport.reporter.report(
            Attempt(self.name, product, self.number, status, code, error, elapsed, delay)
        )


def _no_credentials(operation: Operation[object]) -> ConfigurationError:
    product = operation.endpoint.product
    name = product.upper()
    error = ConfigurationError(
        f"no {name} key pair: pass EngageLab({product}=Credentials(…)), or set "
        f"ENGAGELAB_{name}_DEV_KEY and ENGAGELAB_{name}_DEV_SECRET for from_env()"
    )
    error.operation = operation
    return error
