"""Tools for tests of programs that send: a fake platform inside the test.

::

    FakeEngageLab      the platform, in the test's own process                    fake.py
    ├── its scripts    errors, other answers and delays for chosen requests       scripts.py
    │   └── errors     converts an error to the response that causes it          _errors.py
    ├── its engine     handles its clients' requests: no socket, no event loop    _engine.py
    │   └── ASGI       one request to the sandbox's app                           _asgi.py
    ├── calls          requests, and messages as failed assertions show them      calls.py
    └── its Clock      the time, which a test can advance                         clock.py
    no_backoff         retries without delays                                     backoff.py
    router_of          the same platform behind respx                             respx.py

pytest provides the fixtures ``engagelab``, ``engagelab_fake``, ``engagelab_clock``,
``engagelab_sandbox`` and ``engagelab_respx``. They are in a module outside this
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
