"""The inbox: a page in the browser that shows what was sent, as it happens.

::

    Inbox              records sends, has the routes, opens and closes
    ├── routes         the paths of the page and of its control API      routes.py
    │   ├── the page   HTML, CSS and JavaScript                          page/
    │   ├── streams    changes as server-sent events                     stream.py
    │   ├── documents  calls and messages as JSON, as schemas has them   documents.py, schemas.py
    │   └── document   the control API in OpenAPI, made of the routes    openapi.py
    ├── watch          what becomes of the messages, once one is read    watch.py
    └── calls          the sends that were asked for, the newest ones    calls.py
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from starlette.routing import BaseRoute

from engagelab_async.sandbox.outbox import Product
from engagelab_async.sandbox.platform import Platform

from .calls import Calls, Send
from .documents import Documents
from .routes import routes
from .stream import Streams
from .watch import Watch


class Inbox:
    """The inbox of one sandbox.

    Args:
        platform: The platform that sends.
        keep: How many messages to show at most.
        clock: Returns the time in Unix seconds.

    Attributes:
        routes: The paths of the page and of its control API.
        calls: The sends that were asked for.
    """

    def __init__(
        self,
        platform: Platform,
        *,
        keep: int,
        clock: Callable[[], float],
    ) -> None:
        self.calls: Calls = Calls(platform.outbox, keep=keep, clock=clock)
        watch = Watch(self.calls, platform)
        documents = Documents(platform)
        self._streams = Streams(watch, documents)
        self.routes: Sequence[BaseRoute] = routes(
            watch=watch,
            documents=documents,
            streams=self._streams,
            simulation=platform.simulation,
            outbox=platform.outbox,
        )

    def recorded(self, product: Product, path: str, send: Send) -> Send:
        """Make a send of the platform one that the inbox shows."""
        return self.calls.recorded(product, path, send)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let streams be opened, and end them all afterwards."""
        self._streams.begin()
        try:
            yield
        finally:
            self._streams.end()
