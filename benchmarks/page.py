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
    (clients.OURS_ASYNCIO, clients.AIOHTTP, "the fastest engine beside the fastest library"),
    (clients.OURS_AIOHTTP, clients.AIOHTTP, "what this library costs on top of aiohttp"),
    (clients.OURS_SESSION, clients.AIOHTTP, "the same, with connections that your program shares"),
    (clients.OURS_HTTPX, clients.HTTPX, "the default engine beside a client of httpx"),
    (clients.OURS_HTTPX2, clients.HTTPX2, "the same for httpx2"),
    (clients.OURS_ASYNCIO, clients.HTTPX, "what a program gains that used httpx before"),
    (clients.OURS_ASYNCIO, clients.VENDOR, "or the vendor's package, in threads"),
    (clients.OURS_ASYNCIO, clients.TWILIO, "beside another platform's asynchronous client"),
    (clients.OURS_ASYNCIO, clients.RAW, "what is left to gain: sockets without any library"),
)
"""Ours, the other, and what their ratio means."""

_TLS_RATIOS: Final = (
    (clients.OURS_ASYNCIO, clients.AIOHTTP, "the fastest engine, as it is with the real API"),
    (clients.OURS_AIOHTTP, clients.AIOHTTP, "what this library costs on top of aiohttp"),
    (clients.OURS_HTTPX, clients.HTTPX, "the default engine"),
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

Requests per second of one process on one core, with CPU time, latency and connections: for this
library on each of its engines, for the plain HTTP libraries, and for other clients. The command
`nox -s bench` measures all of it in one run and writes this page.

![Requests per second over requests in flight, for each client](benchmarks.svg)

A thick line is this library on an engine; a thin line of the same color is the plain HTTP library,
used as its documentation shows. Numbers name the lines. Only the connection limits of httpx are
removed: with them, it would open a new connection for nearly every request if more than 20 are in
flight.
"""

_ONE_CALL: Final = """\
## One call

A call takes {layers} µs of CPU in this library's own code: for validation, encoding, the retry loop
and decoding. With the default engine, one awaited send takes {ours} µs of CPU;
`httpx.AsyncClient.post` takes {bare} µs. `import engagelab_async` takes {imports} ms of CPU, of
which its dependencies take {dependencies} ms.
"""

_METHOD: Final = """\
## How it is measured

- Machine: {machine}.
  The ranges show the influence of other load on it.
- Versions: {versions}.
- The server is {server} on loopback. It answers at once, so that only the client is measured;
  over a real network, the server's response time is added to the latencies. Over TLS, it has a
  certificate that was made for the run, and connections are open before the clock starts.
- The clients take short turns, {turns} at each number of requests in flight; very slow clients take
  fewer. A number is the median of a client's turns, a ratio the median of the ratios of each turn.
  Ranges are from the lowest turn to the highest.
- A turn begins with a new client and an untimed warm-up that opens all connections. Connections are
  counted at the server, including those of the warm-up.
- httpx closes connections that were idle for five seconds; most turns are over by then. If a server
  answers at once, most connections are idle, so in a long run plain httpx keeps only a few and gets
  faster than shown here. With a slower server, it does not.
- CPU is that of the client's process, including its threads.
- `fan_out` runs on the engine on asyncio. It is compared with 64 tasks that take messages from one
  generator and post them with `aiohttp`. The journal is flushed to disk. Memory is the peak of the
  process.
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
        secure: Those over TLS.
        send: One awaited send beside one of a bare client; microseconds of CPU.
        layers: A call without its engine; microseconds of CPU.
        imports: Our import beside those of what it depends on; milliseconds of CPU.
        goals: The promises.
    """

    server: str
    turns: int
    results: Results
    secure: Results
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
    return "\n".join([_INTRODUCTION, *_summary(report), method, *_numbers(report)])


def tables(report: Report) -> str:
    """Write the parts that a terminal shows."""
    return "\n".join([*_numbers(report), *_summary(report)])


def _summary(report: Report) -> Iterator[str]:
    yield "## Ratios\n"
    yield "Requests per second, by how many are in flight:\n"
    yield _ratios(report.results, _RATIOS, "rate")
    yield "CPU time per request, which depends less on other load on the machine:\n"
    yield _ratios(report.results, _RATIOS, "cpu")
    yield "## Over TLS\n"
    yield "The real API is reached over TLS. Requests per second, by how many are in flight:\n"
    yield _ratios(report.secure, _TLS_RATIOS, "rate")
    yield "CPU time per request:\n"
    yield _ratios(report.secure, _TLS_RATIOS, "cpu")
    yield _one_call(report)
    yield "## Goals\n"
    yield "The goals of the project, and the results of this run. With the same number in flight,"
    yield "a client with half the throughput has twice the latency, whatever else it does.\n"
    yield _goals(report.goals)


def _ratios(results: Results, pairs: Sequence[tuple[Client, Client, str]], quantity: str) -> str:
    widths = results.widths()
    rows = [
        [
            f"{_name(one)} to {_name(other)}: {meaning}",
            *(_short(results.ratio((one, w), (other, w), quantity).middle) for w in widths),
        ]
        for one, other, meaning in pairs
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
            f"{goal.what}; {goal.meaning}",
            f"{goal.sign} {goal.bound:g} {goal.unit}".rstrip(),
            f"{_short(goal.measured.middle)} {goal.unit}".rstrip(),
            _range(goal.measured),
            "ok" if goal.met else "**missed**",
        ]
        for goal in goals
    ]
    return _table(["", "goal", "found", "range", ""], rows)


def _numbers(report: Report) -> Iterator[str]:
    yield "## All numbers\n"
    for results, where in ((report.results, ""), (report.secure, " over TLS")):
        for width in results.widths():
            yield f"### {width:,} in flight{where}\n"
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
