"""``engagelab demo``."""

import pytest

from engagelab_async.cli import demo
from engagelab_async.sandbox import Sandbox
from support.command import COMMAND, Engagelab, run_process


def test_shows_the_calls_and_succeeds(engagelab: Engagelab) -> None:
    """Codes, messages, errors and many sends at once are seen with what came back."""
    ran = engagelab("demo")

    assert (0, "") == (ran.exit_code, ran.err)
    for evidence in (
        "verified=True",
        "Your code is ",
        "total_count=3, accepted_count=2",
        "5013",
        "it may have been sent",
        "500 plans, 503 messages",
    ):
        assert evidence in ran.out


def test_reads_well_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirected, it holds no escape sequences, and no line is too long for 80 columns."""
    monkeypatch.delenv("COLUMNS")

    ran = run_process([*COMMAND[1:], "demo"])

    assert 0 == ran.exit_code
    assert "\x1b" not in ran.out
    assert [] == [line for line in ran.out.splitlines() if len(line) > 80]


def test_a_call_that_is_refused_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """Against a platform that behaves otherwise it exits with 1 and says why."""
    exit_code = demo.perform(Sandbox(templates={}))

    assert 1 == exit_code
    assert "✗ The demo failed: SendOTP: 4001" in capsys.readouterr().err
