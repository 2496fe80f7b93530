"""``engagelab sms …``: text messages."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from cyclopts import App, Parameter

from engagelab_async import GetSMSBalance, SendSMS, Template
from engagelab_async.bulk.numbers import normalize_number

from . import inputs
from .bulk import File, Kind, Options
from .bulk import perform as perform_bulk
from .calls import perform
from .options import MESSAGE, SENDING, Call, Message
from .templates import signatures, sms_templates

sms: Final[App] = App(name="sms", sort_key=2, help="Send text messages.")

sms.command(sms_templates)
sms.command(signatures)

_NO_OPTIONS: Final = Call()

At: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="When to send, 3 minutes to 30 days ahead: +10m, +2h, +1d12h, Unix seconds, or "
        "ISO 8601 with an offset such as 2030-01-31T09:00+08:00.",
        group=MESSAGE,
    ),
]
PlanName: TypeAlias = Annotated[
    str | None, Parameter(help="The name of the plan in the console.", group=MESSAGE)
]
CustomArgs: TypeAlias = Annotated[
    str | None, Parameter(help="A JSON object that comes back in callbacks.", group=MESSAGE)
]


@sms.command
def send(
    *to: Annotated[str, Parameter(help="Phone numbers such as +6591234567.", required=True)],
    message: Message,
    at: At = None,
    plan_name: PlanName = None,
    custom_args: CustomArgs = None,
    call: Call = _NO_OPTIONS,
) -> int:
    """Send one template to one or many phones, now or later.

    The platform drops invalid targets; `accepted` is the number of the others. If there are none,
    the exit code is 1.

    Example: `engagelab sms send +6591234567 --template 1233 --param name=Bob --at +2h`
    """

    def make() -> SendSMS:
        return SendSMS(
            to,
            message.filled_in(),
            plan_name,
            inputs.moment(at),
            inputs.custom_args(custom_args),
        )

    return perform(make, call)


@sms.command
def bulk(
    file: File,
    /,
    *,
    options: Options,
    targets_per_request: Annotated[
        int,
        Parameter(
            help="How many people with equal variables share a request. More is faster; with 1, "
            "the platform reports for each whether it accepted the number.",
            group=SENDING,
        ),
    ] = 1,
    at: At = None,
    plan_name: PlanName = None,
    custom_args: CustomArgs = None,
    call: Call = _NO_OPTIONS,
) -> int:
    """Send one template to all recipients in a list.

    The whole list is checked before anything is sent. Ctrl-C ends the run gracefully, and the same
    command with --resume goes on where it ended. Each row is sent once per journal.

    Example: `engagelab sms bulk people.csv --template 1233 --dry-run`
    """

    def kind() -> Kind:
        moment, arguments = inputs.moment(at), inputs.custom_args(custom_args)

        def make(to: tuple[str, ...], params: Mapping[str, str]) -> SendSMS:
            template = Template(options.template, None, params)
            return SendSMS(to, template, plan_name, moment, arguments)

        return Kind(make, normalize_number, targets_per_request)

    return perform_bulk(file, kind, options, call)


@sms.command
def balance(*, call: Call = _NO_OPTIONS) -> int:
    """Show the balance of the SMS account.

    Example: `engagelab sms balance`
    """
    return perform(GetSMSBalance, call)
