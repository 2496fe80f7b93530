"""The errors of the API: their codes, HTTP statuses and words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MEANINGS: Final[Mapping[int, str]] = MappingProxyType(
    {
        1000: "internal error",
        2001: "authentication failed: invalid or missing token",
        2002: "authentication failed: token expired or disabled",
        2004: "no permission to call this API",
        3001: "invalid parameter format",
        3002: "invalid parameters",
        3003: "business validation failed",
        3004: "frequency limit: this template, this target, inside the code's validity period",
        4001: "resource does not exist",
        5001: "sending failed",
        5011: "invalid mobile number format",
        5012: "target unreachable",
        5013: "number is blacklisted",
        5014: "content does not meet specifications",
        5015: "intercepted or rejected",
        5016: "internal sending error",
        5017: "no permission to send to the China region",
        5018: "handset fault",
        5019: "user has unsubscribed",
        5020: "number unregistered or empty",
    }
)
"""What each code of the API stands for."""

OTP_ONLY: Final = range(5011, 5021)
"""The codes that the SMS product does not have."""

_HTTP_STATUS: Final = {1000: 500, 2001: 401, 2002: 401, 2004: 403}


class RefusedError(Exception):
    """The platform refuses a request: with a code, an HTTP status, and words."""

    def __init__(self, code: int, message: str | None = None) -> None:
        """Refuse with a code, and with its usual words unless there is more to say."""
        super().__init__(code)
        self.code = code
        self.http_status: int = _HTTP_STATUS.get(code, 400)
        self.message: str = MEANINGS[code] if message is None else message

    @property
    def answer(self) -> dict[str, object]:
        """What the API answers with."""
        return {"code": self.code, "message": self.message}
