"""Signals during a run: one ends it in an orderly way, another one ends it at once.

SIGINT is Ctrl-C, SIGTERM comes from a service manager or a container's, SIGHUP from a terminal that
is closed.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Final, Self

from engagelab_async.cli.signals import ENDING

_NAMES: Final = {signal.SIGINT: "Ctrl-C"}


class Interrupts:
    """What signals ask of a run. After the run, until the block is left, they are ignored.

    Attributes:
        reason: The first signal that came, as people know it, or ``None``.
    """

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.reason: str | None = None
        self._announced = False
        self._before: dict[signal.Signals, Any] = {}
        self._receive: Callable[[signal.Signals], object] = _ignore

    def __enter__(self) -> Self:
        """Leave the signals as they are, until a run listens for them."""
        # A script's background job does not hear Ctrl-C, and is not to begin to; nor does one below
        # nohup hear that its terminal is closed. And only the first thread may handle signals.
        if threading.current_thread() is threading.main_thread():
            handlers = ((each, signal.getsignal(each)) for each in ENDING)
            self._before = {each: now for each, now in handlers if now is not signal.SIG_IGN}
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Handle signals as before."""
        for each, handler in self._before.items():
            signal.signal(each, handler)

    @contextmanager
    def heard(
        self, once: Callable[[str], object], twice: Callable[[str], object]
    ) -> Iterator[None]:
        """Listen for signals within the block, in the running event loop.

        Args:
            once: Called with the name of the first.
            twice: Called with the name of the second, and of each after it.
        """
        loop = asyncio.get_running_loop()

        def announce(name: str) -> None:
            # Before it is printed: who reads it may answer sooner than this returns.
            self._announced = True
            once(name)

        def receive(received: signal.Signals) -> None:
            # Between any two instructions, so it does no more than leave word.
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
