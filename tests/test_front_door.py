"""The package's root: a table of names, each looked up when it is first used."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import engagelab_async
from engagelab_async import bulk, templates

ROOT = Path(engagelab_async.__file__)


def table() -> dict[str, list[str]]:
    """Return the table of the root: the names of each module."""
    return {module: sorted(names) for module, names in vars(engagelab_async)["_MODULES"].items()}


def imports_for_type_checkers() -> dict[str, list[str]]:
    """Return what the root imports under ``if TYPE_CHECKING``, by module."""
    tree = ast.parse(ROOT.read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    statements = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {node.module or "": sorted(alias.name for alias in node.names) for node in statements}


def test_type_checkers_see_what_programs_get() -> None:
    """The table and the imports for type checkers name the same."""
    assert table() == imports_for_type_checkers()


def test_all_names_are_listed() -> None:
    """What the table has is public, and nothing else but the version."""
    names = sorted(["__version__", *(name for names in table().values() for name in names)])

    assert names == sorted(engagelab_async.__all__)
    assert names == sorted(set(names))


@pytest.mark.parametrize("module", [engagelab_async, bulk, templates])
def test_every_name_is_there(module: object) -> None:
    """Each name of `__all__` can be had, and is found by `dir`."""
    names = vars(module)["__all__"]

    assert [] == [name for name in names if getattr(module, name, None) is None]
    assert set(names) <= set(dir(module))


def test_names_are_those_of_their_modules() -> None:
    """A name of the root is the object of the module, not a copy."""
    for module, names in table().items():
        home = import_module(f"engagelab_async.{module}")
        for name in names:
            assert getattr(home, name) is getattr(engagelab_async, name)


def test_classes_of_bulk_and_templates_are_found() -> None:
    """They stood here once; programs that import them from here go on working."""
    assert bulk.RateLimit is getattr(engagelab_async, "RateLimit")  # noqa: B009 - not typed
    assert templates.SMSTemplate is getattr(engagelab_async, "SMSTemplate")  # noqa: B009


@pytest.mark.parametrize("name", ["nope", "Nope", "_nope", "_Nope"])
def test_unknown_name(name: str) -> None:
    """What is elsewhere, or nowhere, is missing as from any module."""
    with pytest.raises(AttributeError, match=f"module 'engagelab_async' has no attribute '{name}'"):
        getattr(engagelab_async, name)


def run_python(code: str) -> list[str]:
    """Run code in a fresh interpreter and return the words that it printed."""
    return subprocess.check_output([sys.executable, "-c", code], text=True).split()


def test_importing_loads_nothing() -> None:
    """Whoever imports the package without using it does not pay for it."""
    code = "import sys; import engagelab_async; print(*sys.modules)"
    loaded = {*run_python(code)}

    assert {"engagelab_async", "engagelab_async._version"} == {
        name for name in loaded if name.startswith("engagelab_async")
    }
    assert not loaded & {"httpx", "attrs", "cattrs", "anyio"}


def test_sending_loads_no_bulk_and_no_templates() -> None:
    """A program that sends does not pay for classes that it never uses."""
    code = "import sys; from engagelab_async import Credentials, EngageLab; "
    code += "EngageLab(sms=Credentials('a', 'b')); print(*sys.modules)"
    loaded = {*run_python(code)}

    assert "engagelab_async.sms.messages" in loaded
    for name in ("bulk", "templates", "otp.templates", "sms.templates", "sms.signatures"):
        assert f"engagelab_async.{name}" not in loaded


def test_modules_are_attributes() -> None:
    """As with any package, ``engagelab_async.errors`` works, even when it is the first use."""
    code = "import engagelab_async; print(engagelab_async.errors.ConnectError.__name__)"

    assert ["ConnectError"] == run_python(code)
