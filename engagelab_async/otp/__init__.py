"""The OTP product: ``engagelab.otp``.

::

    codes       SendOTP, SendCode, VerifyOTP     one-time codes
    messages    SendCustomMessage                messages of the caller's own templates
    templates   CreateOTPTemplate, …             what both are made of; channels: how they are sent
    balance     GetOTPBalance
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from .balance import BalanceCalls
from .codes import CodeCalls
from .messages import MessageCalls

if TYPE_CHECKING:
    from .templates import OTPTemplates


class OTP(CodeCalls, MessageCalls, BalanceCalls):
    """The OTP API; ``engagelab.otp`` is one.

    Every coroutine takes `timeout` (seconds for one attempt), `deadline` (seconds for the whole
    call, including delays) and `retry` (a `RetryPolicy`); each defaults to the client's.
    Every coroutine raises ``TypeError`` or ``ValueError`` for an invalid argument,
    before anything is sent, and a subclass of `EngageLabError` for everything else.
    """

    @cached_property
    def templates(self) -> OTPTemplates:
        """The templates of messages.

        .. versionadded:: 0.1.0
        """
        # Most programs only send, and these are many classes: importing them would double the time
        # that importing the package takes.
        from .templates import OTPTemplates

        return OTPTemplates(self._transport)
