"""Callbacks, received: what became of a message, and what else the platform has to say."""

from .addresses import CALLBACK_ADDRESSES
from .events import Event, MessageStatus, Notification, SystemEvent, UnknownEvent, UplinkMessage
from .parsing import parse
from .signatures import SIGNATURE_HEADER, sign
from .verification import Verifier

__all__ = [
    "CALLBACK_ADDRESSES",
    "SIGNATURE_HEADER",
    "Event",
    "MessageStatus",
    "Notification",
    "SystemEvent",
    "UnknownEvent",
    "UplinkMessage",
    "Verifier",
    "parse",
    "sign",
]
