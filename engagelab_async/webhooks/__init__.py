"""Receive callbacks: the delivery status of messages, replies, and notifications.

::

    request ──> Verifier    is it authentic?                                   verification.py
      │           ├── the signature, made and read                            signatures.py
      │           ├── which body each signature came with                     nonces.py
      │           └── where requests come from                                addresses.py
      ├───────> decoded     its body, if it is gzip or deflate                encodings.py
      ├───────> parse       its body becomes events                           parsing.py
      │           └── Event                                                   events.py
      └───────> Delivery    answered now, handled later                       delivery.py
                  ├── SeenStore: what came before                             seen.py
                  └── a handler, such as a Tracker                            tracking.py

    Receiver                all of that, for any framework                    receiving.py
      ├── webhook_router, Events                                              fastapi.py
      ├── webhook_handler                                                     aiohttp.py
      └── WebhookApp                                                          asgi.py

The last three are imported by name, as each needs its framework; the rest needs none.
"""

from .addresses import CALLBACK_ADDRESSES
from .delivery import Counts, DeliveryOptions, ErrorHook, Handler
from .events import Event, MessageStatus, Notification, SystemEvent, UnknownEvent, UplinkMessage
from .nonces import NonceStore
from .parsing import parse
from .seen import REPEAT_WINDOW, Progress, RecentlySeen, SeenStore
from .signatures import SIGNATURE_HEADER, sign
from .tracking import Tracker
from .verification import Admission, Verifier, VerifierOptions

__all__ = [
    "CALLBACK_ADDRESSES",
    "REPEAT_WINDOW",
    "SIGNATURE_HEADER",
    "Admission",
    "Counts",
    "DeliveryOptions",
    "ErrorHook",
    "Event",
    "Handler",
    "MessageStatus",
    "NonceStore",
    "Notification",
    "Progress",
    "RecentlySeen",
    "SeenStore",
    "SystemEvent",
    "Tracker",
    "UnknownEvent",
    "UplinkMessage",
    "Verifier",
    "VerifierOptions",
    "parse",
    "sign",
]
