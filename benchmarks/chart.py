"""The chart: requests per second over requests in flight, one line for each client.

Both axes are logarithmic. All colors are of medium lightness, and the background is left open, so
that it can be read on light and on dark pages. The drawing is narrow and its letters are large, so
that it can be read on a phone; a number at its end names each line in the list below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from attrs import frozen

import clients

if TYPE_CHECKING:
    from clients import Client
    from load import Results

_WIDTH = 480
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 425, 46, 400
_MARGIN: Final = 14  # between the frame and the first and last points
_NUMBER_X, _NUMBER_HEIGHT = _RIGHT + 36, 16
_LIST_TOP, _ROW = _BOTTOM + 88, 23

_NEUTRAL: Final = "#787d85"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


@frozen
class Style:
    """The style of a line: a color for each library, and a thick line for this one.

    Attributes:
        color: Of the line, its points and its label.
        thick: Whether it stands out.
        dashes: As SVG wants them; empty for a solid line.
    """

    color: str
    thick: bool = False
    dashes: str = ""

    @property
    def width(self) -> float:
        """How thick the line is."""
        return 3.2 if self.thick else 1.6


_STYLES: Final[dict[Client, Style]] = {
    clients.RAW: Style(_NEUTRAL, dashes="2 4"),
    clients.OURS_ASYNCIO: Style("#c2410c", thick=True),
    clients.AIOHTTP: Style("#2d7fd3"),
    clients.OURS_AIOHTTP: Style("#2d7fd3", thick=True),
    clients.OURS_SESSION: Style("#1692a0", thick=True),
    clients.HTTPX: Style("#b08d00"),
    clients.OURS_HTTPX: Style("#b08d00", thick=True),
    clients.HTTPX2: Style("#a965c9"),
    clients.OURS_HTTPX2: Style("#a965c9", thick=True),
    clients.VENDOR: Style("#3f9350", dashes="7 4"),
    clients.TWILIO: Style("#d8506b", dashes="7 4"),
}

Point = tuple[float, float]


@frozen
class _Line:
    client: Client
    style: Style
    points: list[Point]


@frozen
class _Scale:
    """A logarithmic axis: the position of each value between two."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + part * (self.end - self.start)


def chart(results: Results) -> str:
    """Draw the chart as SVG."""
    widths = results.widths()
    rates = [results.spread(cell, "rate").middle for cell in results.turns]
    x = _Scale(widths[0], widths[-1], _LEFT + _MARGIN, _RIGHT)
    y = _Scale(_rounded(min(rates), math.floor), _rounded(max(rates), math.ceil), _BOTTOM, _TOP)
    lines = list(_lines(results, x, y))
    parts = [
        _head(len(lines)),
        "<title>Requests per second over requests in flight</title>",
        *_captions(),
        *_horizontals(y),
        *_verticals(x, widths),
        *(part for line in sorted(lines, key=_on_top) for part in _drawn(line)),
        *_labels(lines),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _head(lines: int) -> str:
    height = _LIST_TOP + _ROW * lines
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'role="img" font-family="{_FONT}" font-size="16" fill="{_NEUTRAL}">'
    )


def _lines(results: Results, x: _Scale, y: _Scale) -> Iterator[_Line]:
    for client, style in _STYLES.items():
        cells = [cell for cell in results.turns if cell[0] is client]
        if cells:
            rates = [results.spread(cell, "rate").middle for cell in cells]
            points = [(x(width), y(rate)) for (_, width), rate in zip(cells, rates, strict=True)]
            yield _Line(client, style, points)


def _on_top(line: _Line) -> bool:
    return line.style.thick


# ------------------------------------------------------------------------------- the axes


def _captions() -> Iterator[str]:
    middle = (_LEFT + _MARGIN + _RIGHT) / 2
    yield _caption(8, 22, "requests per second")
    yield _caption(middle, _BOTTOM + 46, "requests in flight", ' text-anchor="middle"')
    yield _caption(8, _LIST_TOP - 14, "thick: engagelab-async; thin: others")


def _caption(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="600"{more}>{text}</text>'


def _horizontals(y: _Scale) -> Iterator[str]:
    """Draw a line at 1, 2, 3 … 10, 20, 30 …, and write the powers of ten beside theirs."""
    for decade in range(math.floor(math.log10(y.low)), math.ceil(math.log10(y.high)) + 1):
        for value in range(10**decade, 10 ** (decade + 1), 10**decade):
            if y.low <= value <= y.high:
                major = value == 10**decade
                yield _rule(_LEFT, y(value), _RIGHT + _MARGIN, y(value), 0.4 if major else 0.1)
        if y.low <= 10**decade <= y.high:
            at = y(10**decade) + 4.5
            yield f'<text x="{_LEFT - 10}" y="{at:.1f}" text-anchor="end">{10**decade:,}</text>'


def _verticals(x: _Scale, widths: list[int]) -> Iterator[str]:
    for width in widths:
        at = x(width)
        yield _rule(at, _TOP, at, _BOTTOM, 0.12)
        yield f'<text x="{at:.1f}" y="{_BOTTOM + 22}" text-anchor="middle">{width:,}</text>'


def _rounded(value: float, direction: Callable[[float], int]) -> float:
    """Go down or up to a number of one digit."""
    digit: float = 10 ** math.floor(math.log10(value))
    return direction(value / digit) * digit


def _rule(x1: float, y1: float, x2: float, y2: float, opacity: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{_NEUTRAL}" stroke-opacity="{opacity}"/>'
    )


# ------------------------------------------------------------------------------- the lines


def _drawn(line: _Line) -> Iterator[str]:
    style = line.style
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in line.points)
    dashes = f' stroke-dasharray="{style.dashes}"' if style.dashes else ""
    yield (
        f'<polyline points="{path}" fill="none" stroke="{style.color}" '
        f'stroke-width="{style.width}" stroke-linejoin="round"{dashes}/>'
    )
    radius = style.width + 1.2
    for x, y in line.points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{style.color}"/>'


def _labels(lines: list[_Line]) -> Iterator[str]:
    """Number the lines at their ends, from the top, and list their names in that order."""
    ordered = sorted(lines, key=lambda line: line.points[-1][1])
    heights = _apart([line.points[-1][1] for line in ordered])
    for number, (line, label_y) in enumerate(zip(ordered, heights, strict=True), 1):
        x, y = line.points[-1]
        style = line.style
        # Numbers that had to move apart keep a thin line to their own.
        yield (
            f'<path d="M{x + 6:.1f} {y:.1f}L{_NUMBER_X - 14} {label_y:.1f}" fill="none" '
            f'stroke="{style.color}" stroke-opacity="0.55"/>'
        )
        weight = ' font-weight="700"' if style.thick else ""
        row = _LIST_TOP + _ROW * (number - 1) + 8
        for at, height, anchor, text in (
            (_NUMBER_X, label_y + 5.5, "middle", f"{number}"),
            (30, row, "end", f"{number}"),
            (84, row, "start", escape(line.client.name)),
        ):
            yield (
                f'<text x="{at}" y="{height:.1f}" text-anchor="{anchor}" '
                f'fill="{style.color}"{weight}>{text}</text>'
            )
        dashes = f' stroke-dasharray="{style.dashes}"' if style.dashes else ""
        yield (
            f'<line x1="40" y1="{row - 5.5}" x2="74" y2="{row - 5.5}" '
            f'stroke="{style.color}" stroke-width="{style.width}"{dashes}/>'
        )


def _apart(wanted: list[float]) -> list[float]:
    """Move sorted positions as little as it takes to keep a label's height between them."""
    placed = list(wanted)
    # Each pass halves what overlaps; far fewer are needed.
    for _ in range(200):
        for index, (upper, lower) in enumerate(pairwise(placed)):
            overlap = _NUMBER_HEIGHT - (lower - upper)
            if overlap > 0:
                placed[index] -= overlap / 2
                placed[index + 1] += overlap / 2
    return placed
