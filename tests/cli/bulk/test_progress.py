"""A run while it runs."""

import io
import re

import pytest
from rich.console import Console

from engagelab_async import Accepted, Plan, SendSMS, Skipped
from engagelab_async.bulk import Outcome
from engagelab_async.bulk.report import Tally
from engagelab_async.cli.bulk.progress import Display, Snapshot, Watch, show
from engagelab_async.cli.bulk.rows import RowCounts
from engagelab_async.cli.printing import duration, latency

OPERATION = SendSMS("+6591234567", "7")
ACCEPTED: Outcome[object] = Accepted(OPERATION, Plan("1", 1, 1), index=0, attempts=1)


class EnoughError(Exception):
    """The test has seen enough."""


def snapshot_of(watch: Watch, elapsed: float) -> Snapshot:
    """Take a snapshot some seconds after the beginning."""
    return watch.snapshot(Tally(repeats=3).report(elapsed=elapsed, stopped=None), 4)


def test_a_line_has_everything() -> None:
    """How far, how fast, how long still, and what became of how many."""
    watch = Watch(RowCounts(1000))
    for _ in range(250):
        watch.counts.add(ACCEPTED, 1, at=0.0)

    assert (
        "25 %  250 of 1,000  50/s  15 s left  "
        "accepted 250  rejected 0  uncertain 0  repeats 3  in flight 4"
    ) == snapshot_of(watch, 5.0).line


def test_the_rate_is_that_of_late() -> None:
    """What was fast minutes ago does not count, nor does what an earlier run had done."""
    watch = Watch(RowCounts(1000))
    watch.counts.add(ACCEPTED, 500, at=0.0)
    assert 500 == snapshot_of(watch, 1.0).rate

    watch.counts.add(Skipped(OPERATION, "settled", index=0), 100, at=0.0)
    assert 0 == snapshot_of(watch, 100.0).rate

    watch.counts.add(ACCEPTED, 50, at=0.0)
    snapshot = snapshot_of(watch, 105.0)
    assert 10 == snapshot.rate
    assert "earlier 100" in snapshot.line


def test_nothing_to_do_is_done() -> None:
    """An empty list is no division by zero."""
    assert "100 %  0 of 0  0/s  accepted 0" in snapshot_of(Watch(RowCounts(0)), 0.0).line


def test_a_picture_fits_a_terminal() -> None:
    """Two lines of 80 columns."""
    watch = Watch(RowCounts(1_000_000))
    watch.counts.add(ACCEPTED, 250_000, at=0.0)
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="truecolor")
    display = Display(console)

    with console.capture() as captured:
        display.draw(snapshot_of(watch, 10.0))
        console.print(*display.get_renderables(), sep="")

    drawn = captured.get()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn)
    assert "25 %  250,000 of 1,000,000  25,000/s  30 s left" in plain
    assert 2 == len(plain.splitlines())
    # Red is for what went wrong.
    assert not re.search(r"\x1b\[(38;2;249;38;114|31)m", drawn)


@pytest.mark.asyncio
@pytest.mark.parametrize(("is_terminal", "every"), [(True, 0.1), (False, 5.0)])
async def test_it_is_shown_again_and_again(is_terminal: bool, every: float) -> None:
    """On a terminal a picture that changes, elsewhere a line now and then."""
    naps = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            raise EnoughError

    console = Console(file=io.StringIO(), width=80, force_terminal=is_terminal)
    watch = Watch(RowCounts(10))

    with console.capture() as captured, pytest.raises(EnoughError):
        await show(lambda: snapshot_of(watch, 0.0), console, sleep=nap)

    assert [every] * 3 == naps
    assert captured.get().count("0 of 10") >= 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59.5, "1 min 00 s"), (125, "2 min 05 s"), (3780, "1 h 03 min")],
)
def test_durations(seconds: float, text: str) -> None:
    """In the two units that matter, rounded up."""
    assert text == duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0123, "12 ms"), (1.5, "1.5 s"), (12.34, "12.3 s")]
)
def test_latencies(seconds: float, text: str) -> None:
    """In milliseconds below a second."""
    assert text == latency(seconds)
