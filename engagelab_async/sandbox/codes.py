"""Codes, from being sent to their end.

::

    live ──── verified ─────→ over: cannot be verified again (3003)
      └────── code_ttl ─────→ over: expired (3003)

While a code is live, its template cannot be sent to its recipient again (3004). A wrong guess
changes nothing.
"""

from collections.abc import Callable

from attrs import define

from ._errors import RefusedError


@define
class Code:
    """A code that was sent.

    Attributes:
        digits: The code itself.
        expires_at: When it ends, in Unix seconds.
        is_verified: Whether it was verified.
    """

    digits: str
    expires_at: float
    is_verified: bool = False


class Codes:
    """All codes of one sandbox.

    Args:
        ttl: How long a code stays live, in seconds.
        clock: Tells the time in Unix seconds.
    """

    def __init__(self, ttl: float, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._clock = clock
        self._latest: dict[tuple[str, str], Code] = {}
        self._to_verify: dict[str, Code] = {}

    def issue(self, template_id: str, address: str, digits: str) -> Code:
        """Begin the life of a code.

        Raises:
            RefusedError: 3004, this template has a live code at this address.
        """
        latest = self._latest.get((template_id, address))
        if latest is not None and self._is_live(latest):
            raise RefusedError(3004)
        code = Code(digits, self._clock() + self._ttl)
        self._latest[template_id, address] = code
        return code

    def expect(self, message_id: str, code: Code) -> None:
        """Let the code of a message be verified."""
        self._to_verify[message_id] = code

    def verify(self, message_id: str, guess: str) -> bool:
        """Compare a guess with the code of a message, which ends the code's life if it is right.

        Raises:
            RefusedError: 4001, the platform made no code for such a message; 3003, the code has
                expired or was verified before.
        """
        code = self._to_verify.get(message_id)
        if code is None:
            raise RefusedError(4001, "message_id not exist")
        if not self._is_live(code):
            raise RefusedError(3003, "the code has expired or was already verified")
        code.is_verified = guess == code.digits
        return code.is_verified

    def _is_live(self, code: Code) -> bool:
        return not code.is_verified and self._clock() < code.expires_at
