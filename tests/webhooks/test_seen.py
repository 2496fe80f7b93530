"""Which rows were here before."""

import pytest

from engagelab_async.webhooks import RecentlySeen


async def test_what_is_asked_for_again_is_kept_longer() -> None:
    """When it is full, the one goes that was not heard of for longest."""
    store = RecentlySeen(capacity=2)
    new = [await store.add(each) for each in ("a", "b", "a", "c", "a", "b")]

    assert [True, True, False, True, False, True] == new


async def test_what_is_discarded_is_new_again() -> None:
    """And what was never there can be discarded."""
    store = RecentlySeen()
    await store.add("a")
    await store.discard("a")
    await store.discard("b")

    assert await store.add("a")


def test_it_holds_at_least_one() -> None:
    """No room at all is a mistake."""
    with pytest.raises(ValueError, match=r"^capacity: "):
        RecentlySeen(capacity=0)
