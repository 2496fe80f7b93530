"""The end of a run, told: to people in a few lines, to scripts as JSON, to the shell as a code."""

import shlex
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from engagelab_async import ConfigurationError
from engagelab_async.cli.hints import hint
from engagelab_async.cli.options import COMMAND_LINE
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.output import ignore_errors, print_json
from engagelab_async.cli.printing import console, facts

from .ledger import REFUSED, Fate, Trouble
from .progress import duration, latency
from .sending import Ended

_STYLES: Final = {
    Exit.DONE: ("✓", "bold green"),
    Exit.NOT_SENT: ("✗", "bold red"),
    Exit.USAGE: ("✗", "bold red"),
    Exit.UNCERTAIN: ("?", "bold yellow"),
    Exit.INTERRUPTED: ("✗", "bold red"),
}


def next_command() -> str:
    """Give the command line that goes on where this one ended."""
    arguments = [each for each in COMMAND_LINE.get() if each != "--json"]
    if "--resume" not in arguments:
        # Nothing behind two hyphens is an option.
        end = arguments.index("--") if "--" in arguments else len(arguments)
        arguments.insert(end, "--resume")
    return shlex.join(["engagelab", *arguments])


def exit_code(ended: Ended) -> Exit:
    """Say in a code what became of a run."""
    ledger = ended.ledger
    if _is_misconfigured(ended):
        return Exit.USAGE
    if ended.interrupted and (ledger.left or ledger.rows[Fate.UNCERTAIN]):
        return Exit.INTERRUPTED
    if ledger.rows[Fate.UNCERTAIN]:
        return Exit.UNCERTAIN
    if ledger.left or any(ledger.rows[fate] for fate in REFUSED):
        return Exit.NOT_SENT
    return Exit.DONE


def _is_misconfigured(ended: Ended) -> bool:
    """Tell whether nothing was tried, for want of a key pair."""
    met = [trouble.error for trouble in ended.ledger.troubles.values()]
    return not ended.ledger.sent and any(isinstance(error, ConfigurationError) for error in met)


def tell(ended: Ended, *, as_json: bool) -> Exit:
    """Print what became of a run, and give its exit code."""
    code = exit_code(ended)
    with ignore_errors():
        if as_json:
            print_json(document(ended, code))
        else:
            console().print(_summary(ended, code))
    return code


def document(ended: Ended, code: Exit) -> dict[str, Any]:
    """Make the JSON object of a run."""
    ledger, report, options = ended.ledger, ended.report, ended.job.options
    files = {"failed": options.failed, "uncertain_rows": options.uncertain, "page": options.report}
    result: dict[str, Any] = {
        "rows": ledger.total,
        **{fate.value.replace(" ", "_"): ledger.rows[fate] for fate in Fate},
        "left": ledger.left,
        "bad": ended.job.findings.bad,
        "errors": {code: trouble.rows.total() for code, trouble in ledger.worst_first().items()},
        "requests": report.total,
        "repeats": report.repeats,
        "elapsed": round(report.elapsed, 3),
        "rate": round(report.rate, 3),
        "p50": round(report.p50, 4),
        "p99": round(report.p99, 4),
        "stopped": ended.stopped,
        "interrupted": ended.interrupted,
        "journal": str(ended.job.journal),
        **{name: None if path is None else str(path) for name, path in files.items()},
        "resume": next_command() if ended.ledger.left else None,
    }
    operation = ended.job.sample.endpoint.name
    return {"ok": code is Exit.DONE, "operation": operation, "result": result}


def title(ended: Ended) -> str:
    """Say in one line what became of a run."""
    rows, total = ended.ledger.rows, ended.ledger.total
    if _is_misconfigured(ended):
        return "Nothing was sent"
    if not total:
        return "There is nobody to send to"
    if rows[Fate.ACCEPTED] == total:
        return f"Sent to all {total:,}"
    # Of those whom the platform dropped without a word, the journal knows no more than this.
    if rows[Fate.EARLIER] == total:
        return f"All {total:,} settled earlier"
    uncertain, earlier = rows[Fate.UNCERTAIN], rows[Fate.EARLIER]
    perhaps = f", and perhaps to {uncertain:,} more" if uncertain else ""
    before = f"; {earlier:,} settled earlier" if earlier else ""
    return f"Sent to {rows[Fate.ACCEPTED]:,} of {total:,}{perhaps}{before}"


def counts(ended: Ended) -> dict[str, object]:
    """Say what became of how many rows; a zero is left out."""
    ledger = ended.ledger
    told = {
        "accepted": (ledger.rows[Fate.ACCEPTED], ""),
        "dropped": (ledger.rows[Fate.DROPPED], "the platform takes the numbers for not valid"),
        "rejected": (ledger.rows[Fate.REJECTED], "certainly not sent"),
        "uncertain": (ledger.rows[Fate.UNCERTAIN], "sent or not: look them up in the console"),
        "earlier": (ledger.rows[Fate.EARLIER], "settled by an earlier run"),
        "rejected earlier": (
            ledger.rows[Fate.REJECTED_EARLIER],
            "refused in an earlier run; not tried again",
        ),
        "left": (ledger.left, "not sent; --resume sends them"),
        "bad rows": (ended.job.findings.bad, "left out"),
    }
    return {
        name: f"{count:,}" + (f"  ({what})" if what else "")
        for name, (count, what) in told.items()
        if count
    }


def _summary(ended: Ended, code: Exit) -> Group:
    mark, style = _STYLES[code]
    troubles = ended.ledger.worst_first()
    parts: list[RenderableType] = [Text(f"{mark} {title(ended)}", style), facts(counts(ended))]
    if troubles:
        parts += [Text("Errors", "bold"), facts(dict(map(_trouble, troubles.items())))]
    return Group(*parts, Text("The run", "bold"), facts(_facts(ended)))


def _trouble(named: tuple[str, Trouble]) -> tuple[str, str]:
    name, trouble = named
    return name, f"{trouble.rows.total():,}  {trouble.text}. {hint(trouble.error)}"


def _facts(ended: Ended) -> Mapping[str, object]:
    report, options = ended.report, ended.job.options
    return {
        "ended by": ended.stopped,
        "pace": pace(ended),
        "latency": f"half within {latency(report.p50)}, 99 % within {latency(report.p99)}",
        "journal": ended.job.journal,
        "failed rows": options.failed,
        "uncertain rows": options.uncertain,
        "report": options.report,
        "to go on": next_command() if ended.ledger.left else None,
    }


def pace(ended: Ended) -> str:
    """Say how fast a run was."""
    report = ended.report
    repeats = f", {report.repeats:,} repeats" if report.repeats else ""
    rate = f", {ended.ledger.sent / report.elapsed:,.0f} rows a second" if report.elapsed else ""
    return f"{report.total:,} requests in {duration(report.elapsed)}{rate}{repeats}"
