"""The options that several commands share."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Annotated, Any, Final, TypeAlias

from attrs import frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from engagelab_async import (
    ConfigurationError,
    Credentials,
    EngageLab,
    EngageLabError,
    RetryPolicy,
    Template,
)

from . import inputs, loopback

MESSAGE: Final = Group("Message", sort_key=1)
SENDING: Final = Group("Sending", sort_key=2)
OUTPUT: Final = Group("Output", sort_key=3)

COMMAND_LINE: Final[ContextVar[Sequence[str]]] = ContextVar("COMMAND_LINE", default=())
"""What follows the command's name, to be typed again."""

flag: Final = partial(Parameter, show_default=False)
"""An option whose default says nothing: that it is absent."""

# Any pair will do for a sandbox; this is the vendor's public one.
_SANDBOX_PAIR: Final = Credentials("sandbox_demo", "sandbox_secret")

_SPELLINGS: Final = {
    "add_signature": "add_signature in --file",
    "attempts": "--attempts",
    "balance": "--balance",
    "brand_name": "--brand",
    "code_ttl": "--code-ttl",
    "country": "--country",
    "country_codes": "--countries",
    "custom_content": "--content",
    "custom_args": "--custom-args",
    "language": "--language",
    "max_in_flight": "--max-in-flight",
    "otp_base_url": "--sandbox or ENGAGELAB_OTP_BASE_URL",
    "custom_sub_type": "custom_sub_type in --file",
    "description": "--description",
    "journal": "--journal",
    "message_id": "MESSAGE-ID",
    "params": "--param",
    "pace": "--pace",
    "secret": "ENGAGELAB_CALLBACK_SECRET",
    "plan_name": "--plan-name",
    "rate": "--rate",
    "record": "--record",
    "schedule_time": "--at",
    "sign_id": "--sign-id",
    "sign_name": "NAME",
    "sign_position": "--sign-position",
    "sms_base_url": "ENGAGELAB_SMS_BASE_URL",
    "strategies": "--strategy",
    "template id": "--template",
    "template_id": "TEMPLATE-ID",
    "template_content": "--content",
    "template_name": "--name",
    "template_type": "--type",
    "token": "ENGAGELAB_SANDBOX_TOKEN",
    "url": "--callback-url",
    "username": "--callback-username or ENGAGELAB_CALLBACK_USERNAME",
    "verify_code_len": "--code-length",
    "verify_code_ttl": "--minutes",
}


_WORDS: Final = {
    "what JSON can (str, int, float, bool, None, list, dict)": "what JSON can",
    "a TemplateType": "utility, marketing or authentication",
    "a bool": "true or false",
    "so give its sign_id too": "so give --sign-id too",
    "a str": "a text",
    "an int": "a whole number",
    "got str": "got a text",
    "got int": "got a number",
    "got float": "got a number",
    "got bool": "got true or false",
    "got list": "got a list",
    "got dict": "got names and values",
    "got None": "got nothing",
    "an iterable of str": "a list of texts",
    "a lone surrogate, which UTF-8 cannot carry": "bytes that are not UTF-8",
    "SignaturePosition.PREFIX or SUFFIX": "1 or 2",
}
# What to do about a key pair that is missing, for a program and then for both.
_IN_A_PROGRAM: Final = re.compile(r"pass EngageLab\(.*\), or | for from_env\(\)")
_IN_PYTHON: Final = re.compile(rf"\b(?:{'|'.join(map(re.escape, _WORDS))})(?!\w)")


def spelled(text: str) -> str:
    """Put an error's text into the command's words; it may begin with an argument's name."""
    argument, colon, rest = text.partition(":") if ":" in text else ("", "", text)
    # An item, as of params['name'] or to[0], is a part of the same option.
    name, bracket, item = argument.partition("[")
    option = _SPELLINGS.get(name, name)
    about = f"{option} {item.rstrip(']')}" if bracket and option != name else option
    rest = _IN_A_PROGRAM.sub("", rest)
    return about + colon + _IN_PYTHON.sub(lambda match: _WORDS[match[0]], rest)


def message_of(error: EngageLabError) -> str:
    """Return an error's text, without what ``str`` adds, in the words of the command line."""
    text = str(error.args[0])
    # The others speak of what the API said, or the network did.
    return spelled(text) if isinstance(error, ConfigurationError) else text


def positive(_: object, value: float) -> None:
    """Refuse a duration that is none."""
    if not value > 0:
        raise ValueError("It must be more than 0 seconds.")


def _seconds(help: str) -> Parameter:  # noqa: A002 - it is cyclopts' word
    return Parameter(help=help, group=SENDING, validator=positive)


Language: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="Language of the text: default zh_CN zh_HK en ja th es are documented.",
        group=MESSAGE,
    ),
]

Port: TypeAlias = Annotated[
    int,
    Parameter(help="Port to listen on; 0 takes a free one.", validator=Number(gte=0, lte=65535)),
]
Host: TypeAlias = Annotated[str, Parameter(help="Address to listen on.")]

Code: TypeAlias = Annotated[
    str,
    # The single hyphen is what needs the leave.
    Parameter(help="The code, or - to read it from standard input.", allow_leading_hyphen=True),
]


@Parameter(name="*", group=MESSAGE)
@frozen(kw_only=True)
class Message:
    """Which template is sent, and what is put in its variables."""

    template: Annotated[str, Parameter(help="Id of the template.")]
    param: Annotated[
        tuple[str, ...], flag(help="name=value for a template variable; may be repeated.")
    ] = ()

    def filled_in(self, language: str | None = None) -> Template:
        """Make the template; raise ``ValueError`` if an option is invalid."""
        return Template(self.template, language, inputs.params(self.param))


@Parameter(name="*")
@frozen(kw_only=True)
class Call:
    """How a call is made and reported."""

    sandbox: Annotated[
        str | None,
        Parameter(
            help="URL of a running `engagelab sandbox`, to use instead of EngageLab and without "
            "a key pair: http://127.0.0.1:8025",
            group=SENDING,
        ),
    ] = None
    timeout: Annotated[float, _seconds("Seconds for one attempt.")] = 10.0
    deadline: Annotated[float, _seconds("Seconds for the whole call, including retries.")] = 30.0
    attempts: Annotated[
        int, Parameter(help="How many requests to make at most.", group=SENDING)
    ] = 3
    repeat_uncertain: Annotated[
        bool, flag(help="Retry even if it may have been sent: it can arrive twice.", group=SENDING)
    ] = False
    json: Annotated[
        bool, flag(help="Print one JSON object, for success and failure.", group=OUTPUT)
    ] = False
    verbose: Annotated[bool, flag(help="Log every attempt to standard error.", group=OUTPUT)] = (
        False
    )

    def policy(self) -> RetryPolicy:
        """Make the retry policy; raise ``ValueError`` if an option is invalid."""
        return RetryPolicy(attempts=self.attempts, repeat_uncertain=self.repeat_uncertain)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[EngageLab]:
        """Open a client, of a sandbox or from the environment."""
        with loopback.bypass_proxy() if self.sandbox else nullcontext():
            async with self._client() as engagelab:
                yield engagelab

    def _client(self) -> EngageLab:
        shared: Any = {"http": "auto", "timeout": self.timeout, "deadline": self.deadline}
        try:
            if not self.sandbox:
                return EngageLab.from_env(**shared)
            origin = self.sandbox.rstrip("/")
            return EngageLab(
                otp=_SANDBOX_PAIR,
                sms=_SANDBOX_PAIR,
                otp_base_url=f"{origin}/otp",
                sms_base_url=f"{origin}/sms",
                **shared,
            )
        except ConfigurationError as error:
            raise ConfigurationError(spelled(str(error))) from None
