"""What can be known of an operation."""

from enum import IntEnum


class State(IntEnum):
    """What a journal knows of an operation."""

    SENDING = 0
    ACCEPTED = 1
    REFUSED = 2
    UNCERTAIN = 3
    UNSENT = 4
    SPLIT = 5

    @property
    def doubtful(self) -> bool:
        """Whether it may have been sent."""
        return self in (State.SENDING, State.UNCERTAIN)
