"""The server that all clients send to: nginx where it is installed, a plain asyncio one elsewhere.

It runs on loopback in a process of its own, on a core of its own where there are two, answers every
request as the API answers a send, and counts the connections that it accepts.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER: Final = '{"message_id":"1725407449772531712","send_channel":"sms"}'
"""What the API answers to a send."""

_HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 5.0
_OPEN_FILES: Final = 8192

# No request may be the last of its connection, or the clients would be measured connecting.
_NGINX_CONFIG: Final = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    server {{
        listen {host}:{port} backlog=2048;
        location = /status {{ stub_status; }}
        location / {{ default_type application/json; return 200 '{answer}'; }}
    }}
}}
"""


class Server:
    """A server that runs.

    Args:
        kind: What it is, for the page of numbers.
        port: Where it listens.

    Attributes:
        kind: What it is.
        host: Its address.
        port: Its port.
        url: Both.
    """

    def __init__(self, kind: str, port: int) -> None:
        """Connect when first asked for a count."""
        self.kind = kind
        self.host = _HOST
        self.port = port
        self.url = f"http://{_HOST}:{port}"
        # One connection for all questions, so that the difference of two answers has none of ours.
        self._status = HTTPConnection(_HOST, port, timeout=_START_SECONDS)

    def accepted(self) -> int:
        """Count the connections that were ever accepted."""
        self._status.request("GET", "/status")
        counts = re.search(rb"requests\s+(\d+)", self._status.getresponse().read())
        assert counts is not None
        return int(counts[1])

    def close(self) -> None:
        """Close the connection for questions."""
        self._status.close()


@contextmanager
def serving() -> Iterator[Server]:
    """Run the server on one core and the rest of this process on another, where there are two."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    _allow_many_connections()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server, command = _planned(directory)
        # A process begins on the cores of the one that starts it.
        _move_to(cores[-1:])
        process = stack.enter_context(_running(command))
        _move_to(cores[:1])
        stack.callback(_move_to, cores)
        stack.callback(server.close)
        _wait_for(server, process)
        yield server


def _planned(directory: Path) -> tuple[Server, list[str]]:
    port = _free_port()
    nginx = shutil.which("nginx")
    if nginx is None:
        script = Path(__file__).with_name("plain_server.py")
        return Server("an asyncio server", port), [sys.executable, str(script), str(port)]
    config = directory / "nginx.conf"
    config.write_text(_NGINX_CONFIG.format(host=_HOST, port=port, answer=ANSWER))
    command = [nginx, "-p", str(directory), "-e", "error.log", "-c", str(config)]
    return Server("nginx", port), command


def _allow_many_connections() -> None:
    # Many systems begin with a limit of 1,024 open files; the server inherits the new one.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def _move_to(cores: list[int]) -> None:
    if cores:
        os.sched_setaffinity(0, cores)


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((server.host, server.port)).close()
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > ends:
                raise
            time.sleep(0.02)
        else:
            return
