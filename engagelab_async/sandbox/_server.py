"""The sandbox's lifetime: a bound socket, and uvicorn serving it in a thread of its own.

::

    caller (asyncio, trio or none)          thread "engagelab-sandbox"
    ──────────────────────────────          ──────────────────────────
    bind and listen, the port is known
    start ───────────────────────────────→  uvicorn in an event loop of its own
    wait  ←──────────────────── ready ────  accepts
    ...                                     ...
    stop  ────────────── should_exit ────→  closes idle connections, ends running ones
    join  ←──────────────────────────────   closes the socket

An asyncio or trio caller waits in a worker thread, so that its own event loop stays free.
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Final, Self

import uvicorn
from anyio import CancelScope, to_thread
from starlette.applications import Starlette
from starlette.types import ASGIApp

from .app import KeyPair, create_app
from .outbox import Product, SentMessage
from .platform import Platform
from .reviews import Review

# As long as nginx keeps them. uvicorn's 5 seconds are what httpx keeps its own idle connections,
# and with both the same, a request now and then meets a connection that is just being closed.
_KEEP_ALIVE: Final = 75
# A request that is not all there after this many seconds of stopping is ended.
_GRACE: Final = 1
_APPROVAL: Final = Review()


class Sandbox:
    """The EngageLab API, played on this machine.

    Start it with ``async with`` on asyncio or trio, with a plain ``with``, or with `serve`. It can
    be started again after it has stopped; `messages` stay readable and are kept.

    Args:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        credentials: Key and secret by product, such as ``{"otp": ("key", "secret")}``. A product
            takes its own pair only, and none if it is left out. ``None`` takes any pair.
        templates: Text by template id, such as ``{"shipped": "Order {{order}} has shipped"}``. An
            id that is not there is answered 4001. ``None`` takes any id that does not begin with
            ``missing``, and renders a text that lists the variables.
        code_ttl: How long a code is live, in seconds.
        review: What becomes of templates and signatures that are submitted; `Review` approves them
            after a second, unless it is told otherwise.
        clock: Tells the time in Unix seconds; a test that passes its own can let codes expire.
        new_code: Makes the code for an address that one is sent to; six random digits, if it is
            left out.

    Example:
        >>> import httpx
        >>> with Sandbox() as sandbox:
        ...     answer = httpx.post(
        ...         f"{sandbox.otp_base_url}/v1/messages",
        ...         auth=("any key", "any secret"),
        ...         json={"to": "+6591234567", "template": {"id": "login"}},
        ...     )
        >>> answer.json()["send_channel"]
        'sms'
        >>> sandbox.messages[-1].text == f"[login] code={sandbox.messages[-1].code}"
        True

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        credentials: Mapping[Product, KeyPair] | None = None,
        templates: Mapping[str, str] | None = None,
        code_ttl: float = 300.0,
        review: Review = _APPROVAL,
        clock: Callable[[], float] = time.time,
        new_code: Callable[[str], str] | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._platform = Platform(
            templates=templates, code_ttl=code_ttl, review=review, clock=clock, new_code=new_code
        )
        self._app = create_app(self._platform, credentials)
        self._bound_port: int | None = None
        self._ending = ExitStack()

    def __repr__(self) -> str:
        where = "not running" if self._bound_port is None else f"at {self._origin()}"
        return f"<Sandbox {where}>"

    @property
    def app(self) -> ASGIApp:
        """The ASGI app, for calling the sandbox in-process, without starting it."""
        return self._app

    @property
    def otp_base_url(self) -> str:
        """Where the OTP product is, such as ``http://127.0.0.1:8025/otp``.

        Raises:
            RuntimeError: The sandbox is not running.
        """
        return f"{self._origin()}/otp"

    @property
    def sms_base_url(self) -> str:
        """Where the SMS product is, such as ``http://127.0.0.1:8025/sms``.

        Raises:
            RuntimeError: The sandbox is not running.
        """
        return f"{self._origin()}/sms"

    @property
    def review(self) -> Review:
        """What becomes of templates and signatures from now on; may be set at any time."""
        return self._platform.reviewer.review

    @review.setter
    def review(self, review: Review) -> None:
        self._platform.reviewer.review = review

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """What was sent so far, oldest first; a copy."""
        return self._platform.outbox.messages

    def last_message(self, to: str | None = None) -> SentMessage:
        """Return the newest message.

        Args:
            to: Only look at messages to this recipient; a number's ``+`` does not matter.

        Raises:
            LookupError: There is no such message.

        Example:
            >>> Sandbox().last_message(to="+6591234567")
            Traceback (most recent call last):
            LookupError: the sandbox has sent nothing to this recipient
        """
        return self._platform.outbox.last(to)

    def serve(self, *, on_ready: Callable[[], object] = lambda: None) -> None:
        """Run in the foreground, until Ctrl-C.

        Args:
            on_ready: Called once requests are answered; the base URLs are known then.

        Raises:
            OSError: The address cannot be had; the port is in use, say.
            RuntimeError: The sandbox is running already.

        Example:
            >>> sandbox = Sandbox(port=8025)
            >>> sandbox.serve(on_ready=lambda: print(sandbox.otp_base_url))  # doctest: +SKIP
            http://127.0.0.1:8025/otp
        """
        listener = self._bind()
        with self._ending, suppress(KeyboardInterrupt):
            _Uvicorn(self._app, on_ready).run(sockets=[listener])

    def __enter__(self) -> Self:
        self._start().wait_until_ready()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ending.close()

    async def __aenter__(self) -> Self:
        background = self._start()
        try:
            await to_thread.run_sync(background.wait_until_ready)
        except BaseException:
            await self._end_aside()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._end_aside()

    async def _end_aside(self) -> None:
        # A cancelled caller must not leave the thread behind.
        with CancelScope(shield=True):
            await to_thread.run_sync(self._ending.close)

    def _start(self) -> "_Background":
        background = _Background(self._app, self._bind())
        self._ending.callback(background.stop)
        return background

    def _bind(self) -> socket.socket:
        if self._bound_port is not None:
            raise RuntimeError("the sandbox is running already")
        # Connections queue up from here on, even before uvicorn is there to accept them.
        listener = socket.create_server((self._host, self._port))
        # uvicorn writes a head and a body one after the other, which Nagle's algorithm would hold
        # back 40 ms for. asyncio only turns it off on sockets whose protocol was named when they
        # were made, and that of a server socket was not; connections inherit the option, though.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._bound_port = listener.getsockname()[1]
        self._ending.callback(self._unbind, listener)
        return listener

    def _unbind(self, listener: socket.socket) -> None:
        listener.close()
        self._bound_port = None

    def _origin(self) -> str:
        if self._bound_port is None:
            raise RuntimeError("the sandbox is not running: its address is known once it is")
        return f"http://{self._host}:{self._bound_port}"


class _Uvicorn(uvicorn.Server):
    """A uvicorn that says when it is ready."""

    def __init__(self, app: Starlette, on_ready: Callable[[], object]) -> None:
        config = uvicorn.Config(
            app,
            access_log=False,
            lifespan="off",
            log_config=None,  # logging belongs to the program that we run in
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
            timeout_keep_alive=_KEEP_ALIVE,
            ws="none",
        )
        super().__init__(config)
        self._on_ready = on_ready

    async def main_loop(self) -> None:
        self._on_ready()
        await super().main_loop()


class _Background:
    """One run of the server in a thread of its own."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        self._listener = listener
        self._ready = threading.Event()
        self._server = _Uvicorn(app, self._ready.set)
        # A daemon: a program that forgets to stop its sandbox can still end.
        self._thread = threading.Thread(target=self._run, name="engagelab-sandbox", daemon=True)
        self._thread.start()

    def wait_until_ready(self) -> None:
        self._ready.wait()

    def stop(self) -> None:
        # uvicorn only shuts down in order once it has started.
        self._ready.wait()
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        # If uvicorn fails to start, callers are refused, and nobody waits for it any longer.
        try:
            with self._listener as listener:
                self._server.run(sockets=[listener])
        finally:
            self._ready.set()
