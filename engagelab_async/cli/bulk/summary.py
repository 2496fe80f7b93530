"""The end of a run: a few lines for people, JSON for scripts, an exit code, a page."""

import math
import shlex
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from attrs import frozen
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich.console import Group, RenderableType
from rich.text import Text

from engagelab_async.bulk.row_files import open_private
from engagelab_async.cli.hints import hint
from engagelab_async.cli.options import COMMAND_LINE
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.output import ignore_errors, print_json
from engagelab_async.cli.printing import console, duration, facts, latency, print_error, printable

from .rows import LATENCIES, REFUSED, RowStatus, Timeline
from .run import Ended

_STYLES: Final = {
    Exit.DONE: ("✓", "bold green"),
    Exit.NOT_SENT: ("✗", "bold red"),
    Exit.UNCERTAIN: ("?", "bold yellow"),
    # Nothing is lost: the next run sends the rest.
    Exit.INTERRUPTED: ("✗", "bold"),
}
_SIGN: Final = '<meta name="generator" content="engagelab">'
_SERIES: Final = {
    "accepted": (RowStatus.ACCEPTED,),
    "rejected": (RowStatus.REJECTED, RowStatus.DROPPED),
    "uncertain": (RowStatus.UNCERTAIN,),
}
"""What the chart shows, from the bottom up."""


def next_command() -> str:
    """Return the command line that continues where this one ended."""
    arguments = [each for each in COMMAND_LINE.get() if each != "--json"]
    if "--resume" not in arguments:
        # What follows two hyphens is not an option.
        end = arguments.index("--") if "--" in arguments else len(arguments)
        arguments.insert(end, "--resume")
    return shlex.join(["engagelab", *arguments])


def exit_code(ended: Ended) -> Exit:
    """Return the exit code of a run."""
    counts = ended.counts
    uncertain = counts.rows[RowStatus.UNCERTAIN]
    if ended.interrupted and (counts.left or uncertain):
        return Exit.INTERRUPTED
    if uncertain:
        return Exit.UNCERTAIN
    if counts.left or any(counts.rows[status] for status in REFUSED):
        return Exit.NOT_SENT
    return Exit.DONE


def report(ended: Ended) -> Exit:
    """Report a run, and return its exit code."""
    code = exit_code(ended)
    _write_page(ended, code)
    with ignore_errors():
        if ended.job.call.json:
            print_json(_document(ended, code))
        else:
            _print(ended, code)
    return code


def _document(ended: Ended, code: Exit) -> dict[str, Any]:
    counts, run, options = ended.counts, ended.report, ended.job.options
    files = {"failed": options.failed, "uncertain_rows": options.uncertain, "page": options.report}
    result: dict[str, Any] = {
        "rows": counts.total,
        **{status.replace(" ", "_"): counts.rows[status] for status in RowStatus},
        "left": counts.left,
        "bad": ended.job.checked.bad,
        "left_out": ended.job.checked.repeated,
        "errors": {code: group.rows.total() for code, group in counts.worst_first().items()},
        "requests": counts.requests,
        "repeats": run.repeats,
        "elapsed": round(run.elapsed, 3),
        "rate": round(run.rate, 3),
        "p50": round(run.p50, 4),
        "p99": round(run.p99, 4),
        "stopped": ended.stopped,
        "interrupted": ended.interrupted,
        "journal": ended.job.record,
        **{name: None if path is None else str(path) for name, path in files.items()},
        "resume": next_command() if counts.left else None,
    }
    return {"ok": code is Exit.DONE, "operation": ended.job.sample.endpoint.name, "result": result}


def title(ended: Ended) -> str:
    """Say in one line what became of a run."""
    rows = ended.counts.rows
    total = ended.counts.total - rows[RowStatus.SUPPRESSED]
    if not total:
        return "The list is empty" if not ended.counts.total else "All people are suppressed"
    if rows[RowStatus.ACCEPTED] == total:
        return f"Sent to all {total:,}"
    # The platform may have dropped some of them: the journal does not know.
    if rows[RowStatus.EARLIER] == total:
        return f"All {total:,} settled earlier"
    uncertain, earlier = rows[RowStatus.UNCERTAIN], rows[RowStatus.EARLIER]
    perhaps = f", and perhaps to {uncertain:,} more" if uncertain else ""
    before = f"; {earlier:,} settled earlier" if earlier else ""
    return f"Sent to {rows[RowStatus.ACCEPTED]:,} of {total:,}{perhaps}{before}"


def _print(ended: Ended, code: Exit) -> None:
    out = console()
    mark, style = _STYLES[code]
    errors = {
        name: f"{group.rows.total():,}  {group.text}. {hint(group.error)}"
        for name, group in ended.counts.worst_first().items()
    }
    parts: list[RenderableType] = [Text(f"{mark} {title(ended)}", style), facts(_counts(ended))]
    if errors:
        parts += [Text("Errors", "bold"), facts(errors)]
    out.print(Group(*parts, Text("The run", "bold"), facts(_facts(ended))))
    if ended.counts.left:
        # In one line, however long, so that it can be copied.
        out.print(Text.assemble(("To go on: ", "bold"), next_command()), soft_wrap=True)


def _counts(ended: Ended) -> dict[str, str]:
    """Say how many rows have which status; a zero is omitted."""
    rows, checked = ended.counts.rows, ended.job.checked
    found = {
        "accepted": (rows[RowStatus.ACCEPTED], ""),
        "dropped": (rows[RowStatus.DROPPED], "the platform takes the numbers for not valid"),
        "rejected": (rows[RowStatus.REJECTED], "certainly not sent"),
        "uncertain": (rows[RowStatus.UNCERTAIN], "sent or not: look them up in the console"),
        "suppressed": (rows[RowStatus.SUPPRESSED], "people who must not be sent to"),
        "earlier": (rows[RowStatus.EARLIER], "settled by an earlier run"),
        "rejected earlier": (
            rows[RowStatus.REJECTED_EARLIER],
            "refused in an earlier run; not tried again",
        ),
        "left": (ended.counts.left, "not sent; --resume sends them"),
        "bad rows": (checked.bad, "left out"),
        "left out": (checked.repeated, "people who have an earlier row"),
    }
    texts = {name: f"{n:,}" + (f"  ({what})" if what else "") for name, (n, what) in found.items()}
    return {name: texts[name] for name, (count, _) in found.items() if count}


def _facts(ended: Ended) -> Mapping[str, object]:
    run, options = ended.report, ended.job.options
    timed = f"half within {latency(run.p50)}, 99 % within {latency(run.p99)}"
    return {
        "ended by": ended.stopped,
        "pace": _pace(ended),
        "latency": timed if any(ended.counts.latencies) else None,
        "journal": ended.job.record,
        "failed rows": options.failed,
        "uncertain rows": options.uncertain,
        "report": options.report,
    }


def _pace(ended: Ended) -> str:
    """Say how fast the run was, without what it skipped."""
    counts, run = ended.counts, ended.report
    repeats = f", {run.repeats:,} repeats" if run.repeats else ""
    rate = f", {counts.sent / run.elapsed:,.0f} rows a second" if run.elapsed else ""
    return f"{counts.requests:,} requests in {duration(run.elapsed)}{rate}{repeats}"


def is_report(path: Path) -> bool:
    """Return whether a file is such a page."""
    return path.is_file() and _SIGN.encode() in path.read_bytes()


def _write_page(ended: Ended, code: Exit) -> None:
    path = ended.job.options.report
    if path is None:
        return
    # Half a report would be in the way of the next run, so it is written beside it first.
    real = path.resolve()
    part = real.with_name(f".{real.name}.part")
    try:
        with open_private(part, "w") as file:
            file.write(page(ended, code))
        if real.exists():
            shutil.copymode(real, part)
        part.replace(real)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        # What was sent stays sent: this is no reason for another exit code.
        print_error(f"{path} cannot be written: {error.strerror}")


def page(ended: Ended, code: Exit) -> str:
    """Make the page; it loads nothing, and names no recipient."""
    environment = Environment(
        loader=PackageLoader("engagelab_async.cli.bulk", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # No text turns around what is beside it.
        finalize=lambda value: value if isinstance(value, Markup) else printable(str(value)),
    )
    counts, latencies = ended.counts, ended.counts.latencies
    timed = [index for index, count in enumerate(latencies) if count]
    return environment.get_template("report.html.j2").render(
        title=title(ended),
        mark={Exit.DONE: "accepted", Exit.UNCERTAIN: "uncertain"}.get(code, "rejected"),
        ended=ended,
        counts=counts,
        job=ended.job,
        options=ended.job.options,
        status=RowStatus,
        refused=any(counts.rows[status] for status in REFUSED),
        next_command=next_command() if counts.left else None,
        chart=Chart.of(counts.timeline),
        errors=counts.worst_first(),
        hint=hint,
        ranges=[(latency_range(i), latencies[i]) for i in range(timed[0], timed[-1] + 1)]
        if timed
        else [],
        latency=latency,
        pace=_pace(ended),
    )


def latency_range(index: int) -> str:
    """Name a range of latencies."""
    if index == 0:
        return f"up to {latency(LATENCIES[0])}"
    if index == len(LATENCIES):
        return f"over {latency(LATENCIES[-1])}"
    return f"{latency(LATENCIES[index - 1])} to {latency(LATENCIES[index])}"


_MOST_STEPS, _MOST_TIMES = 4, 6


@frozen
class Chart:
    """Rows per second over time: columns by status with captions, values, and moments as shares."""

    columns: list[tuple[str, Mapping[str, float]]]
    steps: list[float]
    times: list[tuple[float, str]]

    @classmethod
    def of(cls, timeline: Timeline) -> "Chart | None":
        """Make the chart of a timeline; ``None`` if nothing was sent."""
        seconds = timeline.seconds
        rates = [
            {name: sum(map(rows.__getitem__, each)) / seconds for name, each in _SERIES.items()}
            for rows in timeline.intervals
        ]
        highest = max((sum(each.values()) for each in rates), default=0.0)
        if not highest:
            return None
        total = len(rates) * seconds
        step, apart = _round_step(highest / _MOST_STEPS), _round_step(total / _MOST_TIMES)
        moments = [number * apart for number in range(int(total / apart) + 1)]
        return cls(
            [(_caption(number * seconds, each), each) for number, each in enumerate(rates)],
            [number * step for number in range(math.ceil(highest / step) + 1)],
            [(at / total, f"{at:.2g} s" if apart < 1 else duration(at)) for at in moments],
        )


def _caption(at: float, rates: Mapping[str, float]) -> str:
    shown = ", ".join(f"{value:,.0f}/s {name}" for name, value in rates.items() if value)
    return f"{duration(at)}: {shown or 'nothing'}"


def _round_step(least: float) -> float:
    """Return the next number above that people count in: 1, 2 or 5, and so many zeros."""
    magnitude: float = 10.0 ** math.floor(math.log10(least))
    return next(step * magnitude for step in (1, 2, 5, 10) if step * magnitude >= least * 0.999)
