"""Standard streams that are closed, or fail."""

import io
import os
import resource
import shlex
import subprocess
import sys

import pytest

from engagelab_async.cli import main
from engagelab_async.cli.output import ignore_errors
from engagelab_async.cli.streams import SafeStream, is_lost, safe_streams
from support.command import COMMAND, Ran
from support.lists import WriteList, numbers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors of POSIX")

SEND = ("otp", "send", "--template", "login")


def run_in_shell(*arguments: str, redirected: str, prefix: str = "") -> Ran:
    """Run the command below a shell that redirects its streams."""
    line = f"{prefix} exec {shlex.join([*COMMAND, *arguments])} {redirected}"
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        input="",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "redirected",
    ["<&-", "2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"],
)
@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (("--help",), 0),
        (("otp", "sned"), 2),
        (("otp", "send-code", "+6591234567", "-", "--template", "x"), 2),
        (("sms", "templates", "delete", "7"), 2),
        (("sms", "bulk", "-", "--template", "x", "--journal", "j.db"), 2),
        (("webhooks", "sign", "--body", "-", "--username", "u", "--secret", "s"), 0),
    ],
)
def test_the_exit_code_is_what_it_was(
    arguments: tuple[str, ...], exit_code: int, redirected: str
) -> None:
    """Whatever cannot be written, or read, there is no traceback, and Python adds no code."""
    ran = run_in_shell(*arguments, redirected=redirected)

    assert exit_code == ran.exit_code
    assert "Traceback" not in ran.seen
    assert "Exception ignored" not in ran.seen


@pytest.mark.parametrize("redirected", ["<&- >&- 2>&-", ">&-", "2>&-"])
def test_no_file_takes_the_number_of_a_stream(
    origin: str, write: WriteList, redirected: str
) -> None:
    """A file with the number 2 would get what libraries print on standard error."""
    write(*numbers(3), header="phone")
    files = ("--failed", "failed.csv", "--uncertain", "uncertain.csv")
    ran = run_in_shell(
        *("sms", "bulk", "people.csv", "--template", "7", "--sandbox", origin, *files),
        redirected=redirected,
    )

    assert 0 == ran.exit_code
    with open("failed.csv", encoding="utf-8") as file:  # noqa: PTH123
        assert "phone,error_code,error_reason,error_line\n" == file.read()


def test_closed_by_the_program(monkeypatch: pytest.MonkeyPatch, origin: str) -> None:
    """Streams that a program has closed, or has none of, are as those of a process."""
    for name in ("stdin", "stdout", "stderr"):
        closed = io.StringIO()
        closed.close()
        monkeypatch.setattr(sys, name, closed)
    codes = [main([*SEND, "+6591234567", "--sandbox", origin])]
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    codes += [main([*SEND, "+6591234568", "--sandbox", origin]), main(["otp", "sned"])]

    assert [0, 0, 2] == codes


class Failing(io.StringIO):
    """A stream that can be written to so many times."""

    def __init__(self, times: int, error: Exception) -> None:
        """Fail after that."""
        super().__init__()
        self.left = times
        self.error = error

    def write(self, text: str) -> int:
        """Write, or fail."""
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize(
    "error",
    [
        OSError(5, "Input/output error"),
        BrokenPipeError(),
        ValueError("I/O operation on closed file"),
        UnicodeEncodeError("ascii", "é", 0, 1, "no"),
    ],
)
def test_what_fails_once_is_not_tried_again(error: Exception) -> None:
    """The rest is dropped, and it is no terminal any more."""
    stream = SafeStream(Failing(1, error))
    written = [stream.write("one"), stream.write("two"), stream.write("three")]
    stream.flush()

    assert [3, 3, 5] == written
    assert stream.is_lost
    assert "one" == stream.getvalue()
    assert not stream.isatty()


def test_streams_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs the command has its own streams afterwards."""
    out = Failing(0, OSError())
    monkeypatch.setattr(sys, "stdout", out)
    with safe_streams():
        print("lost")  # noqa: T201
        inside = is_lost(sys.stdout)
    outside = is_lost(sys.stdout)

    assert (True, False, True) == (inside, outside, sys.stdout is out)


@pytest.mark.parametrize("raised", [ZeroDivisionError, KeyboardInterrupt])
def test_what_cannot_be_drawn_is_not_drawn(raised: type[BaseException]) -> None:
    """After sending, neither a fault of the display nor Ctrl-C changes the exit code."""
    with ignore_errors():
        raise raised


def test_no_descriptor_is_left(origin: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without one there is no event loop, and nothing was sent."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(1)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        exit_code = main([*SEND, "+6591234567", "--sandbox", origin])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert 2 == exit_code
    assert "cannot start: Too many open files" in capsys.readouterr().err


@pytest.mark.parametrize("descriptors", [6, 8, 12, 64])
@pytest.mark.parametrize(
    "arguments",
    [
        ("otp", "send", "+6591234567", "--template", "login"),
        ("sms", "bulk", "people.csv", "--template", "7", "--failed", "f.csv", "--report", "r.html"),
    ],
)
def test_few_descriptors_are_told(
    origin: str, write: WriteList, arguments: tuple[str, ...], descriptors: int
) -> None:
    """Where there are too few to work, that is an outcome, and no traceback."""
    write(*numbers(20), header="phone")

    ran = run_in_shell(
        *(*arguments, "--sandbox", origin, "--json"),
        prefix=f"ulimit -n {descriptors};",
        redirected="",
    )

    assert "Traceback" not in ran.err
    assert isinstance(ran.document["ok"], bool)
    if descriptors >= 12:
        assert 0 == ran.exit_code
