"""Scripts: errors, answers and delays for some of the next requests, instead of the usual ones.

If several lines match a request, those with ``times`` come first, in the order in which they
were added, until they are used up. Of the others, the newest applies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from engagelab_async.arguments import check_timeout
from engagelab_async.errors import ConnectError, EngageLabError
from engagelab_async.operation import Operation, Product
from engagelab_async.otp.codes import SendOTP, VerifyOTP

from ._errors import Failure, made
from .calls import Call, operations, spelling


@frozen(kw_only=True)
class Effect:
    """The effect of a script on a request.

    Attributes:
        error: What the client gets instead of an answer, or ``None``.
        carried_out: Whether the platform carries the request out.
        fields: Replacements for fields of the answer.
        code: The code that the platform makes, or ``None``.
        seconds: How long the platform takes.
    """

    error: Failure | None = None
    carried_out: bool = True
    fields: Mapping[str, object] = field(factory=dict)
    code: str | None = None
    seconds: float = 0.0


AS_USUAL: Final = Effect()


@define(eq=False)
class _Line:
    """One line of a script; `left` is how many more requests it is for."""

    to: str | None
    on: tuple[type[Operation[Any]], ...]
    left: float
    effect: Effect

    def fits(self, call: Call, recipients: tuple[str, ...]) -> bool:
        meant = self.to is None or self.to in map(spelling, recipients)
        return meant and any(call.is_a(kind) for kind in self.on)


class _Lines:
    """The lines of a script that are not used up."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._lines: list[_Line] = []

    def add(
        self,
        to: str | None,
        on: type[Operation[Any]] | None,
        times: int | None,
        effect: Effect,
    ) -> None:
        if times is not None and times < 1:
            raise ValueError("times: must be at least 1, or None for all requests")
        if on is not None and on.endpoint.product != self._product:
            raise ValueError(f"on: {on.__name__} is no operation of the {self._product} product")
        meant = tuple(filter(self._is_send, operations())) if on is None else (on,)
        left = math.inf if times is None else times
        self._lines.append(_Line(None if to is None else spelling(to), meant, left, effect))

    def _is_send(self, operation: type[Operation[Any]]) -> bool:
        endpoint = operation.endpoint
        return endpoint.is_send and endpoint.product == self._product

    def use(self, call: Call, recipients: tuple[str, ...]) -> Effect:
        """Return the effect of the line that applies to a request."""
        fitting = [line for line in self._lines if line.fits(call, recipients)]
        if not fitting:
            return AS_USUAL
        line = next((each for each in fitting if each.left < math.inf), fitting[-1])
        line.left -= 1
        if not line.left:
            self._lines.remove(line)
        return line.effect

    def clear(self) -> None:
        self._lines.clear()


class Script:
    """The behavior that a test sets for the platform; ``fake.sms`` is one.

    A line is for one recipient, or with ``None`` for all. It is for sends, unless it says
    `on` which operation, and for as many requests as it says in `times`, or for all. Of several
    lines that fit, those with `times` come first, in their order; of the others the newest counts.

    .. versionadded:: 0.1.0
    """

    def __init__(self, product: Product, recipient_of: Callable[[str], str]) -> None:
        self._recipient_of = recipient_of
        self._lines = _Lines(product)

    def fail(
        self,
        to: str | None,
        error: type[EngageLabError] | EngageLabError,
        *,
        times: int | None = None,
        after_sending: bool = False,
        on: type[Operation[Any]] | None = None,
    ) -> None:
        """Make requests fail.

        Args:
            to: The recipient, or ``None`` for all.
            error: What the client raises, as a class, or as an instance to choose its ``code``,
                ``http_status``, ``retry_after`` or ``message``. The client reads it from an answer
                as it would read the platform's.
            times: For how many requests; ``None`` for all. Each retry of a call is a request.
            after_sending: The platform carries the request out, and the client gets this all
                the same: a message that was sent although the call failed.
            on: Which operation fails, such as ``VerifyOTP``; all sends by default.

        Raises:
            TypeError: `error` cannot be the result of a request.
            ValueError: `times` is not positive, `on` is of the other product, or `after_sending`
                comes with a ``ConnectError``, which means that nothing was sent.

        Example:
            >>> from engagelab_async import InvalidNumberError
            >>> from engagelab_async.testing import FakeEngageLab
            >>> fake = FakeEngageLab()
            >>> fake.otp.fail("+6591234567", InvalidNumberError)
        """
        failure = made(error)
        if after_sending and isinstance(failure, ConnectError):
            raise ValueError("after_sending: what fails with a ConnectError was never sent")
        self._lines.add(to, on, times, Effect(error=failure, carried_out=after_sending))

    def answer(
        self,
        to: str | None,
        *,
        times: int | None = None,
        on: type[Operation[Any]] | None = None,
        **fields: object,
    ) -> None:
        """Replace fields of the platform's answer.

        Args:
            to: The recipient, or ``None`` for all.
            times: For how many requests; ``None`` for all.
            on: Which operation is answered; all sends by default.
            fields: The fields, such as ``send_channel="whatsapp"`` or ``accepted_count=1``. A
                ``message_id`` can be verified as usual.

        Raises:
            ValueError: `times` is not positive, or `on` is of the other product.
        """
        self._lines.add(to, on, times, Effect(fields=fields))

    def slow_down(
        self,
        to: str | None,
        seconds: float,
        *,
        times: int | None = None,
        on: type[Operation[Any]] | None = None,
    ) -> None:
        """Make the platform slow. The test does not wait: only the clock advances.

        If it takes longer than the call's ``timeout``, the message is sent, and the call ends
        in a ``ResponseTimeoutError``.

        Args:
            to: The recipient, or ``None`` for all.
            seconds: How long an answer takes.
            times: For how many requests; ``None`` for all.
            on: Which operation is slow; all sends by default.

        Raises:
            TypeError: `seconds` is not a number.
            ValueError: `seconds` or `times` is not positive, or `on` is of the other product.
        """
        self._lines.add(to, on, times, Effect(seconds=check_timeout(seconds, "seconds")))

    def reset(self) -> None:
        """Remove all lines."""
        self._lines.clear()

    def next(self, call: Call) -> Effect:
        """Return the effect on a request, and use up its line."""
        recipients = call.recipients
        if call.is_a(VerifyOTP):
            recipients = (self._recipient_of(call.body["message_id"]),)
        return self._lines.use(call, recipients)


class OTPScript(Script):
    """The behavior that a test sets for the OTP product; ``fake.otp`` is one.

    .. versionadded:: 0.1.0
    """

    def __init__(self, recipient_of: Callable[[str], str]) -> None:
        super().__init__("otp", recipient_of)
        self._codes = _Lines("otp")

    def use_code(self, to: str | None, code: str, *, times: int | None = None) -> None:
        """Set the code that the platform makes for ``otp.send``.

        Args:
            to: The recipient, or ``None`` for all.
            code: The code.
            times: For how many requests; ``None`` for all.

        Raises:
            ValueError: `times` is not positive.
        """
        self._codes.add(to, SendOTP, times, Effect(code=code))

    def reset(self) -> None:
        """Remove all lines, and the codes."""
        super().reset()
        self._codes.clear()

    def next(self, call: Call) -> Effect:
        """Return the effect on a request, and use up its line and its code."""
        effect = super().next(call)
        if not effect.carried_out:
            return effect
        return evolve(effect, code=self._codes.use(call, call.recipients).code)
