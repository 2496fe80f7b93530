"""What must be true of README.md and docs/ beyond that their code runs."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import engagelab_async
from engagelab_async import pytest_plugin as plugin
from engagelab_async import sandbox, testing, webhooks
from engagelab_async.cli import main
from engagelab_async.sandbox.faults.register import Faults
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.inbox.control import routes
from support.platforms import Platform

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
TESTED = {"python", "console", "output", "sh", "yaml"}
NO_CODE = {"text", "{toctree}", "{eval-rst}", "{include}"}
ELSEWHERE = {"js"}  # Playwright needs a browser of its own, and a site to test
SANDBOX = ROOT / "docs/reference/sandbox.md"
COMMAND_LINE = ROOT / "docs/reference/command-line.md"
COMMANDS = re.findall(
    "^## engagelab (.+)$", COMMAND_LINE.read_text(encoding="utf-8"), flags=re.MULTILINE
)
GROUPS = {
    "fleet",
    "journal",
    "otp",
    "otp templates",
    "sms",
    "sms templates",
    "sms signatures",
    "webhooks",
}
"""The commands that only hold others."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def section(page: Path, title: str) -> str:
    """Return what stands below a second-level heading."""
    sections = re.split(r"^## (.*)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return sections[sections.index(title) + 1]


def options(text: str) -> set[str]:
    """Find the options of a command that a text names."""
    return set(re.findall(r"--[a-z][a-z-]+", text)) - {"--help", "--version"}


@pytest.mark.parametrize(
    ("title", "command"),
    [
        pytest.param(
            "Try it",
            "python3 -m venv .venv"
            ' && .venv/bin/python -m pip install --quiet ".[cli,sandbox]"'
            " && .venv/bin/engagelab demo",
            id="try",
        ),
        pytest.param(
            "Test it",
            "python3 -m venv .venv && .venv/bin/python -m pip install --quiet nox && .venv/bin/nox",
            id="test",
        ),
    ],
)
def test_a_newcomer_needs_one_command(title: str, command: str) -> None:
    """Trying and testing take one line each, which a fresh clone has all it needs for."""
    blocks = re.findall(r"```sh\n(.*?)```", section(README, title), flags=re.DOTALL)

    assert [f"{command}\n"] == blocks


@every_page
def test_every_code_block_is_tested(page: Path) -> None:
    """A block of a language that nothing runs would rot."""
    fences = re.findall(r"^```(\S*)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert set() == set(fences[::2]) - TESTED - NO_CODE - ELSEWHERE
    assert set() == set(fences[1::2]) - {""}


def test_nobody_is_told_to_install_what_no_index_has() -> None:
    """The package is installed from a checkout: ``".[cli]"``."""
    named = r"engagelab-async\[|pip install [^.\n]*engagelab"
    modules = Path(engagelab_async.__file__).parent.rglob("*.py")

    assert [] == [
        text for text in (*PAGES, *modules) if re.search(named, text.read_text(encoding="utf-8"))
    ]


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """A link to another file of the repository finds it, on every host that shows the page."""
    links = re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text(encoding="utf-8"))

    assert [] == [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("module", [engagelab_async, sandbox, webhooks, testing])
def test_the_reference_knows_every_public_name(module: ModuleType) -> None:
    """A new public name gets an entry."""
    pages = "".join(
        page.read_text(encoding="utf-8") for page in (ROOT / "docs/reference").iterdir()
    )
    entries = re.findall(r"^ *\.\. (?:auto|py:)\w+:: (?:[\w.]+\.)?(\w+)", pages, re.MULTILINE)

    assert set() == set(module.__all__) - set(entries)


def test_the_reference_knows_every_fixture() -> None:
    """The table lists the fixtures that the plugin has."""
    page = (ROOT / "docs/reference/testing.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE)

    assert set(listed) == {name for name in vars(plugin) if name.startswith("engagelab")}


@pytest.fixture
def help_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], str]:
    """What a command prints when it is asked for help."""
    monkeypatch.setenv("COLUMNS", "100")

    def ask(command: str) -> str:
        main([*command.split(), "--help"])
        return capsys.readouterr().out

    return ask


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_knows_every_option(command: str, help_of: Callable[[str], str]) -> None:
    """The page about the command line lists the options that ``--help`` does, and no others."""
    shown = options(help_of(command)) - {"--env-file"}  # which every command has
    shared = options(section(COMMAND_LINE, "Options of all sends"))
    listed = options(section(COMMAND_LINE, f"engagelab {command}"))

    assert shown in (listed, listed | shared)


def test_the_reference_knows_every_path_of_the_inbox() -> None:
    """The page about the sandbox lists the paths that the inbox has, and no others."""
    platform = Platform()
    served = {
        f"{method} {re.sub('{number:number}', '{n}', route.path)}"
        for route in routes(Calls(platform, keep=1, clock=time.time), platform, Faults())
        if "{name}" not in route.path
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = section(SANDBOX, "Control API") + section(SANDBOX, "Faults")
    listed = re.findall(r"^\| `([A-Z]+ /[^`]*)`", described, re.MULTILINE)

    assert served == set(listed)


def test_the_reference_knows_every_command(help_of: Callable[[str], str]) -> None:
    """Each command has a section."""
    rows = {
        f"{group} {name}".strip()
        for group in ("", *GROUPS)
        for name in re.findall(r"^│ ([a-z][a-z-]+) ", help_of(group), flags=re.MULTILINE)
    }

    assert rows - GROUPS == set(COMMANDS)
