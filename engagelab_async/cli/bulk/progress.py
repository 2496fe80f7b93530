"""The progress of a run: two lines that change on a terminal, or a line now and then in a log.

::

    ━━━━━━━━━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━  62 %  6,210 of 10,000  512/s  8 s left
    accepted 6,100  rejected 98  uncertain 2  repeats 12  in flight 64
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import anyio
from attrs import define, field, frozen
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from engagelab_async import BulkReport
from engagelab_async.cli.output import ignore_errors
from engagelab_async.cli.printing import duration

from .rows import RowCounts, RowStatus

_FRAME: Final = 0.1  # seconds between two pictures
_LINE: Final = 5.0  # and between two lines of a log
_RECENT: Final = 10.0  # seconds that the rate is taken from

_STYLES: Final = {
    RowStatus.ACCEPTED: "green",
    RowStatus.REJECTED: "red",
    RowStatus.UNCERTAIN: "yellow",
    RowStatus.DROPPED: "red",
    RowStatus.SUPPRESSED: "dim",
    RowStatus.EARLIER: "dim",
    RowStatus.REJECTED_EARLIER: "dim red",
}
_ALWAYS_SHOWN: Final = (RowStatus.ACCEPTED, RowStatus.REJECTED, RowStatus.UNCERTAIN)

Sleep = Callable[[float], Awaitable[object]]


@frozen
class Snapshot:
    """How far a run is."""

    counts: RowCounts
    rate: float
    repeats: int
    in_flight: int

    @property
    def parts(self) -> tuple[str, ...]:
        """How far it is, how fast, and how long it may take."""
        counts = self.counts
        share = counts.done * 100 // counts.total if counts.total else 100
        parts = (f"{share} %", f"{counts.done:,} of {counts.total:,}", f"{self.rate:,.0f}/s")
        if not self.rate:
            return parts
        return (*parts, f"{duration((counts.total - counts.done) / self.rate)} left")

    @property
    def statuses(self) -> Iterator[tuple[str, str]]:
        """What became of how many rows, each with a style."""
        rows = self.counts.rows
        for status, style in _STYLES.items():
            if status in _ALWAYS_SHOWN or rows[status]:
                yield f"{status} {rows[status]:,}", style if rows[status] else ""
        yield f"repeats {self.repeats:,}", ""
        yield f"in flight {self.in_flight}", ""

    @property
    def line(self) -> str:
        """All of it, for a log."""
        return "  ".join([*self.parts, *(text for text, _ in self.statuses)])


@define(eq=False)
class Watch:
    """Takes snapshots of a run."""

    counts: RowCounts
    _samples: deque[tuple[float, int]] = field(factory=lambda: deque([(0.0, 0)]))

    def snapshot(self, report: BulkReport, in_flight: int) -> Snapshot:
        """Return how far the run is; the rate is without what an earlier run had done."""
        now, done = report.elapsed, self.counts.sent
        self._samples.append((now, done))
        while len(self._samples) > 1 and now - self._samples[0][0] > _RECENT:
            self._samples.popleft()
        began, before = self._samples[0]
        rate = (done - before) / (now - began) if now > began else 0.0
        return Snapshot(self.counts, rate, report.repeats, in_flight)


class Display(Progress):
    """A bar, and what became of the rows below it."""

    def __init__(self, out: Console) -> None:
        """Draw on a terminal."""
        self._statuses = Text()  # the base class already asks for it
        # It would replace the standard streams, and not put them back when drawing fails.
        super().__init__(
            BarColumn(None, complete_style="cyan", finished_style="green"),
            TextColumn("{task.description}"),
            console=out,
            auto_refresh=False,
            transient=True,
            expand=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar = self.add_task("")

    def draw(self, snapshot: Snapshot) -> None:
        """Draw the progress."""
        styled = (Text(text, style) for text, style in snapshot.statuses)
        self._statuses = Text("  ").join(styled)
        counts = snapshot.counts
        self.update(
            self._bar,
            description="  ".join(snapshot.parts),
            # Nothing to do is done.
            total=max(counts.total, 1),
            completed=counts.done if counts.total else 1,
            refresh=True,
        )

    def get_renderables(self) -> Iterator[RenderableType]:
        """Return the bar and what is below it."""
        yield from super().get_renderables()
        yield self._statuses


async def show(
    snapshot: Callable[[], Snapshot], out: Console, *, sleep: Sleep = anyio.sleep
) -> None:
    """Show the progress of a run until cancelled; a failure to show it does not end the run."""
    if not out.is_terminal:
        while True:
            await sleep(_LINE)
            with ignore_errors():
                out.print(snapshot().line, soft_wrap=True)
    display = Display(out)
    with ignore_errors():
        display.start()
    try:
        while True:
            with ignore_errors():
                display.draw(snapshot())
            await sleep(_FRAME)
    finally:
        with ignore_errors():
            display.stop()
