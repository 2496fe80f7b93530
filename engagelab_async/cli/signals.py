"""Signals that ask a process to end: of a terminal, a service manager, a container."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Final

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
