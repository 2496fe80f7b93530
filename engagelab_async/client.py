"""The client: what a program makes once, shares, and closes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Self, TypeVar, get_args
from urllib.parse import urlsplit

from engagelab_async.arguments import check_instance
from engagelab_async.frames import clears_frames
from engagelab_async.operation import Product

from ._version import __version__
from .attempts import Attempt
from .credentials import Account, Credentials
from .engines import choose
from .errors import ConfigurationError
from .otp import OTP
from .retry import RetryPolicy
from .sms import SMS
from .transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable
    from typing import Any, Unpack

    from engagelab_async.operation import Operation

    from .bulk import BulkReport, FanOut, FanOutOptions
    from .calls import CallOptions
    from .engines import HTTP

R = TypeVar("R")

OTP_BASE_URL: Final = "https://otp.api.engagelab.cc"
SMS_BASE_URL: Final = "https://smsapi.engagelab.com"
_DEFAULT_RETRY: Final = RetryPolicy()


class EngageLab:
    """A client of the EngageLab OTP and SMS APIs.

    Make one for a program and share it: it keeps connections open, and its calls share a retry
    budget. Use it as an async context manager, or call `aclose` at the end. It serves one
    event loop, of asyncio or trio.

    Attributes:
        otp: The OTP calls.
        sms: The SMS calls.

    Example:
        >>> async def main():
        ...     async with EngageLab(otp=Credentials("key", "secret")) as engagelab:
        ...         await engagelab.otp.send_code("+6591234567", "039487", "login")
    """

    otp: OTP
    sms: SMS

    @clears_frames
    def __init__(
        self,
        *,
        otp: Credentials | None = None,
        sms: Credentials | None = None,
        http: HTTP | None = None,
        retry: RetryPolicy = _DEFAULT_RETRY,
        timeout: float = 10.0,
        deadline: float = 30.0,
        otp_base_url: str = OTP_BASE_URL,
        sms_base_url: str = SMS_BASE_URL,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> None:
        """Set up the client; nothing is sent.

        Args:
            otp: The key pair of the OTP product; a call without one raises `ConfigurationError`.
            sms: The key pair of the SMS product. The products have separate keys.
            http: An engine's name: ``"httpx"`` (the default), ``"asyncio"``, ``"aiohttp"``,
                ``"httpx2"``, or ``"auto"`` for the fastest that is installed, runs here, and can
                use the environment's proxy. Or an `Engine`, an ``httpx.AsyncClient``, an
                ``httpx2.AsyncClient`` or an ``aiohttp.ClientSession`` that the caller made; the
                client does not close it.
            retry: When to retry.
            timeout: Seconds for one attempt, from waiting for a connection to the last byte;
                ``math.inf`` for no limit.
            deadline: Seconds for a whole call, including retries and delays.
            otp_base_url: Base URL of the OTP product, for a sandbox or a proxy.
            sms_base_url: Base URL of the SMS product.
            on_attempt: Called with an `Attempt` after each request, for metrics. What it raises
                is logged and suppressed.

        Raises:
            ConfigurationError: A base URL is not one, or the engine's library is not installed.
            TypeError: An argument is of the wrong type.
            ValueError: A duration is not positive, or `http` names no engine.
        """
        accounts: dict[Product, Account] = {}
        products: tuple[tuple[Product, Credentials | None, str], ...] = (
            ("otp", otp, otp_base_url),
            ("sms", sms, sms_base_url),
        )
        for product, credentials, base_url in products:
            url = _base_url(base_url, f"{product}_base_url")
            if credentials is not None:
                pair = check_instance(credentials, product, Credentials)
                accounts[product] = Account.of(pair, url, f"engagelab-async/{__version__}")
        engine, owned = choose(http)
        self._transport = Transport(
            engine,
            accounts,
            owns_engine=owned,
            retry=retry,
            timeout=timeout,
            deadline=deadline,
            on_attempt=on_attempt,
        )
        self.otp = OTP(self._transport)
        self.sms = SMS(self._transport)

    @classmethod
    @clears_frames
    def from_env(
        cls,
        *,
        require: Iterable[Product] = (),
        http: HTTP | None = None,
        retry: RetryPolicy = _DEFAULT_RETRY,
        timeout: float = 10.0,
        deadline: float = 30.0,
        on_attempt: Callable[[Attempt], object] | None = None,
    ) -> Self:
        """Make a client from environment variables.

        ``ENGAGELAB_OTP_DEV_KEY``, ``ENGAGELAB_OTP_DEV_SECRET``, ``ENGAGELAB_SMS_DEV_KEY`` and
        ``ENGAGELAB_SMS_DEV_SECRET`` are the key pairs; each falls back to ``ENGAGELAB_DEV_KEY``
        or ``ENGAGELAB_DEV_SECRET``. ``ENGAGELAB_OTP_BASE_URL`` and ``ENGAGELAB_SMS_BASE_URL``
        replace the base URLs. A variable that is empty counts as missing. A product without a
        key pair is no error until it is called, unless it is required.

        Args:
            require: The products that the program calls, such as ``("otp",)``: a key pair that is
                missing is an error now, and not at the first call.
            http: As for the class.
            retry: As for the class.
            timeout: As for the class.
            deadline: As for the class.
            on_attempt: As for the class.

        Raises:
            ConfigurationError: A required key pair is missing, one is incomplete, or a value
                cannot be used.
            TypeError: An argument is of the wrong type.
            ValueError: `require` names no product, or another argument is out of range.
        """
        _check_required(require)
        return cls(
            otp=_credentials_from_env("OTP"),
            sms=_credentials_from_env("SMS"),
            http=http,
            retry=retry,
            timeout=timeout,
            deadline=deadline,
            otp_base_url=os.environ.get("ENGAGELAB_OTP_BASE_URL") or OTP_BASE_URL,
            sms_base_url=os.environ.get("ENGAGELAB_SMS_BASE_URL") or SMS_BASE_URL,
            on_attempt=on_attempt,
        )

    async def execute(self, operation: Operation[R], **options: Unpack[CallOptions]) -> R:
        """Send an operation; ``execute(SendSMS(…))`` returns a `Plan`.

        Args:
            operation: What to send.
            **options: `timeout`, `deadline` and `retry` of this call; see `CallOptions`.

        Returns:
            The operation's result.

        Raises:
            EngageLabError: One of its subclasses says what happened.
            RuntimeError: The client is closed.
            TypeError: An argument is of the wrong type.
            ValueError: A duration is not positive.
        """
        return await self._transport.execute(operation, **options)

    def fan_out(
        self,
        operations: Iterable[Operation[Any]] | AsyncIterable[Operation[Any]],
        **options: Unpack[FanOutOptions],
    ) -> FanOut:
        """Send many operations at once, and yield their outcomes as they complete.

        Args:
            operations: Any iterable or async iterable, pulled no faster than sends complete.
            **options: How fast, for how long and with which journal: `FanOutOptions` has them all.

        Returns:
            An async context manager; inside it, an async iterator of `Accepted`, `Rejected`,
            `Uncertain` and `Skipped`. Leaving it early stops the run gracefully.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: A number is out of range.

        Example:
            >>> async def notify(engagelab, operations):
            ...     async with engagelab.fan_out(operations, journal="run.db") as outcomes:
            ...         async for outcome in outcomes:
            ...             print(outcome)
        """
        from .bulk import fan_out

        return fan_out(self._transport, operations, **options)

    async def send_all(
        self,
        operations: Iterable[Operation[Any]] | AsyncIterable[Operation[Any]],
        **options: Unpack[FanOutOptions],
    ) -> BulkReport:
        """Send many operations at once, and wait until all have an outcome.

        Args:
            operations: As for `fan_out`.
            **options: As for `fan_out`.

        Returns:
            The report of the run.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: A number is out of range.
        """
        async with self.fan_out(operations, **options) as run:
            return await run.wait()

    async def aclose(self) -> None:
        """Close the connections, but nothing that the caller passed in. May be called twice."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        """Enter; nothing is opened before the first call."""
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _base_url(value: str, name: str) -> str:
    if not _is_base_url(check_instance(value, name, str)):
        # The value is not quoted: it may contain a password.
        raise ConfigurationError(
            f"{name}: expected http(s)://host[:port][/path], without user, query or fragment"
        )
    return value.rstrip("/")


def _is_base_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError:
        # An invalid host or port; the text of the error would quote it.
        return False
    # urlsplit removes spaces and line ends, and does not distinguish an empty query from none.
    plain = value.isprintable() and not set(value) & set(" ?#\\")
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
        and "@" not in parts.netloc
        and plain
    )


def _check_required(products: Iterable[Product]) -> None:
    # A str is an iterable too, of letters.
    if isinstance(products, str) or not isinstance(products, Iterable):
        kind = type(products).__name__
        raise TypeError(f'require: expected names of products, such as ("otp",), got {kind}')
    missing: list[str] = []
    for product in products:
        if product not in get_args(Product):
            raise ValueError(f'require: expected "otp" and "sms", got {product!r}')
        for half in ("DEV_KEY", "DEV_SECRET"):
            own, shared = f"ENGAGELAB_{product.upper()}_{half}", f"ENGAGELAB_{half}"
            if not (os.environ.get(own) or os.environ.get(shared)):
                missing.append(f"{own} (or {shared})")
    if missing:
        raise ConfigurationError(f"required, and not set: {', '.join(missing)}")


def _credentials_from_env(product: str) -> Credentials | None:
    key = _variable(f"ENGAGELAB_{product}_DEV_KEY", "ENGAGELAB_DEV_KEY")
    secret = _variable(f"ENGAGELAB_{product}_DEV_SECRET", "ENGAGELAB_DEV_SECRET")
    if key and secret:
        try:
            return Credentials(os.environ[key], os.environ[secret])
        except ConfigurationError as error:
            argument, _, problem = str(error.args[0]).partition(":")
            variable = {"key": key, "secret": secret}[argument]
            raise ConfigurationError(f"{variable}:{problem}") from None
    if key or secret:
        missing = "SECRET" if key else "KEY"
        raise ConfigurationError(
            f"incomplete credentials: set ENGAGELAB_{product}_DEV_{missing} or "
            f"ENGAGELAB_DEV_{missing}"
        )
    return None


def _variable(*names: str) -> str | None:
    """Return the first of these environment variables that is not empty."""
    return next((name for name in names if os.environ.get(name)), None)
