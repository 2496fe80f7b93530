"""A platform that keeps its answers back until it is told to give them."""

import json
import re
import signal
import subprocess
import threading
from queue import Queue
from types import TracebackType
from typing import Any

from support.command import COMMAND
from support.hostile import Hostile, Peer, http


class HeldPlatform(Hostile):
    """Takes SMS and custom messages, and answers when it is released.

    Attributes:
        received: The recipients of the requests that arrived, as they come.
        everything: The same, to be looked at again.
    """

    def __init__(self) -> None:
        """Hold everything."""
        super().__init__(self._exchange)
        self.received: Queue[list[str]] = Queue()
        self.everything: list[list[str]] = []
        self._released = threading.Event()

    def _exchange(self, peer: Peer) -> None:
        request = peer.reads()
        status, answer = (
            self.ask(request.target)
            if request.method == "GET"
            else (200, self.take(json.loads(request.body)))
        )
        peer.sends(http(status, json.dumps(answer).encode()))

    def ask(self, path: str) -> tuple[int, object]:
        """Answer a question about the account: there is none."""
        return 404, {"code": 4001, "message": f"{path} not exist"}

    def take(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take a request, and wait."""
        self.everything.append(body["to"])
        self.received.put(body["to"])
        self._released.wait()
        plan = {"plan_id": "1", "total_count": len(body["to"]), "accepted_count": len(body["to"])}
        return plan | {"message_id": "1", "send_channel": "sms"}

    def release(self) -> None:
        """Answer what arrived, and what will."""
        self._released.set()

    @property
    def origin(self) -> str:
        """What ``--sandbox`` wants to know of it."""
        return self.url

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
        super().__exit__(exc_type, exc_value, traceback)


class Running:
    """The command in a process of its own."""

    def __init__(self, *arguments: str) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def press_ctrl_c(self) -> None:
        """Press."""
        self.process.send_signal(signal.SIGINT)

    def read_until(self, pattern: str) -> str:
        """Read standard error until a line matches."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if re.search(pattern, line):
                return line
        raise AssertionError(f"never printed: {pattern}")

    def ended(self) -> tuple[int, str]:
        """Wait for its end, and give its exit code and what it printed."""
        out, _ = self.process.communicate()
        return self.process.returncode, out
