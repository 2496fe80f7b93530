"""``engagelab otp …``: one-time codes and custom messages."""

from typing import Annotated, Final, TypeAlias

from cyclopts import App, Parameter

from engagelab_async import SendCode, SendCustomMessage, SendOTP, VerifyOTP

from . import inputs
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
    """Send a code that the platform makes; check it with `verify`."""
    return perform(lambda: SendOTP(to, message.filled_in(language)), call)


@otp.command
def send_code(
    to: To, code: Code, /, *, message: Message, language: Language = None, call: Call = _NO_OPTIONS
) -> int:
    """Send a code of your own."""
    return perform(lambda: SendCode(to, inputs.code(code), message.filled_in(language)), call)


@otp.command
def send_message(to: To, /, *, message: Message, call: Call = _NO_OPTIONS) -> int:
    """Send a custom message: a notification, an offer, a code."""
    return perform(lambda: SendCustomMessage(to, message.filled_in()), call)


@otp.command
def verify(
    message_id: Annotated[str, Parameter(help="What `send` printed.")],
    code: Code,
    /,
    *,
    call: Call = _NO_OPTIONS,
) -> int:
    """Ask whether a code that `send` made is right; exit with 1 if it is not."""
    return perform(lambda: VerifyOTP(message_id, inputs.code(code)), call)
