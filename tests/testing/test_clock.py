"""The clock that a test can put forward."""

import time
from collections.abc import Callable

import anyio
import pytest

from engagelab_async.testing import Clock


@pytest.fixture
def real_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the machine's own time."""

    def set_to(now: float) -> None:
        monkeypatch.setattr(time, "time", lambda: now)
        monkeypatch.setattr(time, "monotonic", lambda: now)

    set_to(1000.0)
    return set_to


def test_what_it_was_put_forward_by_is_added(real_time: Callable[[float], None]) -> None:
    """The clock goes on with the machine's, ahead of it by all that it was put forward."""
    clock = Clock()
    clock.advance(300)
    clock.advance(0.5)
    real_time(1001.0)

    assert 1301.5 == clock() == clock.monotonic()


@pytest.mark.parametrize(
    ("seconds", "error"), [(0, ValueError), (-1, ValueError), ("1", TypeError)]
)
def test_it_is_never_put_back(seconds: float, error: type[Exception]) -> None:
    """Only a positive number can be added, and the refusal names the argument."""
    with pytest.raises(error, match=r"^seconds: "):
        Clock().advance(seconds)


@pytest.mark.asyncio
async def test_sleepers_sleep_together(real_time: Callable[[float], None]) -> None:
    """The clock goes on by the longest of several sleeps at a time, not by their sum."""
    clock = Clock()
    async with anyio.create_task_group() as tasks:
        for seconds in (8.0, 3.0, 5.0):
            tasks.start_soon(clock.sleep, seconds)

    assert 1008.0 == clock()
