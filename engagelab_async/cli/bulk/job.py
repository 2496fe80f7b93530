"""A job: a list and what is to be done with it, as the options say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from attrs import frozen
from cyclopts import Group, Parameter

from engagelab_async import Operation, Rate, RetryPolicy
from engagelab_async.cli import inputs
from engagelab_async.cli.options import MESSAGE, OUTPUT, SENDING

from .checks import Checker, Columns, Findings, Item, sendable
from .requests import Grouping, Request
from .rows import Sheet
from .source import STDIN

_SAFETY: Final = Group("Nobody twice", sort_key=3)

File: TypeAlias = Annotated[
    str,
    Parameter(
        help="CSV with a header, or JSON lines; UTF-8, gzipped or not; - is standard input.",
        allow_leading_hyphen=True,
    ),
]


@Parameter(name="*")
@frozen(kw_only=True)
class Options:
    """What the bulk commands have in common."""

    template: Annotated[str, Parameter(help="Id of the template.", group=MESSAGE)]
    to_column: Annotated[str, Parameter(help="The column of the recipients.", group=MESSAGE)] = (
        "phone"
    )
    param: Annotated[
        tuple[str, ...],
        Parameter(
            help="name=column: which column fills a variable of the template; may be repeated.",
            group=MESSAGE,
            show_default=False,
        ),
    ] = ()
    rate: Annotated[
        float | None, Parameter(help="How many requests a second at most.", group=SENDING)
    ] = None
    max_in_flight: Annotated[
        int, Parameter(help="How many requests may be under way at once.", group=SENDING)
    ] = 64
    skip_bad: Annotated[
        bool,
        Parameter(
            help="Leave out the rows that cannot be sent, instead of stopping.",
            group=SENDING,
            show_default=False,
        ),
    ] = False
    dry_run: Annotated[
        bool,
        Parameter(
            help="Send nothing: check the list, and show what it would cost.",
            group=SENDING,
            show_default=False,
        ),
    ] = False
    template_text: Annotated[
        str | None,
        Parameter(
            help="The template's text for --dry-run, or @FILE to read it from one; left out, it "
            "is asked of the API.",
            group=SENDING,
        ),
    ] = None
    journal: Annotated[
        Path | None,
        Parameter(
            help="The file that keeps anybody from being sent to twice; left out, it stands "
            "beside the list: FILE.journal.db",
            group=_SAFETY,
        ),
    ] = None
    resume: Annotated[
        bool,
        Parameter(
            help="Go on where the journal's last run ended.", group=_SAFETY, show_default=False
        ),
    ] = False
    resend_uncertain: Annotated[
        bool,
        Parameter(
            help="Send again what an earlier run may have sent: it can reach people twice.",
            group=_SAFETY,
            show_default=False,
        ),
    ] = False
    no_reference: Annotated[
        bool,
        Parameter(
            help="Put nothing into the custom_args of an SMS; callbacks cannot settle what is "
            "uncertain then.",
            group=_SAFETY,
            show_default=False,
        ),
    ] = False
    failed: Annotated[
        Path | None,
        Parameter(
            help="Where to write the rows that were refused, to be corrected and sent again.",
            group=OUTPUT,
        ),
    ] = None
    uncertain: Annotated[
        Path | None,
        Parameter(help="Where to write the rows that may have been sent.", group=OUTPUT),
    ] = None
    report: Annotated[
        Path | None,
        Parameter(
            help="Where to write a report, as one HTML page; with --resume it takes the place of "
            "an earlier one.",
            group=OUTPUT,
        ),
    ] = None

    def insist_on_sense(self) -> None:
        """Look at what no other part looks at before it is too late.

        Raises:
            ValueError: An option can never be right.
        """
        self.pace()
        if self.max_in_flight < 1:
            raise ValueError("--max-in-flight: must be at least 1")
        if self.template_text is not None and not self.dry_run:
            raise ValueError("--template-text: goes with --dry-run")

    def columns(self) -> Columns:
        """Tell which column holds what.

        Raises:
            ValueError: An option can never be right.
        """
        return Columns(self.to_column, inputs.params(self.param))

    def pace(self) -> Rate | None:
        """Tell how fast it may go.

        Raises:
            ValueError: An option can never be right.
        """
        return None if self.rate is None else Rate(self.rate)


@frozen
class Job:
    """A list that was checked, and all that sending it needs.

    Attributes:
        file: The list as it was named.
        options: What was asked for.
        sheet: The list.
        checker: Makes items of its rows.
        findings: What is in it.
        grouping: Makes requests of items.
        policy: When to repeat a request.
    """

    file: str
    options: Options
    sheet: Sheet
    checker: Checker
    findings: Findings
    grouping: Grouping
    policy: RetryPolicy

    @property
    def journal(self) -> Path:
        """The journal's file.

        Raises:
            ValueError: Standard input has no place to stand beside.
        """
        if self.options.journal is not None:
            return self.options.journal
        if self.file == STDIN:
            raise ValueError("--journal: say where to keep it; standard input has no place")
        return Path(f"{self.file}.journal.db")

    def items(self) -> Iterator[Item]:
        """Read what can be sent."""
        return sendable(self.sheet, self.checker, self.findings)

    def requests(self) -> Iterator[Request]:
        """Make the requests of it."""
        return self.grouping.requests(self.items())

    @property
    def sample(self) -> Operation[object]:
        """An operation such as the job's, for its name."""
        return self.grouping.make(("+6591234567",), dict.fromkeys(self.checker.columns.params, "x"))
