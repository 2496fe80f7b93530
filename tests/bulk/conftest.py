"""Fixtures of the tests of bulk."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest


@pytest.fixture
async def tidy(anyio_backend_name: str) -> AsyncIterator[None]:
    """Checks that a test leaves no task behind; on trio, it could not end."""
    yield

    if anyio_backend_name == "asyncio":
        tasks = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())

        assert [] == [name for name in tasks if not name.startswith("TestRunner.")]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where a journal may be."""
    return tmp_path / "run.db"
