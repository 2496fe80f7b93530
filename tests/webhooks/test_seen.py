"""Which rows came before, and how far each has got."""

from typing import Any

import pytest

from engagelab_async.webhooks import RecentlySeen
from support.fake_clock import FakeClock


async def begun(store: RecentlySeen, *identities: str) -> list[str]:
    """Begin events, each for an owner of its own."""
    return [await store.begin(each, f"owner {place}") for place, each in enumerate(identities)]


@pytest.mark.anyio
async def test_being_handled_is_not_handled() -> None:
    """A repeat is told from one whose first is in flight."""
    store = RecentlySeen()
    before = await begun(store, "a", "a")
    await store.commit("a")

    assert ["new", "in_flight"] == before
    assert ["handled", "new"] == await begun(store, "a", "b")


@pytest.mark.anyio
async def test_what_is_asked_for_again_is_kept_longer() -> None:
    """When it is full, the one goes that was not heard of for longest."""
    store = RecentlySeen(capacity=2)
    found = []
    for each in ("a", "b", "a", "c", "a", "b"):
        found += await begun(store, each)
        await store.commit(each)

    assert ["new", "new", "handled", "new", "handled", "new"] == found


@pytest.mark.anyio
async def test_what_is_abandoned_is_new_again() -> None:
    """And what was never there can be abandoned."""
    store = RecentlySeen()
    await store.begin("a", "me")
    await store.abandon("a", "me")
    await store.abandon("b", "me")

    assert ["new"] == await begun(store, "a")


@pytest.mark.anyio
async def test_only_its_owner_abandons_an_event() -> None:
    """What is handled, or is another's by now, is left alone."""
    clock = FakeClock(0)
    store = RecentlySeen(lease=10, clock=clock)
    await store.begin("a", "slow")
    await store.begin("b", "slow")
    await store.commit("b")
    clock.now = 10
    await store.begin("a", "next")
    for identity in ("a", "b"):
        await store.abandon(identity, "slow")

    assert ["in_flight", "handled"] == await begun(store, "a", "b")


@pytest.mark.anyio
async def test_a_lease_ends() -> None:
    """What a killed process had begun is new to the next one."""
    clock = FakeClock(0)
    store = RecentlySeen(lease=10, clock=clock)
    found = await begun(store, "a")
    clock.now = 9.9
    found += await begun(store, "a")
    clock.now = 10
    found += await begun(store, "a", "a")

    assert ["new", "in_flight", "new", "in_flight"] == found


@pytest.mark.anyio
async def test_what_is_handled_has_no_lease() -> None:
    """It stays so, whenever it comes again."""
    clock = FakeClock(0)
    store = RecentlySeen(clock=clock)
    await store.begin("a", "me")
    await store.commit("a")
    clock.now = 10.0**9

    assert ["handled"] == await begun(store, "a")


@pytest.mark.parametrize(
    ("options", "name"), [({"capacity": 0}, "capacity"), ({"lease": 0}, "lease")]
)
def test_what_can_never_be_right(options: dict[str, Any], name: str) -> None:
    """No room at all, and no time, are mistakes."""
    with pytest.raises(ValueError, match=f"^{name}: "):
        RecentlySeen(**options)
