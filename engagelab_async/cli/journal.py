"""``engagelab journal …``: the content of a journal."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from attrs import asdict
from cyclopts import App, Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from engagelab_async.bulk.journal import JournalError, JournalSummary, summarise

from .options import flag
from .outcome import Exit, misused
from .output import ignore_errors, print_json
from .output import show as show_outcome
from .printing import console, facts

journal: Final[App] = App(name="journal", sort_key=2, help="Show the content of a journal.")

_MEANINGS: Final = {
    "accepted": "the API accepted them; they are not sent again",
    "rejected": "the API refuses them; they are not tried again",
    "uncertain": "perhaps sent: look for them in the console; only --resend-uncertain sends them",
    "not sent": "the next run sends them",
}


@journal.command
def show(
    file: Annotated[Path, Parameter(help="The journal, such as people.csv.journal.db.")],
    /,
    *,
    json: Annotated[bool, flag(help="Print one JSON object.")] = False,
) -> int:
    """Explain a journal: its runs, and the outcomes of the requests. It holds no numbers.

    Example: `engagelab journal show people.csv.journal.db`
    """
    try:
        summary = summarise(file)
    except JournalError as error:
        outcome = misused(str(error), "Name a journal that no run is using.")
        show_outcome(outcome, as_json=json, title="✗ The journal cannot be read")
        return Exit.USAGE
    with ignore_errors():
        if json:
            print_json(_document(summary))
        else:
            console().print(_shown(file, summary))
    return Exit.DONE


def _document(summary: JournalSummary) -> dict[str, Any]:
    counts = {name.replace(" ", "_"): count for name, count in summary.counts}
    result = {
        "runs": [asdict(run) for run in summary.runs],
        **counts,
        "messages": dict(summary.messages),
        "used_at": dict(summary.sites),
    }
    return {"ok": True, "operation": None, "result": result}


def totals(errors: Mapping[str, int], messages: Mapping[str, int]) -> list[RenderableType]:
    """Show how often each error occurred, and each status of a message, if any did."""
    named = {f"code {name}" if name.isdecimal() else name: n for name, n in errors.items()}
    return [
        part
        for title, counts in (("Errors", named), ("Messages, as callbacks reported", messages))
        if counts
        for part in (
            Text(title, "bold"),
            facts({name: f"{count:,}" for name, count in counts.items()}),
        )
    ]


def _shown(file: Path, summary: JournalSummary) -> Group:
    counts = {name: f"{count:,}  ({_MEANINGS[name]})" for name, count in summary.counts if count}
    parts: list[RenderableType] = [
        Text(f"{file}: {summary.total:,} requests", "bold"),
        facts(counts),
    ]
    parts += totals(summary.errors, summary.messages)
    if summary.sites:
        parts += [Text("Used at", "bold"), facts(summary.sites)]
    runs = {
        f"run {run.number}": times(run.started, run.ended, "interrupted") for run in summary.runs
    }
    return Group(*parts, Text("Runs", "bold"), facts(runs))


def times(started: float, ended: float | None, unfinished: str) -> str:
    """Show when a run began, and when it ended."""
    began = datetime.fromtimestamp(started).astimezone()
    if ended is None:
        return f"{began:%Y-%m-%d %H:%M:%S}, {unfinished}"
    return f"{began:%Y-%m-%d %H:%M:%S} to {datetime.fromtimestamp(ended).astimezone():%H:%M:%S}"
