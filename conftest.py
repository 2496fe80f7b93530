"""Collects the code blocks of README.md and docs/ as tests; `docs.pages` runs them."""

import gc
from collections.abc import Generator
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]  # only the root may name plugins; the tests of our own one need it


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the blocks of a page."""
    if file_path.suffix != ".md":
        return None
    # Imported here, so that the tests of the package need neither Sybil nor the sandbox.
    from support.pages import collect

    collector: pytest.Collector | None = collect(file_path, parent)
    return collector


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without looking for garbage among all the tests again and again: it takes long."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
