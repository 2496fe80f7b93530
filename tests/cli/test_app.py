"""The command line as a whole."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from cyclopts import App

from engagelab_async import __version__
from engagelab_async.cli.app import app
from support.command import Engagelab


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            (),
            ["otp", "sms", "sandbox", "demo", "ENGAGELAB_OTP_DEV_KEY", "3: it may have been sent"],
        ),
        (("--help",), ["Exit codes"]),
        (("otp",), ["send", "send-code", "send-message", "verify"]),
        (("otp", "send", "--help"), ["TO", "--template", "--param", "--language", "--json"]),
        (("otp", "send-code", "--help"), ["TO", "CODE", "standard input"]),
        (("sms", "send", "--help"), ["TO...", "--at", "--plan-name", "--custom-args"]),
        (("sandbox", "--help"), ["--port", "8025", "--host"]),
        (("--version",), [__version__]),
    ],
)
def test_help_is_there_and_exits_with_0(
    engagelab: Engagelab, command: tuple[str, ...], words: list[str]
) -> None:
    """Every command explains itself."""
    ran = engagelab(*command)

    assert 0 == ran.exit_code
    assert [] == [word for word in words if word not in ran.out]
    assert "" == ran.err


@pytest.mark.parametrize("typed", ["+65 912 345 67", "(0)20 7946 0958", "ada@example.com"])
def test_what_is_typed_in_the_wrong_place_is_not_quoted(engagelab: Engagelab, typed: str) -> None:
    """A number in place of a command is somebody's, however it is written."""
    ran = engagelab("sms", typed)

    assert 2 == ran.exit_code
    assert typed not in ran.seen


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("otp", "sned"), "Did you mean send?"),
        (("otp", "send", "+65"), "--template requires an argument"),
        (("otp", "send", "+65", "--temlate", "x"), "Did you mean --template"),
        (("otp", "send", "+65", "1", "--template", "x"), "too many arguments"),
        (("otp", "send", "+65", "--template", "x", "--timeout", "soon"), "--timeout: not a float"),
        (("otp", "send", "+65", "--template", "x", "--no-json"), "--no-json"),
        (("sandbox", "--port", "many"), "--port: not a int"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_bad_usage(
    engagelab: Engagelab, command: tuple[str, ...], words: str
) -> None:
    """It exits with 2 and says what is wrong."""
    ran = engagelab(*command)

    assert 2 == ran.exit_code
    assert words in ran.err.replace('"', "")
    assert "" == ran.out


def commands(group: App, *words: str) -> Iterator[tuple[str, ...]]:
    """Find all commands below a group of them."""
    for name in group:
        if not name.startswith("-"):
            if group[name].default_command:
                yield (*words, name)
            yield from commands(group[name], *words, name)


@pytest.mark.parametrize("words", [*commands(app)], ids=" ".join)
def test_every_help_text_has_an_example_that_is_right(
    engagelab: Engagelab, words: tuple[str, ...]
) -> None:
    """It is the command itself, and its arguments are understood."""
    shown = " ".join(engagelab("help", *words).out.split())
    found = re.search(r"Example: (engagelab .+?) ╭", shown)
    assert found is not None
    example = shlex.split(re.split(r" [<>] ", found[1])[0])

    assert ["engagelab", *words] == example[: len(words) + 1]
    assert app.meta.parse_args(example[1:], exit_on_error=False, print_error=False)


def test_help_of_a_command_is_what_its_option_shows(engagelab: Engagelab) -> None:
    """Both name the same options."""
    assert engagelab("sms", "send", "--help") == engagelab("help", "sms", "send")


def test_help_of_no_command_is_bad_usage(engagelab: Engagelab) -> None:
    """What was typed is not quoted: it may be a number."""
    ran = engagelab("help", "sms", "+6591234567")

    assert 2 == ran.exit_code
    assert "there is no such command" in ran.err
    assert "6591234567" not in ran.seen


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(engagelab: Engagelab, shell: str) -> None:
    """It names the commands and their options; the shell reads it where it is installed."""
    ran = engagelab("completion", shell)

    assert 0 == ran.exit_code
    assert "engagelab" in ran.out
    assert "template" in ran.out
    if path := shutil.which(shell):
        subprocess.run([path, "-n"], input=ran.out, text=True, check=True)
