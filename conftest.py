"""Collects the code blocks of README.md and docs/ as tests; `docs.pages` runs them."""

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
