"""A run while it runs."""

import io

import pytest
from rich.console import Console

from engagelab_async import Accepted, BulkReport, Plan, SendSMS, Skipped
from engagelab_async.bulk import Outcome
from engagelab_async.bulk.report import Tally
from engagelab_async.cli.bulk.ledger import Ledger
from engagelab_async.cli.bulk.progress import Watch, duration, latency, line, picture, show

OPERATION = SendSMS("+6591234567", "7")
ACCEPTED: Outcome[object] = Accepted(OPERATION, Plan("1", 1, 1), index=0, attempts=1)


class ARun:
    """A run at some moment."""

    in_flight = 4

    def __init__(self) -> None:
        """Begin."""
        self.elapsed = 0.0

    @property
    def report(self) -> BulkReport:
        """What it did so far."""
        tally = Tally(repeats=3)
        return tally.report(elapsed=self.elapsed, stopped=None)


class EnoughError(Exception):
    """The test has seen enough."""


def watch_of(total: int) -> tuple[Watch, ARun]:
    """Watch a run of some rows."""
    run = ARun()
    return Watch(run, Ledger(total)), run


def test_a_line_tells_everything() -> None:
    """How far, how fast, how long still, and what became of how many."""
    watch, run = watch_of(1000)
    for _ in range(250):
        watch.ledger.add(ACCEPTED, 1, at=0.0)
    run.elapsed = 5.0

    assert (
        "25 %  250 of 1,000  50/s  15 s left  "
        "accepted 250  rejected 0  uncertain 0  repeats 3  in flight 4"
    ) == line(watch.progress())


def test_the_rate_is_that_of_late() -> None:
    """What was fast minutes ago does not count, nor does what an earlier run had done."""
    watch, run = watch_of(1000)
    watch.ledger.add(ACCEPTED, 500, at=0.0)
    run.elapsed = 1.0
    assert 500 == watch.progress().rate

    watch.ledger.add(Skipped(OPERATION, "settled", index=0), 100, at=0.0)
    run.elapsed = 100.0
    assert 0 == watch.progress().rate

    watch.ledger.add(ACCEPTED, 50, at=0.0)
    run.elapsed = 105.0
    assert 10 == watch.progress().rate
    assert "earlier 100" in line(watch.progress())


def test_nothing_to_do_is_done() -> None:
    """An empty list is no division by zero."""
    watch, _ = watch_of(0)

    assert "100 %  0 of 0  0/s  accepted 0" in line(watch.progress())


def test_a_picture_fits_a_terminal() -> None:
    """Two lines of 80 columns."""
    watch, run = watch_of(1_000_000)
    watch.ledger.add(ACCEPTED, 250_000, at=0.0)
    run.elapsed = 10.0
    console = Console(file=io.StringIO(), width=80)

    with console.capture() as captured:
        console.print(picture(watch.progress()))

    assert 2 == len(captured.get().splitlines())
    assert "250,000 of 1,000,000  25,000/s  30 s left" in captured.get()


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
    watch, _ = watch_of(10)

    with console.capture() as captured, pytest.raises(EnoughError):
        await show(watch, console, sleep=nap)

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
