"""What the numbers are meant to be, and whether they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal

from attrs import frozen

from clients import (
    AIOHTTP,
    HTTPX,
    HTTPX2,
    OURS_AIOHTTP,
    OURS_ASYNCIO,
    OURS_HTTPX,
    OURS_HTTPX2,
    OURS_SESSION,
    Client,
)
from engines import CONNECTIONS_REQUESTS, CONNECTIONS_WIDTH
from spread import Comparison, Spread

if TYPE_CHECKING:
    from load import Results

_FASTER: Final = "more messages a second than the library alone"
_CHECKED: Final = "what it costs that each connection is checked before it is used again"

_RATES: Final = (
    (OURS_ASYNCIO, AIOHTTP, 8, 1.8, "a busy handler sends more than with aiohttp"),
    (OURS_ASYNCIO, AIOHTTP, 64, 1.9, "so does a bulk run of the usual width"),
    (OURS_ASYNCIO, AIOHTTP, 256, 2.2, "so does one with all connections in use"),
    (OURS_HTTPX, HTTPX, 8, 1.2, _FASTER),
    (OURS_HTTPX, HTTPX, 64, 5.0, _FASTER),
    (OURS_HTTPX, HTTPX, 256, 12.0, _FASTER),
    (OURS_AIOHTTP, AIOHTTP, 64, 0.8, _CHECKED),
    (OURS_AIOHTTP, AIOHTTP, 256, 0.8, _CHECKED),
    (OURS_SESSION, AIOHTTP, 64, 0.8, _CHECKED),
    (OURS_SESSION, AIOHTTP, 256, 0.8, _CHECKED),
)
"""Ours, the other, how many are in flight, how much faster ours is to be, and what that means."""

_OVER_TLS: Final = (
    (OURS_ASYNCIO, AIOHTTP, 64, 1.5, "the same as above, as it is with the real API"),
    (OURS_HTTPX, HTTPX, 64, 4.0, "the same for the default engine"),
)

_LATENCIES: Final = (
    (
        OURS_ASYNCIO,
        AIOHTTP,
        1.0,
        "the slowest of a hundred calls waits no longer than with aiohttp",
    ),
    (OURS_HTTPX, HTTPX, 1.0, "nor than with httpx"),
    (OURS_HTTPX2, HTTPX2, 1.0, "nor than with httpx2"),
    (
        OURS_AIOHTTP,
        AIOHTTP,
        1.5,
        "as many requests take turns, each is as much later as all are slower",
    ),
)


@frozen
class Goal:
    """One promise.

    Attributes:
        what: The quantity.
        sign: Which side of the bound is good.
        bound: How much is promised.
        measured: What was found; its middle counts.
        unit: Of the bound and of what was found; empty for a ratio or a number of things.
        meaning: What it means to a user.
    """

    what: str
    sign: Literal["≥", "≤"]
    bound: float
    measured: Spread
    unit: str = ""
    meaning: str = ""

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        if self.sign == "≥":
            return self.measured.middle >= self.bound
        return self.measured.middle <= self.bound


def throughput(results: Results, flatness: Spread) -> Iterator[Goal]:
    """Yield the goals about requests per second."""
    yield from _ratios(results, _RATES, "requests/s")
    what = f"`{OURS_HTTPX.name}`, 256 in flight to 16: requests/s"
    yield Goal(what, "≥", 0.8, flatness, meaning="a wide run is not slower than a narrow one")


def over_tls(results: Results) -> Iterator[Goal]:
    """Yield the goals about requests per second over TLS."""
    yield from _ratios(results, _OVER_TLS, "requests/s over TLS")


def _ratios(
    results: Results, rows: Iterable[tuple[Client, Client, int, float, str]], unit: str
) -> Iterator[Goal]:
    for ours, bare, width, bound, meaning in rows:
        one, other = (ours, width), (bare, width)
        if results.has(one, other):
            what = f"`{ours.name}` to `{bare.name}`, {width} in flight: {unit}"
            yield Goal(what, "≥", bound, results.ratio(one, other, "rate"), meaning=meaning)


def latency(results: Results) -> Iterator[Goal]:
    """Yield the goals about the slowest of a hundred requests."""
    for ours, bare, bound, meaning in _LATENCIES:
        one, other = (ours, 64), (bare, 64)
        if results.has(one, other):
            what = f"`{ours.name}` to `{bare.name}`, 64 in flight: p99 latency"
            yield Goal(what, "≤", bound, results.ratio(one, other, "p99"), meaning=meaning)


def connections(counts: dict[Client, int]) -> Iterator[Goal]:
    """Yield the goals about connections that are opened."""
    for client, count in counts.items():
        what = (
            f"`{client.name}`, {CONNECTIONS_WIDTH} in flight: "
            f"connections for {CONNECTIONS_REQUESTS:,} requests"
        )
        meaning = "one for each request in flight, and each is used again"
        yield Goal(what, "≤", CONNECTIONS_WIDTH, Spread.of([count]), meaning=meaning)


def costs(send: Comparison, layers: Spread, imports: Comparison) -> Iterator[Goal]:
    """Yield the goals about CPU time."""
    yield Goal(
        "one awaited send to one of `httpx.AsyncClient`: CPU",
        "≤",
        1.1,
        send.ratio,
        meaning="a handler that sends now and then pays nothing for the library",
    )
    yield Goal(
        "a call without its engine: CPU",
        "≤",
        40,
        layers,
        unit="µs",
        meaning="what checks, retries and results cost of each call",
    )
    yield Goal(
        "`import engagelab_async` to `import httpx, attrs, cattrs, anyio`: CPU",
        "≤",
        1.25,
        imports.ratio,
        meaning="a program starts hardly later",
    )
