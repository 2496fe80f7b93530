"""``engagelab demo``."""

import ast
import re

import pytest

from engagelab_async.cli import demo, scenes
from engagelab_async.sandbox import Sandbox
from support.command import COMMAND, Engagelab, run_process

TITLES = [
    "1 A code, sent and verified",
    "2 A wrong code is an answer, not an exception",
    "3 A message of your own template",
    "4 One SMS to three, one number being wrong",
    "5 An SMS in two hours",
    "6 Errors say whether it was sent",
    "7 500 sends, awaited at once",
]
SCENES = [
    scenes.right_code,
    scenes.wrong_code,
    scenes.custom_message,
    scenes.sms_to_three,
    scenes.scheduled_sms,
    scenes.two_errors,
    scenes.five_hundred,
]


def test_shows_every_call_and_succeeds(engagelab: Engagelab) -> None:
    """All acts come true, and what came back is seen."""
    ran = engagelab("demo")

    assert (0, "") == (ran.exit_code, ran.err)
    assert TITLES == [
        " ".join(title.split()) for title in re.findall(r"^(\d  .*?) ─+$", ran.out, re.MULTILINE)
    ]
    for evidence in (
        "verified=True",
        "verified=False",
        "Order 1871 is on its way.",
        "total_count=3, accepted_count=2",
        "ScheduleInfo(task_id=",
        "BlacklistedError",
        "ServerError",
        "500 messages, not one more or less",
        "sends a second",
    ):
        assert evidence in ran.out


def test_reads_well_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirected, it holds no escape sequences, and no line is too long for 80 columns."""
    monkeypatch.delenv("COLUMNS")

    ran = run_process([*COMMAND[1:], "demo"])

    assert 0 == ran.exit_code
    assert "\x1b" not in ran.out
    assert [] == [line for line in ran.out.splitlines() if len(line) > 80]


@pytest.mark.parametrize("scene", SCENES)
def test_the_lines_that_are_shown_fit_and_are_python(scene: object) -> None:
    """What is shown of a scene is code, short enough for 80 columns, without what is for us."""
    lines = scenes.snippet(scene)  # type: ignore[arg-type]

    compile(lines, "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert [] == [line for line in lines.splitlines() if len(line) > 76]
    assert "noqa" not in lines


def test_a_claim_that_does_not_come_true_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A demo against a platform that behaves otherwise exits with 1 and says where."""
    exit_code = demo.perform(Sandbox(templates={**scenes.TEMPLATES, "shipped": "Thank you."}))

    assert 1 == exit_code
    claim = "✗ The demo did not come true: the phone shows the number of the order\n"
    assert claim == capsys.readouterr().err


def test_an_error_that_is_not_part_of_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """So does one whose calls are refused."""
    exit_code = demo.perform(Sandbox(templates={}))

    assert 1 == exit_code
    assert "✗ The demo did not come true: SendOTP: 4001" in capsys.readouterr().err
