"""Make the standard streams safe to use: each exists, and none of them fails.

What was sent stays sent, also when the terminal is gone, a pipe has no reader any more, or the disk
under a redirected output is full: then the rest of the output is dropped.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class SafeStream:
    """An output stream that drops what cannot be written."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream or io.StringIO()
        self.is_lost: bool = stream is None

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        self._attempt(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        self._attempt(self._stream.flush)

    def isatty(self) -> bool:
        """Return whether it is a terminal that can be written to."""
        return not self.is_lost and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of a stream
        return getattr(self._stream, name)

    def _attempt(self, act: Callable[..., object], *arguments: str) -> None:
        if self.is_lost:
            return
        try:
            act(*arguments)
        except (OSError, ValueError):
            self.is_lost = True
            self._discard_buffer()

    def _discard_buffer(self) -> None:
        """Point the descriptor elsewhere: Python flushes once more at exit, and would exit 120."""
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(null, self._stream.fileno())
            finally:
                os.close(null)


@contextmanager
def safe_streams() -> Iterator[None]:
    """Make the standard streams safe within the block.

    A process may be started with any of them closed (``<&-``, ``2>&-``, a service manager, a
    program without a console); Python then has ``None`` in its place.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    _occupy_descriptors()
    sys.stdin = _open_or_none(sys.stdin) or io.TextIOWrapper(io.BytesIO())
    sys.stdout, sys.stderr = (
        cast("TextIO", SafeStream(_lenient(_open_or_none(stream))))
        for stream in (sys.stdout, sys.stderr)
    )
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = before


def is_lost(stream: TextIO) -> bool:
    """Return whether writing to a stream has failed."""
    return isinstance(stream, SafeStream) and stream.is_lost


def _occupy_descriptors() -> None:
    """Keep the numbers of closed streams from being given to files, which others would write to."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def _open_or_none(stream: TextIO | None) -> TextIO | None:
    return None if getattr(stream, "closed", False) else stream


def _lenient(stream: TextIO | None) -> TextIO | None:
    """Write another character in place of one that the stream's encoding lacks."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream
