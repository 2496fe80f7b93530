"""A run: requests in, rows with their results out, until the end of the list or a signal."""

import time
from collections.abc import Container, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import anyio
from attrs import define, field, frozen
from rich.console import Console, RenderableType
from rich.text import Text

from engagelab_async import BulkReport, EngageLab, Operation, RetryPolicy
from engagelab_async.bulk import FanOut, JournalError
from engagelab_async.bulk.checking import CheckedList
from engagelab_async.bulk.content import ListError
from engagelab_async.bulk.outcomes import AnyOutcome
from engagelab_async.bulk.prices import Prices
from engagelab_async.bulk.row_files import OtherFormatError, RowWriter, row_writer
from engagelab_async.cli.account import Account
from engagelab_async.cli.fleet import Campaign
from engagelab_async.cli.options import Call
from engagelab_async.cli.output import ignore_errors
from engagelab_async.cli.printing import console
from engagelab_async.cli.signals import Interrupts
from engagelab_async.distributed import FleetRun

from . import progress
from .options import Options
from .requests import InFlight, Kind, Request, journal_key
from .rows import REFUSED, RowCounts, RowStatus


@define(eq=False)
class Job:
    """A list that was checked, and all that sending it needs."""

    file: str
    options: Options
    call: Call
    policy: RetryPolicy
    kind: Kind
    sample: Operation[Any]
    checked: CheckedList
    account: Account
    prices: Prices | None
    test_to: str | None
    suppression: Container[str] | None
    campaign: Campaign | None
    out: Console = field(factory=lambda: console(stderr=True))

    def say(self, what: RenderableType, style: str | None = None) -> None:
        """Print to standard error, in lines as long as they are."""
        self.out.print(what, style=style, soft_wrap=True)

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.options.journal_of(self.file)

    @property
    def record(self) -> str:
        """What knows who was sent to: the journal's file, or a campaign."""
        return str(self.journal) if self.campaign is None else f"campaign {self.campaign.name}"

    def fan_out(
        self, operations: Iterable[Operation[Any]], engagelab: EngageLab
    ) -> FanOut | FleetRun:
        """Make the run, on this machine or on several."""
        options = self.options
        shared: dict[str, Any] = {
            "max_in_flight": options.max_in_flight,
            "rate": options.rate,
            "key": journal_key(self.sample),
            "retry": self.policy,
            "resend_uncertain": options.resend_uncertain,
            "split_rejected": self.kind.size > 1,
            "reference": not options.no_reference,
            "suppress": self.suppression,
        }
        if self.campaign is None:
            return engagelab.fan_out(operations, journal=self.journal, **shared)
        shared |= {"via": self.campaign.via, "deadline": self.call.deadline}
        name, timeout = self.campaign.name, self.call.timeout
        return self.campaign.fleet.fan_out(name, cast("Any", operations), timeout=timeout, **shared)

    def requests(self) -> Iterator[Request]:
        """Make the requests."""
        return self.kind.requests(self.checked.items())


@frozen
class Ended:
    """What a run did."""

    job: Job
    counts: RowCounts
    report: BulkReport
    began: datetime
    interrupted: bool = False
    failure: str | None = None

    @property
    def stopped(self) -> str | None:
        """Why it ended before the list did, or ``None``."""
        return self.failure or self.report.stopped


async def send(job: Job, interrupts: Interrupts) -> Ended:
    """Send a list; raise `JournalError` or `ListError` if a file cannot be used."""
    began = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        engagelab = await stack.enter_async_context(job.call.client())
        if job.campaign is not None:
            await stack.enter_async_context(job.campaign.fleet)
        failed = _writer(job.options.failed, job, stack)
        uncertain = _writer(job.options.uncertain, job, stack)
        in_flight = InFlight(job.requests())
        run = job.fan_out(in_flight.operations(), engagelab)
        counts = RowCounts(job.checked.good)
        sending = _Sending(run, counts, in_flight, failed, uncertain, job.out)
        with interrupts.listening(sending.finish, run.abort):
            await sending.complete()
    return Ended(job, counts, run.report, began, interrupts.reason is not None, sending.failure)


def _writer(path: Path | None, job: Job, stack: AsyncExitStack) -> RowWriter | None:
    if path is None:
        return None
    try:
        writer = stack.enter_context(row_writer(path, job.checked.people_list))
        if path == job.options.failed:
            for row in job.checked.bad_rows():
                writer.write(row, "", row.reason)
    except ListError:
        raise
    except OtherFormatError as error:
        raise ListError(
            f"{path} has other columns than this run writes; it may be of another list, or of an "
            "earlier version: name another file, or move it away"
        ) from error
    except (OSError, ValueError) as error:
        raise ListError(f"{path} cannot be written: {_reason(error)}") from error
    return writer


def _reason(error: OSError | ValueError) -> str:
    """Say why something cannot be written, without quoting what."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


@define(eq=False)
class _Sending:
    """A run in progress."""

    run: FanOut | FleetRun
    counts: RowCounts
    in_flight: InFlight
    failed: RowWriter | None
    uncertain: RowWriter | None
    out: Console
    failure: str | None = None
    _began: float = field(factory=time.monotonic)

    async def complete(self) -> None:
        """Send until the end, with the progress shown."""
        watch, run = progress.Watch(self.counts), self.run
        async with self.run, anyio.create_task_group() as tasks:
            tasks.start_soon(
                progress.show, lambda: watch.snapshot(run.report, run.in_flight), self.out
            )
            await self._take_all()
            tasks.cancel_scope.cancel()

    def finish(self, reason: str) -> None:
        """Start nothing new, and complete what is in flight."""
        self.run.stop(reason)
        again = f"{reason} again" if reason != "SIGHUP" else "SIGTERM"
        with ignore_errors():
            self.out.print(
                Text(f"Finishing {self.run.in_flight} requests in flight; {again} cuts them off.")
            )

    async def _take_all(self) -> None:
        try:
            async for outcome in self.run:
                self._take(outcome)
        except (JournalError, ListError) as error:
            self.failure = str(error.args[0])

    def _take(self, outcome: AnyOutcome) -> None:
        items = self.in_flight.pop(outcome.index, outcome.operation)
        result = self.counts.add(outcome, len(items), time.monotonic() - self._began)
        writer = self.failed if result.status in REFUSED else self.uncertain
        if writer is None or result.status not in (*REFUSED, RowStatus.UNCERTAIN):
            return
        try:
            for item in items:
                writer.write(item.row, result.code, result.reason)
        except OSError as error:
            self.failure = f"a file of rows cannot be written: {_reason(error)}"
            self.run.stop(self.failure)
