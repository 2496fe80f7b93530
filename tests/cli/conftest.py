"""What the command's tests share."""

import logging
import os
import signal
from collections.abc import Iterator

import pytest

from engagelab_async.cli import main
from engagelab_async.sandbox import Sandbox
from support.command import Engagelab, Ran


class CtrlC(logging.Handler):
    """Presses Ctrl-C when a retry is announced, just before the wait for it."""

    def __init__(self) -> None:
        """Listen to warnings."""
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Press."""
        signal.raise_signal(signal.SIGINT)


@pytest.fixture
def ctrl_c_before_retries() -> Iterator[None]:
    """Ctrl-C between two attempts."""
    logger, handler = logging.getLogger("engagelab_async"), CtrlC()
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets itself, and lines that do not wrap."""
    for name in list(os.environ):
        if name.startswith("ENGAGELAB_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Signals end what they are sent to, even if the tests run in the background or by nohup."""
    before = [
        (number, signal.signal(number, handler))
        for number, handler in (
            (signal.SIGINT, signal.default_int_handler),
            (signal.SIGHUP, signal.SIG_DFL),
            (signal.SIGTERM, signal.SIG_DFL),
        )
    ]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def shared_sandbox() -> Iterator[Sandbox]:
    """A running sandbox for tests that do not mind what others sent."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def origin(sandbox: Sandbox) -> str:
    """What ``--sandbox`` wants to know of it."""
    return sandbox.otp_base_url.removesuffix("/otp")


@pytest.fixture
def engagelab(capsys: pytest.CaptureFixture[str]) -> Engagelab:
    """The command."""

    def run(*arguments: str) -> Ran:
        exit_code = main(arguments)
        return Ran(exit_code, *capsys.readouterr())

    return run


@pytest.fixture
def at_sandbox(engagelab: Engagelab, origin: str) -> Engagelab:
    """The command, sending to the sandbox."""

    def run(*arguments: str) -> Ran:
        return engagelab(*arguments, "--sandbox", origin)

    return run


@pytest.fixture
def at_shared_sandbox(engagelab: Engagelab, shared_sandbox: Sandbox) -> Engagelab:
    """The command, sending to the shared sandbox."""

    def run(*arguments: str) -> Ran:
        return engagelab(*arguments, "--sandbox", shared_sandbox.otp_base_url.removesuffix("/otp"))

    return run
