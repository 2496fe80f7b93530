"""Starting the command, with and without its extra."""

import sys
from importlib.abc import MetaPathFinder

import pytest

import engagelab_async.cli.app
from engagelab_async import __version__
from engagelab_async.cli import main
from engagelab_async.extras import install_hint
from support.command import COMMAND, run_process

WITHOUT = """
import sys
sys.modules[{module!r}] = None
from engagelab_async.cli import main
sys.exit(main({arguments!r}))
"""


@pytest.mark.parametrize("module", ["cyclopts", "rich"])
def test_without_the_extra_it_says_what_to_install(module: str) -> None:
    """Whoever lacks the libraries reads one line instead of a traceback."""
    ran = run_process(["-c", WITHOUT.format(module=module, arguments=["--help"])])

    assert 2 == ran.exit_code
    assert f"engagelab: the command is an extra: {install_hint('cli')}\n" == ran.err


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_without_the_sandbox_it_says_what_to_install(command: str) -> None:
    """The commands that need the other extra name it."""
    ran = run_process(["-c", WITHOUT.format(module="starlette", arguments=[command])])

    assert 2 == ran.exit_code
    assert f"✗ The sandbox is an extra: {install_hint('sandbox')}\n" == ran.err


def test_a_broken_installation_is_not_hidden() -> None:
    """If something else is missing, the traceback stays."""
    module = "engagelab_async.cli.otp"
    ran = run_process(["-c", WITHOUT.format(module=module, arguments=["--help"])])

    assert "ModuleNotFoundError" in ran.err


def test_it_is_a_module() -> None:
    """``python -m engagelab_async.cli`` is the command."""
    ran = run_process([*COMMAND[1:], "--version"])

    assert (0, f"{__version__}\n", "") == (ran.exit_code, ran.out, ran.err)


def test_arguments_are_those_of_the_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry point takes no arguments, so they come from ``sys.argv``."""
    monkeypatch.setattr(sys, "argv", ["engagelab", "--version"])

    assert 0 == main()
    assert f"{__version__}\n" == capsys.readouterr().out


class Failing(MetaPathFinder):
    """Makes a module fail while it is imported."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def find_spec(self, name: str, *_: object) -> None:
        """Fail in place of the command's own module."""
        if name == "engagelab_async.cli.app":
            raise self.error


@pytest.mark.parametrize(
    ("error", "exit_code", "words"),
    [
        (KeyboardInterrupt(), 130, ""),
        (OSError(24, "Too many open files"), 2, "cannot start: Too many open files"),
    ],
)
def test_it_ends_before_it_has_begun(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    exit_code: int,
    words: str,
) -> None:
    """A signal, or a lack of descriptors, in the middle of its imports is no traceback."""
    monkeypatch.delitem(sys.modules, "engagelab_async.cli.app")
    monkeypatch.delattr(engagelab_async.cli, "app")
    monkeypatch.setattr(sys, "meta_path", [Failing(error), *sys.meta_path])

    assert exit_code == main(["--version"])
    assert words in capsys.readouterr().err
