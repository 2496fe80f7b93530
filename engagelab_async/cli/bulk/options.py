"""The options that the bulk commands share."""

from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from attrs import frozen
from cyclopts import Group, Parameter

from engagelab_async import Rate
from engagelab_async.cli import inputs
from engagelab_async.cli.options import MESSAGE, OUTPUT, SENDING

from .lists import STDIN
from .prices import Prices, price
from .requests import Variables

_LIST: Final = Group("List", sort_key=0)
_PROTECTION: Final = Group("Duplicate protection", sort_key=3)

File: TypeAlias = Annotated[
    str,
    Parameter(
        help="CSV with a header, or JSON; gzipped or not; - is standard input.",
        allow_leading_hyphen=True,
    ),
]


def _flag(help: str, group: Group) -> Any:  # noqa: A002, ANN401 - cyclopts' word; a Parameter
    return Parameter(help=help, group=group, show_default=False)


@Parameter(name="*")
@frozen(kw_only=True)
class Options:
    """What the bulk commands have in common."""

    template: Annotated[str, Parameter(help="Id of the template.", group=MESSAGE)]
    param: Annotated[
        tuple[str, ...],
        _flag(
            "name=column: the column that fills a variable of the template. Without it, a column "
            "fills the variable of its own name. May be repeated.",
            MESSAGE,
        ),
    ] = ()
    set: Annotated[
        tuple[str, ...],
        _flag("name=value: the same value in all rows. May be repeated.", MESSAGE),
    ] = ()
    allow_missing: Annotated[
        bool,
        _flag("Send variables that nothing fills as they are written: {{name}}.", MESSAGE),
    ] = False
    to_column: Annotated[str, Parameter(help="The column of the recipients.", group=_LIST)] = (
        "phone"
    )
    country: Annotated[
        str | None,
        Parameter(help="Country of numbers without a country code, such as SG.", group=_LIST),
    ] = None
    encoding: Annotated[
        str | None, Parameter(help="Encoding of the list, such as cp1252.", group=_LIST)
    ] = None
    delimiter: Annotated[
        str | None, Parameter(help="What separates the columns of CSV.", group=_LIST)
    ] = None
    once_per_person: Annotated[bool, _flag("Send only the first row of each recipient.", _LIST)] = (
        False
    )
    suppress: Annotated[
        Path | None,
        Parameter(
            help="File of recipients that must not be sent to, in any of the formats.", group=_LIST
        ),
    ] = None
    skip_bad: Annotated[
        bool, _flag("Leave out the rows that cannot be sent, instead of stopping.", _LIST)
    ] = False
    dry_run: Annotated[
        bool,
        _flag("Send nothing: check the list, and show what it would cost.", SENDING),
    ] = False
    template_text: Annotated[
        str | None,
        Parameter(
            help="The template's text for --dry-run, or @FILE to read it from one; by default it "
            "is read from the account.",
            group=SENDING,
        ),
    ] = None
    price: Annotated[
        str | None, Parameter(help="Price of one SMS unit, such as 0.045.", group=SENDING)
    ] = None
    prices: Annotated[
        Path | None,
        Parameter(
            help="File of prices by country code: lines such as 65,0.045 or SG,0.045.",
            group=SENDING,
        ),
    ] = None
    test_to: Annotated[
        str | None,
        Parameter(help="Send the first row's text to this recipient first.", group=SENDING),
    ] = None
    yes: Annotated[bool, _flag("Send without asking.", SENDING)] = False
    rate: Annotated[
        float | None, Parameter(help="How many requests a second at most.", group=SENDING)
    ] = None
    max_in_flight: Annotated[
        int, Parameter(help="How many requests are in flight at most.", group=SENDING)
    ] = 64
    journal: Annotated[
        Path | None,
        Parameter(
            help="The file that prevents duplicates; by default FILE.journal.db, beside the list.",
            group=_PROTECTION,
        ),
    ] = None
    resume: Annotated[bool, _flag("Continue the journal's last run.", _PROTECTION)] = False
    resend_uncertain: Annotated[
        bool,
        _flag(
            "Send again what an earlier run may have sent: people can get it twice.", _PROTECTION
        ),
    ] = False
    no_reference: Annotated[
        bool,
        _flag(
            "Put nothing into the custom_args of an SMS; callbacks cannot settle what is "
            "uncertain then.",
            _PROTECTION,
        ),
    ] = False
    failed: Annotated[
        Path | None,
        Parameter(
            help="File for the rows that were refused, to be corrected and sent again.",
            group=OUTPUT,
        ),
    ] = None
    uncertain: Annotated[
        Path | None, Parameter(help="File for the rows that may have been sent.", group=OUTPUT)
    ] = None
    report: Annotated[
        Path | None,
        Parameter(
            help="File for a report, as one HTML page; with --resume it replaces an earlier one.",
            group=OUTPUT,
        ),
    ] = None

    def validate(self, file: str) -> None:
        """Check what can be checked before anything is read.

        Raises:
            ValueError: An option is invalid, or does not go with another.
        """
        self.given_variables()
        self.pace()
        self.price_list()
        if self.max_in_flight < 1:
            raise ValueError("--max-in-flight: must be at least 1")
        if self.template_text is not None and not self.dry_run:
            raise ValueError("--template-text: goes with --dry-run")
        if self.test_to is not None and self.dry_run:
            raise ValueError("--test-to: sends a message, so leave out --dry-run")
        if not self.dry_run:
            self.journal_of(file)

    def given_variables(self) -> Variables:
        """Return what ``--param`` and ``--set`` say.

        Raises:
            ValueError: An option is invalid.
        """
        columns, constants = inputs.params(self.param), _constants(self.set)
        if twice := columns.keys() & constants.keys():
            raise ValueError(f"--set: {min(twice)} is given with --param, too")
        return Variables(columns, constants)

    def pace(self) -> Rate | None:
        """Return the rate limit.

        Raises:
            ValueError: It is invalid.
        """
        return None if self.rate is None else Rate(self.rate)

    def price_list(self) -> Prices | None:
        """Return the prices.

        Raises:
            ValueError: They are invalid, or cannot be read.
        """
        if self.prices is None:
            return None if self.price is None else Prices({"": price(self.price)})
        if self.price is not None:
            raise ValueError("--price: does not go with --prices")
        return Prices.read(self.prices)

    def journal_of(self, file: str) -> Path:
        """Return the journal's file.

        Raises:
            ValueError: Standard input has no place beside it.
        """
        if self.journal is not None:
            return self.journal
        if file == STDIN:
            raise ValueError("--journal: say where to keep it; standard input has no place")
        return Path(f"{file}.journal.db")


def _constants(pairs: tuple[str, ...]) -> dict[str, str]:
    try:
        return inputs.params(pairs)
    except ValueError as error:
        raise ValueError(str(error).replace("--param", "--set")) from None
