"""Kill -9, and a platform that fails in every way: nobody is lost, nobody is sent to twice."""

import random
from pathlib import Path

import pytest

from support.faults import send_with_faults
from support.killing import run_and_kill


def test_kill_loses_nobody(journal: Path) -> None:
    """A program killed five times, then run to its end, has sent to everybody at most once.

    Who was sent to never is among those that it calls uncertain.
    """
    draw = random.Random()  # noqa: S311 - no secret

    assert run_and_kill(journal, operations=1000, kills=5, draw=draw) <= 5 * 64


@pytest.mark.parametrize(
    ("backend", "engine"), [("asyncio", "asyncio"), ("asyncio", "aiohttp"), ("trio", "httpx")]
)
@pytest.mark.parametrize("with_journal", [False, True])
def test_faults_lose_nobody(backend: str, engine: str, journal: Path, with_journal: bool) -> None:
    """With a tenth of all requests failing, every outcome is what the platform really did."""
    send_with_faults(500, backend, engine, journal if with_journal else None)
