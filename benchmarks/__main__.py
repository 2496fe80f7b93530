"""Measure the library against others: ``python benchmarks [--quick] [--write DIRECTORY]``.

::

    __main__   what is run, and in which order
    server     nginx, or plain_server where there is none, on a core of its own
    clients    who is measured
    load       turns: a client sends for a while, with a number of requests in flight
    engines    all clients at all widths, some over TLS; the connections that our engines open
    single     one awaited send; our layers without an engine
    bulk_runs  fan-out with and without a journal; memory; broadcast
    imports    what the import costs
    spread     what several measurements say together
    goals      what the numbers are meant to be
    page       what is written: the tables, and the `machine` they come from
    chart      the lines

It measures the installed package. A full run takes about eight minutes, a quick one about two. The
machine should do nothing else meanwhile.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from attrs import frozen

import bulk_runs
import goals
from chart import chart
from engines import WIDTHS, connections, engines, flatness, over_tls
from imports import imports
from load import Plan
from page import Report, page, tables
from server import Server, serving
from single import layers, single


def main() -> None:
    """Run everything, print the tables, and write the page where that is asked for."""
    arguments = _arguments()
    with serving() as server:
        report = _measured(server, QUICK if arguments.quick else FULL)
    print(tables(report))
    if arguments.write is not None:
        (arguments.write / "benchmarks.md").write_text(page(report), encoding="utf-8")
        (arguments.write / "benchmarks.svg").write_text(chart(report.results), encoding="utf-8")


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="benchmarks", description="Measure the library against others.")
    parser.add_argument("--quick", action="store_true", help="a first look, in about a minute")
    parser.add_argument(
        "--write", type=Path, metavar="DIRECTORY", help="write benchmarks.md and .svg there"
    )
    return parser.parse_args()


@frozen
class Extent:
    """How much to measure: in full, or quickly."""

    plan: Plan
    widths: tuple[int, ...]
    imports: int
    bulk: bulk_runs.Extent


FULL: Final = Extent(Plan(11, seconds=0.15, patience=8.0), WIDTHS, 15, bulk_runs.FULL)
QUICK: Final = Extent(Plan(5, seconds=0.05, patience=1.0), WIDTHS[:-1], 5, bulk_runs.QUICK)


def _measured(server: Server, extent: Extent) -> Report:
    plan = extent.plan
    _progress("imports")
    imported = imports(rounds=extent.imports)
    _progress("one call")
    alone, sent = layers(rounds=plan.turns), single(server, plan)
    _progress("connections")
    opened, flat = connections(server), flatness(server, plan)
    results = engines(server, plan, extent.widths, _progress)
    _progress("TLS")
    secure = over_tls(server, plan)
    _progress("bulk runs")
    bulk = list(bulk_runs.goals(server, extent.bulk))
    promises = [
        *goals.throughput(results, flat),
        *goals.over_tls(secure),
        *goals.latency(results),
        *goals.connections(opened),
        *goals.costs(sent, alone, imported),
        *bulk,
    ]
    return Report(server.kind, plan.turns, results, secure, sent, alone, imported, promises)


def _progress(what: str) -> None:
    print(f"measuring: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
