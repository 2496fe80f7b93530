"""Codes, from being sent to their end.

::

    live ──── verified ─────→ over: cannot be verified again (3003)
      └────── code_ttl ─────→ over: expired (3003)

While a code is live, its template cannot be sent to its recipient again (3004). A wrong guess
changes nothing.
"""

from collections.abc import Callable, Sequence

from attrs import define, field

from .outbox import SentMessage
from .refusals import RefusedError


@define
class Code:
    """A code that was sent.

    Attributes:
        expires_at: When it ends, in Unix seconds.
        is_platforms: Whether the platform made it, so that it can be verified.
        number: The number of its message.
    """

    template_id: str
    address: str = field(repr=False)
    digits: str = field(repr=False)
    expires_at: float
    is_platforms: bool
    is_verified: bool = False
    number: int = 0
    message_id: str = ""


class Codes:
    """All codes of one sandbox, each of which is live for some seconds."""

    def __init__(self, ttl: float, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._clock = clock
        self._latest: dict[tuple[str, str], Code] = {}
        self._sent: dict[str, Code] = {}

    def issue(self, template_id: str, address: str, digits: str, *, is_platforms: bool) -> Code:
        """Begin the life of a code, which is then sent; 3004 if the last one is live."""
        latest = self._latest.get((template_id, address))
        if latest is not None and self._is_live(latest):
            raise RefusedError(3004)
        code = Code(template_id, address, digits, self._clock() + self._ttl, is_platforms)
        self._latest[template_id, address] = code
        return code

    def send(self, code: Code, message: SentMessage) -> None:
        """Record the message that a code is in."""
        code.number, code.message_id = message.number, message.message_id
        self._sent[message.message_id] = code

    def verify(self, message_id: str, guess: str) -> Code:
        """Compare a guess with the code of a message, which ends the code's life if it is right.

        Refused with 4001 if the platform made no code for it, and 3003 if the code's life is over.
        """
        code = self._sent.get(message_id)
        if code is None or not code.is_platforms:
            raise RefusedError(4001, "message_id not exist")
        if not self._is_live(code):
            raise RefusedError(3003, "the code has expired or was already verified")
        code.is_verified = guess == code.digits
        return code

    def state(self) -> tuple[Code, ...]:
        """Return all codes that were sent, oldest first."""
        return tuple(self._sent.values())

    def restore(self, codes: Sequence[Code]) -> None:
        """Replace all codes by these, oldest first."""
        self._latest = {(code.template_id, code.address): code for code in codes}
        self._sent = {code.message_id: code for code in codes}

    def is_live(self, message_id: str) -> bool:
        """Return whether a message has a code that is live."""
        return message_id in self._sent and self._is_live(self._sent[message_id])

    def expire(self, message_id: str) -> None:
        """End the life of a message's code; a ``ValueError`` if it has none that is live."""
        if not self.is_live(message_id):
            raise ValueError("message: it has no live code")
        self._sent[message_id].expires_at = self._clock()

    def _is_live(self, code: Code) -> bool:
        return not code.is_verified and self._clock() < code.expires_at
