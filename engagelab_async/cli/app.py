"""The command line: its commands, and the way from a command line to an exit code."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import (
    App,
    CoercionError,
    CycloptsError,
    Parameter,
    UnusedCliTokensError,
)

from engagelab_async import __version__

from . import demo, sandbox
from .check import check
from .env_file import EnvFileError, loaded
from .fleet import fleet
from .journal import journal
from .options import COMMAND_LINE, flag
from .otp import otp
from .outcome import Exit, interrupted, misused
from .output import show
from .sms import sms
from .webhooks import webhooks

_HELP: Final = """Send SMS and one-time codes with EngageLab.

Key pairs come from the environment, or from a file (`--env-file`), because other users of a machine
can see a command's options:

- `ENGAGELAB_OTP_DEV_KEY` and `ENGAGELAB_OTP_DEV_SECRET` for `otp`
- `ENGAGELAB_SMS_DEV_KEY` and `ENGAGELAB_SMS_DEV_SECRET` for `sms`
- `ENGAGELAB_DEV_KEY` and `ENGAGELAB_DEV_SECRET` for both
- `ENGAGELAB_CALLBACK_USERNAME` and `ENGAGELAB_CALLBACK_SECRET` for `webhooks`, or by the vendor's
  names `ENGAGELAB_WEBHOOK_USERNAME` and `ENGAGELAB_WEBHOOK_SECRET`

Exit codes:

- 0: sent; or the code is right
- 1: certainly not sent: the API refused, or could not be reached; or the code is wrong
- 2: wrong usage or configuration, nothing was sent
- 3: it may have been sent, or not: check before you send again
- 130: interrupted (Ctrl-C, SIGTERM, SIGHUP) before anything was sent; a list can be resumed

For a list, 1 and 3 apply to some of its rows.
"""

app: Final[App] = App(
    name="engagelab",
    help=_HELP,
    help_format="markdown",
    version=__version__,
    default_parameter=Parameter(negative=()),  # no --no-json and the like
)
app.command(otp)
app.command(sms)
app.command(journal)
app.command(fleet)
app.command(webhooks)
app.command(sandbox.serve, name="sandbox", sort_key=3)
app.command(check, sort_key=4)
app.command(demo.play, name="demo", sort_key=5)


@app.command(name="help", sort_key=6)
def show_help(
    *command: Annotated[str, flag(help="A command, such as `sms send`.")],
) -> int:
    """Show what a command does, and its options.

    Example: `engagelab help sms bulk`
    """
    if app.parse_commands(command)[2]:
        show(misused("help: there is no such command"), as_json=False)
        return Exit.USAGE
    return run([*command, "--help"])


@app.command(sort_key=7)
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Your shell.")], /
) -> None:
    """Print a script that completes commands and options.

    Example: `engagelab completion bash > ~/.local/share/bash-completion/completions/engagelab`
    """
    print(app.meta.generate_completion(prog_name="engagelab", shell=shell))  # noqa: T201 - rich would wrap it


@app.meta.default
def _with_env_file(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    env_file: Annotated[
        Path | None,
        Parameter(
            help="Read `ENGAGELAB_` variables from a file such as `.env`. Those of the "
            "environment come first."
        ),
    ] = None,
) -> int:
    with loaded(env_file):
        command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
        return int(command(*bound.args, **bound.kwargs) or 0)


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Args:
        arguments: What follows the command's name.

    Returns:
        The exit code.
    """
    COMMAND_LINE.set(arguments)
    as_json = "--json" in arguments
    try:
        command, bound, _ = app.meta.parse_args(arguments, exit_on_error=False, print_error=False)
        return int(command(*bound.args, **bound.kwargs) or 0)
    except EnvFileError as error:
        outcome = misused(str(error))
    except CycloptsError as error:
        outcome = misused(_words(error))
    except KeyboardInterrupt:
        outcome = interrupted()
    show(outcome, as_json=as_json)
    return outcome.exit_code


def _words(error: CycloptsError) -> str:
    """Describe what is wrong with the command line, without quoting personal data."""
    if isinstance(error, UnusedCliTokensError):
        return "too many arguments, or an unknown option; quote a value that has spaces"
    if isinstance(error, CoercionError) and error.token and error.token.keyword:
        return f"{error.token.keyword}: not a {getattr(error.target_type, '__name__', 'value')}"
    return re.sub(r"\+?\d[\d ().-]{2,}\d|\S+@\S+", "…", str(error))
