"""``engagelab otp …``: one-time codes and custom messages."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from cyclopts import App, Parameter

from engagelab_async import (
    GetOTPBalance,
    SendCode,
    SendCustomMessage,
    SendOTP,
    Template,
    VerifyOTP,
)
from engagelab_async.bulk.numbers import normalize_recipient

from . import inputs
from .bulk import File, Kind, Options
from .bulk import perform as perform_bulk
from .calls import perform
from .options import Call, Code, Language, Message
from .templates import otp_templates

otp: Final[App] = App(
    name="otp", sort_key=1, help="Send one-time codes and custom messages, and verify codes."
)

otp.command(otp_templates)

_NO_OPTIONS: Final = Call()

To: TypeAlias = Annotated[
    str, Parameter(help="A phone number such as +6591234567, or an email address.")
]


@otp.command
def send(
    to: To, /, *, message: Message, language: Language = None, call: Call = _NO_OPTIONS
) -> int:
    """Send a code that the platform makes; check it with `verify`.

    Example: `engagelab otp send +6591234567 --template login`
    """
    return perform(lambda: SendOTP(to, message.filled_in(language)), call)


@otp.command
def send_code(
    to: To, code: Code, /, *, message: Message, language: Language = None, call: Call = _NO_OPTIONS
) -> int:
    """Send your own code.

    Example: `engagelab otp send-code +6591234567 - --template login < code.txt`
    """
    return perform(lambda: SendCode(to, inputs.code(code), message.filled_in(language)), call)


@otp.command
def send_message(to: To, /, *, message: Message, call: Call = _NO_OPTIONS) -> int:
    """Send a custom message: a notification, an offer, a code.

    Example: `engagelab otp send-message +6591234567 --template shipped --param order=7`
    """
    return perform(lambda: SendCustomMessage(to, message.filled_in()), call)


@otp.command
def bulk_message(file: File, /, *, options: Options, call: Call = _NO_OPTIONS) -> int:
    """Send a custom message to all recipients in a list.

    The whole list is checked before anything is sent. Ctrl-C ends the run gracefully, and the same
    command with --resume goes on where it ended. Each row is sent once per journal.

    Example: `engagelab otp bulk-message people.csv --template shipped --dry-run`
    """

    def make(to: tuple[str, ...], params: Mapping[str, str]) -> SendCustomMessage:
        return SendCustomMessage(to[0], Template(options.template, None, params))

    return perform_bulk(file, lambda: Kind(make, normalize_recipient), options, call)


@otp.command
def verify(
    message_id: Annotated[str, Parameter(help="The message id that `send` printed.")],
    code: Code,
    /,
    *,
    call: Call = _NO_OPTIONS,
) -> int:
    """Check a code that was sent with `send`; exit with 1 if it is wrong.

    Example: `engagelab otp verify 1725407449772531712 667090`
    """
    return perform(lambda: VerifyOTP(message_id, inputs.code(code)), call)


@otp.command
def balance(*, call: Call = _NO_OPTIONS) -> int:
    """Show the balance of the OTP account.

    Example: `engagelab otp balance`
    """
    return perform(GetOTPBalance, call)
