"""A job, sent: operations in, rows with their fates out, until the end or a signal."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
from attrs import define, field, frozen
from rich.console import Console
from rich.text import Text

from engagelab_async import BulkReport, EngageLab
from engagelab_async.bulk import FanOut, JournalError
from engagelab_async.bulk.outcomes import AnyOutcome
from engagelab_async.cli.output import ignore_errors

from . import progress
from .checks import unsendable
from .failed_rows import Writer, writing
from .interrupts import Interrupts
from .job import Job
from .ledger import Fate, Ledger
from .requests import UnderWay
from .source import SourceError


class UnwritableError(Exception):
    """A file for rows cannot be written, or not with these rows, so that nothing was sent."""


@frozen
class Ended:
    """What a run did.

    Attributes:
        job: What was to be done.
        ledger: What became of the rows.
        report: The run in requests.
        began: When it began.
        interrupted: Whether Ctrl-C, SIGTERM or SIGHUP ended it.
        failure: What else ended it, or ``None``.
    """

    job: Job
    ledger: Ledger
    report: BulkReport
    began: datetime
    interrupted: bool = False
    failure: str | None = None

    @property
    def stopped(self) -> str | None:
        """Why it ended before the list did, or ``None``."""
        return self.failure or self.report.stopped


async def send(job: Job, engagelab: EngageLab, out: Console, interrupts: Interrupts) -> Ended:
    """Send a list.

    Args:
        job: The list, and what to do with it.
        engagelab: The client.
        out: Where the progress is shown.
        interrupts: What ends the run before the list ends.

    Raises:
        JournalError: The journal cannot be opened; nothing was sent.
        UnwritableError: A file for rows cannot be made; nothing was sent.
    """
    began = datetime.now(UTC)
    with _writers(job) as (failed, uncertain):
        under_way = UnderWay(job.requests())
        run = engagelab.fan_out(
            under_way.operations(),
            max_in_flight=job.options.max_in_flight,
            rate=job.options.pace(),
            journal=job.journal,
            retry=job.policy,
            resend_uncertain=job.options.resend_uncertain,
            split_rejected=job.grouping.size > 1,
            reference=not job.options.no_reference,
        )
        ledger = Ledger(job.findings.good)
        sending = _Sending(run, ledger, under_way, failed, uncertain, out)
        with interrupts.heard(sending.finish, run.abort):
            await sending.bring_to_its_end()
    interrupted = interrupts.reason is not None
    return Ended(job, ledger, run.report, began, interrupted, sending.failure)


@contextmanager
def _writers(job: Job) -> Iterator[tuple[Writer | None, Writer | None]]:
    with ExitStack() as stack:
        failed = _writer(job.options.failed, job, stack)
        uncertain = _writer(job.options.uncertain, job, stack)
        yield failed, uncertain


def _writer(path: Path | None, job: Job, stack: ExitStack) -> Writer | None:
    if path is None:
        return None
    try:
        writer = stack.enter_context(writing(path, job.sheet))
        if path == job.options.failed:
            for problem in unsendable(job.sheet, job.checker, job.findings):
                writer.write(problem.row, "", problem.text)
    except SourceError as error:
        raise UnwritableError(str(error.args[0])) from error
    except (OSError, ValueError) as error:
        raise UnwritableError(f"{path} cannot be written: {_why(error)}") from error
    return writer


def _why(error: OSError | ValueError) -> str:
    """Say why something cannot be written, without quoting what."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


@define(eq=False)
class _Sending:
    """A run on its way.

    Attributes:
        failure: What ended it, other than a signal.
    """

    run: FanOut
    ledger: Ledger
    under_way: UnderWay
    failed: Writer | None
    uncertain: Writer | None
    out: Console
    failure: str | None = None
    _began: float = field(factory=time.monotonic)

    async def bring_to_its_end(self) -> None:
        """Send, until there is no more, or it is enough."""
        async with self.run:
            await self._watched()

    def finish(self, reason: str) -> None:
        """Begin nothing new, and bring what is under way to its end."""
        self.run.stop(reason)
        again = f"{reason} again" if reason != "SIGHUP" else "SIGTERM"
        with ignore_errors():
            self.out.print(
                Text(f"Finishing {self.run.in_flight} requests under way; {again} cuts them off.")
            )

    async def _watched(self) -> None:
        watch = progress.Watch(self.run, self.ledger)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(progress.show, watch, self.out)
            await self._take_all()
            tasks.cancel_scope.cancel()

    async def _take_all(self) -> None:
        try:
            async for outcome in self.run:
                self._take(outcome)
        except (JournalError, SourceError) as error:
            self.failure = str(error.args[0])

    def _take(self, outcome: AnyOutcome) -> None:
        items = self.under_way.pop(outcome.index, outcome.operation)
        found = self.ledger.add(outcome, len(items), time.monotonic() - self._began)
        writer = {
            Fate.REJECTED: self.failed,
            Fate.REJECTED_EARLIER: self.failed,
            Fate.DROPPED: self.failed,
            Fate.UNCERTAIN: self.uncertain,
        }.get(found.fate)
        if writer is None:
            return
        try:
            for item in items:
                writer.write(item.row, found.code, found.reason)
        except (OSError, ValueError) as error:
            self.failure = f"a file of rows cannot be written: {_why(error)}"
            self.run.stop(self.failure)
