"""Every client at every width, and what is promised of our engines beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clients import CLIENTS, OURS, OURS_HTTPX, OVER_TLS
from load import Results, in_turns, turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from clients import Client
    from load import Plan
    from server import Server
    from spread import Spread

WIDTHS: Final = (1, 8, 64, 256, 1000)
"""How many requests are in flight."""

TLS_WIDTHS: Final = (8, 64, 256)
"""The same, over TLS."""

CONNECTIONS_WIDTH: Final = 64
CONNECTIONS_REQUESTS: Final = 5_000


def engines(
    server: Server, plan: Plan, widths: Iterable[int], progress: Callable[[str], None]
) -> Results:
    """Measure all clients that are installed.

    Args:
        server: The address of the server.
        plan: How much each of them sends.
        widths: How many requests they have in flight.
        progress: Called with the turn that begins.
    """
    installed = [client for client in CLIENTS if client.installed]
    cells = [(client, width) for width in widths for client in installed]

    def report(had: int) -> None:
        progress(f"all clients, turn {had + 1} of {plan.turns}")

    return in_turns(server, cells, plan, report)


def over_tls(server: Server, plan: Plan) -> Results:
    """Measure our fastest and our default engine over TLS, with the plain libraries beside them."""
    installed = [client for client in OVER_TLS if client.installed]
    cells = [(client, width) for width in TLS_WIDTHS for client in installed]
    return in_turns(server.with_tls(), cells, plan)


def flatness(server: Server, plan: Plan) -> Spread:
    """Compare our default engine with 256 in flight to itself with 16: requests per second."""
    wide, narrow = (OURS_HTTPX, 256), (OURS_HTTPX, 16)
    return in_turns(server, [wide, narrow], plan).ratio(wide, narrow, "rate")


def connections(server: Server) -> dict[Client, int]:
    """Count the connections that each of our engines opens for many requests."""
    rest = CONNECTIONS_REQUESTS - CONNECTIONS_WIDTH  # after the warm-up
    return {
        client: turn((client, CONNECTIONS_WIDTH), server, requests=rest).connections
        for client in OURS
        if client.installed
    }
