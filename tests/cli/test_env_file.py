"""``--env-file``."""

import os
from pathlib import Path

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab


@pytest.fixture
def env_file(tmp_path: Path, sandbox: Sandbox) -> Path:
    """A file with all that a send needs."""
    path = tmp_path / ".env"
    path.write_text(
        "# the key pair of SMS\n"
        "export ENGAGELAB_SMS_DEV_KEY='from the file'\n"
        'ENGAGELAB_SMS_DEV_SECRET="a $' + '{HOME} b"\n'
        f"ENGAGELAB_SMS_BASE_URL={sandbox.sms_base_url}\n"
        "OTHER=1\n"
    )
    return path


@pytest.mark.parametrize("first", [True, False])
def test_brings_the_key_pair(engagelab: Engagelab, env_file: Path, first: bool) -> None:
    """It may stand before the command or behind it."""
    option, command = ("--env-file", str(env_file)), ("sms", "balance")
    ran = engagelab(*((*option, *command) if first else (*command, *option)))

    assert 0 == ran.exit_code


def test_is_for_this_command_alone(engagelab: Engagelab, env_file: Path) -> None:
    """Afterwards, the environment is what it was."""
    before = dict(os.environ)
    engagelab("sms", "balance", "--env-file", str(env_file))

    assert before == dict(os.environ)


def test_comes_after_the_environment(
    engagelab: Engagelab, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is set stays, even one that is empty."""
    monkeypatch.setenv("ENGAGELAB_SMS_BASE_URL", "http://127.0.0.1:1/sms")
    ran = engagelab("sms", "balance", "--attempts", "1", "--env-file", str(env_file))

    assert 1 == ran.exit_code
    assert "http://127.0.0.1:1/sms" == os.environ["ENGAGELAB_SMS_BASE_URL"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "--env-file: No such file or directory"),
        (b"A=1\nB='2\n", "--env-file: line 2: expected NAME=value"),
        (b"ENGAGELAB_DEV_KEY\n", "--env-file: ENGAGELAB_DEV_KEY has no usable value"),
        (b"ENGAGELAB_DEV_KEY=a\0b\n", "--env-file: ENGAGELAB_DEV_KEY has no usable value"),
        ("ENGAGELAB_DEV_KEY=ü\n".encode("latin-1"), "--env-file: not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used(
    engagelab: Engagelab, tmp_path: Path, content: bytes | None, problem: str
) -> None:
    """It is bad usage, and no value is quoted."""
    path = tmp_path / ".env"
    if content is not None:
        path.write_bytes(content)
    ran = engagelab("sms", "balance", "--env-file", str(path))

    assert 2 == ran.exit_code
    assert problem in ran.err


@pytest.mark.parametrize("line", ["DEBUG", "B2T8qVm", "[default]", "b"])
def test_other_variables_need_no_value(engagelab: Engagelab, env_file: Path, line: str) -> None:
    """They are for other programs, or the rest of a secret of several lines, which is not shown."""
    env_file.write_text(f"TOKEN=abc\n{line}\n{env_file.read_text()}")
    ran = engagelab("sms", "balance", "--env-file", str(env_file))

    assert (0, "") == (ran.exit_code, ran.err)


def test_a_byte_order_mark_is_no_part_of_a_name(engagelab: Engagelab, env_file: Path) -> None:
    """Editors on Windows write one."""
    env_file.write_text(env_file.read_text().partition("\n")[2], encoding="utf-8-sig")
    ran = engagelab("check", "--env-file", str(env_file))

    assert 0 == ran.exit_code
