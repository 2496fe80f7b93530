"""Whether a request was sent by the platform.

::

    request ──> from an allowed address? ──> Authorization ──> signature ──> time ──> nonce
                     wrong_address       wrong_authorization   missing      too_old   replayed
                                                              malformed     too_new
                                                         wrong_username
                                                        wrong_signature

All but the nonce is known from the headers, before anything of the body is read.
"""

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Self, TypedDict, Unpack

from attrs import frozen

from engagelab_async.arguments import check_integer, check_seconds, check_text
from engagelab_async.errors import ConfigurationError, SignatureError
from engagelab_async.frames import clears_frames

from . import addresses
from .nonces import CAPACITY, NonceMemory, NonceStore
from .seen import REPEAT_WINDOW
from .signatures import (
    SIGNATURE_HEADER,
    Signature,
    as_bytes,
    check_name,
    read,
)

TOLERANCE: Final = 300.0

ENVIRONMENT: Final = {
    "username": ("ENGAGELAB_CALLBACK_USERNAME", "ENGAGELAB_WEBHOOK_USERNAME"),
    "secret": ("ENGAGELAB_CALLBACK_SECRET", "ENGAGELAB_WEBHOOK_SECRET"),
}
"""The variables for username and secret of a callback URL, this library's before the vendor's."""


class VerifierOptions(TypedDict, total=False):
    """Options of a `Verifier` besides username and secret; see there.

    .. versionadded:: 0.1.0
    """

    tolerance: float
    repeat_tolerance: float | None
    authorization: str | None
    allowed_addresses: Iterable[str] | None
    trusted_proxies: Iterable[str]
    max_nonces: int
    nonces: NonceStore | None
    clock: Callable[[], float]


@frozen
class Admission:
    """The headers of a request are valid; `bind` then checks whether they were used before.

    Attributes:
        timestamp: When the callback was sent, in Unix seconds.
        nonce: What distinguishes it from others of that second.

    .. versionadded:: 0.1.0
    """

    timestamp: int
    nonce: str


class Verifier:
    """Checks whether a request is a callback of the platform.

    The signature does not cover the body. So a verifier remembers which body came with which
    signature, and accepts the signature with no other. The same body is accepted again, even if it
    is old by then, because the platform may repeat a callback for `REPEAT_WINDOW` if it did not get
    its answer. The memory is that of one process, unless `nonces` is shared by several.

    Args:
        username: The username of the callback URL in the console.
        secret: The secret that belongs to it; or several, while one replaces another.
        tolerance: How many seconds a timestamp may be in the past or in the future.
        repeat_tolerance: How many seconds old a signature may be that did not come before; defaults
            to `tolerance`. `REPEAT_WINDOW` also takes a repeat with its first timestamp whose first
            delivery never arrived here. It makes a recorded signature good for as long: only set it
            together with `allowed_addresses` or `authorization`.
        authorization: What the header ``Authorization`` has to be, if one was set in the console;
            ASCII only.
        allowed_addresses: The allowed source addresses, such as `CALLBACK_ADDRESSES`; networks
            (``10.0.0.0/8``) will do. ``None`` is anywhere.
        trusted_proxies: The proxies in front of this program, as addresses and networks; what
            they note in ``X-Forwarded-For`` is then believed. ``"unix"`` is one that connects by a
            Unix socket. Only with `allowed_addresses`.
        max_nonces: How many signatures are remembered at most. When there are more, late ones are
            refused, the oldest first.
        nonces: Remembers signatures for all processes of the program, such as a ``RedisNonces``;
            ``None`` for a memory of this process. `verify` and `bind` cannot ask it: await
            `accept`.
        clock: Returns the time in Unix seconds.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument is invalid; the text names it.

    Example:
        >>> verifier = Verifier("shop", "my_secret")
        >>> verifier.verify({"X-Callback-Id": "timestamp=1;nonce=2"}, b"{}")
        Traceback (most recent call last):
        engagelab_async.errors.SignatureError: X-CALLBACK-ID: not as documented

    .. versionadded:: 0.1.0
    """

    @clears_frames
    def __init__(
        self,
        username: str,
        secret: str | Iterable[str],
        *,
        tolerance: float = TOLERANCE,
        repeat_tolerance: float | None = None,
        authorization: str | None = None,
        allowed_addresses: Iterable[str] | None = None,
        trusted_proxies: Iterable[str] = (),
        max_nonces: int = CAPACITY,
        nonces: NonceStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_name("username", username)
        self._username = username
        self._secrets = _secrets(secret)
        self._tolerance = check_seconds(tolerance, "tolerance")
        self._oldest = (
            self._tolerance
            if repeat_tolerance is None
            else check_seconds(repeat_tolerance, "repeat_tolerance")
        )
        if authorization is not None:
            _check_authorization("authorization", authorization)
        self._authorization = authorization
        self._proxies, self._trusts_unix = _trusted(trusted_proxies)
        self._allowed = _allowed(
            allowed_addresses, has_proxies=bool(self._proxies) or self._trusts_unix
        )
        self._nonces = NonceMemory(check_integer(max_nonces, "max_nonces", 1))
        if nonces is not None and not isinstance(nonces, NonceStore):
            raise TypeError(f"nonces: expected a NonceStore, got {type(nonces).__name__}")
        self._shared = nonces
        self._clock = clock

    @classmethod
    def from_env(cls, **options: Unpack[VerifierOptions]) -> Self:
        """Read username and secret from the environment.

        They are ``ENGAGELAB_CALLBACK_USERNAME`` and ``ENGAGELAB_CALLBACK_SECRET``, or by the
        vendor's names ``ENGAGELAB_WEBHOOK_USERNAME`` and ``ENGAGELAB_WEBHOOK_SECRET``.

        Args:
            options: See `Verifier`.

        Raises:
            ConfigurationError: One of them is not set; it is named.
            TypeError: An option is of another type.
            ValueError: An option, or a variable, is invalid.
        """
        found = {name: from_env(names) for name, names in ENVIRONMENT.items()}
        missing = [" or ".join(ENVIRONMENT[name]) for name, value in found.items() if not value]
        if missing:
            raise ConfigurationError(f"not set in the environment: {'; '.join(missing)}")
        return cls(found["username"], found["secret"], **options)

    def __repr__(self) -> str:
        return f"Verifier({self._username!r}, <hidden>)"

    @clears_frames
    def verify(
        self, headers: Mapping[str, str], body: bytes, *, address: str | None = None
    ) -> None:
        """Check a whole request.

        Args:
            headers: All headers of the request.
            body: The body, as it was received.
            address: The other end of the connection; used only with `allowed_addresses`.

        Raises:
            SignatureError: The request is not authentic; ``reason`` says why.
        """
        self.bind(self.admit(headers, address=address), body)

    @clears_frames
    def admit(self, headers: Mapping[str, str], *, address: str | None = None) -> Admission:
        """Check what can be checked before the body is read; `bind` is the other half.

        Args:
            headers: All headers of the request.
            address: The other end of the connection.

        Raises:
            SignatureError: The request is not authentic.
        """
        given = folded(headers.items())
        self._check_address(address, given)
        self._check_authorization(given.get("authorization", ""))
        header = given.get(SIGNATURE_HEADER.lower())
        if header is None:
            raise SignatureError(f"{SIGNATURE_HEADER}: missing", reason="missing")
        signature = read(header)
        self._check_proof(signature)
        admission = Admission(int(signature.timestamp), signature.nonce)
        # What is shared is asked once, by `accept`.
        if self._shared is None and not self._nonces.knows(admission.timestamp, admission.nonce):
            self._check_time(admission.timestamp)
        return admission

    @clears_frames
    def bind(self, admission: Admission, body: bytes) -> None:
        """Bind the nonce to this body, with which alone it is accepted from now on.

        Raises:
            ConfigurationError: The verifier has shared `nonces`.
            SignatureError: It came with another body before.
        """
        if self._shared is not None:
            raise ConfigurationError("nonces: shared ones are asked by `await verifier.accept(…)`")
        digest = hashlib.blake2b(body, digest_size=16).digest()
        if self._nonces.knows(admission.timestamp, admission.nonce, digest):
            return  # a repeat, however old: nothing new comes in that way
        # Again: while the body was read, the signature may have been dropped from memory.
        self._check_time(admission.timestamp)
        if not self._nonces.bind(admission.timestamp, admission.nonce, digest):
            raise SignatureError("the signature came with another body before", reason="replayed")
        now = self._clock()
        self._nonces.close_before(now - self._oldest)
        self._nonces.forget_before(now - max(self._oldest, REPEAT_WINDOW))

    async def accept(self, admission: Admission, body: bytes) -> None:
        """Do what `bind` does, with shared `nonces` as well.

        Raises:
            SignatureError: It came with another body before, or the shared nonces cannot be asked
                (``unavailable``).
        """
        if self._shared is None:
            self.bind(admission, body)
            return
        signature = f"{admission.timestamp}:{admission.nonce}"
        digest = hashlib.blake2b(body, digest_size=16).digest()
        try:
            is_fresh = -self._tolerance <= self._clock() - admission.timestamp <= self._oldest
            # What is not fresh is accepted as a repeat alone.
            ask = self._shared.bind if is_fresh else self._shared.knows
            is_accepted = await ask(signature, digest)
        except Exception as error:
            raise SignatureError(
                f"the signature cannot be looked up ({type(error).__name__})", reason="unavailable"
            ) from error
        if not is_accepted:
            self._check_time(admission.timestamp)
            raise SignatureError("the signature came with another body before", reason="replayed")

    def _check_address(self, peer: str | None, headers: Mapping[str, str]) -> None:
        if self._allowed is None:
            return
        found = addresses.source(
            peer,
            headers.get("x-forwarded-for", ""),
            self._proxies,
            trusts_unix=self._trusts_unix,
        )
        if found is None or not addresses.is_in(found, self._allowed):
            raise SignatureError("the source address is not allowed", reason="wrong_address")

    def _check_authorization(self, given: str) -> None:
        wanted = self._authorization
        if wanted is not None and not hmac.compare_digest(as_bytes(wanted), as_bytes(given)):
            raise SignatureError("Authorization: does not match", reason="wrong_authorization")

    def _check_proof(self, signature: Signature) -> None:
        # The name in the header is ignored; the signature is computed with ours. All secrets are
        # tried, so that the time it takes does not reveal which of them is right.
        proofs = [signature.proves(self._username, secret) for secret in self._secrets]
        if not any(proofs):
            ours = signature.username == self._username
            raise SignatureError(
                f"{SIGNATURE_HEADER}: {'the secret' if ours else 'the username'} is another",
                reason="wrong_signature" if ours else "wrong_username",
            )

    def _check_time(self, timestamp: int) -> None:
        age = self._clock() - timestamp
        if age > self._oldest or self._nonces.forgets(timestamp):
            raise SignatureError("the signature is too old", reason="too_old")
        if age < -self._tolerance:
            raise SignatureError("the signature is from the future", reason="too_new")


def folded(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Write the names of headers in lower case, and the values of one that came twice in a row."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found


def from_env(names: Iterable[str]) -> str:
    """Return the first of some variables that is set, or an empty string.

    Raises:
        ConfigurationError: It begins or ends with white space.
    """
    for name in names:
        value = os.environ.get(name, "")
        if value != value.strip():  # as a file that is read into it ends in a newline
            raise ConfigurationError(f"{name}: must not begin or end with white space")
        if value:
            return value
    return ""


def _secrets(given: str | Iterable[str]) -> tuple[str, ...]:
    secrets = (given,) if isinstance(given, str) else tuple(given)
    if not secrets:
        raise ValueError("secret: must not be empty")
    for secret in secrets:
        check_text(secret, "secret")
    return secrets


def _check_authorization(name: str, value: str) -> None:
    """Refuse what headers do not carry: some servers read them as Latin-1, others as UTF-8."""
    check_text(value, name)
    if not value.isascii():
        raise ValueError(f"{name}: must be ASCII")


def _trusted(proxies: Iterable[str]) -> tuple[addresses.Networks, bool]:
    given = proxies if isinstance(proxies, str) else tuple(proxies)
    if isinstance(given, str) or addresses.UNIX not in given:
        return addresses.networks("trusted_proxies", given), False
    others = (each for each in given if each != addresses.UNIX)
    return addresses.networks("trusted_proxies", others), True


def _allowed(allowed: Iterable[str] | None, *, has_proxies: bool) -> addresses.Networks | None:
    if allowed is not None:
        return addresses.networks("allowed_addresses", allowed)
    if has_proxies:
        raise ValueError("trusted_proxies: needs allowed_addresses, or nothing depends on it")
    return None
