"""From a command line to an exit code: open the list, check it, decide, send, tell."""

import logging
import shutil
from contextlib import ExitStack, suppress
from typing import Final, cast

from attrs import frozen
from rich.console import Console

from engagelab_async import EngageLabError
from engagelab_async.bulk.journal import JournalError
from engagelab_async.cli.calls import logged, run
from engagelab_async.cli.hints import hint
from engagelab_async.cli.options import Call, message_of, spelled
from engagelab_async.cli.outcome import Action, Exit, crashed, failed, interrupted, misused
from engagelab_async.cli.output import show
from engagelab_async.cli.printing import console, print_error

from . import conclusion, decisions, dry_run, report_page
from .checks import Checker, Normaliser, check
from .interrupts import Interrupts
from .job import Job, Options
from .private import open_private
from .requests import Grouping, Maker
from .rows import sheet
from .sending import Ended, UnwritableError, send
from .source import Source, SourceError, opened

_logger: Final = logging.getLogger("engagelab_async")


@frozen
class Kind:
    """What is sent to a list.

    Attributes:
        make: Makes a request of recipients and variables.
        normalised: Gives recipients their one spelling.
        targets_per_request: How many recipients a request has.
    """

    make: Maker
    normalised: Normaliser
    targets_per_request: int = 1


def perform(file: str, kind: Kind, options: Options, call: Call) -> int:
    """Send to a list, or see what that would be.

    Args:
        file: The list.
        kind: What is sent.
        options: How.
        call: How each request is made, and how the end is told.

    Returns:
        The exit code.
    """
    out = console(stderr=True)
    with logged(verbose=call.verbose), ExitStack() as stack:
        try:
            job = _job(file, stack.enter_context(opened(file)), kind, options, call)
            if options.dry_run:
                return dry_run.perform(job, call)
            _decide(job, out)
        except decisions.DecisionError as error:
            show(misused(str(error), error.hint), as_json=call.json, details=error.details)
            return Exit.USAGE
        except JournalError as error:
            show(misused(message_of(error), hint(error)), as_json=call.json)
            return Exit.USAGE
        except (SourceError, ValueError) as error:
            show(misused(spelled(str(error))), as_json=call.json)
            return Exit.USAGE
        except OSError as error:
            show(misused(f"a file cannot be used: {error.strerror}"), as_json=call.json)
            return Exit.USAGE
        return _carry_out(job, call, out)


def _job(file: str, source: Source, kind: Kind, options: Options, call: Call) -> Job:
    columns = options.columns()
    checker = Checker(columns, kind.normalised)
    grouping = Grouping(kind.make, kind.targets_per_request)
    found = sheet(source)
    columns.require_in(found)
    job = Job(file, options, found, checker, check(found, checker), grouping, call.policy())
    options.insist_on_sense()
    # Both raise for options that can never be right.
    _ = job.sample, options.dry_run or job.journal
    return job


def _decide(job: Job, out: Console) -> None:
    decisions.about_bad_rows(job.findings, out, skip=job.options.skip_bad)
    resumed = decisions.about_journal(job, out)
    decisions.about_files(job, resumed=resumed)


def _carry_out(job: Job, call: Call, out: Console) -> int:
    action = cast("Action", job.sample)
    with Interrupts() as interrupts:
        try:
            return _told(run(lambda: _send(job, call, out, interrupts)), call)
        except EngageLabError as error:
            outcome = failed(action, error)
        except UnwritableError as error:
            outcome = misused(str(error))
        except KeyboardInterrupt:
            outcome = interrupted(action, may_have_been_sent=True)
        except Exception as error:
            _logger.debug("unforeseen", exc_info=True)
            outcome = crashed(action, error)
        show(outcome, as_json=call.json)
        return outcome.exit_code


async def _send(job: Job, call: Call, out: Console, interrupts: Interrupts) -> Ended:
    async with call.client() as engagelab:
        return await send(job, engagelab, out, interrupts)


def _told(ended: Ended, call: Call) -> int:
    _write_page(ended)
    return conclusion.tell(ended, as_json=call.json)


def _write_page(ended: Ended) -> None:
    path = ended.job.options.report
    if path is None:
        return
    # Made aside: half a report would be in the way of the next run.
    real = path.resolve()
    aside = real.with_name(f".{real.name}.part")
    try:
        with open_private(aside, "w") as file:
            file.write(report_page.page(ended))
        if real.exists():
            shutil.copymode(real, aside)
        aside.replace(real)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        # What was sent stays sent: this is no reason for another exit code.
        print_error(f"{path} cannot be written: {error.strerror}")
