"""The Dockerfile, as far as reading it goes: no image is built here."""

import re
from pathlib import Path

import pytest

from engagelab_async.cli import main

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_what_is_copied_is_there() -> None:
    """Everything that goes into the image exists, and is not ignored."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    copied = [name for line in lines for name in line.split()]
    let_in = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), flags=re.MULTILINE)

    assert sorted(let_in) == sorted(copied)
    assert [] == [name for name in copied if not (ROOT / name).exists()]


def test_it_starts_a_command_that_exists(capsys: pytest.CaptureFixture[str]) -> None:
    """The options of the entry point are those of the command."""
    entry = re.findall(r"^ENTRYPOINT \[(.+)\]$", DOCKERFILE, flags=re.MULTILINE)[0]
    program, command, *options = re.findall(r'"([^"]+)"', entry)
    main([command, "--help"])
    known = capsys.readouterr().out

    assert "engagelab" == program
    assert [] == [each for each in options if each.startswith("--") and each not in known]


def test_it_ends_with_few_rights() -> None:
    """The last user is not root, and no image is taken without a version."""
    users = re.findall(r"^USER (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    images = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)

    assert users[-1:] == ["10001"]
    assert all(re.fullmatch(r"python:3\.\d+-slim", image) for image in images)
