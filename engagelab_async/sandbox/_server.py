"""The sandbox: its parts put together, started and stopped, and what a program does with it.

An asyncio or trio caller waits in a worker thread, so that its own event loop stays free; see
`serving` for how the server runs.
"""

import math
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import uvicorn
from anyio import CancelScope, to_thread
from starlette.types import ASGIApp

from .app import create_app, is_call
from .balances import Amounts
from .callbacks import CallbackDelivery, Callbacks
from .faults.player import FaultPlayer
from .faults.register import Faults
from .faults.wire import Wire
from .guards import Guard, token_for
from .inbox.calls import Calls
from .inbox.control import routes as control_routes
from .keys import Credentials
from .lifecycle import Reply, StatusChange
from .loop import StateLoop
from .outbox import SentMessage
from .persistence import Persistence
from .platform import Platform
from .quotas import Quota
from .recording import Recorder, Replay
from .reviews import Review
from .serving import Background, Uvicorn, listen

_APPROVAL: Final = Review()


class Sandbox:
    """The EngageLab API, played on this machine.

    Start it with ``async with`` on asyncio or trio, with a plain ``with``, or with `serve`. It can
    be started again after it has stopped; `messages` stay readable and are kept.

    Args:
        host: The address to listen on, of IPv4 or IPv6, or a name.
        port: The port to listen on; 0 takes a free one.
        credentials: Key and secret by product, such as ``{"otp": ("key", "secret")}``, or an
            `ApiKey`, or several. A product accepts its own keys only, and none if it is left out.
            ``None`` accepts any pair.
        templates: Text by template id, such as ``{"shipped": "Order {{order}} has shipped"}``. An
            id that is not there is answered 4001. The calls about templates of both products
            know them as approved ones. ``None`` takes any id that does not begin with ``missing``,
            and renders a text that lists the variables.
        code_ttl: How long a code is live, in seconds.
        review: What becomes of templates and signatures that are submitted; `Review` approves them
            after a second, unless it is told otherwise.
        balance: What the account of each product has, in US dollars: a ``Decimal``, an ``int`` or
            a ``str`` such as ``"12.5"``. Each message costs 0.005; what cannot be paid is answered
            3003, ``insufficient balance``. ``None`` is 100 dollars and any overdraft. The products
            can have different ones: ``{"otp": "12.5", "sms": 3}``.
        strategies: The channels of OTP templates, in the order in which they are tried, by template
            id, such as ``{"login": "whatsapp|sms"}``. A recipient to whom the first cannot deliver
            gets the message on the next. ``None`` is SMS, or email for an email address.
        quota: How many requests each key may make; the others are answered HTTP 429.
        callbacks: Where to send callbacks; ``None`` sends none.
        pace: By what to multiply the time that a message takes. At 1 it is sent after a second
            and delivered after two, as the vendor's own sandbox does; at 0 it is both at once.
        keep: How many messages the inbox shows; the oldest make room for new ones. `messages` has
            all of them.
        allowed_hosts: Further names by which a browser may call the inbox. Requests for it under
            another name than these, ``localhost`` and ``host`` are refused; addresses are not.
        token: What the inbox asks for, at least 16 characters without a space. ``None`` asks for
            nothing when ``host`` is a loopback address, and makes one up when others can get here.
        record: The file into which to record the calls of this run, for `replay`; a recording
            that is there is replaced.
        replay: A recording, from which calls are answered as they were then, once each.
        store: The file in which messages, codes, templates and signatures are kept from one run to
            the next; it is made if it does not exist. ``None`` keeps them in memory.
        clock: Returns the time in Unix seconds; a test that passes its own can let codes expire.
        new_code: Makes the code for an address that one is sent to; six random digits, if it is
            left out.

    Attributes:
        faults: What goes wrong; see `Fault`.

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
        credentials: Credentials | None = None,
        templates: Mapping[str, str] | None = None,
        code_ttl: float = 300.0,
        review: Review = _APPROVAL,
        balance: Amounts | None = None,
        strategies: Mapping[str, str] | None = None,
        quota: Quota | None = None,
        callbacks: Callbacks | None = None,
        pace: float = 1.0,
        keep: int = 10_000,
        allowed_hosts: Iterable[str] = (),
        token: str | None = None,
        record: str | os.PathLike[str] | None = None,
        replay: str | os.PathLike[str] | None = None,
        store: str | os.PathLike[str] | None = None,
        clock: Callable[[], float] = time.time,
        new_code: Callable[[str], str] | None = None,
    ) -> None:
        if not 0 <= pace < math.inf:
            raise ValueError(f"pace: must be a number from 0 on, got {pace}")
        self._host = host
        self._port = port
        self._token = token_for(host, token)
        self._platform = Platform(
            templates=templates,
            code_ttl=code_ttl,
            review=review,
            balance=balance,
            strategies=strategies,
            pace=pace,
            clock=clock,
            new_code=new_code,
        )
        # Where others can get here, a key pair that anybody may make up is no permission.
        self._platform.lets_set_callbacks = bool(credentials) or not self._token
        self._loop = StateLoop()
        self._simulation = self._platform.simulation
        self._simulation.callbacks = callbacks
        self.faults: Faults = Faults(self._loop, clock)
        self._calls = Calls(self._platform, keep=keep, clock=clock)
        self._persistence = Persistence(self._platform, self._calls, Path(store)) if store else None
        app = create_app(
            self._platform,
            credentials,
            quota=quota,
            clock=clock,
            recorded=self._calls.recorded,
            further_routes=control_routes(self._calls, self._platform, self.faults),
        )
        self._wire = Wire()
        self._player = FaultPlayer(app, self.faults, self._wire)
        self._recorder = None if record is None else Recorder(Path(record))
        self._replay = None if replay is None else Replay(Path(replay), self._wire)
        answers: ASGIApp = self._player
        if self._replay is not None:
            answers = self._replay.replaying(answers, partial(is_call, app))
        if self._recorder is not None:
            answers = self._recorder.recording(answers, partial(is_call, app))
        self._app: ASGIApp = Guard(
            answers, host=host, allowed_hosts=allowed_hosts, token=self._token
        )
        if self._persistence is not None:
            self._app = self._persistence.watching(self._app)
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
    def inbox_url(self) -> str:
        """Where a browser shows what was sent, such as ``http://127.0.0.1:8025/``.

        It holds the token, if the inbox asks for one, behind a ``#``: browsers keep that to
        themselves, so it gets into no server's log.

        Raises:
            RuntimeError: The sandbox is not running.
        """
        token = f"#token={quote(self._token, safe='')}" if self._token else ""
        return f"{self._origin()}/{token}"

    @property
    def review(self) -> Review:
        """What becomes of templates and signatures from now on; may be set at any time."""
        return self._platform.reviewer.review

    @review.setter
    def review(self, review: Review) -> None:
        self._platform.reviewer.review = review  # nothing to wait for: what is next reads it

    @property
    def callbacks(self) -> Callbacks | None:
        """Where callbacks go from now on; may be set at any time."""
        return self._simulation.callbacks

    @callbacks.setter
    def callbacks(self, callbacks: Callbacks | None) -> None:
        self._loop.call(setattr, self._simulation, "callbacks", callbacks)

    @property
    def deliveries(self) -> tuple[CallbackDelivery, ...]:
        """The last 500 callbacks and every try to deliver them, oldest first; a copy."""
        return self._loop.call(lambda: self._simulation.sender.deliveries)

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """What was sent so far, oldest first; a copy."""
        return self._loop.call(lambda: self._platform.outbox.messages)

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
        return self._loop.call(self._platform.outbox.last, to)

    @property
    def dropped(self) -> tuple[SentMessage, ...]:
        """The SMS messages that were not sent, because their target was dropped; a copy."""
        return self._loop.call(lambda: self._platform.outbox.dropped)

    # --------------------------------------------------------------------------- manual changes

    def history(self, message: SentMessage) -> tuple[StatusChange, ...]:
        """Return what has become of a message so far, earliest first.

        Args:
            message: One of `messages` or `dropped`.

        Raises:
            ValueError: The message does not belong to this sandbox, as everywhere below.

        Example:
            >>> sandbox = Sandbox(pace=0)
            >>> [
            ...     change.status
            ...     for message in sandbox.messages
            ...     for change in sandbox.history(message)
            ... ]
            []
        """
        return self._loop.call(self._simulation.history, message)

    def replies(self, message: SentMessage) -> tuple[Reply, ...]:
        """Return what the recipient of a message has replied, oldest first."""
        return self._loop.call(self._simulation.replies, message)

    def deliver(self, message: SentMessage) -> None:
        """Deliver a message at once, even one that would never be.

        Raises:
            ValueError: Its delivery is over.
        """
        self._change(self._simulation.deliver, message)

    def fail(self, message: SentMessage, error_code: int) -> None:
        """Let a message fail at once: ``delivered_failed`` if it was sent by now.

        If its template has a further channel, it is then sent on that one, and delivered.

        Args:
            message: The message.
            error_code: A documented error code, such as 5018.

        Raises:
            ValueError: Its delivery is over, or the code is not documented.
        """
        self._change(self._simulation.fail, message, error_code)

    def verify(self, message: SentMessage) -> None:
        """Verify the code in a message, as if its recipient had typed it in.

        Raises:
            ValueError: The platform made no code for it, or the code is over.
        """
        self._change(self._simulation.verify, message)

    def expire(self, message: SentMessage) -> None:
        """Let the code in a message expire.

        Raises:
            ValueError: It has no live code.
        """
        self._change(self._simulation.expire, message)

    def reply(self, message: SentMessage, text: str) -> None:
        """Reply to a message, as its recipient would.

        Args:
            message: The message.
            text: What the reply says.
        """
        self._change(self._simulation.reply, message, text)

    def assert_replayed(self) -> None:
        """Assert that all calls of the recording were made, and no others.

        Raises:
            AssertionError: They were not. Its text shows the calls, without their bodies.
            RuntimeError: The sandbox replays no recording.
        """
        if self._replay is None:
            raise RuntimeError("the sandbox replays no recording: give it one as replay")
        self._loop.call(self._replay.check)

    def _change(self, change: Callable[..., object], *args: object) -> None:
        self._loop.call(change, *args)
        if self._persistence is not None:
            self._loop.call(self._persistence.record_change)

    # --------------------------------------------------------------------------- running

    def serve(self, *, on_ready: Callable[[], object] = lambda: None) -> None:
        """Run in the foreground, until Ctrl-C.

        Args:
            on_ready: Called once requests are answered; the base URLs are known then.

        Raises:
            OSError: The address cannot be had; the port is in use, say.
            StoreError: The store cannot be used.
            RuntimeError: The sandbox is running already.

        Example:
            >>> sandbox = Sandbox(port=8025)
            >>> sandbox.serve(on_ready=lambda: print(sandbox.otp_base_url))  # doctest: +SKIP
            http://127.0.0.1:8025/otp
        """
        listener = self._bind()
        with self._ending, suppress(KeyboardInterrupt):
            Uvicorn(self._app, self._beside, on_ready).run(sockets=[listener])

    def __enter__(self) -> Self:
        self._start().wait_until_ready()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending.close()

    async def __aenter__(self) -> Self:
        background = self._start()
        try:
            await to_thread.run_sync(background.wait_until_ready)
        except BaseException:
            await self._end_aside()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._end_aside()

    async def _end_aside(self) -> None:
        # A cancelled caller must not leave the thread behind.
        with CancelScope(shield=True):
            await to_thread.run_sync(self._ending.close)

    def _start(self) -> Background:
        background = Background(self._app, self._beside, self._bind())
        self._ending.callback(background.stop)
        return background

    @asynccontextmanager
    async def _beside(self, server: uvicorn.Server) -> AsyncIterator[None]:
        self._wire.connections = lambda: server.server_state.connections
        async with AsyncExitStack() as parts:
            await parts.enter_async_context(self._loop.running())
            await parts.enter_async_context(self._simulation.running())
            if self._persistence is not None:
                await parts.enter_async_context(self._persistence.running())
            parts.enter_context(self._calls.open())
            yield
        self._player.release()

    def _bind(self) -> socket.socket:
        if self._bound_port is not None:
            raise RuntimeError("the sandbox is running already")
        with ExitStack() as beginning:
            for part in (self._persistence, self._recorder):
                if part is not None:
                    beginning.enter_context(part.open())
            listener = listen(self._host, self._port)
            beginning.callback(self._unbind, listener)
            self._bound_port = listener.getsockname()[1]
            self._ending = beginning.pop_all()
        return listener

    def _unbind(self, listener: socket.socket) -> None:
        listener.close()
        self._bound_port = None

    def _origin(self) -> str:
        if self._bound_port is None:
            raise RuntimeError("the sandbox is not running: its address is known once it is")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._bound_port}"
