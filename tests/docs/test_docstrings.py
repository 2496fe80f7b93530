"""The examples in the docstrings of the package."""

import doctest
import importlib
import pkgutil

import pytest

import engagelab_async

MODULES = [
    engagelab_async.__name__,
    *(
        module.name
        for module in pkgutil.walk_packages(engagelab_async.__path__, "engagelab_async.")
        if not module.name.endswith(".__main__")  # importing that runs the command
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_are_true(name: str) -> None:
    """An example prints what its docstring shows; ``...`` stands for anything."""
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)

    assert 0 == results.failed
