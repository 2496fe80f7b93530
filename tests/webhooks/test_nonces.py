"""The memory of signatures that were used."""

from hypothesis import given
from hypothesis import strategies as st

from engagelab_async.webhooks.nonces import NonceMemory

uses = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.sampled_from([b"1", b"2"])), max_size=60
)


@given(uses=uses, capacity=st.integers(1, 5), times=st.lists(st.integers(0, 9), max_size=60))
def test_no_nonce_is_ever_taken_with_two_bodies(
    uses: list[tuple[int, str, bytes]], capacity: int, times: list[int]
) -> None:
    """Whatever it has let go of, for its age or for want of room, it does not take again."""
    memory = NonceMemory(capacity)
    taken: dict[tuple[int, str], bytes] = {}
    for place, (timestamp, nonce, body) in enumerate(uses):
        if not memory.forgets(timestamp) and memory.bind(timestamp, nonce, body):
            assert body == taken.setdefault((timestamp, nonce), body)
        if place < len(times):
            memory.forget_before(times[place])

        assert len(memory) <= capacity


def test_what_is_young_is_kept() -> None:
    """Growing old is the only reason to be let go of, as long as there is room."""
    memory = NonceMemory(3)
    for timestamp in (7, 5, 6):
        memory.bind(timestamp, "a", b"1")
    memory.forget_before(6)

    assert [True, False, False] == [memory.forgets(timestamp) for timestamp in (5, 6, 7)]
    assert [False, False] == [memory.bind(timestamp, "a", b"2") for timestamp in (6, 7)]


def test_what_is_closed_is_remembered() -> None:
    """Nothing of that time is new any more, and what was used is still known with its body."""
    memory = NonceMemory(3)
    for timestamp in (7, 5, 6):
        memory.bind(timestamp, "a", b"1")
    memory.close_before(6)

    assert [True, False, False] == [memory.forgets(timestamp) for timestamp in (5, 6, 7)]
    assert [True, True, False, False] == [
        memory.knows(5, "a"),
        memory.knows(5, "a", b"1"),
        memory.knows(5, "a", b"2"),
        memory.knows(5, "b"),
    ]


def test_a_crowd_cannot_fill_it() -> None:
    """It holds as many as it may, in every one of its lists."""
    memory = NonceMemory(10)
    for timestamp in range(1000):
        memory.bind(timestamp, "a", b"1")

    assert [10, 10, 10] == [
        len(memory),
        len(memory._above),  # noqa: SLF001 - a leak shows nowhere else
        len(memory._oldest),  # noqa: SLF001
    ]
