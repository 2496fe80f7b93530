"""Callbacks, received: what became of a message, and what else the platform has to say."""

from .addresses import CALLBACK_ADDRESSES
from .delivery import Counts, DeliveryOptions, ErrorHook, Handler
from .events import Event, MessageStatus, Notification, SystemEvent, UnknownEvent, UplinkMessage
from .parsing import parse
from .seen import RecentlySeen, SeenStore
from .signatures import SIGNATURE_HEADER, sign
from .tracking import Tracker
from .verification import Verifier

__all__ = [
    "CALLBACK_ADDRESSES",
    "SIGNATURE_HEADER",
    "Counts",
    "DeliveryOptions",
    "ErrorHook",
    "Event",
    "Handler",
    "MessageStatus",
    "Notification",
    "RecentlySeen",
    "SeenStore",
    "SystemEvent",
    "Tracker",
    "UnknownEvent",
    "UplinkMessage",
    "Verifier",
    "parse",
    "sign",
]
