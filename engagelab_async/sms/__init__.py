"""The SMS product: ``engagelab.sms``.

::

    messages    SendSMS                     one template to one phone or to many
    templates   CreateSMSTemplate, …        what messages are made of
    signatures  CreateSignature, …          whose name they carry
    balance     GetSMSBalance
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from .balance import BalanceCalls
from .messages import MessageCalls

if TYPE_CHECKING:
    from .signatures import Signatures
    from .templates import SMSTemplates


class SMS(MessageCalls, BalanceCalls):
    """The SMS API; ``engagelab.sms`` is one.

    For options and errors see `OTP`.
    """

    # Most programs only send, and these are many classes: importing them would double the time that
    # importing the package takes.

    @cached_property
    def templates(self) -> SMSTemplates:
        """The templates of messages.

        .. versionadded:: 0.1.0
        """
        from .templates import SMSTemplates

        return SMSTemplates(self._transport)

    @cached_property
    def signatures(self) -> Signatures:
        """The signatures that templates may show.

        .. versionadded:: 0.1.0
        """
        from .signatures import Signatures

        return Signatures(self._transport)
