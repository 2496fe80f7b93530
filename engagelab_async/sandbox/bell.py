"""A bell: any thread rings it, and one task of the server's event loop hears it."""

import asyncio
from contextlib import suppress


class Bell:
    """Wakes a task; rings that nobody has heard yet are one.

    It may be rung while nobody listens, and is then heard by the next who does.
    """

    def __init__(self) -> None:
        self._is_ringing = False
        self._listener: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def ring(self) -> None:
        """Wake whoever listens; from any thread."""
        # Rung often and heard seldom: waking a loop that has been woken costs a system call.
        if self._is_ringing:
            return
        self._is_ringing = True
        if self._listener is not None:
            loop, heard = self._listener
            with suppress(RuntimeError):  # the loop has been closed in the meantime
                loop.call_soon_threadsafe(heard.set)

    async def wait(self, seconds: float | None) -> None:
        """Wait until it rings, but not longer than some seconds."""
        heard = asyncio.Event()
        self._listener = asyncio.get_running_loop(), heard
        try:
            if self._is_ringing:
                heard.set()
                await asyncio.sleep(0)  # whoever is woken all the time still lets others go on
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await heard.wait()
        finally:
            self._listener = None
            self._is_ringing = False
