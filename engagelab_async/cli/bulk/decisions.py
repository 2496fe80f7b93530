"""What stands between a list and its sending: bad rows, an old journal, files in the way.

Each is a decision of the person at the terminal. Where nobody can be asked, nothing is sent unless
an option has decided it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from engagelab_async.bulk.identity import identity
from engagelab_async.bulk.journal import JournalSummary, State, count_known, summarise

from . import report_page
from .asking import agreed, can_ask
from .checks import Findings
from .job import Job

_SUFFIXES: Final = ("", "-wal", "-shm", "-journal", "-callbacks")


class DecisionError(Exception):
    """It was decided, by somebody or for want of somebody, to send nothing.

    Attributes:
        hint: What to do.
        details: What scripts are told besides.
    """

    def __init__(self, text: str, hint: str, details: Mapping[str, Any] | None = None) -> None:
        """Say why."""
        super().__init__(text)
        self.hint = hint
        self.details: Mapping[str, Any] = details or {}


def about_bad_rows(findings: Findings, out: Console, *, skip: bool) -> None:
    """Show what is wrong with a list, and decide whether the rest is sent.

    Raises:
        DecisionError: It is not.
    """
    if not findings.bad:
        return
    show_problems(findings, out)
    if skip and findings.good:
        return
    if findings.good and can_ask() and agreed(f"Send to the other {findings.good:,}?", out):
        return
    raise DecisionError(
        f"{findings.bad:,} of {findings.rows:,} rows cannot be sent",
        "Correct them, or leave them out with --skip-bad.",
        {"problems": problems_for_scripts(findings)},
    )


def show_problems(findings: Findings, out: Console) -> None:
    """Name the first few bad rows, and say how many there are."""
    out.print(Text(f"{findings.bad:,} of {findings.rows:,} rows cannot be sent:", "bold"))
    for problem in findings.problems:
        out.print(f"  line {problem.row.line}: {problem.text}", soft_wrap=True)
    if findings.hidden:
        out.print(f"  and {findings.hidden:,} more")


def problems_for_scripts(findings: Findings) -> list[dict[str, object]]:
    """List the first few bad rows."""
    return [{"line": each.row.line, "problem": each.text} for each in findings.problems]


def about_journal(job: Job, out: Console) -> bool:
    """Decide whether a journal that is there is gone on with.

    Returns:
        Whether this run goes on where an earlier one ended.

    Raises:
        DecisionError: Nothing is sent.
        JournalError: The journal cannot be used.
    """
    path, resume = job.journal, job.options.resume
    if not path.exists():
        if resume:
            raise DecisionError(
                f"--resume: there is no journal {path}",
                "Name the one that the list was begun with: --journal says where it is.",
            )
        return False
    summary = summarise(path)
    if not summary.sent:
        return resume
    if not resume:
        _ask_to_resume(path, summary, out)
    _insist_on_the_same_job(job, summary, out)
    return True


def _ask_to_resume(path: Path, summary: JournalSummary, out: Console) -> None:
    found = ", ".join(f"{count:,} {what}" for what, count in summary.counts if count)
    out.print(f"{path} tells that this list was sent, or begun: {found}.", soft_wrap=True)
    if not (can_ask() and agreed("Go on where it ended?", out)):
        raise DecisionError(
            f"{path} is the journal of an earlier run",
            "Go on where it ended with --resume; or, to send to everybody again, move it away.",
        )


def _insist_on_the_same_job(job: Job, summary: JournalSummary, out: Console) -> None:
    """Keep other requests than the journal's from being sent in their place.

    Another template, or rows that are grouped in another way, make other requests: to the journal
    nobody has been sent anything then.
    """
    known = count_known(job.journal, (identity(each.operation, None) for each in job.requests()))
    lost = summary.total - known.total()
    if lost and (job.grouping.size > 1 or not known):
        raise DecisionError(
            f"{lost:,} of {summary.total:,} requests in {job.journal} are none that this command "
            "would make: people could be sent to twice",
            "Use the same list and options as before; a list of other people needs another "
            "--journal.",
        )
    settled = known[State.ACCEPTED] + known[State.REFUSED]
    out.print(
        f"Going on: {settled:,} requests are settled already"
        + (f"; {lost:,} that are settled are no longer in the list" if lost else ""),
        soft_wrap=True,
    )


def about_files(job: Job, *, resumed: bool) -> None:
    """Look whether what is to be written would destroy something.

    Raises:
        DecisionError: It would.
    """
    options, journal = job.options, job.journal.resolve()
    # SQLite keeps files of its own beside a journal.
    beside = (journal.with_name(f"{journal.name}{suffix}") for suffix in _SUFFIXES)
    taken = [Path(job.file), *beside]
    for option, path in (
        ("--failed", options.failed),
        ("--uncertain", options.uncertain),
        ("--report", options.report),
    ):
        if path is None:
            continue
        if not path.parent.is_dir():
            raise DecisionError(f"{option}: there is no directory {path.parent}", "Make it first.")
        if any(_is_same(path, each) for each in taken):
            raise DecisionError(f"{option}: {path} is used already", "Name another file.")
        taken.append(path)
        # Rows are added to what an earlier run wrote, and its report is replaced.
        may_be_there = resumed and (option != "--report" or report_page.is_report(path))
        if path.exists() and not may_be_there:
            raise DecisionError(
                f"{option}: {path} is there already", "Name another file, or move that away."
            )


def _is_same(path: Path, other: Path) -> bool:
    """Return whether two names are, or would be, those of one file."""
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.parent.resolve() / path.name == other.parent.resolve() / other.name
