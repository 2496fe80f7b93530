"""Measure bulk sending; alone with ``python benchmarks/bulk_runs.py [--quick]``.

::

    bare          64 workers that take a message from one generator, and post it with aiohttp
    fan_out       the same messages, with `EngageLab.fan_out` on the engine for asyncio
    journal       the same, with a journal on the disk
    memory        what a run of a million generated operations keeps, more than one of 10,000
    broadcast     how many numbers a second become operations

The first three take turns, so that what else the machine does meets all of them alike.
"""

from __future__ import annotations

import asyncio
import gc
import re
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from clients import CODE, KEY, PATH, PATIENCE, SECRET, TEMPLATE
from engagelab_async import Credentials, EngageLab, SendCode, Template, broadcast
from goals import Goal
from server import serving
from single import InstantEngine
from spread import Spread

if TYPE_CHECKING:
    from server import Server

IN_FLIGHT: Final = 64
FEW: Final = 10_000
MANY: Final = 1_000_000


@frozen
class Extent:
    """How much to measure.

    Attributes:
        turns: How many turns each gets.
        messages: How many messages are sent in a turn.
        many: How many operations and numbers a long run has.
    """

    turns: int
    messages: int
    many: int


FULL: Final = Extent(turns=15, messages=10_000, many=MANY)
QUICK: Final = Extent(turns=5, messages=2000, many=100_000)


def main() -> None:
    """Measure everything and print what was promised, and what was found."""
    parser = ArgumentParser(prog="bulk_runs.py", description="Measure bulk sending.")
    parser.add_argument("--quick", action="store_true", help="a first look, in half a minute")
    parser.add_argument("--memory-of", type=int, metavar="N", help="print the memory of one run")
    arguments = parser.parse_args()
    if arguments.memory_of:
        asyncio.run(_run_of(arguments.memory_of))
        print(_most_memory())
        return
    with serving() as server:
        for goal in goals(server, QUICK if arguments.quick else FULL):
            found = f"{goal.measured.middle:,.2f} ({goal.measured.low:,.2f} to "
            found += f"{goal.measured.high:,.2f}) {goal.unit}"
            print(f"{goal.what}\n    {goal.sign} {goal.bound:,g}: {found}", flush=True)


def goals(server: Server, extent: Extent) -> Iterator[Goal]:
    """Yield what bulk sending promises, with what was found."""
    rates = asyncio.run(_rates(server, extent))

    def ratio(one: str, other: str) -> Spread:
        return Spread.of(a / b for a, b in zip(rates[one], rates[other], strict=True))

    yield Goal(
        "`fan_out` on asyncio to 64 workers on `aiohttp`: messages/s",
        "≥",
        1.5,
        ratio("fan_out", "bare"),
        meaning="a bulk run, with its outcomes, is faster than a loop written by hand",
    )
    yield Goal(
        "`fan_out` on asyncio with a journal to 64 workers on `aiohttp`: messages/s",
        "≥",
        1.3,
        ratio("journal", "bare"),
        meaning="it still is while every message is recorded on the disk before it is sent",
    )
    yield Goal(
        "`fan_out` with a journal to one without: messages/s",
        "≥",
        0.85,
        ratio("journal", "fan_out"),
        meaning="what it costs that no message is sent twice after a crash",
    )
    yield Goal(
        f"memory of `fan_out` over {extent.many:,} operations, more than over {FEW:,}",
        "≤",
        20,
        Spread.of([_memory(extent.many) - _memory(FEW)]),
        unit="MB",
        meaning="a run may be as long as it likes",
    )
    yield Goal(
        f"`broadcast` of {extent.many:,} numbers: numbers/s of CPU",
        "≥",
        300_000,
        Spread.of(_preparation(extent.many) for _ in range(3)),
        meaning="a list of recipients is checked in the time of a few thousand sends",
    )


# ------------------------------------------------------------------------------- throughput


def operations(messages: int) -> Iterator[SendCode]:
    """Generate messages, each to a number of its own."""
    template = Template(TEMPLATE)
    for _, number in zip(range(messages), _NUMBERS, strict=False):
        yield SendCode(f"+65{number}", CODE, template)


_NUMBERS: Final = count(10_000_000)


async def _rates(server: Server, extent: Extent) -> dict[str, list[float]]:
    """Let all take turns, and return their messages a second."""
    import aiohttp

    credentials = Credentials(KEY, SECRET)
    with tempfile.TemporaryDirectory() as directory:
        async with (
            aiohttp.ClientSession(headers={"Authorization": credentials.authorization()}) as bare,
            EngageLab(
                otp=credentials, otp_base_url=server.url, http="asyncio", timeout=PATIENCE
            ) as ours,
        ):
            # A campaign has a journal of its own.
            names = (f"{number}.db" for number in count())
            runs: dict[str, Callable[[], Awaitable[None]]] = {
                "bare": lambda: _bare(bare, server.url + PATH, extent.messages),
                "fan_out": lambda: _fan_out(ours, extent.messages, None),
                "journal": lambda: _fan_out(ours, extent.messages, Path(directory, next(names))),
            }
            rates: dict[str, list[float]] = {name: [] for name in runs}
            for turn in range(extent.turns + 1):
                # Back and forth, so that each is as often before as after its neighbour.
                for name in list(runs)[:: -1 if turn % 2 else 1]:
                    gc.collect()
                    began = time.perf_counter()
                    await runs[name]()
                    rates[name].append(extent.messages / (time.perf_counter() - began))
    # The first turn connects.
    return {name: found[1:] for name, found in rates.items()}


async def _bare(session: object, url: str, messages: int) -> None:
    """Send as a program does that has only aiohttp."""
    import aiohttp

    assert isinstance(session, aiohttp.ClientSession)
    numbers = (number for _, number in zip(range(messages), _NUMBERS, strict=False))

    async def work() -> None:
        for number in numbers:
            message = {"to": f"+65{number}", "code": CODE, "template": {"id": TEMPLATE}}
            async with session.post(url, json=message) as response:
                await response.json()

    async with asyncio.TaskGroup() as workers:
        for _ in range(IN_FLIGHT):
            workers.create_task(work())


async def _fan_out(engagelab: EngageLab, messages: int, journal: Path | None) -> None:
    async with engagelab.fan_out(
        operations(messages), max_in_flight=IN_FLIGHT, journal=journal
    ) as outcomes:
        async for _ in outcomes:
            pass
    assert outcomes.report.accepted == messages


# ------------------------------------------------------------------------------- the others


def _memory(messages: int) -> float:
    """Send so many messages in a process of their own, and return its most memory, in MB."""
    command = [sys.executable, __file__, "--memory-of", str(messages)]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return float(found)


def _most_memory() -> float:
    """Return the most memory that this process ever had, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # The values of getrusage() begin with those of the parent.
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found is not None
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


async def _run_of(messages: int) -> None:
    async with EngageLab(otp=Credentials(KEY, SECRET), http=InstantEngine()) as engagelab:
        await _fan_out(engagelab, messages, None)


def _preparation(numbers: int) -> float:
    """Return how many numbers a second become operations."""
    written = [f"+65 {90_000_000 + number}" for number in range(numbers)]
    # All of it is CPU; counted so, the work of others on the machine disturbs it less.
    began = time.process_time()
    made = sum(len(operation.to) for operation in broadcast(written, TEMPLATE))
    assert made == numbers
    return numbers / (time.process_time() - began)


if __name__ == "__main__":
    main()
