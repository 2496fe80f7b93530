"""The command line as a whole."""

import pytest

from engagelab_async import __version__
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
