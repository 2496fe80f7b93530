"""The code blocks of README.md and docs/ are tests: Sybil runs them as they are printed.

===========  ===================================================================================
block        what becomes of it
===========  ===================================================================================
``python``   runs; ``await`` may stand outside a function; a page's blocks share their names;
             blocks of tests are run by pytest, below the page's other blocks
``console``  what stands after ``$`` is run by a shell; the other lines are what that prints
``output``   is what the block before it printed
``sh``       would change the reader's machine; it is read, and what it names has to exist
``yaml``     is for other programs; it is read, and the variables in it have to exist
===========  ===================================================================================

In what is printed, ``...`` stands for anything. An HTML comment that begins with
``invisible-code-block: python`` runs as well: it prepares, or checks, what the reader sees.

Every page has a `sandbox` of its own, to which the environment variables lead, and `engagelab`, an
open client.
"""

import ast
import asyncio
import inspect
import os
import re
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from importlib import metadata
from io import StringIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import yaml
from sybil import Example, Sybil
from sybil.evaluators.python import pad
from sybil.parsers.myst import CodeBlockParser

from engagelab_async import EngageLab
from engagelab_async.sandbox import Sandbox

_TEST: Final = re.compile(r"^(?:async )?def test_", re.MULTILINE)
_INSTALL: Final = re.compile(r"python -m pip install \.(?:\[([a-z,]+)\])?")
_VARIABLE: Final = re.compile(
    r"ENGAGELAB_(?:(?:OTP_|SMS_)?DEV_(?:KEY|SECRET)|(?:OTP|SMS)_BASE_URL"
    r"|CALLBACK_(?:USERNAME|SECRET)|SANDBOX_TOKEN)"
)


def open_page(page: dict[str, Any]) -> None:
    """Give a page what its blocks build on."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("ENGAGELAB_DEV_KEY", "any")
        environment.setenv("ENGAGELAB_DEV_SECRET", "any")
        environment.setenv("ENGAGELAB_CALLBACK_USERNAME", "shop")
        environment.setenv("ENGAGELAB_CALLBACK_SECRET", "my_secret")
        environment.setenv("ENGAGELAB_OTP_BASE_URL", sandbox.otp_base_url)
        environment.setenv("ENGAGELAB_SMS_BASE_URL", sandbox.sms_base_url)
        environment.setenv("PATH", sysconfig.get_path("scripts"), prepend=os.pathsep)
        runner = stack.enter_context(asyncio.Runner())
        engagelab = EngageLab.from_env()
        stack.callback(lambda: runner.run(engagelab.aclose()))
        page.update(__name__="__main__", _run=runner.run)
        page.update(sandbox=sandbox, engagelab=engagelab, _shown="")
        page["_close"] = stack.pop_all().close


def close_page(page: dict[str, Any]) -> None:
    """Close what `open_page` opened."""
    page["_close"]()


def run_python(example: Example) -> str | None:
    """Run a block, and keep what it prints."""
    page = example.namespace
    if example.document.text[example.start] != "<":  # as an HTML comment begins
        page["_shown"] += example.parsed
    if _TEST.search(example.parsed):
        # The last block of tests runs those before it as well.
        return None if _TEST.search(example.document.text, example.end) else run_tests(page)
    source = pad(example.parsed, example.line + example.parsed.line_offset)
    code = compile(source, example.path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    with redirect_stdout(StringIO()) as printed:
        outcome = eval(code, page)  # noqa: S307 - the pages are our own
        if inspect.iscoroutine(outcome):
            page["_run"](outcome)
    page["_printed"] = printed.getvalue()
    return None


def run_tests(page: dict[str, Any]) -> str | None:
    """Run what a page has shown so far as a file of tests."""
    with TemporaryDirectory() as directory:
        Path(directory, "test_page.py").write_text(page["_shown"], encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", directory]
        tests = subprocess.run(command, capture_output=True, text=True, check=False)
    return tests.stdout + tests.stderr if tests.returncode else None


def compare_output(example: Example) -> str | None:
    """Compare what is shown with what the block before it printed."""
    return difference(example.parsed, example.namespace["_printed"])


def run_console(example: Example) -> str | None:
    """Run the commands of a block in one shell, and compare what each of them prints."""
    commands = list(commands_in(example.parsed))
    if commands[0][0].startswith(("engagelab sandbox", "engagelab webhooks listen")):
        return run_server(*commands[0])
    # The mark between two outputs must not change the exit code that the next command may ask for.
    script = "".join(f"{command}\n(s=$?; printf '\\0'; exit $s)\n" for command, _ in commands)
    shell = subprocess.run(
        ["bash", "-c", script],  # noqa: S607 - the reader's, wherever it is
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outputs = shell.stdout.split("\0")
    found = (difference(want, got) for (_, want), got in zip(commands, outputs[:-1], strict=True))
    return "\n".join(filter(None, found)) or None


def run_server(command: str, output: str) -> str | None:
    """Start a server on a free port, and compare the first lines that it prints."""
    port = re.findall(r"--port (\d+)", command)[0]
    with subprocess.Popen(
        shlex.split(command.replace(port, "0")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        printed = "".join(islice(server.stdout or (), len(output.splitlines())))
        server.terminate()
    return difference(output.replace(port, "..."), printed)


def commands_in(block: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a ``console`` block with what it is shown to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = re.sub(r"\\\n", "", part).partition("\n")
        yield command, output


def difference(want: str, got: str) -> str | None:
    """Describe how an output differs from what is shown, if it does."""
    # What is printed as a table ends in spaces, which nobody sees.
    got = re.sub(r" +$", "", got, flags=re.MULTILINE)
    if OutputChecker().check_output(want, got, ELLIPSIS):
        return None
    return f"Shown:\n{want}\nPrinted:\n{got}"


def read_sh(example: Example) -> str | None:
    """Check that the extras and the variables exist that a block names."""
    wrong = [line for line in example.parsed.splitlines() if not makes_sense(line)]
    return "\n".join(["Not understood:", *wrong]) if wrong else None


def read_yaml(example: Example) -> str | None:
    """Check that a block is YAML, and that the variables exist that it names."""
    yaml.safe_load(example.parsed)
    names = set(re.findall(r"\bENGAGELAB_\w+", example.parsed))
    wrong = sorted(name for name in names if not _VARIABLE.fullmatch(name))
    return f"No such variables: {wrong}" if wrong else None


def makes_sense(line: str) -> bool:
    """Tell whether a line that is not run names only what exists."""
    # The one-line commands of the README make an environment; they have a test of their own.
    if not line or line.startswith(("python3 -m venv .venv", "source .venv/bin/activate")):
        return True
    if line.startswith(("export ", "unset ")):
        names = [word.partition("=")[0] for word in shlex.split(line)[1:]]
        return all(_VARIABLE.fullmatch(name) for name in names)
    install = _INSTALL.fullmatch(" ".join(shlex.split(line)))
    extras = metadata.metadata("engagelab-async").get_all("Provides-Extra") or []
    return install is not None and {*(install[1] or "").split(",")} <= {"", *extras}


collect = Sybil(
    parsers=[
        CodeBlockParser("python", run_python),
        CodeBlockParser("output", compare_output),
        CodeBlockParser("console", run_console),
        CodeBlockParser("sh", read_sh),
        CodeBlockParser("yaml", read_yaml),
    ],
    path=str(Path(__file__).parents[2]),
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
    setup=open_page,
    teardown=close_page,
).pytest()
