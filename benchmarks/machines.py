"""Measure several machines, played by processes: ``python benchmarks/machines.py [--quick]``.

::

    cpu       processor time of a worker for an operation / that of one process with a journal
    scaling   an API that takes 200 ms: operations a second of two workers / of one
    rate      two processes under one limit of 200/s: in all, and in the worst second
    kills     workers killed with -9 in the middle: who got two messages, who got none

It needs PostgreSQL and RabbitMQ, which it starts on loopback as the tests do. Ratios count; the
server that counts, the services, the submitter and the workers share this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from engagelab_async import Credentials, EngageLab, SendSMS  # noqa: E402 - found there
from engagelab_async.distributed import Fleet, SharedRate  # noqa: E402 - found there
from support.counting import Counting  # noqa: E402 - found there
from support.fleets import Network, finished, send_and_kill  # noqa: E402 - found there
from support.services import PostgreSQL  # noqa: E402 - found there

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_RATE: Final = 200
_ROUNDS: Final = 5


def cpu(operations: int) -> float:
    """Return how much more of the processor a worker needs than a single process."""
    alone: list[float] = []
    worker: list[float] = []
    with Network("rabbitmq", workers=1) as network:
        finished(network.submit(1000))
        # One after the other, as the machine may be busier at one time than at another.
        for _ in range(_ROUNDS):
            network.begin_anew()
            alone.append(json.loads(_run("alone", str(operations), network.server.url)))
            network.begin_anew()
            before = _spent(network.workers[0].pid)
            finished(network.submit(operations))
            worker.append((_spent(network.workers[0].pid) - before) / operations)
    one, other = min(alone), min(worker)
    print(f"cpu: alone {one * 1e6:.0f} us, worker {other * 1e6:.0f} us: {other / one:.2f}")
    return other / one


def _spent(leader: int) -> float:
    """Return the processor time of all processes of a session."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _run(*arguments: str) -> bytes:
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


async def alone(operations: int, url: str) -> float:
    """Send in this process, with a journal; return the processor time of one operation."""
    with tempfile.TemporaryDirectory() as directory:
        pair = Credentials("key", "secret")
        async with EngageLab(sms=pair, sms_base_url=url, http="auto") as engagelab:
            sends = (SendSMS(f"+65{90000000 + index}", "1233") for index in range(operations))
            before = resource.getrusage(resource.RUSAGE_SELF)
            await engagelab.send_all(sends, journal=Path(directory, "run.db"))
            after = resource.getrusage(resource.RUSAGE_SELF)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent / operations


def scaling(operations: int) -> float:
    """Return how much faster two workers are than one, at an API that takes its time."""
    rates: list[float] = []
    for workers in (1, 2):
        with Network("rabbitmq", workers, server=Counting(slowest=0.4)) as network:
            finished(network.submit(500))
            network.begin_anew()
            report = finished(network.submit(operations * workers))["report"]
            rates.append(report["rate"])
    print(
        f"scaling: 1 worker {rates[0]:.0f}/s, 2 workers {rates[1]:.0f}/s: {rates[1] / rates[0]:.2f}"
    )
    return rates[1] / rates[0]


def rate(seconds: float) -> tuple[float, int]:
    """Return what two processes send under one limit, a second, and in the worst second."""
    with PostgreSQL() as server:
        asyncio.run(_created(server.dsn))
        command = [sys.executable, __file__, "sender", server.dsn, str(seconds)]
        senders = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        came = sorted(each for sender in senders for each in json.loads(sender.communicate()[0]))
    first = came[0]
    came = [each - first for each in came if 1 <= each - first < seconds - 1]
    per_second = (len(came) - 1) / (came[-1] - came[0])
    worst = max(sum(each <= other < each + 1 for other in came) for each in came)
    print(f"rate: {per_second:.1f}/s of {_RATE}, worst second {worst}")
    return per_second, worst


async def _created(dsn: str) -> None:
    async with Fleet(dsn) as fleet:
        await fleet.create_tables()


async def sender(dsn: str, seconds: float) -> list[float]:
    """Take turns for some seconds, and return when each came."""
    came = []
    async with Fleet(dsn) as fleet:
        shared = SharedRate(fleet, "sms", _RATE)
        give_up = time.time() + seconds
        while time.time() < give_up:
            await shared.acquire(1, 1)
            came.append(time.time())
    return came


def kills(operations: int) -> None:
    """Kill workers, and check who got what."""
    for engine in ("rabbitmq", "pgqueuer"):
        with Network(engine) as network:
            uncertain = send_and_kill(network, operations, 10)
        print(f"kills, {engine}: {operations} operations, 10 kills, {uncertain} uncertain")


def main() -> None:
    """Measure everything."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--only", default="cpu,scaling,rate,kills", help="some, with commas")
    options = parser.parse_args()
    share = 10 if options.quick else 1
    chosen = options.only.split(",")
    if "cpu" in chosen:
        cpu(8_000 // share)
    if "scaling" in chosen:
        scaling(5_000 // share)
    if "rate" in chosen:
        rate(12.0)
    if "kills" in chosen:
        kills(20_000 // share)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["alone", operations, url]:
            print(asyncio.run(alone(int(operations), url)))
        case ["sender", dsn, seconds]:
            print(json.dumps(asyncio.run(sender(dsn, float(seconds)))))
        case _:
            main()
