"""The options that the bulk commands share."""

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from attrs import frozen
from cyclopts import Group, Parameter

from engagelab_async import Rate
from engagelab_async.bulk.checking import Variables
from engagelab_async.bulk.lists import BadRow, Row, tidy
from engagelab_async.bulk.prices import Prices, price
from engagelab_async.cli import inputs
from engagelab_async.cli.options import MESSAGE, OUTPUT, SENDING

from .lists import has_place

_LIST: Final = Group("List", sort_key=0)
_PROTECTION: Final = Group("Duplicate protection", sort_key=3)
_MACHINES: Final = Group("Several machines", sort_key=4)

_PARAM: Final = """name=column: the column that fills a variable of the template. Without it, a
column fills the variable of its own name. May be repeated."""
_SET: Final = "name=value: the same value in all rows. May be repeated."
_ALLOW_MISSING: Final = "Send variables that nothing fills as they are written: {{name}}."
_COUNTRY: Final = "Country of numbers without a country code, such as SG."
_TO_COLUMN: Final = "Column of the recipients."
_ONCE_PER_PERSON: Final = "Send only the first row of each recipient."
_SUPPRESS: Final = "File of recipients that must not be sent to, in any of the formats."
_SKIP_BAD: Final = "Leave out the rows that cannot be sent, instead of stopping."
_DRY_RUN: Final = "Send nothing: check the list, and show what it would cost."
_TEMPLATE_TEXT: Final = "Text for --dry-run, or @FILE; by default that of the account's template."
_PRICES: Final = "File of prices by country code: lines such as 65,0.045 or SG,0.045."
_TEST_TO: Final = "Send the first row's text to this recipient first."
_RATE: Final = "How many requests a second at most."
_MAX_IN_FLIGHT: Final = "How many requests are in flight at most."
_JOURNAL: Final = "The file that prevents duplicates; by default FILE.journal.db, beside the list."
_RESEND_UNCERTAIN: Final = "Send again what an earlier run may have sent: people can get it twice."
_NO_REFERENCE: Final = "Add nothing to custom_args; callbacks cannot settle what is uncertain then."
_FLEET: Final = "Send on several machines: what serve() returns, such as bulk_worker:bulk."
_CAMPAIGN: Final = "The campaign's name, with --fleet; it takes the place of the journal."
_FAILED: Final = "File for the rows that were refused, to be corrected and sent again."
_UNCERTAIN: Final = "File for the rows that may have been sent."
_REPORT: Final = "File for a report, as one HTML page; with --resume it replaces an earlier one."

File: TypeAlias = Annotated[
    str,
    Parameter(
        help="CSV with a header, or JSON; gzipped or not; - is standard input.",
        allow_leading_hyphen=True,
    ),
]


def _option(help: str, group: Group, *, show_default: bool = False) -> Any:  # noqa: A002, ANN401 - cyclopts' word; a Parameter
    return Parameter(help=help, group=group, show_default=show_default)


_Path: TypeAlias = Path | None
_Text: TypeAlias = str | None


@Parameter(name="*")
@frozen(kw_only=True)
class Options:
    """What the bulk commands have in common."""

    template: Annotated[str, _option("Id of the template.", MESSAGE)]
    param: Annotated[tuple[str, ...], _option(_PARAM, MESSAGE)] = ()
    set: Annotated[tuple[str, ...], _option(_SET, MESSAGE)] = ()
    allow_missing: Annotated[bool, _option(_ALLOW_MISSING, MESSAGE)] = False
    to_column: Annotated[str, _option(_TO_COLUMN, _LIST, show_default=True)] = "phone"
    country: Annotated[_Text, _option(_COUNTRY, _LIST)] = None
    encoding: Annotated[_Text, _option("Encoding of the list, such as cp1252.", _LIST)] = None
    delimiter: Annotated[_Text, _option("What separates the columns of CSV.", _LIST)] = None
    once_per_person: Annotated[bool, _option(_ONCE_PER_PERSON, _LIST)] = False
    suppress: Annotated[_Path, _option(_SUPPRESS, _LIST)] = None
    skip_bad: Annotated[bool, _option(_SKIP_BAD, _LIST)] = False
    dry_run: Annotated[bool, _option(_DRY_RUN, SENDING)] = False
    template_text: Annotated[_Text, _option(_TEMPLATE_TEXT, SENDING)] = None
    price: Annotated[_Text, _option("Price of one SMS, such as 0.045.", SENDING)] = None
    prices: Annotated[_Path, _option(_PRICES, SENDING)] = None
    test_to: Annotated[_Text, _option(_TEST_TO, SENDING)] = None
    yes: Annotated[bool, _option("Send without asking.", SENDING)] = False
    rate: Annotated[float | None, _option(_RATE, SENDING)] = None
    max_in_flight: Annotated[int, _option(_MAX_IN_FLIGHT, SENDING, show_default=True)] = 64
    journal: Annotated[_Path, _option(_JOURNAL, _PROTECTION)] = None
    resume: Annotated[bool, _option("Continue the journal's last run.", _PROTECTION)] = False
    resend_uncertain: Annotated[bool, _option(_RESEND_UNCERTAIN, _PROTECTION)] = False
    no_reference: Annotated[bool, _option(_NO_REFERENCE, _PROTECTION)] = False
    fleet: Annotated[_Text, _option(_FLEET, _MACHINES)] = None
    campaign: Annotated[_Text, _option(_CAMPAIGN, _MACHINES)] = None
    failed: Annotated[_Path, _option(_FAILED, OUTPUT)] = None
    uncertain: Annotated[_Path, _option(_UNCERTAIN, OUTPUT)] = None
    report: Annotated[_Path, _option(_REPORT, OUTPUT)] = None

    def validate(self, file: str) -> None:
        """Check what can be checked before anything is read; raise ``ValueError``."""
        if self.rate is not None:
            Rate(self.rate)
        if self.max_in_flight < 1:
            raise ValueError("--max-in-flight: must be at least 1")
        if self.template_text is not None and not self.dry_run:
            raise ValueError("--template-text: goes with --dry-run")
        if self.test_to is not None and self.dry_run:
            raise ValueError("--test-to: sends a message, so leave out --dry-run")
        if (self.fleet is None) != (self.campaign is None):
            raise ValueError("--campaign: goes with --fleet, and --fleet with it")
        if self.fleet is not None and self.journal is not None:
            raise ValueError("--journal: with --fleet, the campaign takes its place")
        if not self.dry_run and self.fleet is None:
            self.journal_of(file)

    def given_variables(self) -> Variables:
        """Return what ``--param`` and ``--set`` say."""
        columns, constants = inputs.params(self.param), _constants(self.set)
        if twice := columns.keys() & constants.keys():
            raise ValueError(f"--set: {min(twice)} is given with --param, too")
        return Variables(columns, constants)

    def price_list(self) -> Prices | None:
        """Return the prices, or ``None`` if they are not known."""
        if self.prices is None:
            return None if self.price is None else Prices({"": price(self.price)})
        if self.price is not None:
            raise ValueError("--price: does not go with --prices")
        return Prices.read(self.prices)

    def journal_of(self, file: str) -> Path:
        """Return the journal's file; raise ``ValueError`` if there is no place for it."""
        if self.journal is not None:
            return self.journal
        if not has_place(file):
            raise ValueError("--journal: say where to keep it; standard input has no place")
        return Path(f"{file}.journal.db")


def _constants(pairs: tuple[str, ...]) -> dict[str, str]:
    try:
        given = inputs.params(pairs)
    except ValueError as error:
        raise ValueError(str(error).replace("--param", "--set")) from None
    values = {name: tidy(value) for name, value in given.items()}
    picked = Row(0, values, "", is_csv=False).pick(*values)
    if isinstance(picked, BadRow):
        raise ValueError(f"--set: {picked.reason}")  # noqa: TRY004 - of the option
    return picked
