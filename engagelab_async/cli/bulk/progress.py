"""A run while it runs: two lines that keep changing on a terminal, or now and then a line in a log.

::

    ━━━━━━━━━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━  62 %  6,210 of 10,000  512/s  8 s left
    accepted 6,100  rejected 98  uncertain 2  repeats 12  in flight 64
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import anyio
from attrs import define, field, frozen
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engagelab_async import BulkReport
from engagelab_async.cli.output import ignore_errors

from .ledger import Fate, Ledger

_FRAME: Final = 0.1  # seconds between two pictures
_LINE: Final = 5.0  # and between two lines of a log
_RECENT: Final = 10.0  # seconds that the rate is taken from

_STYLES: Final = {
    Fate.ACCEPTED: "green",
    Fate.REJECTED: "red",
    Fate.UNCERTAIN: "yellow",
    Fate.DROPPED: "red",
    Fate.EARLIER: "dim",
    Fate.REJECTED_EARLIER: "dim red",
}

Sleep = Callable[[float], Awaitable[object]]


class Run(Protocol):
    """What is looked at of a run."""

    @property
    def report(self) -> BulkReport:
        """What it did so far."""
        ...

    @property
    def in_flight(self) -> int:
        """How many requests are under way."""
        ...


@frozen
class Progress:
    """How far a run is.

    Attributes:
        ledger: The rows.
        rate: Rows a second, of late.
        repeats: How many requests were repeats.
        in_flight: How many are under way.
    """

    ledger: Ledger
    rate: float
    repeats: int
    in_flight: int

    @property
    def parts(self) -> list[str]:
        """How far it is, how fast, and how long it may take."""
        ledger = self.ledger
        share = ledger.done * 100 // ledger.total if ledger.total else 100
        parts = [f"{share} %", f"{ledger.done:,} of {ledger.total:,}", f"{self.rate:,.0f}/s"]
        if self.rate:
            parts.append(f"{duration((ledger.total - ledger.done) / self.rate)} left")
        return parts

    @property
    def counts(self) -> list[tuple[str, str]]:
        """What became of how many, each with a style."""
        rows = self.ledger.rows
        always = (Fate.ACCEPTED, Fate.REJECTED, Fate.UNCERTAIN)
        shown = [fate for fate in _STYLES if fate in always or rows[fate]]
        return [
            *((f"{fate} {rows[fate]:,}", _STYLES[fate] if rows[fate] else "") for fate in shown),
            (f"repeats {self.repeats:,}", ""),
            (f"in flight {self.in_flight}", ""),
        ]


@define(eq=False)
class Watch:
    """Takes the progress of a run from time to time.

    Attributes:
        run: The run.
        ledger: Its rows.
    """

    run: Run
    ledger: Ledger
    _samples: deque[tuple[float, int]] = field(factory=lambda: deque([(0.0, 0)]))

    def progress(self) -> Progress:
        """See how far it is."""
        report = self.run.report
        return Progress(self.ledger, self._rate(report.elapsed), report.repeats, self.run.in_flight)

    def _rate(self, now: float) -> float:
        """Count what was done of late, without what an earlier run had done."""
        done = self.ledger.sent
        self._samples.append((now, done))
        while len(self._samples) > 1 and now - self._samples[0][0] > _RECENT:
            self._samples.popleft()
        began, before = self._samples[0]
        return (done - before) / (now - began) if now > began else 0.0


async def show(watch: Watch, out: Console, *, sleep: Sleep = anyio.sleep) -> None:
    """Show the progress of a run until cancelled; a failure to show it does not end the run."""
    if not out.is_terminal:
        while True:
            await sleep(_LINE)
            with ignore_errors():
                out.print(line(watch.progress()), soft_wrap=True)
    # It would replace the standard streams, and not put them back when drawing fails.
    live = Live(
        console=out,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with ignore_errors():
        live.start()
    try:
        while True:
            with ignore_errors():
                live.update(picture(watch.progress()), refresh=True)
            await sleep(_FRAME)
    finally:
        with ignore_errors():
            live.stop()


def line(progress: Progress) -> str:
    """Write the progress down for a log."""
    return "  ".join([*progress.parts, *(text for text, _ in progress.counts)])


def picture(progress: Progress) -> Group:
    """Draw the progress for a terminal."""
    ledger = progress.ledger
    bar = Table.grid(padding=(0, 2), expand=True)
    bar.add_column(ratio=1)
    for _ in progress.parts:
        bar.add_column(no_wrap=True)
    bar.add_row(ProgressBar(total=max(ledger.total, 1), completed=ledger.done), *progress.parts)
    counts = Text("  ").join(Text(text, style) for text, style in progress.counts)
    return Group(bar, counts)


def latency(seconds: float) -> str:
    """Write a short time as people read it.

    Example:
        >>> latency(0.0123), latency(1.5)
        ('12 ms', '1.5 s')
    """
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.3g} s"


def duration(seconds: float) -> str:
    """Write a time as people read it.

    Example:
        >>> duration(8.2), duration(125), duration(3780)
        ('9 s', '2 min 05 s', '1 h 03 min')
    """
    whole = int(-(-seconds // 1))
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{whole} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left:02} min" if hours else f"{minutes} min {rest:02} s"
