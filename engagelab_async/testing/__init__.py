"""What the tests of a program that sends need: a platform that lives inside the test.

::

    FakeEngageLab      the platform, in the test's own process                    fake.py
    ├── its scripts    who meets an error, or another answer, or has to wait      scripts.py
    │   └── errors     an error becomes the answer that the client reads it from  _errors.py
    ├── its engine     takes its clients' requests: no socket, no event loop      _engine.py
    │   └── ASGI       one request to the sandbox's app                           _asgi.py
    ├── what came      requests; how messages look in a failed assertion          calls.py
    └── its Clock      the time, which a test can put forward                     clock.py
    no_backoff         repeats take no time                                       backoff.py
    router_of          the same platform behind respx                             respx.py

pytest finds the fixtures ``engagelab``, ``engagelab_fake``, ``engagelab_clock``,
``engagelab_sandbox`` and ``engagelab_respx`` by itself. They stand in a module outside this
package, so that pytest does not load the library in every run.
"""

from engagelab_async.extras import install_hint

from .backoff import no_backoff
from .clock import Clock

try:
    from .calls import Call
    from .fake import FakeEngageLab
    from .scripts import OTPScript, Script
except ModuleNotFoundError as _error:
    _error.add_note(f"Testing is an extra: {install_hint('testing')}")
    raise

__all__ = [
    "Call",
    "Clock",
    "FakeEngageLab",
    "OTPScript",
    "Script",
    "no_backoff",
]
