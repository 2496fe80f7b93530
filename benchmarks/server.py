"""The server that all clients send to: nginx where it is installed, a plain asyncio one elsewhere.

It runs on loopback in a process of its own, on a core of its own where there are two, answers every
request as the API answers a send, and counts the connections that it accepts. It listens on two
ports, on one of them with TLS and a certificate that was made for the run; all clients trust it.
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
from copy import copy
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trustme

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
        listen {host}:{tls_port} ssl backlog=2048;
        ssl_certificate server.pem;
        ssl_certificate_key server.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
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
        tls_port: Where it listens for TLS.

    Attributes:
        kind: What it is.
        host: Its address.
        port: Its port.
        url: Both.
    """

    def __init__(self, kind: str, port: int, tls_port: int) -> None:
        """Connect when first asked for a count."""
        self.kind = kind
        self.host = _HOST
        self.port = port
        self.url = f"http://{_HOST}:{port}"
        self._tls_port = tls_port
        # One connection for all questions, so that the difference of two answers has none of ours.
        self._status = HTTPConnection(_HOST, port, timeout=_START_SECONDS)

    def with_tls(self) -> Server:
        """Return the same server, to be sent to over TLS."""
        secure = copy(self)
        secure.url = f"https://{_HOST}:{self._tls_port}"
        return secure

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
        _make_certificate(directory)
        server, command = _planned(directory)
        # A process begins on the cores of the one that starts it.
        _move_to(cores[-1:])
        process = stack.enter_context(_running(command))
        _move_to(cores[:1])
        stack.callback(_move_to, cores)
        stack.callback(server.close)
        _wait_for(server, process)
        yield server


def _make_certificate(directory: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert(_HOST).private_key_and_cert_chain_pem.write_to_path(
        str(directory / "server.pem")
    )
    trusted = directory / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    # Some clients read it when they are imported, and nothing has imported them yet.
    os.environ["SSL_CERT_FILE"] = str(trusted)


def _planned(directory: Path) -> tuple[Server, list[str]]:
    port, tls_port = _free_port(), _free_port()
    nginx = shutil.which("nginx")
    if nginx is None:
        script = Path(__file__).with_name("plain_server.py")
        certificate = str(directory / "server.pem")
        command = [sys.executable, str(script), str(port), str(tls_port), certificate]
        return Server("an asyncio server", port, tls_port), command
    config = directory / "nginx.conf"
    config.write_text(_NGINX_CONFIG.format(host=_HOST, port=port, tls_port=tls_port, answer=ANSWER))
    command = [nginx, "-p", str(directory), "-e", "error.log", "-c", str(config)]
    return Server("nginx", port, tls_port), command


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
