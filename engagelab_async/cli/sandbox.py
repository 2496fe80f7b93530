"""``engagelab sandbox``: the EngageLab API on this machine, until Ctrl-C."""

import gc
import os
import shlex
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console
from rich.text import Text

from engagelab_async import ConfigurationError
from engagelab_async.extras import install_hint
from engagelab_async.webhooks.verification import ENVIRONMENT, from_env

from .options import Host, Port, spelled
from .outcome import Exit
from .printing import console, print_error, printable
from .webhooks.account import SECRET, USERNAME

if TYPE_CHECKING:
    from engagelab_async.sandbox import CallbackDelivery, Callbacks, Sandbox, SentMessage

_POLL: Final = 0.1  # seconds; quick to the eye, and next to no work
_PACE: Final = Number(gte=0, lt=float("inf"))
_TOKEN: Final = "ENGAGELAB_SANDBOX_TOKEN"  # noqa: S105 - the same


def serve(
    *,
    port: Port = 8025,
    host: Host = "127.0.0.1",
    code_ttl: Annotated[float, Parameter(help="Seconds that a code is valid.")] = 300.0,
    pace: Annotated[
        float, Parameter(help="Factor for the 2 s delivery delay; 0 = at once.", validator=_PACE)
    ] = 1.0,
    callback_url: Annotated[str | None, Parameter(help="Where to send callbacks.")] = None,
    callback_username: Annotated[
        str | None,
        Parameter(help=f"Username in their signature, with {SECRET}; by default {USERNAME}."),
    ] = None,
    keep: Annotated[
        int, Parameter(help="How many messages the inbox shows.", validator=Number(gte=1))
    ] = 10_000,
    allow_host: Annotated[
        tuple[str, ...], Parameter(help="Host name that browsers may use for the inbox.")
    ] = (),
    keys: Annotated[
        Path | None, Parameter(help="JSON file with the only keys that are accepted.")
    ] = None,
    balance: Annotated[
        str | None, Parameter(help="US dollars of each product's account; a message costs 0.005.")
    ] = None,
    quota: Annotated[
        int | None,
        Parameter(help="Requests per second of each key; more get 429.", validator=Number(gte=1)),
    ] = None,
    strategy: Annotated[
        tuple[str, ...], Parameter(help="Channels of a template, such as login=whatsapp|sms.")
    ] = (),
    review_after: Annotated[
        float, Parameter(help="Seconds until a template is approved.", validator=_PACE)
    ] = 1.0,
    store: Annotated[
        Path | None, Parameter(help="File that keeps the messages after a restart.")
    ] = None,
    record: Annotated[
        Path | None, Parameter(help="File to record all calls into, for replay in a test.")
    ] = None,
) -> int:
    """Simulate the EngageLab API on this machine, until Ctrl-C.

    Messages are not delivered: they appear here, codes included, and in the inbox, a page for the
    browser. Any key pair is accepted, and any template whose id does not begin with "missing".

    Example: `engagelab sandbox --port 8025`
    """
    try:
        from engagelab_async.sandbox import Quota, Review, Sandbox, StoreError
        from engagelab_async.sandbox.keys import read_keys
    except ModuleNotFoundError:
        return without_extra()
    try:
        sandbox = Sandbox(
            host=host,
            port=port,
            credentials=None if keys is None else read_keys(keys),
            code_ttl=code_ttl,
            review=Review.approve(after=review_after),
            balance=balance,
            strategies=_strategies(strategy),
            quota=None if quota is None else Quota(quota),
            callbacks=_callbacks(callback_url, callback_username),
            pace=pace,
            keep=keep,
            allowed_hosts=allow_host,
            token=os.environ.get(_TOKEN),
            store=store,
            record=record,
        )
    except (ConfigurationError, OSError, ValueError) as error:
        print_error(f"Cannot start. {spelled(str(error))}")
        return Exit.USAGE
    began = datetime.now(UTC)
    try:
        with sandbox as running:
            # What was imported stays until the end: looking for garbage in it delays answers.
            gc.freeze()
            _introduce(running, console())
            _show_messages(running, console(), since=began)
    except KeyboardInterrupt:
        return Exit.DONE
    except StoreError as error:
        print_error(f"Cannot use the {error}")
        return Exit.USAGE
    except OSError as error:
        print_error(f"Cannot listen on {host}, port {port}: {error}")
        return Exit.USAGE


def _strategies(options: tuple[str, ...]) -> dict[str, str]:
    strategies = {}
    for option in options:
        template_id, equals, channels = option.rpartition("=")
        if not equals:
            raise ValueError(f"strategies: expected TEMPLATE=CHANNELS, got {option!r}")
        strategies[template_id] = channels
    return strategies


def without_extra() -> int:
    """Print what to install."""
    print_error(f"The sandbox is an extra: {install_hint('sandbox')}")
    return Exit.USAGE


def _callbacks(url: str | None, username: str | None) -> "Callbacks | None":
    from engagelab_async.sandbox import Callbacks

    if url is None:
        return None
    # Other users of a machine can see a command's options, so a secret is not among them.
    secret = from_env(ENVIRONMENT["secret"]) or None
    username = username or from_env(ENVIRONMENT["username"]) or None
    if (username is None) != (secret is None):
        missing = f"--callback-username or {USERNAME}" if username is None else SECRET
        raise ValueError(f"username: a signature takes a secret as well; set {missing}")
    return Callbacks(url, username=username, secret=secret)


def _introduce(running: "Sandbox", out: Console) -> None:
    origin = running.otp_base_url.removesuffix("/otp")
    lines = f"""\
The EngageLab API is played at {origin} until Ctrl-C.

In a browser, its inbox shows what is sent:
  {running.inbox_url}

From another terminal:
  engagelab otp send +6591234567 --template login --sandbox {shlex.quote(origin)}

For a program that uses EngageLab.from_env():
  export ENGAGELAB_OTP_BASE_URL={shlex.quote(running.otp_base_url)}
  export ENGAGELAB_SMS_BASE_URL={shlex.quote(running.sms_base_url)}
  export ENGAGELAB_DEV_KEY=sandbox_demo ENGAGELAB_DEV_SECRET=sandbox_secret

Number +10000005013 answers error 5013, and so on for every code.
What is sent appears below.
"""
    for line in lines.splitlines():
        # Unwrapped, so that it can be copied.
        out.print(Text(line, "bold" if line.startswith("  ") else ""), soft_wrap=True)


def _show_messages(running: "Sandbox", out: Console, *, since: datetime) -> NoReturn:
    shown, reported = 0, set[int]()
    while True:
        messages = running.messages
        for message in messages[shown:]:
            if message.sent_at >= since:  # the others come from a store
                out.print(_line(message), soft_wrap=True)
        shown = len(messages)
        # At the first try: the last one may be weeks away.
        failed = {
            each.number: each for each in running.deliveries if each.tries and not each.is_answered
        }
        for number in failed.keys() - reported:
            out.print(_failure(failed[number]), soft_wrap=True)
        reported = set(failed)
        time.sleep(_POLL)


def _line(message: "SentMessage") -> Text:
    what = f"{message.product} {message.channel} …{message.recipient[-2:]}"
    due = f"for {_time(message.scheduled_for)}  " if message.scheduled_for else ""
    return Text.assemble(
        (f"{_time(message.sent_at)}  {what}  {due}", "dim"), printable(message.text)
    )


def _failure(delivery: "CallbackDelivery") -> Text:
    last = delivery.tries[-1]
    why = f"HTTP {last.status}" if last.status else printable(last.answer)
    return Text(f"{_time(last.at)}  callback {delivery.number} was not answered: {why}", "red")


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
