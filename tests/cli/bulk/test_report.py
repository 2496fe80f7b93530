"""The report of a run, as a page."""

import re
from pathlib import Path

import pytest

from engagelab_async.cli.bulk.rows import LATENCIES, RowStatus, Timeline
from engagelab_async.cli.bulk.summary import Chart, latency_range
from support.command import Engagelab
from support.lists import BLACKLISTED, REFUSED, SMS, UNCERTAIN, WriteList, numbers, rows


def report_of(at_sandbox: Engagelab, *options: str) -> str:
    """Send a list, and read the report."""
    at_sandbox(*SMS, "--report", "report.html", *options)
    return Path("report.html").read_text(encoding="utf-8")


def test_it_is_one_page(at_sandbox: Engagelab, write: WriteList) -> None:
    """It loads nothing, names no recipient, and has every count."""
    write(*rows(*numbers(30), BLACKLISTED, REFUSED, UNCERTAIN, "nobody"))

    page = report_of(at_sandbox, "--skip-bad", "--failed", "f&.csv")

    assert page.lstrip().startswith("<!doctype html>")
    assert not re.search(r"\bsrc=|\bhref=|url\(|@import|<script", page)
    assert not re.search(r"\d{7}|Ada", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL))
    assert "Sent to 30 of 33, and perhaps to 1 more" in page
    assert "f&amp;.csv" in page
    for section in ("What to do", "Rows a second", "Outcomes by code", "Time of a request"):
        assert f"<h2>{section}</h2>" in page
    assert '<b class="accepted">30</b>' in page
    assert '<b class="bad">1</b><span>bad rows left out</span>' in page


def test_of_nothing_it_has_little(at_sandbox: Engagelab, write: WriteList) -> None:
    """Sections without content are omitted."""
    write()

    page = report_of(at_sandbox, "--rate", "5")

    assert ["The run"] == re.findall("<h2>(.*?)</h2>", page)
    assert "64 requests in flight, 5 a second" in page


def test_what_is_named_is_escaped(at_sandbox: Engagelab, write: WriteList) -> None:
    """The name of a file is text, not markup."""
    name = write(*rows(*numbers(1)), name="<b>\u202e.csv")

    at_sandbox(*SMS[:2], name, *SMS[3:], "--report", "report.html")
    page = Path("report.html").read_text(encoding="utf-8")

    assert "&lt;b&gt;\ufffd.csv with template 7, 20" in page
    assert "<b>" not in page


def test_it_fits_a_phone(at_sandbox: Engagelab, write: WriteList) -> None:
    """Nothing that a page of 390 pixels shows is as wide as a table of five columns."""
    write(*rows(*numbers(3), REFUSED))

    page = report_of(at_sandbox)

    assert "@media (max-width: 36rem)" in page
    assert 'content="width=device-width' in page


# ------------------------------------------------------------------------------- the chart


def chart_of(timeline: Timeline) -> Chart:
    """Make the chart of a timeline that has something in it."""
    chart = Chart.of(timeline)
    assert chart is not None
    return chart


def test_nothing_has_no_chart() -> None:
    """Nor do rows that were settled before, or are left."""
    timeline = Timeline()
    assert Chart.of(timeline) is None

    timeline.add(1.0, RowStatus.EARLIER, 10)
    timeline.add(1.0, RowStatus.LEFT, 10)
    assert Chart.of(timeline) is None


def test_columns_are_explained() -> None:
    """Each has the rows per second of its statuses."""
    timeline = Timeline()
    for at, status, count in (
        (0.0, RowStatus.ACCEPTED, 6),
        (0.0, RowStatus.REJECTED, 2),
        (0.0, RowStatus.DROPPED, 1),
        (0.0, RowStatus.UNCERTAIN, 1),
        (0.15, RowStatus.EARLIER, 1),
    ):
        timeline.add(at, status, count)

    chart = chart_of(timeline)

    assert ["0 s: 60/s accepted, 30/s rejected, 10/s uncertain", "1 s: nothing"] == [
        caption for caption, _ in chart.columns
    ]
    assert {"accepted": 60, "rejected": 30, "uncertain": 10} == pytest.approx(chart.columns[0][1])
    assert (0.0, 100.0) == (chart.steps[0], chart.steps[-1])


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (0.4, ["0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s"]),
        (60, ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "1 min 00 s"]),
        (7200, ["0 s", "33 min 20 s", "1 h 06 min", "1 h 40 min"]),
    ],
)
def test_times_are_round(seconds: float, labels: list[str]) -> None:
    """However long a run was, a few round times are below, and few columns."""
    timeline = Timeline()
    for number in range(1000):
        timeline.add(seconds * number / 1000, RowStatus.ACCEPTED, 1)

    chart = chart_of(timeline)

    assert labels[:4] == [label for _, label in chart.times][:4]
    assert len(chart.columns) <= 120


def test_a_chart_is_drawn(at_sandbox: Engagelab, write: WriteList) -> None:
    """As high as its columns are together, whatever their number."""
    write(*rows(*numbers(5)))

    page = report_of(at_sandbox)

    heights = [float(each) for each in re.findall(r'height="([\d.]+)"/>', page)]
    assert 0 < max(heights) <= 192
    assert 'aria-label="Rows a second over time"' in page


def test_latencies_are_in_ranges() -> None:
    """The first has no beginning, and the last no end."""
    assert ["up to 20 ms", "20 ms to 50 ms", "over 10 s"] == [
        latency_range(index) for index in (0, 1, len(LATENCIES))
    ]
