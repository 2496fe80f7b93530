"""A fleet of processes that are killed while they send, and a server that counts who got what.

The tests do it a few times. This does it as often as one likes::

    python tests/support/fleets.py ENGINE KILLS OPERATIONS [twice] [crash] [orphan]
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

# It is a program, too: what stands beside it is imported as the tests do.
sys.path.insert(0, str(Path(__file__).parents[1]))

from support.counting import Counting
from support.services import PostgreSQL, RabbitMQ, Redis

if TYPE_CHECKING:
    from types import TracebackType

TESTS: Final = Path(__file__).parents[1]
SUBMITTER: Final = TESTS / "support" / "fleet_submitter.py"
WORKERS: Final[Mapping[str, Sequence[str]]] = {
    "taskiq": (
        "taskiq",
        "worker",
        "support.fleet_worker:broker",
        *("--workers", "1", "--max-async-tasks", "2", "--max-prefetch", "0"),
    ),
    "pgqueuer": ("support.fleet_worker",),
}


_PATIENCE: Final = 600.0
"""Seconds; only what hangs takes longer."""

IN_DOUBT: Final = 2 * 64
"""How many operations a worker leaves uncertain at most, when it is killed or cut off.

Each of its two chunks has 64 tasks. The 64 permits are shared: while the outcomes of one chunk are
being written, its permits are in use for the other. So answered operations that are not yet
recorded come to those in flight. A task has one or the other: its next intent is written with the
outcome before it.
"""

_AT_WORK: Final = """
SELECT host FROM engagelab.runs WHERE ended IS NULL
    AND submission = (SELECT max(number) FROM engagelab.submissions)
"""

_BROKERS: Final[Mapping[str, Callable[[str], RabbitMQ | Redis | None]]] = {
    "rabbitmq": RabbitMQ,
    "redis": Redis,
    "pgqueuer": lambda _: None,
}


class Network:
    """A server that counts, PostgreSQL, a broker, workers, and a submitter.

    Args:
        engine: ``rabbitmq``, ``redis`` or ``pgqueuer``.
        workers: How many worker processes.
        server: The API.
        host: The address that the services listen at.

    Attributes:
        server: The API.
        postgresql: The store.
    """

    def __init__(
        self,
        engine: str = "rabbitmq",
        workers: int = 2,
        *,
        server: Counting | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.engine = engine
        self.server = server or Counting()
        self.postgresql = PostgreSQL(host)
        self.broker = _BROKERS[engine](host)
        self.environment: dict[str, str] = {}
        self.workers: list[subprocess.Popen[bytes]] = []
        self._submitters: list[subprocess.Popen[bytes]] = []
        self._count = workers
        self._campaigns = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.server)
            stack.enter_context(self.postgresql)
            self.environment = {
                **os.environ,
                "PYTHONPATH": str(TESTS),
                "FLEET_API": self.server.url,
                "FLEET_DSN": self.postgresql.dsn,
            }
            if self.broker is not None:
                stack.enter_context(self.broker)
                name = {"rabbitmq": "FLEET_AMQP", "redis": "FLEET_REDIS"}[self.engine]
                self.environment[name] = self.broker.url
            self._create_tables()
            stack.callback(lambda: self._kill(self.workers))
            stack.callback(self.kill_submitters)
            self.workers += [self.start_worker() for _ in range(self._count)]
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _create_tables(self) -> None:
        program = "import asyncio; from support import fleet_worker as w; "
        program += "asyncio.run(w.fleet.create_tables()); "
        if self.engine == "pgqueuer":
            program += "asyncio.run(w.bulk.create_tables())"
        subprocess.run([sys.executable, "-c", program], check=True, env=self.environment)

    def start_worker(self, inside: str | None = None) -> subprocess.Popen[bytes]:
        """Start a worker process, as a user does; perhaps inside a network namespace."""
        prefix = [] if inside is None else ["ip", "netns", "exec", inside]
        module = "pgqueuer" if self.engine == "pgqueuer" else "taskiq"
        with (self.postgresql.home / "workers.log").open("ab") as log:
            return subprocess.Popen(
                [*prefix, sys.executable, "-m", *WORKERS[module]],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def begin_anew(self) -> None:
        """Forget who got what: the next submitter has another campaign."""
        self.kill_submitters()  # those that a test has left
        self.server.asked.clear()
        self.server.delivered.clear()
        self._campaigns += 1

    @property
    def log(self) -> str:
        """What the workers have printed."""
        return (self.postgresql.home / "workers.log").read_text(errors="replace")

    def wait_for_deliveries(self) -> None:
        """Wait until each worker has a chunk of the campaign."""
        missing = {worker.pid for worker in self.workers}
        while missing:
            hosts = self.postgresql.execute(_AT_WORK)
            for host in hosts.split():
                with suppress(ProcessLookupError):  # that of a worker that was killed
                    missing.discard(os.getpgid(int(host.rpartition("/")[2])))
            time.sleep(0.05)

    def kill_worker(self, number: int) -> None:
        """End a worker and its processes, and start another."""
        self._kill([self.workers[number]])
        self.workers[number] = self.start_worker()

    def replace_workers(self) -> None:
        """Ask all workers to end, wait until they have, and start others."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(_PATIENCE)
        self.workers = [self.start_worker() for _ in self.workers]

    def _kill(self, workers: Sequence[subprocess.Popen[bytes]]) -> None:
        for worker in workers:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(_PATIENCE)

    def submit(self, operations: int, **options: object) -> subprocess.Popen[bytes]:
        """Start a submitter."""
        campaign = f"campaign-{self._campaigns}"
        arguments = [campaign, str(operations), json.dumps(options)]
        submitter = subprocess.Popen(
            [sys.executable, str(SUBMITTER), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self._submitters.append(submitter)
        return submitter

    def kill_submitters(self) -> None:
        """End all submitters."""
        for submitter in self._submitters:
            with submitter:
                submitter.kill()
        self._submitters.clear()


def finished(submitter: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for a submitter, and return what it printed."""
    output, _ = submitter.communicate(timeout=_PATIENCE)
    assert submitter.returncode == 0
    document: dict[str, Any] = json.loads(output)
    return document


def check(outcomes: Mapping[str, Sequence[str]], delivered: Mapping[str, int], count: int) -> None:
    """Hold what the submitter said against what was delivered."""
    everybody = {f"+65{90000000 + index}" for index in range(count)}
    said = [number for numbers in outcomes.values() for number in numbers]
    twice = {number for number in everybody if delivered[number] > 1}
    never = {number for number in everybody if not delivered[number]}

    assert (count, everybody) == (len(said), set(said)), "somebody has no outcome, or two"
    assert set() == twice, "somebody was sent to twice"
    assert never <= set(outcomes.get("Uncertain", [])), "somebody was lost"
    assert outcomes.keys() <= {"settled", "Accepted", "Uncertain"}


def send_and_kill(
    network: Network,
    operations: int,
    kills: int,
    *,
    meanwhile: Callable[[], object] | None = None,
    orphan: bool = False,
    **options: Any,  # noqa: ANN401 - JSON
) -> int:
    """Send, kill workers, and check that all is well, and that a second run sends nothing.

    Args:
        network: The processes.
        operations: How many.
        kills: How many workers are killed.
        meanwhile: What else happens, after a third.
        orphan: Whether the submitter is killed, too, and started again.
        **options: Of the submitter.

    Returns:
        How many operations were uncertain in the end.
    """
    draw = random.Random()  # noqa: S311 - no secret
    # What a kill leaves uncertain may not have been asked for.
    certain = operations - kills * IN_DOUBT
    server = network.server
    submitter = network.submit(operations, **options)
    for kill in range(kills):
        server.wait_for_requests(draw.randint(1, operations // (kills + 1)), certain)
        if kill == kills // 3 and meanwhile is not None:
            meanwhile()
        if kill == kills // 2 and orphan:
            network.kill_submitters()
            submitter = network.submit(operations, **options)
        network.kill_worker(draw.randrange(len(network.workers)))
    outcomes = finished(submitter)["outcomes"]
    check(outcomes, server.delivered, operations)
    asked = server.asked.total()
    again = finished(network.submit(operations, **options))["outcomes"]
    check(again, server.delivered, operations)
    assert asked == server.asked.total(), "a second run sent again"
    assert sorted(again.get("Uncertain", [])) == sorted(outcomes.get("Uncertain", []))
    return len(outcomes.get("Uncertain", []))


def main(engine: str, kills: int, operations: int, *extras: str) -> None:
    """Do it once, and print how it went."""
    with Network(engine) as network:

        def crash() -> None:
            network.postgresql.crash()
            network.postgresql.start()

        uncertain = send_and_kill(
            network,
            operations,
            kills,
            meanwhile=crash if "crash" in extras else None,
            orphan="orphan" in extras,
            **({"twice": True} if "twice" in extras else {}),
        )
    print(f"{kills} kills: nobody lost, nobody twice, {uncertain} uncertain", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
