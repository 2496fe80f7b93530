"""A platform that keeps its answers back until it is told to give them."""

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

from support.command import COMMAND


class HeldPlatform:
    """Takes SMS and custom messages, and answers when it is released.

    Attributes:
        received: The recipients of the requests that arrived, as they come.
    """

    def __init__(self) -> None:
        """Hold everything."""
        self.received: Queue[list[str]] = Queue()
        self.everything: list[list[str]] = []
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # A head and a body are two writes, of which the second would wait for 40 ms.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                status, answer = platform.ask(self.path)
                self._answer(answer, status)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(platform.take(body))

            def _answer(self, answer: object, status: int = 200) -> None:
                content = json.dumps(answer).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        return Handler

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
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator["HeldPlatform"]:
        """Run it."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.release()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


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
