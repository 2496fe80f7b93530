"""The page of numbers, in Markdown; a terminal shows its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

import clients
from machine import machine, versions

if TYPE_CHECKING:
    from clients import Client
    from goals import Goal
    from load import Cell, Results
    from spread import Comparison, Spread

_RATIOS: Final = (
    (clients.OURS_HTTPX, clients.HTTPX),
    (clients.OURS_HTTPX2, clients.HTTPX2),
    (clients.OURS_AIOHTTP, clients.AIOHTTP),
    (clients.OURS_SESSION, clients.AIOHTTP),
    (clients.OURS_AIOHTTP, clients.HTTPX),
    (clients.OURS_AIOHTTP, clients.VENDOR),
    (clients.OURS_AIOHTTP, clients.TWILIO),
    (clients.OURS_AIOHTTP, clients.RAW),
)

_QUANTITIES: Final = {
    "CPU µs": "cpu",
    "p50 ms": "p50",
    "p99 ms": "p99",
    "requests": "requests",
    "connections": "connections",
}
"""The last columns of the long tables, and the quantities of a `Turn` in them."""

_INTRODUCTION: Final = """\
# Benchmarks

How many messages one process hands over in a second, on one core, and what that costs: with this
library on each of its engines, with the HTTP libraries alone, and with other clients. The command
`nox -s bench` measures all of it in one run and writes this page.

![Requests per second over requests in flight, for each client](benchmarks.svg)

A thick line is this library on an engine, a thin one of the same color the HTTP library alone, used
as its documentation shows. Only the limits of httpx are lifted: with them it would open a new
connection for nearly every request where more than 20 are in flight.
"""

_ONE_CALL: Final = """\
## One call

In this library itself a call takes {layers} µs of CPU: the operation, its validation, its encoding,
the retry loop and the decoding of the answer. With the default engine, one awaited send takes
{ours} µs of CPU, where `httpx.AsyncClient.post` takes {bare} µs. `import engagelab_async` takes
{imports} ms of CPU, and {dependencies} ms of that are its dependencies.
"""

_METHOD: Final = """\
## How it is measured

- Machine: {machine}.
  What else it had to do shows in the ranges.
- Versions: {versions}.
- The server is {server} on loopback. It answers at once, so that the client is what is measured;
  over a real network, the time of the answer comes on top of the latencies.
- The clients take short turns, {turns} of them at each width; where one is very slow, fewer. A
  number is the median of a client's turns, a ratio the median of the ratios of each turn. Ranges
  are from the lowest turn to the highest.
- A turn begins with a new client and one request for each that will be in flight, which are not
  timed; so no time is spent on connecting. Connections are counted at the server, those of this
  warm-up included.
- httpx closes connections that were idle for five seconds; most turns are over by then. Against a
  server that answers at once most connections are idle, so in a long run httpx alone ends up with
  few of them and gets faster than it is here. Against one that takes its time it does not.
- CPU is that of the client's process, its threads included.
- `fan_out` is held against 64 tasks that take messages from one generator and post them with
  `aiohttp`. The journal is flushed to a disk. Memory is the most that a process ever had.
- `engagelab-otp` is synchronous and opens a connection for each call; it runs in up to {threads}
  threads. `twilio` talks to another API and is here for scale.
"""


@frozen
class Report:
    """All that was found.

    Attributes:
        server: What answered.
        turns: How many a client had.
        results: The turns.
        send: One awaited send beside one of a bare client; microseconds of CPU.
        layers: A call without its engine; microseconds of CPU.
        imports: Our import beside those of what it depends on; milliseconds of CPU.
        goals: The promises.
    """

    server: str
    turns: int
    results: Results
    send: Comparison
    layers: Spread
    imports: Comparison
    goals: Sequence[Goal]


def page(report: Report) -> str:
    """Write the whole page."""
    method = _METHOD.format(
        machine=machine(),
        versions=versions(),
        server=report.server,
        turns=report.turns,
        threads=clients.THREADS,
    )
    return "\n".join([_INTRODUCTION, *_summary(report), method, *_numbers(report.results)])


def tables(report: Report) -> str:
    """Write the parts that a terminal shows."""
    return "\n".join([*_numbers(report.results), *_summary(report)])


def _summary(report: Report) -> Iterator[str]:
    yield "## Ratios\n"
    yield "Requests per second, by how many are in flight:\n"
    yield _ratios(report.results, "rate")
    yield "CPU time of a request, which the work of others on the machine disturbs less:\n"
    yield _ratios(report.results, "cpu")
    yield _one_call(report)
    yield "## Goals\n"
    yield "What the library promises itself, and what this run found. At the same number in flight,"
    yield "a client of half the throughput has twice the latency, whatever else it does.\n"
    yield _goals(report.goals)


def _ratios(results: Results, quantity: str) -> str:
    widths = results.widths()
    rows = [
        [f"{_name(one)} to {_name(other)}"]
        + [_short(results.ratio((one, w), (other, w), quantity).middle) for w in widths]
        for one, other in _RATIOS
        if results.has((one, widths[0]), (other, widths[0]))
    ]
    return _table(["", *(f"{width:,}" for width in widths)], rows)


def _one_call(report: Report) -> str:
    return _ONE_CALL.format(
        layers=_short(report.layers.middle),
        ours=_short(report.send.ours.middle),
        bare=_short(report.send.bare.middle),
        imports=_short(report.imports.ours.middle),
        dependencies=_short(report.imports.bare.middle),
    )


def _goals(goals: Iterable[Goal]) -> str:
    rows = [
        [
            goal.what,
            f"{goal.sign} {goal.bound:g} {goal.unit}".rstrip(),
            f"{_short(goal.measured.middle)} {goal.unit}".rstrip(),
            _range(goal.measured),
            "ok" if goal.met else "**missed**",
        ]
        for goal in goals
    ]
    return _table(["", "goal", "found", "range", ""], rows)


def _numbers(results: Results) -> Iterator[str]:
    yield "## All numbers\n"
    for width in results.widths():
        yield f"### {width:,} in flight\n"
        rows = [_row(results, cell) for cell in results.turns if cell[1] == width]
        yield _table(["client", "requests/s", "range", *_QUANTITIES], rows)


def _row(results: Results, cell: Cell) -> list[str]:
    rate = results.spread(cell, "rate")
    others = [results.spread(cell, quantity).middle for quantity in _QUANTITIES.values()]
    return [_name(cell[0]), _short(rate.middle), _range(rate), *map(_short, others)]


def _name(client: Client) -> str:
    return f"**{client.name}**" if client in clients.OURS else client.name


def _range(spread: Spread) -> str:
    return "" if spread.low == spread.high else f"{_short(spread.low)} to {_short(spread.high)}"


def _short(value: float) -> str:
    """Write three digits, or all of a larger number and of a whole one."""
    if value >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Write a table whose columns but the first are flush right, in a terminal too."""
    sizes = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * sizes[0], *("-" * (size - 1) + ":" for size in sizes[1:])]
    lines = ["| " + " | ".join(_aligned(row, sizes)) + " |" for row in (head, rule, *rows)]
    return "\n".join(lines) + "\n"


def _aligned(row: list[str], sizes: list[int]) -> Iterator[str]:
    yield row[0].ljust(sizes[0])
    for cell, size in zip(row[1:], sizes[1:], strict=True):
        yield cell.rjust(size)
