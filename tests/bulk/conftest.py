"""Fixtures of the tests of bulk."""

from functools import partial
from pathlib import Path

import pytest

from support.backends import Run, run
from support.bulk import BACKENDS


@pytest.fixture(params=BACKENDS)
def on(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine function on asyncio, and in another test on trio."""
    return partial(run, request.param)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where a journal may be."""
    return tmp_path / "run.db"
