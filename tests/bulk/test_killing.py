"""Kill -9, and a platform that fails in every way: nobody is lost, nobody is sent to twice."""

import random
from collections import defaultdict
from pathlib import Path

import pytest

from bulk.counting import Counting, now_and_then
from bulk.killing import run_and_kill
from bulk.rig import number, sends
from engagelab_async import Credentials, EngageLab, RetryPolicy
from engines.backends import run


def test_kill_loses_nobody(journal: Path) -> None:
    """A program killed five times, then run to its end, has sent to everybody at most once.

    Who was sent to never is among those that it calls uncertain.
    """
    draw = random.Random()  # noqa: S311 - no secret

    assert run_and_kill(journal, operations=1000, kills=5, draw=draw) <= 5 * 64


@pytest.mark.parametrize(("backend", "engine"), [("asyncio", "aiohttp"), ("trio", "httpx")])
@pytest.mark.parametrize("with_journal", [False, True])
def test_faults_lose_nobody(backend: str, engine: str, journal: Path, with_journal: bool) -> None:
    """With a tenth of all requests failing, every outcome is what the platform really did."""
    told = defaultdict[str, list[str]](list)
    count = 500

    async def main() -> None:
        async with (
            EngageLab(
                sms=Credentials("key", "secret"),
                sms_base_url=server.url,
                http=engine,  # type: ignore[arg-type]
                timeout=1.0,
                retry=RetryPolicy(base=0.01),
            ) as engagelab,
            engagelab.fan_out(sends(count), journal=journal if with_journal else None) as outcomes,
        ):
            async for outcome in outcomes:
                told[type(outcome).__name__].append(outcome.operation.to[0])

    with Counting(now_and_then(0.1, seed=count)) as server:
        run(backend, main)

    assert [number(index) for index in range(count)] == sorted(sum(told.values(), []))
    assert {1} == {server.delivered[each] for each in told["Accepted"]}
    assert {0, 1} >= {server.delivered[each] for each in told["Uncertain"]}
    assert {"Accepted", "Uncertain"} == told.keys()
    assert len(told["Uncertain"]) < 0.2 * count
