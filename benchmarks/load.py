"""Clients send in turns, each with a number of requests in flight.

Turns are short, and there are many of them: what else the machine does meets all clients alike, and
the middle one of many turns is hardly moved by it.
"""

from __future__ import annotations

import asyncio
import gc
import math
import time
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from attrs import frozen

from clients import Client
from spread import Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clients import Send
    from server import Server

Cell = tuple[Client, int]
"""A client, and how many requests it has in flight."""

_NO_LIMIT: Final = 10**9


@frozen
class Plan:
    """How much to measure.

    Attributes:
        turns: How many each cell gets.
        seconds: How long to go on beginning requests in a turn.
        patience: A cell that has used up so many seconds gets no more turns.
    """

    turns: int
    seconds: float
    patience: float


@frozen
class Turn:
    """What was found in one turn.

    Attributes:
        rate: Requests per second.
        cpu: Microseconds of this process's CPU for each request.
        p50: Half of the requests took no longer; milliseconds.
        p99: All but one of a hundred requests took no longer; milliseconds.
        requests: How many there were, those of the warm-up included.
        connections: How many connections were opened for them.
    """

    rate: float
    cpu: float
    p50: float
    p99: float
    requests: int
    connections: int


@frozen
class Results:
    """What was found.

    Attributes:
        turns: The turns of each cell, in their order.
    """

    turns: dict[Cell, list[Turn]]

    def has(self, *cells: Cell) -> bool:
        """Return whether cells were measured: a library or a width may be missing."""
        return self.turns.keys() >= set(cells)

    def widths(self) -> list[int]:
        """List how many requests were in flight."""
        return sorted({width for _, width in self.turns})

    def spread(self, cell: Cell, quantity: str) -> Spread:
        """Take a quantity of a `Turn` over the turns of a cell."""
        return Spread.of(map(attrgetter(quantity), self.turns[cell]))

    def ratio(self, one: Cell, other: Cell, quantity: str) -> Spread:
        """Compare a quantity of two cells turn by turn."""
        value: Callable[[Turn], float] = attrgetter(quantity)
        # One of the two may have run out of patience sooner.
        pairs = zip(self.turns[one], self.turns[other], strict=False)
        return Spread.of(value(a) / value(b) for a, b in pairs)


def in_turns(
    server: Server,
    cells: Sequence[Cell],
    plan: Plan,
    progress: Callable[[int], None] = lambda _: None,
) -> Results:
    """Let clients send in turns.

    Args:
        server: The address of the server.
        cells: Who, and how many requests at a time.
        plan: How often, and for how long.
        progress: Called with the number of turns of each cell.
    """
    turns: dict[Cell, list[Turn]] = {cell: [] for cell in cells}
    taken = dict.fromkeys(cells, 0.0)
    for number in range(plan.turns):
        progress(number)
        # Back and forth: of two neighbours, each is the first as often as the other.
        for cell in cells[:: -1 if number % 2 else 1]:
            if taken[cell] <= plan.patience:
                began = time.perf_counter()
                turns[cell].append(turn(cell, server, seconds=plan.seconds))
                taken[cell] += time.perf_counter() - began
    return Results(turns)


def turn(
    cell: Cell, server: Server, *, seconds: float = math.inf, requests: int = _NO_LIMIT
) -> Turn:
    """Send until the time is up or the number is reached.

    Args:
        cell: Who sends, and how many requests at a time.
        server: The address of the server.
        seconds: How long to go on beginning requests.
        requests: How many to send at most, besides those of the warm-up: one for each in flight.
    """
    return asyncio.run(_turn(cell, server, seconds, requests))


async def _turn(cell: Cell, server: Server, seconds: float, requests: int) -> Turn:
    client, width = cell
    accepted = server.accepted()
    async with client.open(server) as send:
        # Connections are opened now, while no clock runs.
        await _latencies(send, width, math.inf, width)
        # What other clients have left in memory must not make collecting slower for this one.
        gc.collect()
        gc.freeze()
        began, cpu_began = time.perf_counter(), time.process_time()
        latencies = sorted(await _latencies(send, width, seconds, requests))
        took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        gc.unfreeze()
    sent = len(latencies)
    return Turn(
        rate=sent / took,
        cpu=cpu / sent * 1e6,
        p50=latencies[sent // 2] * 1e3,
        p99=latencies[sent * 99 // 100] * 1e3,
        requests=width + sent,
        connections=server.accepted() - accepted,
    )


async def _latencies(send: Send, width: int, seconds: float, requests: int) -> list[float]:
    latencies: list[float] = []
    tickets = iter(range(requests))
    clock = time.perf_counter
    ends = clock() + seconds

    async def work() -> None:
        for _ in tickets:
            began = clock()
            await send()
            ended = clock()
            latencies.append(ended - began)
            if ended > ends:
                break

    async with asyncio.TaskGroup() as workers:
        for _ in range(width):
            workers.create_task(work())
    return latencies
