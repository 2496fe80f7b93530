"""The time of a test: the real one, and what the test adds to it."""

import time

import anyio.lowlevel

from engagelab_async.transport import seconds as checked


class Clock:
    """A clock that a test can put forward.

    It goes on by itself as well, with ``time.time``, so libraries that change the time of a whole
    test move it too.

    Example:
        >>> clock = Clock()
        >>> before = clock()
        >>> clock.advance(300)
        >>> clock() - before >= 300
        True

    .. versionadded:: 0.1.0
    """

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """Return the time in Unix seconds."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward.

        Args:
            seconds: By how much.

        Raises:
            TypeError: `seconds` is not a number.
            ValueError: `seconds` is not positive.
        """
        self._ahead += checked(seconds, "seconds")

    def monotonic(self) -> float:
        """Return the time in seconds since an arbitrary moment."""
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        """Put the clock forward instead of waiting."""
        wakes = self.monotonic() + seconds
        await anyio.lowlevel.checkpoint()
        # Those who sleep at the same time sleep together, not one after the other.
        self._ahead += max(0.0, wakes - self.monotonic())
