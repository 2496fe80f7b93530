"""The package's front door."""

import doctest
import importlib
import sys

import pytest

from engagelab_async import sandbox


def test_missing_extra_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uvicorn, the import error says what to install."""
    for name in [name for name in sys.modules if name.startswith("engagelab_async.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    with pytest.raises(ModuleNotFoundError, match="uvicorn") as caught:
        importlib.import_module("engagelab_async.sandbox")

    assert any('pip install ".[sandbox]"' in note for note in caught.value.__notes__)


def test_examples_run() -> None:
    """The examples in the docstrings of `Sandbox` do what they show."""
    result = doctest.testmod(sys.modules[sandbox.Sandbox.__module__])

    assert (0, True) == (result.failed, result.attempted > 0)


def test_public_names_exist() -> None:
    """Every name of `__all__` is there."""
    assert all(hasattr(sandbox, name) for name in sandbox.__all__)
