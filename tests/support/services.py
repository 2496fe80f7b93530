"""PostgreSQL, RabbitMQ and Redis from the system's packages, on free ports of loopback.

Each is a context manager that starts one server with a data directory of its own, and ends it::

    with PostgreSQL() as postgresql:
        postgresql.dsn          # postgresql://postgres@127.0.0.1:…/bulk
        postgresql.crash()      # as a power cut: no shutdown, recovery at the next start

What is not installed is skipped, unless ``ENGAGELAB_ASYNC_TEST_SERVICES`` is ``always``.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_WANTED: Final = os.environ.get("ENGAGELAB_ASYNC_TEST_SERVICES", "")
_PATIENCE: Final = 200.0
"""Seconds; only what hangs takes longer."""

_PORTS: Final = range(20_000, 32_768)
"""Below those that Linux gives to clients.

One of those could be in use when a server is started again, even by a client of this server: on
loopback, one that tries again and again is connected to itself in the end.
"""


def free_port() -> int:
    """Return a port of loopback that is not in use."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def require(*programs: str) -> None:
    """Skip the test unless the programs are there, and wanted."""
    if _WANTED == "never":
        pytest.skip("services are not wanted: ENGAGELAB_ASYNC_TEST_SERVICES is 'never'")
    for program in programs:
        if find(program) is None:
            assert _WANTED != "always", f"{program} is not installed"
            pytest.skip(f"{program} is not installed")


def find(program: str) -> str | None:
    """Return where a program is; Debian keeps some off the path."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/lib/rabbitmq/bin")]
    return shutil.which(program, path=os.pathsep.join([os.environ["PATH"], *map(str, places)]))


class Service:
    """A server process.

    Attributes:
        port: Where it listens.
        home: Its directory.
    """

    program: ClassVar[str]
    runs_as: ClassVar[str] = "root"
    home: Path

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = free_port()
        self.user = self.runs_as if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        require(self.program)
        self.home = Path(tempfile.mkdtemp(prefix="services-"))
        try:
            if self.user is not None:
                shutil.chown(self.home, self.user)
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def prepare(self) -> None:
        """Make what it needs before its first start."""

    def command(self) -> Sequence[str]:
        """Return what starts it, in the foreground."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return its environment."""
        return dict(os.environ)

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self.home / "output").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                env=self.environment(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                start_new_session=True,
            )
        self._wait_for_port()

    def _wait_for_port(self) -> None:
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up:
            assert self._process is not None
            assert self._process.poll() is None, (self.home / "output").read_text()
            if self.is_ready():
                return
            time.sleep(0.05)
        raise AssertionError(f"{type(self).__name__} does not listen")

    def is_ready(self) -> bool:
        """Return whether it answers."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.host, self.port)) == 0

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it with a signal, and wait until it has ended."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(_PATIENCE)

    def kill(self) -> None:
        """End it and all its processes without a shutdown."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):  # it has ended, as when its port was not free
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(_PATIENCE)
            # Its children end a moment later.
            while self.is_ready():
                time.sleep(0.01)


class PostgreSQL(Service):
    """A server of PostgreSQL, with an empty database ``bulk``."""

    program = "initdb"
    runs_as = "postgres"

    @property
    def dsn(self) -> str:
        """How to reach it."""
        return f"postgresql://postgres@{self.host}:{self.port}/bulk"

    def prepare(self) -> None:
        """Make what it needs before its first start."""
        make = [find("initdb"), "-D", self.home / "data", "-A", "trust", "-N", "-U", "postgres"]
        self._run(make)
        with (self.home / "data" / "pg_hba.conf").open("a") as file:
            file.write("host all all samenet trust\n")

    def command(self) -> Sequence[str]:
        """Return what starts it."""
        settings = {
            "listen_addresses": self.host,
            "unix_socket_directories": str(self.home),
            "shared_buffers": "64MB",
        }
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        program = find("postgres") or ""
        return [program, "-D", str(self.home / "data"), "-p", str(self.port), *options]

    def is_ready(self) -> bool:
        """Return whether it answers."""
        return self._sql("SELECT 1").returncode == 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        super().start()
        if not (self.home / "has_database").exists():
            self.execute("CREATE DATABASE bulk", database="postgres")
            (self.home / "has_database").touch()

    def execute(self, statement: str, database: str = "bulk") -> str:
        """Execute a statement, and return what psql prints."""
        done = self._sql(statement, database)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _sql(self, statement: str, database: str = "postgres") -> subprocess.CompletedProcess[str]:
        where = ["-h", self.host, "-p", str(self.port), "-U", "postgres", "-d", database]
        command = [find("psql") or "", *where, "-qtAc", statement]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _run(self, command: Sequence[object]) -> None:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            capture_output=True,
            cwd=self.home,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
        )

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it: SIGINT is a fast shutdown, SIGQUIT an immediate one, without a checkpoint."""
        super().stop(how)

    def crash(self) -> None:
        """End it as a crash does: the next start recovers from the log."""
        self.stop(signal.SIGQUIT)

    def kill(self) -> None:
        """End it without a shutdown; it would leave shared memory behind if it was killed."""
        self.crash()


def schema_name() -> str:
    """Return a name for a schema that no other test has."""
    return f"test_{secrets.token_hex(4)}"


shared: Final = ExitStack()
"""Ends what all tests of this process share; closed after the last one."""


@cache
def shared_postgresql() -> PostgreSQL:
    """Start a PostgreSQL for all tests of this process; each takes a schema of its own."""
    return shared.enter_context(PostgreSQL())


class RabbitMQ(Service):
    """A server of RabbitMQ."""

    program = "rabbitmq-server"
    runs_as = "rabbitmq"

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self._distribution, self._epmd = free_port(), free_port()

    @property
    def url(self) -> str:
        """How to reach it."""
        return f"amqp://guest:guest@{self.host}:{self.port}/"

    def prepare(self) -> None:
        """Make what it needs before its first start."""
        lines = [
            f"listeners.tcp.1 = {self.host}:{self.port}",
            "distribution.listener.interface = 127.0.0.1",
            "loopback_users = none",
        ]
        (self.home / "rabbitmq.conf").write_text("\n".join(lines) + "\n")

    def command(self) -> Sequence[str]:
        """Return what starts it."""
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def environment(self) -> dict[str, str]:
        """Return its environment."""
        home = str(self.home)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": home,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_MAX_PORTS": "4096",  # not as many as files may be open, which takes long to make
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_DIST_PORT": str(self._distribution),
        }

    def kill(self) -> None:
        """End it and all its processes."""
        super().kill()
        self._end_epmd()

    def _end_epmd(self) -> None:
        """End the port mapper, which Erlang starts beside it and leaves behind."""
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                name = (entry / "comm").read_text().strip()
                own = f"ERL_EPMD_PORT={self._epmd}".encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if name == "epmd" and own:
                os.kill(int(entry.name), signal.SIGKILL)


class Redis(Service):
    """A server of Redis, or of Valkey."""

    program = "redis-server" if find("redis-server") else "valkey-server"

    @property
    def url(self) -> str:
        """How to reach it."""
        return f"redis://{self.host}:{self.port}"

    def command(self) -> Sequence[str]:
        """Return what starts it."""
        program = find(self.program) or ""
        place = ["--bind", self.host, "--port", str(self.port), "--dir", str(self.home)]
        return [program, *place, "--protected-mode", "no"]


@cache
def shared_redis() -> Redis:
    """Start a Redis for all tests of this process; each takes keys of its own."""
    return shared.enter_context(Redis())
