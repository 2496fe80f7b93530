"""What the numbers are meant to be, and whether they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

from attrs import frozen

from clients import AIOHTTP, HTTPX, OURS, OURS_AIOHTTP, OURS_HTTPX, OURS_SESSION, Client
from engines import CONNECTIONS_REQUESTS, CONNECTIONS_WIDTH
from spread import Comparison, Spread

if TYPE_CHECKING:
    from load import Results

_RATES: Final = (
    (OURS_HTTPX, HTTPX, 8, 1.2),
    (OURS_HTTPX, HTTPX, 64, 5.0),
    (OURS_HTTPX, HTTPX, 256, 12.0),
    (OURS_AIOHTTP, AIOHTTP, 64, 0.92),
    (OURS_AIOHTTP, AIOHTTP, 256, 0.92),
    (OURS_SESSION, AIOHTTP, 64, 0.92),
    (OURS_SESSION, AIOHTTP, 256, 0.92),
    (OURS_AIOHTTP, HTTPX, 64, 25.0),
)
"""Ours, the other, how many are in flight, and how much faster ours is to be."""


@frozen
class Goal:
    """One promise.

    Attributes:
        what: The quantity.
        sign: Which side of the bound is good.
        bound: How much is promised.
        measured: What was found; its middle counts.
        unit: Of the bound and of what was found; empty for a ratio or a number of things.
    """

    what: str
    sign: Literal["≥", "≤"]
    bound: float
    measured: Spread
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        if self.sign == "≥":
            return self.measured.middle >= self.bound
        return self.measured.middle <= self.bound


def throughput(results: Results, flatness: Spread) -> Iterator[Goal]:
    """Yield the goals about requests per second."""
    for ours, bare, width, bound in _RATES:
        one, other = (ours, width), (bare, width)
        if results.has(one, other):
            what = f"`{ours.name}` to `{bare.name}`, {width} in flight: requests/s"
            yield Goal(what, "≥", bound, results.ratio(one, other, "rate"))
    what = f"`{OURS_HTTPX.name}`, 256 in flight to 16: requests/s"
    yield Goal(what, "≥", 0.8, flatness)


def latency(results: Results) -> Iterator[Goal]:
    """Yield the goals about the slowest of a hundred requests."""
    for client in OURS:
        one, other = (client, 64), (AIOHTTP, 64)
        if results.has(one, other):
            what = f"`{client.name}` to `{AIOHTTP.name}`, 64 in flight: p99 latency"
            yield Goal(what, "≤", 1.2, results.ratio(one, other, "p99"))


def connections(counts: dict[Client, int]) -> Iterator[Goal]:
    """Yield the goals about connections that are opened."""
    for client, count in counts.items():
        what = (
            f"`{client.name}`, {CONNECTIONS_WIDTH} in flight: "
            f"connections for {CONNECTIONS_REQUESTS:,} requests"
        )
        yield Goal(what, "≤", CONNECTIONS_WIDTH, Spread.of([count]))


def costs(send: Comparison, layers: Spread, imports: Comparison) -> Iterator[Goal]:
    """Yield the goals about CPU time."""
    yield Goal("one awaited send to one of `httpx.AsyncClient`: CPU", "≤", 1.1, send.ratio)
    yield Goal("a call without its engine: CPU", "≤", 40, layers, "µs")
    what = "`import engagelab_async` to `import httpx, attrs, cattrs, anyio`: CPU"
    yield Goal(what, "≤", 1.25, imports.ratio)
