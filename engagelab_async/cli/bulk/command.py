"""From a command line to an exit code: read the account, check the list, confirm, send, report."""

import logging
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from attrs import frozen
from rich.text import Text

from engagelab_async import ConfigurationError, ConnectError, EngageLab, EngageLabError, Plan
from engagelab_async.bulk.checking import CheckedList, fill
from engagelab_async.bulk.content import ListError
from engagelab_async.bulk.identity import identity
from engagelab_async.bulk.journal import JournalError, State, count_known, summarise
from engagelab_async.bulk.suppression import Suppression
from engagelab_async.cli.account import Account, account_with, read_account
from engagelab_async.cli.calls import logged, run
from engagelab_async.cli.fleet import Campaign
from engagelab_async.cli.hints import hint
from engagelab_async.cli.inputs import typed_line
from engagelab_async.cli.options import Call, message_of, spelled
from engagelab_async.cli.outcome import Action, Exit, Failed, crashed, failed, interrupted, misused
from engagelab_async.cli.output import ignore_errors, masked, print_json, show
from engagelab_async.cli.printing import console
from engagelab_async.cli.signals import Interrupts

from . import preview, summary
from .lists import open_list
from .options import Options
from .preview import Estimate
from .requests import Kind, at_once, journal_key
from .run import Job, send

T = TypeVar("T")

_logger: Final = logging.getLogger("engagelab_async")

_NUMBER: Final = "+6591234567"
_BESIDE_JOURNAL: Final = ("", "-wal", "-shm", "-journal", "-callbacks")
_MOST_JOURNALS: Final = 20
_COMPARED: Final = 1000


@frozen
class Earlier:
    """What earlier runs have sent: by what became of it, and in all if that is known."""

    counts: Mapping[str, int]
    total: int | None = None


class _EndedError(Exception):
    """The command is over, and nothing of the list was sent."""

    def __init__(self, outcome: Failed, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome
        self.details = details or {}


def _declined(text: str, hint: str, details: Mapping[str, Any] | None = None) -> _EndedError:
    return _EndedError(misused(text, hint), details)


def perform(file: str, make_kind: Callable[[], Kind], options: Options, call: Call) -> int:
    """Send to a list, or show what that would cost, and return the exit code."""
    with logged(verbose=call.verbose), ExitStack() as stack:
        try:
            options.validate(file)
            job = _prepare(file, make_kind(), options, call, stack)
            if options.dry_run:
                return _dry_run(job)
            _confirm(job)
        except _EndedError as error:
            ended = error
        except (ConfigurationError, JournalError) as error:
            ended = _declined(message_of(error), hint(error))
        except ValueError as error:  # a ListError, too
            ended = _EndedError(misused(spelled(str(error))))
        except OSError as error:
            ended = _EndedError(misused(f"a file cannot be used: {error.strerror}"))
        else:
            return _carry_out(job)
    show(ended.outcome, as_json=call.json, details=ended.details)
    return ended.outcome.exit_code


def _prepare(file: str, kind: Kind, options: Options, call: Call, stack: ExitStack) -> Job:
    given, prices, policy = options.given_variables(), options.price_list(), call.policy()
    sample = kind.make((_NUMBER,), dict.fromkeys(given.names, "x"))
    test_to = _test_recipient(kind, options)
    if options.country is not None:
        kind.normalize(_NUMBER, options.country)  # which raises if there is no such country
    suppression = None
    if options.suppress is not None:
        suppression = Suppression(options.suppress, country=options.country)
    campaign = None
    if options.fleet is not None and options.campaign is not None:
        if call.sandbox is not None:
            raise ValueError("--sandbox: with --fleet, the workers say where they send")
        campaign = Campaign.of(options.fleet, options.campaign)
    account = _account(sample, options, call)
    people = stack.enter_context(
        open_list(file, encoding=options.encoding, delimiter=options.delimiter)
    )
    to_column = people.require(options.to_column)
    variables = fill(account.variables, account.presets, people, to_column, given)
    choice = (kind.normalize, options.country, options.once_per_person)
    checked = CheckedList(people, to_column, variables, *choice)
    known = (account, prices, test_to, suppression, campaign)
    return Job(file, options, call, policy, kind, sample, checked, *known)


def _test_recipient(kind: Kind, options: Options) -> str | None:
    if options.test_to is None:
        return None
    try:
        return kind.normalize(options.test_to, options.country)
    except ValueError as error:
        raise ValueError(f"--test-to: {error}") from None


def _account(sample: Action, options: Options, call: Call) -> Account:
    product = sample.endpoint.product
    if options.template_text is not None:
        return account_with(options.template_text, product, options.template)

    try:
        account = _ask(call, lambda it: read_account(it, product, options.template, call.policy()))
    except EngageLabError as error:
        # A list can be checked without an account, and without a network.
        if options.dry_run and isinstance(error, ConfigurationError | ConnectError):
            return Account(None, message_of(error))
        raise _EndedError(failed(sample, error)) from None
    if account.is_refused and not options.dry_run:
        raise _declined(
            "--template: it is not approved, so the platform refuses every message",
            "Wait for its review, see `templates wait`; or use another.",
        )
    return account


def _ask(call: Call, ask: Callable[[EngageLab], Awaitable[T]]) -> T:
    async def main() -> T:
        async with call.client() as engagelab:
            return await ask(engagelab)

    return run(main)


def _dry_run(job: Job) -> int:
    estimate = Estimate.of(job)
    is_bad = job.checked.bad and not job.options.skip_bad
    is_missing = job.checked.variables.missing and not job.options.allow_missing
    code = Exit.USAGE if is_bad or is_missing else Exit.DONE
    with ignore_errors():
        if job.call.json:
            print_json(preview.document(job, estimate, code))
        else:
            if job.checked.bad:
                job.say(preview.show_problems(job))
            console().print(preview.shown(job, estimate))
    return code


def _confirm(job: Job) -> None:
    """Check whether a list may be sent, show what is sent, and ask at a terminal."""
    may_ask = not job.options.yes and sys.stdin.isatty() and sys.stderr.isatty()
    _require_variables(job)
    _check_bad_rows(job, may_ask=may_ask)
    earlier = _read_journal(job)
    is_begun = earlier is not None and not job.options.resume
    if earlier is not None and is_begun:
        counts = ", ".join(f"{count:,} {name}" for name, count in earlier.counts.items() if count)
        job.say(f"{job.record} has an earlier run of this list: {counts}.")
        if not may_ask:
            raise _declined(
                f"{job.record} knows an earlier run",
                "Go on where it ended with --resume; or, to send to all again, move it away.",
            )
    left = None if earlier is None else _left(job, earlier)
    _check_files(job, is_resumed=left is not None or job.options.resume)
    if left is None and job.campaign is None:
        _warn_of_copies(job)
    is_over = left == 0 or not job.checked.good
    asks = may_ask and (not is_over or is_begun)
    if asks and not is_over:
        job.out.print(preview.last_look(job, Estimate.of(job), left))
    elif not is_over:
        _warn_of_surprises(job)
    if job.test_to is not None and not is_over:
        _send_test(job, job.test_to)
    if asks:
        job.out.print(Text(f"{_question(job, left)} [y/N] ", "bold"), end="")
        if typed_line().lower() not in ("y", "yes"):
            raise _declined("not confirmed", "Answer y, or use --yes.", _problems(job))


def _require_variables(job: Job) -> None:
    names = job.checked.variables.missing
    if not names or job.options.allow_missing:
        return
    raise _declined(
        f"nothing fills {', '.join(names)}: {preview.missing_hint(job)}",
        f"Add a column of that name; or use --param {names[0]}=COLUMN, --set {names[0]}=VALUE, or "
        "--allow-missing.",
        {"missing_variables": list(names)},
    )


def _check_bad_rows(job: Job, *, may_ask: bool) -> None:
    checked = job.checked
    if not checked.bad:
        return
    job.say(preview.show_problems(job))
    if not checked.good or not (job.options.skip_bad or may_ask):
        raise _declined(
            f"{checked.bad:,} of {checked.rows:,} rows cannot be sent",
            "Correct them, or leave them out with --skip-bad.",
            _problems(job),
        )


def _problems(job: Job) -> Mapping[str, Any]:
    return {"problems": preview.problems(job)} if job.checked.bad else {}


def _read_journal(job: Job) -> Earlier | None:
    """Read what knows of an earlier run; ``None`` if nothing was sent in one."""
    if job.campaign is not None:
        counts = run(job.campaign.counts)
        if job.options.resume and not counts:
            raise _declined(f"--resume: nothing was sent in {job.record}", "Correct its name.")
        # The halves of a divided request are counted beside it.
        total = None if counts.get("divided") else sum(counts.values())
        return Earlier(counts, total) if counts else None
    if job.journal.exists():
        found = summarise(job.journal)
        return Earlier(dict(found.counts), found.total) if found.sent else None
    if job.options.resume:
        raise _declined(
            f"--resume: there is no journal {job.journal}",
            "Name the one that the list was started with: --journal says where it is.",
        )
    return None


def _left(job: Job, found: Earlier) -> int:
    """Return how many requests an earlier run has left."""
    total = 0

    def identities() -> Iterator[str]:
        nonlocal total
        for each in _identities(job):
            total += 1
            yield each

    campaign, counted = job.campaign, identities()
    if campaign is None:
        known = count_known(job.journal, counted)
    else:
        known = run(lambda: campaign.count_known(counted))
    lost = 0 if found.total is None else found.total - known.total()
    # Another template or grouping makes other requests, of which the journal knows none. Another
    # --param or --set may make a few that are the same.
    is_other = found.counts.get("accepted", 0) > 2 * known[State.ACCEPTED]
    if not known or (lost and (job.kind.size > 1 or is_other)):
        which = f"{lost:,} of {found.total:,}" if found.total else "the"
        raise _declined(
            f"{which} requests in {job.record} are none that this command would make: people could "
            "be sent to twice",
            "Use the same list and options as before; a list of other people needs another "
            "--journal.",
        )
    settled = known[State.ACCEPTED] + known[State.REFUSED]
    gone = f"; {lost:,} that are settled are no longer in the list" if lost else ""
    job.say(f"Going on: {settled:,} requests are settled already{gone}")
    uncertain = known[State.UNCERTAIN] + known[State.SENDING]
    return max(0, total - settled - (0 if job.options.resend_uncertain else uncertain))


def _identities(job: Job) -> Iterator[str]:
    key = journal_key(job.sample)
    return (identity(each.operation, key) for each in job.requests())


def _warn_of_copies(job: Job) -> None:
    """Say which other journals beside this one know requests of this list."""
    others = (path for path in job.journal.parent.glob("*.journal.db") if path != job.journal)
    newest = sorted(others, key=lambda path: -path.stat().st_mtime)[:_MOST_JOURNALS]
    first = list(islice(_identities(job), _COMPARED)) if newest else []
    for path in newest:
        try:
            known = count_known(path, first).total()
        except JournalError:
            continue  # another kind of file, or one in use
        if known:
            job.say(
                f"{path} knows {known:,} of the first {len(first):,} requests: is this a copy of a "
                f"list that was sent? Then go on with --journal {path} --resume.",
                "bold yellow",
            )


def _warn_of_surprises(job: Job) -> None:
    """Say in a log what the last look would have shown."""
    variables, repeated = job.checked.variables, job.checked.people_repeated
    if repeated:
        job.say(
            f"{repeated:,} of {job.checked.people:,} people are in several rows with different "
            "variables, and get several messages; see --once-per-person."
        )
    if variables.may_be_empty and variables.names:
        job.say(
            f"The template's text is not known ({job.account.why_unknown}), so every column is "
            f"sent as the variable of its name: {', '.join(variables.names)}."
        )
    if names := preview.unused(job):
        job.say(f"Not used, as the text has no place for it: {', '.join(names)}.")


def _question(job: Job, left: int | None) -> str:
    checked = job.checked
    if left is not None:
        if not job.options.resume:
            return "Go on where it ended?"
        return f"Send the {left:,} {'request' if left == 1 else 'requests'} that are left?"
    if checked.bad:
        return f"Send to the other {checked.good:,}?"
    return f"Send to {checked.people:,} {'person' if checked.people == 1 else 'people'}?"


def _send_test(job: Job, to: str) -> None:
    """Send the text of the first row to another recipient, outside the journal."""
    item = next(job.checked.items())
    operation = at_once(job.kind.make((to,), item.params))
    try:
        result = _ask(job.call, lambda it: it.execute(operation, retry=job.policy))
    except EngageLabError as error:
        raise _EndedError(failed(operation, error)) from None
    if isinstance(result, Plan) and not result.accepted_count:
        raise _declined("--test-to: the platform does not take this number as valid", "Correct it.")
    job.say(f"Sent the text of line {item.row.line} to {masked(to)} first.")


def _check_files(job: Job, *, is_resumed: bool) -> None:
    """Check whether what is to be written would destroy something."""
    options, taken = job.options, [Path(job.file)]
    if job.campaign is None:
        journal = job.journal.resolve()
        taken += (journal.with_name(f"{journal.name}{suffix}") for suffix in _BESIDE_JOURNAL)
    for option in ("--failed", "--uncertain", "--report"):
        path: Path | None = getattr(options, option.removeprefix("--"))
        if path is None:
            continue
        if not path.parent.is_dir():
            raise _declined(f"{option}: there is no directory {path.parent}", "Make it first.")
        if any(_is_same(path, each) for each in taken):
            raise _declined(f"{option}: {path} is used already", "Name another file.")
        taken.append(path)
        # Rows are added to what an earlier run wrote, and its report is replaced.
        may_exist = is_resumed and (option != "--report" or summary.is_report(path))
        if path.exists() and not may_exist:
            raise _declined(
                f"{option}: {path} is there already", "Name another file, or move that away."
            )


def _is_same(path: Path, other: Path) -> bool:
    """Return whether two names are, or would be, those of one file."""
    if path.exists() and other.exists():
        return path.samefile(other)
    return path.parent.resolve() / path.name == other.parent.resolve() / other.name


def _carry_out(job: Job) -> int:
    with Interrupts() as interrupts:
        try:
            ended = run(lambda: send(job, interrupts))
            return summary.report(ended)
        except EngageLabError as error:
            outcome = failed(job.sample, error)
        except ListError as error:
            outcome = misused(str(error))
        except KeyboardInterrupt:
            outcome = interrupted(job.sample, may_have_been_sent=True)
        except Exception as error:
            _logger.debug("unforeseen", exc_info=True)
            outcome = crashed(job.sample, error)
        show(outcome, as_json=job.call.json)
        return outcome.exit_code
