"""The clock of a test: the real time, plus what the test adds."""

import time

import anyio.lowlevel

from engagelab_async.arguments import check_timeout


class Clock:
    """A clock that a test can advance.

    It also advances with ``time.time``, so libraries that change the time of a whole
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
        """Advance the clock.

        Args:
            seconds: By how much.

        Raises:
            TypeError: `seconds` is not a number.
            ValueError: `seconds` is not positive.
        """
        self._ahead += check_timeout(seconds, "seconds")

    def monotonic(self) -> float:
        """Return the time in seconds since an arbitrary moment."""
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        """Advance the clock instead of waiting."""
        wakes = self.monotonic() + seconds
        await anyio.lowlevel.checkpoint()
        # Tasks that sleep at the same time sleep in parallel, not one after the other.
        self._ahead += max(0.0, wakes - self.monotonic())
