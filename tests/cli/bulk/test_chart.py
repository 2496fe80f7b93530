"""The chart of a report."""

import re

import pytest

from engagelab_async.cli.bulk.chart import throughput
from engagelab_async.cli.bulk.ledger import Fate, Timeline


def drawn(timeline: Timeline) -> str:
    """Draw a timeline that has something in it."""
    chart = throughput(timeline)
    assert chart is not None
    return chart


def test_nothing_is_not_drawn() -> None:
    """Nor are rows that were settled before, or are left."""
    timeline = Timeline()
    assert throughput(timeline) is None

    timeline.add(1.0, Fate.EARLIER, 10)
    timeline.add(1.0, Fate.LEFT, 10)
    assert throughput(timeline) is None


def test_columns_are_stacked_and_explained() -> None:
    """A column of three outcomes is as high as they are together, and tells each of them."""
    timeline = Timeline()
    timeline.add(0.0, Fate.ACCEPTED, 6)
    timeline.add(0.0, Fate.REJECTED, 2)
    timeline.add(0.0, Fate.DROPPED, 1)
    timeline.add(0.0, Fate.UNCERTAIN, 1)
    timeline.add(0.15, Fate.EARLIER, 1)

    chart = drawn(timeline)

    assert "<title>0 s: 60/s accepted, 30/s rejected, 10/s uncertain</title>" in chart
    assert "<title>1 s: nothing</title>" in chart
    heights = [float(height) for height in re.findall(r'height="([\d.]+)"', chart)]
    assert heights[0] == pytest.approx(2 * heights[1], rel=0.02)
    assert heights[1] == pytest.approx(3 * heights[2], rel=0.02)
    assert sum(heights) == pytest.approx(230 - 26 - 12, rel=0.02)


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.4, ["0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s"]),
        (60, ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "1 min 00 s"]),
        (7200, ["0 s", "33 min 20 s", "1 h 06 min", "1 h 40 min"]),
    ],
)
def test_times_are_round(seconds: float, labels: list[str]) -> None:
    """However long a run was, a few round times stand below."""
    timeline = Timeline()
    for number in range(1000):
        timeline.add(seconds * number / 1000, Fate.ACCEPTED, 1)

    chart = drawn(timeline)

    found = re.findall(r'y="224" text-anchor="\w+">(.*?)<', chart)
    assert labels[:4] == found[:4]
    assert chart.count("<rect") <= 3 * 120
