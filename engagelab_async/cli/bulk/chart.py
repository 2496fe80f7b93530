"""Rows a second over time, drawn as SVG: a column for each stretch of time, stacked by outcome."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from .ledger import Fate, Timeline
from .progress import duration

SERIES: Final[Mapping[str, tuple[Fate, ...]]] = {
    "accepted": (Fate.ACCEPTED,),
    "rejected": (Fate.REJECTED, Fate.DROPPED),
    "uncertain": (Fate.UNCERTAIN,),
}
"""What is drawn, from the bottom up."""

_WIDTH: Final = 900
_HEIGHT: Final = 230
_LEFT: Final = 52
_TOP: Final = 12
_BOTTOM: Final = 26
_COLUMNS: Final = 120
_STEPS: Final = 4


def throughput(timeline: Timeline) -> str | None:
    """Draw a timeline; one of nothing is not drawn."""
    drawn = _Chart(timeline)
    if not drawn.highest:
        return None
    body = "".join([*drawn.grid(), *drawn.columns(), *drawn.times()])
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Rows a second over time">'
        f"{body}</svg>"
    )


class _Chart:
    def __init__(self, timeline: Timeline) -> None:
        drawn = Timeline(timeline.width, list(timeline.columns))
        while len(drawn.columns) > _COLUMNS:
            drawn.coarsen()
        self._seconds = drawn.width
        self._columns = [_by_series(column, drawn.width) for column in drawn.columns]
        self.highest = max((sum(column.values()) for column in self._columns), default=0.0)
        self._step = _round_step(self.highest / _STEPS)
        self._top = self._step * math.ceil(self.highest / self._step) if self.highest else 1.0
        self._pitch = (_WIDTH - _LEFT) / max(1, len(self._columns))

    def _y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - value / self._top * (_HEIGHT - _BOTTOM - _TOP)

    def grid(self) -> Iterator[str]:
        for number in range(round(self._top / self._step) + 1):
            value = number * self._step
            y = self._y(value)
            yield f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield (f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,.10g}</text>')

    def columns(self) -> Iterator[str]:
        width = max(1.0, self._pitch - 1.5)
        for number, column in enumerate(self._columns):
            x = _LEFT + number * self._pitch
            yield f"<g><title>{self._caption(number, column)}</title>"
            below = 0.0
            for name, value in column.items():
                y, height = self._y(below + value), self._y(below) - self._y(below + value)
                yield (
                    f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                    f'height="{height:.1f}"/>'
                )
                below += value
            yield "</g>"

    def _caption(self, number: int, column: dict[str, float]) -> str:
        counts = ", ".join(f"{value:,.0f}/s {name}" for name, value in column.items() if value)
        return f"{duration(number * self._seconds)}: {counts or 'nothing'}"

    def times(self) -> Iterator[str]:
        total = len(self._columns) * self._seconds
        step = _round_step(total / 6)
        for number in range(int(total / step) + 1):
            at = number * step
            x = _LEFT + at / total * (_WIDTH - _LEFT)
            anchor = "start" if not number else "end" if x > _WIDTH - 30 else "middle"
            label = f"{at:.2g} s" if step < 1 else duration(at)
            yield f'<text x="{x:.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{label}</text>'


def _by_series(column: Counter[Fate], seconds: float) -> dict[str, float]:
    return {name: sum(column[fate] for fate in fates) / seconds for name, fates in SERIES.items()}


def _round_step(least: float) -> float:
    """Give the next number above that people count in: 1, 2 or 5, and so many zeros."""
    if least <= 0:
        return 1.0
    magnitude: float = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= least * 0.999)
