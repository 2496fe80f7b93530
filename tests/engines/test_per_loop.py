"""What belongs to one event loop of one process."""

import asyncio
import sys
from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import pytest
import trio
from attrs import define

from engagelab_async import ConfigurationError
from engagelab_async.engines._loops import Owner, PerLoop, _count_fork, current_loop


@define(eq=False)
class Opened:
    """What is opened in a loop, here: a note of the loop, and whether it was closed there."""

    loop: object
    closed_in: object = None

    async def aclose(self) -> None:
        """Close."""
        await anyio.lowlevel.checkpoint()
        self.closed_in = current_loop()


def opened() -> Opened:
    """Open in the loop that runs."""
    return Opened(current_loop())


async def get(per_loop: PerLoop[Opened]) -> Opened:
    """Return what belongs to the running loop."""
    return per_loop.get()


def test_nothing_runs() -> None:
    """Outside an event loop there is an error of the tree, whatever is imported."""
    assert trio.__name__ in sys.modules
    with pytest.raises(ConfigurationError, match="no event loop of asyncio or trio runs here"):
        current_loop()


def test_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that was never imported does not run."""
    monkeypatch.delitem(sys.modules, "asyncio")
    monkeypatch.delitem(sys.modules, "trio")
    with pytest.raises(ConfigurationError):
        current_loop()


def test_each_loop_has_its_own_until_it_ends() -> None:
    """It is closed in its loop, by asyncio and by trio alike, though nothing closes it."""
    per_loop = PerLoop(opened)

    async def twice() -> tuple[Opened, Opened]:
        return per_loop.get(), per_loop.get()

    first, same = asyncio.run(twice())
    second, third = asyncio.run(get(per_loop)), trio.run(get, per_loop)

    assert first is same
    for each in (first, second, third):
        assert each.loop is each.closed_in
    assert 3 == len({id(each.loop) for each in (first, second, third)})


@pytest.mark.asyncio
async def test_closing_is_of_the_running_loop() -> None:
    """Again does no harm."""
    per_loop = PerLoop(opened)
    await per_loop.aclose()
    mine = per_loop.get()
    other = await asyncio.to_thread(asyncio.run, get(per_loop))
    await per_loop.aclose()
    await per_loop.aclose()

    assert mine.loop is mine.closed_in
    assert other.loop is other.closed_in
    assert mine is not per_loop.get()


def test_loop_that_was_closed_without_an_end() -> None:
    """What belonged to it cannot be closed, and is let go."""
    per_loop = PerLoop(opened)
    loop = asyncio.new_event_loop()
    left = loop.run_until_complete(get(per_loop))
    loop.close()
    asyncio.run(get(per_loop))

    assert None is left.closed_in
    assert {} == per_loop._open  # noqa: SLF001


@pytest.mark.asyncio
async def test_fork_leaves_the_connections_to_the_parent() -> None:
    """A child opens its own, and neither uses nor closes what it inherited."""
    per_loop, owner = PerLoop(opened), Owner("a session")
    owner.check()
    inherited = per_loop.get()
    _count_fork()  # as in the child
    own = per_loop.get()
    await per_loop.aclose()

    assert (None, own.loop) == (inherited.closed_in, own.closed_in)
    with pytest.raises(ConfigurationError, match="a session belongs to another event loop"):
        owner.check()


@pytest.mark.asyncio
async def test_fork_before_the_closing() -> None:
    """Closing in a child touches nothing."""
    per_loop = PerLoop(opened)
    inherited = per_loop.get()
    _count_fork()
    await per_loop.aclose()

    assert None is inherited.closed_in


@pytest.mark.asyncio
async def test_end_of_the_parents_loop_in_a_child() -> None:
    """Nor does what is left of the parent's loop when it ends in the child."""
    per_loop = PerLoop(opened)
    inherited = per_loop.get()
    generator: AsyncIterator[None] = per_loop._open[current_loop()][1]  # noqa: SLF001
    _count_fork()
    await generator.aclose()  # type: ignore[attr-defined]

    assert None is inherited.closed_in
