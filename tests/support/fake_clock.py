"""A clock that stands still until a test moves it."""

from attrs import define


@define
class FakeClock:
    """A clock that is called for the time.

    Attributes:
        now: The time in Unix seconds, to be changed at will.
    """

    now: float = 1_760_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now
