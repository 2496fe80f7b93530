"""Signals that ask a process to end: of a terminal, a service manager, a container.

SIGINT is Ctrl-C, SIGTERM comes from a service manager or a container's, SIGHUP from a terminal that
is closed.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, Final, Self

ENDING: Final = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if name in signal.Signals.__members__  # Windows has no SIGHUP
)
"""Signals that stop a command gracefully."""


@contextmanager
def treated_as_ctrl_c() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C within the block.

    One that is ignored, as SIGHUP is below ``nohup``, stays ignored, and one that the program
    handles itself stays the program's. The first process of a container, to which the kernel
    delivers only signals that it handles, ends by them as well.
    """
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for each in ENDING:
                if signal.getsignal(each) is signal.SIG_DFL:
                    stack.callback(signal.signal, each, signal.signal(each, _as_ctrl_c))
        yield


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    if signal.Signals(number).name == "SIGHUP":
        # The terminal and its shell both send it: the second is no further request.
        signal.signal(number, signal.SIG_IGN)
    # What handles Ctrl-C at the moment: asyncio, a server, or Python itself.
    react = signal.getsignal(signal.SIGINT)
    # In the background Ctrl-C is ignored, and the others are not.
    (react if callable(react) else signal.default_int_handler)(number, frame)


_NAMES: Final = {signal.SIGINT: "Ctrl-C"}


class Interrupts:
    """The signals during a run: one ends it gracefully, another one ends it at once.

    After the run, until the block is left, they are ignored.

    Attributes:
        reason: The name of the first signal that came, or ``None``.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._announced = False
        self._before: dict[signal.Signals, Any] = {}
        self._receive: Callable[[signal.Signals], object] = _ignore

    def __enter__(self) -> Self:
        """Leave the signals as they are, until a run listens for them."""
        # A script's background job ignores Ctrl-C, and one below nohup ignores a closed terminal;
        # both continue to. And only the main thread may handle signals.
        if threading.current_thread() is threading.main_thread():
            handlers = ((each, signal.getsignal(each)) for each in ENDING)
            self._before = {each: now for each, now in handlers if now is not signal.SIG_IGN}
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    @contextmanager
    def listening(
        self, once: Callable[[str], object], twice: Callable[[str], object]
    ) -> Iterator[None]:
        """Listen within the block: `once` gets the name of the first signal, `twice` of others."""
        loop = asyncio.get_running_loop()

        def announce(name: str) -> None:
            # Before it is printed: the reader may answer sooner than this returns.
            self._announced = True
            once(name)

        def receive(received: signal.Signals) -> None:
            # It comes between any two instructions, so it leaves the work to the event loop.
            name = _NAMES.get(received, received.name)
            if self.reason is None:
                self.reason = name
                loop.call_soon_threadsafe(announce, name)
            elif self._counts(received):
                loop.call_soon_threadsafe(twice, name)

        self._receive = receive
        for each in self._before:
            signal.signal(each, self._handle)
        try:
            yield
        finally:
            self._receive = _ignore

    def _counts(self, received: signal.Signals) -> bool:
        """Return whether a further signal is another request, and not a part of the first.

        ``timeout`` sends SIGTERM twice, to the process and to its group. A terminal that is closed
        sends SIGHUP twice, itself and by its shell; some service managers send it after SIGTERM.
        """
        return self._announced and received.name != "SIGHUP"

    def _handle(self, number: int, _: FrameType | None) -> None:
        self._receive(signal.Signals(number))


def _ignore(_: signal.Signals) -> None:
    """Do nothing: the run is over."""
