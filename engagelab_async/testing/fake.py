"""The platform inside a test: clients of it, and what they sent."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from engagelab_async import Attempt, Credentials, EngageLab, Engine, RetryPolicy
from engagelab_async.operation import Product
from engagelab_async.sandbox import Review, Sandbox, SentMessage

from ._engine import Codes, FakeEngine, Names
from .calls import Call, Wanted, history
from .clock import Clock
from .scripts import OTPScript, Script

_KEY_PAIR: Final = Credentials("fake", "fake")
_APPROVAL: Final = Review()
_RETRY: Final = RetryPolicy()


class FakeEngageLab:
    """The platform, simulated in the test's own process: no socket, no thread, no waiting.

    It behaves like the ``Sandbox``, including magic recipients, unless a script changes that. Its
    clients work in any event loop, of asyncio or trio, and need no closing.

    Args:
        templates: As for ``Sandbox``.
        code_ttl: How long a code is valid, in seconds.
        review: As for ``Sandbox``.
        balance: As for ``Sandbox``.
        clock: The clock; a new `Clock` by default.

    Attributes:
        otp: The script of the OTP product.
        sms: The script of the SMS product.
        clock: The time. ``fake.clock.advance(300)`` makes a code expire.
        engine: The fake's engine, for a client that the program makes itself: with
            ``http=fake.engine``, any key pair, and the base URLs of the real API.
        sandbox: The platform itself. It is not started, so nothing can reach it over a network.

    Example:
        >>> import anyio
        >>> fake = FakeEngageLab()
        >>> async def log_in(engagelab):
        ...     await engagelab.otp.send_code("+6591234567", "039487", "login")
        >>> anyio.run(log_in, fake.client())
        >>> fake.assert_sent("+6591234567", template="login").code
        '039487'

    .. versionadded:: 0.1.0
    """

    otp: OTPScript
    sms: Script
    clock: Clock
    engine: Engine
    sandbox: Sandbox

    def __init__(
        self,
        *,
        templates: Mapping[str, str] | None = None,
        code_ttl: float = 300.0,
        review: Review = _APPROVAL,
        balance: Decimal | int | str | None = None,
        clock: Clock | None = None,
    ) -> None:
        codes, self._names = Codes(), Names()
        self.clock = Clock() if clock is None else clock
        self.sandbox = Sandbox(
            templates=templates,
            code_ttl=code_ttl,
            review=review,
            balance=balance,
            clock=self.clock,
            new_code=codes.make,
        )
        self.otp = OTPScript(self._recipient_of)
        self.sms = Script("sms", self._recipient_of)
        scripts: Mapping[Product, Script] = {"otp": self.otp, "sms": self.sms}
        engine = FakeEngine(self.sandbox, scripts, clock=self.clock, codes=codes, names=self._names)
        self.engine, self._calls = engine, engine.calls

    def client(
        self,
        *,
        retry: RetryPolicy = _RETRY,
        timeout: float = 10.0,
        deadline: float = 30.0,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> EngageLab:
        """Make a client of this platform.

        Its deadlines, and its delays before retries and for reviews, use `clock`, which they
        advance: they take no time.

        Args:
            retry: As for ``EngageLab``.
            timeout: As for ``EngageLab``.
            deadline: As for ``EngageLab``.
            on_attempt: As for ``EngageLab``.
        """
        return _Client(
            self.clock,
            otp=_KEY_PAIR,
            sms=_KEY_PAIR,
            http=self.engine,
            retry=retry,
            timeout=timeout,
            deadline=deadline,
            on_attempt=on_attempt,
        )

    @property
    def sent(self) -> list[SentMessage]:
        """The messages that were sent, oldest first; one for each recipient."""
        return [self._names.renamed(message) for message in self.sandbox.messages]

    @property
    def calls(self) -> list[Call]:
        """All requests, including refused ones and retries, in the order in which they ended."""
        return list(self._calls)

    def assert_sent(
        self,
        to: str | None = None,
        *,
        template: str | None = None,
        product: Product | None = None,
        channel: str | None = None,
        code: str | None = None,
        params: Mapping[str, str] | None = None,
        text: str | None = None,
        times: int | None = None,
    ) -> SentMessage:
        """Assert that a message was sent; omitted arguments match anything.

        Args:
            to: Its recipient; a number's ``+`` does not matter.
            template: The id of its template.
            product: ``"otp"`` or ``"sms"``.
            channel: Such as ``"email"``.
            code: The code in it, made by the caller or the platform.
            params: Some of its params.
            text: A part of its text.
            times: How many such messages there have to be; ``None`` for one or more.

        Returns:
            The newest message that matches.

        Raises:
            AssertionError: There is none, or another number of them. Its text shows what was sent.
            ValueError: `times` is not positive.
        """
        __tracebackhide__ = True
        if times is not None and times < 1:
            raise ValueError("times: must be at least 1; assert_not_sent is for none")
        wanted = Wanted(
            to=to,
            template=template,
            product=product,
            channel=channel,
            code=code,
            params=params,
            text=text,
        )
        found = [message for message in self.sent if wanted.fits(message)]
        if not found or times not in (None, len(found)):
            number = "no" if not found else f"{len(found)} instead of {times}"
            raise self._disappointment(f"{number} messages with {wanted}")
        return found[-1]

    def assert_not_sent(self, to: str | None = None, *, template: str | None = None) -> None:
        """Assert that no such message was sent.

        Args:
            to: Its recipient; any by default.
            template: The id of its template; any by default.

        Raises:
            AssertionError: There is one. Its text shows what was sent.
        """
        __tracebackhide__ = True
        wanted = Wanted(to=to, template=template)
        if any(map(wanted.fits, self.sent)):
            raise self._disappointment(f"a message with {wanted}")

    def code_for(self, to: str) -> str:
        """Return the newest code that a person was sent, made by the caller or the platform.

        Args:
            to: The person; a number's ``+`` does not matter.

        Raises:
            AssertionError: There is none. Its text shows what was sent.
        """
        __tracebackhide__ = True
        wanted = Wanted(to=to)
        codes = [each.code for each in self.sent if each.code is not None and wanted.fits(each)]
        if not codes:
            raise self._disappointment(f"no code in messages with {wanted}")
        return codes[-1]

    def _disappointment(self, found: str) -> AssertionError:
        return AssertionError(f"found {found}\n{history(self.sent, self.calls)}")

    def _recipient_of(self, message_id: str) -> str:
        """Return the recipients of a message; none, if its id is unknown."""
        return next((m.recipient for m in self.sent if m.message_id == message_id), "")


class _Client(EngageLab):
    """A client whose delays advance a clock."""

    def __init__(self, clock: Clock, **options: Any) -> None:  # noqa: ANN401 - EngageLab knows them
        super().__init__(**options)
        self._transport.clock = clock.monotonic
        self._transport.sleep = clock.sleep
