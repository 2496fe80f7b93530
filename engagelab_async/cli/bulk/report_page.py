"""The end of a run as one HTML page: it loads nothing, and names nobody.

::

    page              head, what became of the rows, what to do       report_page.py
    ├── the chart     rows a second, over time, as SVG                chart.py
    └── the style     light and dark                                  report_style.py
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

from engagelab_async.cli.hints import hint
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.printing import printable

from .chart import SERIES, throughput
from .conclusion import exit_code, next_command, pace, title
from .ledger import LATENCIES, REFUSED, Fate, Ledger, Trouble
from .progress import latency
from .report_style import STYLE
from .sending import Ended

_WORDS: Final = {
    Fate.ACCEPTED: "accepted",
    Fate.DROPPED: "dropped as not valid",
    Fate.REJECTED: "rejected",
    Fate.UNCERTAIN: "uncertain",
    Fate.EARLIER: "settled earlier",
    Fate.REJECTED_EARLIER: "rejected earlier",
    Fate.LEFT: "not sent yet",
}
_MARKS: Final = {
    Exit.DONE: "accepted",
    Exit.UNCERTAIN: "uncertain",
}


_MARK: Final = '<meta name="generator" content="engagelab">'


def is_report(path: Path) -> bool:
    """Tell whether a file is such a page."""
    return path.is_file() and _MARK.encode() in path.read_bytes()


def page(ended: Ended) -> str:
    """Make the page."""
    head = escape(title(ended))
    mark = _MARKS.get(exit_code(ended), "rejected")
    sections = "\n".join(filter(None, _sections(ended)))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
{_MARK}
<title>{head} · engagelab</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<h1><span class="mark {mark}"></span>{head}</h1>
<p class="quiet">{_when_and_what(ended)}</p>
</header>
{sections}
</main>
</body>
</html>
"""


def _text(text: str) -> str:
    """Write a text into the page; none turns around what stands beside it."""
    return escape(printable(text))


def _when_and_what(ended: Ended) -> str:
    job = ended.job
    began = f"{ended.began.astimezone():%Y-%m-%d %H:%M:%S %Z}"
    what = f"{job.sheet.source.name} with template {job.options.template}"
    return f"{_text(what)}, {escape(began)}"


def _sections(ended: Ended) -> Iterable[str]:
    yield _tiles(ended)
    yield _next(ended)
    yield _chart(ended.ledger)
    yield _errors(ended.ledger)
    yield _latencies(ended)
    yield _run(ended)


def _tiles(ended: Ended) -> str:
    ledger = ended.ledger
    counts = [(fate.value, _WORDS[fate], ledger.rows[fate]) for fate in Fate if fate != Fate.LEFT]
    counts += [("left", _WORDS[Fate.LEFT], ledger.left)]
    counts += [("bad", "bad rows left out", ended.job.findings.bad)]
    tiles = "".join(
        f'<div class="tile"><b class="{name}">{count:,}</b><span>{words}</span></div>'
        for name, words, count in counts
        if count or name in ("accepted", "rejected", "uncertain")
    )
    return f'<section class="tiles">{tiles}</section>'


def _next(ended: Ended) -> str:
    """Say what to do, if there is something to do."""
    ledger, options = ended.ledger, ended.job.options
    todo = []
    if ended.stopped:
        todo.append(f"The run was ended before the list was: {_text(ended.stopped)}.")
    if ledger.left:
        todo.append(f"To send the rest: <code>{_text(next_command())}</code>")
    if ledger.rows[Fate.UNCERTAIN]:
        where = f" They are in <code>{_text(str(options.uncertain))}</code>."
        todo.append(
            "Look the uncertain ones up in the console before you send to them again."
            + (where if options.uncertain else "")
        )
    if options.failed and any(ledger.rows[fate] for fate in REFUSED):
        failed = _text(str(options.failed))
        todo.append(f"Correct what was refused in <code>{failed}</code>, and send that.")
    items = "".join(f"<li>{each}</li>" for each in todo)
    return f"<section><h2>What to do</h2><ul>{items}</ul></section>" if todo else ""


def _chart(ledger: Ledger) -> str:
    drawn = throughput(ledger.timeline)
    if drawn is None:
        return ""
    names = "".join(f'<span class="key"><i class="{name}"></i>{name}</span>' for name in SERIES)
    return f"<section><h2>Rows a second</h2>{drawn}<p class='quiet'>{names}</p></section>"


def _errors(ledger: Ledger) -> str:
    troubles = ledger.worst_first()
    if not troubles:
        return ""
    most = max(trouble.rows.total() for trouble in troubles.values())
    rows = "".join(_error(name, trouble, most) for name, trouble in troubles.items())
    return (
        "<section><h2>Outcomes by code</h2><div class='wide'><table><thead><tr><th>Code</th>"
        "<th>What it means</th><th>Became</th><th class='number'>Rows</th><th></th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _error(name: str, trouble: Trouble, most: int) -> str:
    count = trouble.rows.total()
    fate = trouble.rows.most_common(1)[0][0]
    became = ", ".join(_WORDS[each] for each in trouble.rows)
    text = _text(trouble.text)
    return (
        f"<tr><td><code>{escape(name)}</code></td>"
        f'<td>{text}<br><span class="quiet">{escape(hint(trouble.error))}</span></td>'
        f'<td>{escape(became)}</td><td class="number">{count:,}</td>{_bar(count, most, fate)}</tr>'
    )


def _latencies(ended: Ended) -> str:
    counts = ended.ledger.latencies
    if not any(counts):
        return ""
    last = max(index for index, count in enumerate(counts) if count)
    first = min(index for index, count in enumerate(counts) if count)
    most = max(counts)
    rows = "".join(
        f'<tr><td class="range">{_range(index)}</td><td class="number">{counts[index]:,}</td>'
        f"{_bar(counts[index], most, 'latency')}</tr>"
        for index in range(first, last + 1)
    )
    report = ended.report
    return (
        f"<section><h2>Time of a request</h2><p>Half took at most {latency(report.p50)}, and 99 % "
        f"at most {latency(report.p99)}; waits and repeats are included.</p>"
        f"<table class='bars'><tbody>{rows}</tbody></table></section>"
    )


def _range(index: int) -> str:
    if index == 0:
        return f"up to {latency(LATENCIES[0])}"
    if index == len(LATENCIES):
        return f"over {latency(LATENCIES[-1])}"
    return f"{latency(LATENCIES[index - 1])} to {latency(LATENCIES[index])}"


def _bar(count: int, most: int, name: str) -> str:
    width = 100 * count / most
    return f'<td class="bar"><i class="{name}" style="width:{width:.1f}%"></i></td>'


def _run(ended: Ended) -> str:
    options = ended.job.options
    rows = {
        "Pace": pace(ended),
        "At most": f"{options.max_in_flight} requests under way"
        + (f", {options.rate:g} a second" if options.rate else ""),
        "Recipients a request": str(ended.job.grouping.size),
        "Journal": str(ended.job.journal),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in rows.items())
    return f"<section><h2>The run</h2><dl>{listed}</dl></section>"
