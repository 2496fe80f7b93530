"""The shape of the house: which module may import which, and what an import may bring along.

The package is built in floors, listed in ``FLOORS`` from the lowest to the highest. A module
imports from the floors before its own, never from those after it.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from attrs import frozen

import engagelab_async

ROOT = "engagelab_async"
WORKING_TREE = Path(__file__).parents[1]
PACKAGE = Path(engagelab_async.__file__).parent

FLOORS = [
    {"_version", "arguments", "errors", "extras", "serialization"},
    {"frames", "open_enums", "placeholders"},
    {"operation", "balance"},
    {"resource", "template", "wording"},
    {"retry"},
    {"convert", "masking"},
    {"wire"},
    {"engines"},
    {"attempts", "credentials"},
    {"transport"},
    {"calls", "review"},
    {"template_calls"},
    {"otp", "sms"},
    {"rendering"},
    {"templates"},
    {"bulk"},
    {"client"},
    {"webhooks"},
    {"distributed", "redis"},
    {"sandbox"},
    {"testing"},
    {"cli", "pytest_plugin"},
]
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}

MAY_IMPORT_THE_ROOT = {"cli", "pytest_plugin", "testing"}
"""They use the library as its users do."""

HOMES = {
    "aiohttp": ["engines.aiohttp", "webhooks.aiohttp"],
    "asyncpg": ["distributed.postgresql", "distributed.pgqueuer"],
    "cyclopts": ["cli"],
    "dotenv": ["cli"],
    "fastapi": ["webhooks.fastapi"],
    "filelock": ["sandbox.persistence"],
    "httptools": ["engines._answer"],
    "httpx": [
        "engines.httpx",
        "engines.httpx_client",
        "engines._httpx",
        "engines._choice",
        "engines._tls",
        "engines.asyncio",
        "sandbox.callbacks",
        "sandbox.callback_sender",
        "testing.respx",
    ],
    "httpx2": [],  # the engines on httpx are given the module
    "msgspec": ["sandbox"],
    "pgqueuer": ["distributed.pgqueuer"],
    "phonenumbers": ["bulk.numbers"],
    "pydantic": [],
    "pydantic_core": ["serialization"],  # within what pydantic calls
    "pytest": ["pytest_plugin"],
    "respx": ["pytest_plugin", "testing.respx"],
    "rich": ["cli"],
    "starlette": ["sandbox", "webhooks.fastapi"],
    "taskiq": ["distributed.taskiq"],
    "uvicorn": ["sandbox", "cli.webhooks.listening"],
    "yaml": ["cli"],
}
"""Where a library is at home; no other module imports it."""

EXTRAS = sorted(HOMES.keys() - {"httpx"})
"""What a program may not have installed."""


@frozen
class Import:
    """One import statement's target, with where it stands."""

    importer: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def module_name(file: Path) -> str:
    """Return the dotted name of a source file: ``engagelab_async.engines.httpx``."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}
MODULES = [name for name in FILES if name != ROOT]  # the root imports what it likes


def floor_name(module: str) -> str:
    """Return what stands in ``FLOORS`` for a module; "" for the package's root."""
    return f"{module}..".split(".")[1]


def height(module: str) -> int:
    """Return the number of a module's floor; -1 for the root and for what has no floor."""
    return FLOOR_OF.get(floor_name(module), -1)


def is_in(module: str, home: str) -> bool:
    """Tell whether a module is, or lies below, a home such as ``engines.httpx``."""
    return f"{module}.".startswith(f"{ROOT}.{home}.")


def origin(node: ast.ImportFrom, importer: str) -> str:
    """Return the absolute name of what stands between ``from`` and ``import``."""
    if not node.level:
        return node.module or ""
    depth = node.level - (FILES[importer].name == "__init__.py")
    anchor = importer.rsplit(".", depth)[0] if depth else importer
    return f"{anchor}.{node.module}" if node.module else anchor


def targets(node: ast.AST, importer: str) -> list[str]:
    """Return the modules that a statement imports; none for any other statement."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        source = origin(node, importer)
        dotted = [f"{source}.{alias.name}" for alias in node.names]
        return [name if name in FILES else source for name in dotted]
    return []


def imports_of(module: str) -> Iterator[Import]:
    """Yield every import of a module, those inside functions and ``if TYPE_CHECKING`` included."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        for target in targets(node, module):
            yield Import(module, target, getattr(node, "lineno", 0))


def inner_imports_of(module: str) -> list[Import]:
    """Return the imports of a module that stay in the package but leave its floor's name."""
    return [
        each
        for each in imports_of(module)
        if each.target.partition(".")[0] == ROOT and floor_name(each.target) != floor_name(module)
    ]


def run_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    return subprocess.check_output([sys.executable, "-c", code], text=True)


def test_every_module_has_a_floor() -> None:
    """A new module of the package is given its place in the order of imports."""
    homeless = {floor_name(module) for module in MODULES} - FLOOR_OF.keys()

    assert set() == homeless, "put it into FLOORS, above all that it imports"


def test_imports_point_to_lower_floors() -> None:
    """A module imports only from the floors below its own."""
    inner = [each for module in MODULES for each in inner_imports_of(module)]
    upward = [str(each) for each in inner if height(each.target) >= height(each.importer)]

    assert [] == upward


def test_the_sandbox_states_the_api_by_itself() -> None:
    """It shares no word about the API with the client, so that each finds the other's errors."""
    shared = {"arguments", "errors", "extras", "placeholders", "webhooks"}
    modules = [module for module in MODULES if floor_name(module) == "sandbox"]
    inner = [each for module in modules for each in inner_imports_of(module)]

    assert [] == [str(each) for each in inner if floor_name(each.target) not in shared]


def test_the_root_is_for_users() -> None:
    """A module imports from where a name is defined, not from the package that re-exports it."""
    insiders = [module for module in MODULES if floor_name(module) not in MAY_IMPORT_THE_ROOT]
    inner = [each for module in insiders for each in inner_imports_of(module)]

    assert [] == [str(each) for each in inner if each.target == ROOT]


def private_imports_of(module: str) -> Iterator[str]:
    """Yield the private names that a module imports from packages in which it does not stand."""
    for node in ast.walk(ast.parse(FILES[module].read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        for name in [f"{origin(node, module)}.{alias.name}" for alias in node.names]:
            owner, private, _ = name.partition("._")
            ours = private and name.startswith(ROOT)
            if ours and not f"{module}.".startswith(f"{owner}."):
                yield f"{module}:{node.lineno} imports {name}"


def test_private_names_stay_in_their_package() -> None:
    """What begins with an underscore is imported only within the package that it stands in."""
    assert [] == [each for module in FILES for each in private_imports_of(module)]


def test_libraries_stay_at_home() -> None:
    """A library that could be exchanged is imported in its home only."""
    strays = [
        str(each)
        for module in FILES
        for each in imports_of(module)
        if (library := each.target.partition(".")[0]) in HOMES
        and not any(is_in(module, home) for home in HOMES[library])
    ]

    assert [] == strays


def test_importing_the_package_loads_no_extra() -> None:
    """What an extra installs is loaded by those who use it, even when it is installed."""
    core = "import sys, httpx, attrs, cattrs, anyio; before = set(sys.modules)"
    ours = f"from {ROOT} import EngageLab, Credentials, broadcast, render"
    loaded = run_python(f"{core}; {ours}; print(*set(sys.modules) - before)").split()

    assert [] == [name for name in loaded if name.partition(".")[0] in EXTRAS]


def test_the_public_names_need_no_extra() -> None:
    """With the core dependencies alone, every public name can be had."""
    without_extras = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS}))"
    names = run_python(f"{without_extras}; from {ROOT} import *; print(*sorted(dir()))").split()

    assert set(engagelab_async.__all__) <= set(names)


@pytest.mark.skipif(
    "ENGAGELAB_ASYNC_TEST_WHEEL" not in os.environ, reason="only nox tests the built wheel"
)
class TestWheel:
    """What nox tests is what users install."""

    def test_is_what_the_tests_import(self) -> None:
        """The tested package comes from the environment, not from the working tree."""
        assert PACKAGE != WORKING_TREE / ROOT
        assert str(WORKING_TREE) not in sys.path

    def test_holds_the_typed_package_its_plugin_and_nothing_else(self) -> None:
        """Type checkers find the marker; tests, docs and examples are left out."""
        files = metadata.files("engagelab-async") or []
        tops = {file.parts[0] for file in files if file.parts[0] != ".."}  # ../../bin/engagelab

        assert f"{ROOT}/py.typed" in [file.as_posix() for file in files]
        about = f"{ROOT}-{metadata.version('engagelab-async')}.dist-info"
        assert {ROOT, about} == tops - {"__pycache__"}
