"""The review of templates and signatures, which a person makes on the real platform.

::

    submitted ──── `after` seconds ────> approved, or rejected with a remark
        └── or it stays pending
"""

from collections.abc import Callable
from typing import Final, Literal, Self

from attrs import field, frozen

PENDING: Final = 1
APPROVED: Final = 2
REJECTED: Final = 3


@frozen
class Review:
    """What becomes of a template or a signature that is submitted.

    Attributes:
        outcome: ``"approve"``, ``"reject"``, or ``"pending"`` for a review that never ends.
        remark: The reviewer's words.
        after: How long the review takes, in seconds.

    Example:
        >>> Review.reject("Name the brand", after=0)
        Review(outcome='reject', remark='Name the brand', after=0)

    .. versionadded:: 0.1.0
    """

    outcome: Literal["approve", "reject", "pending"] = "approve"
    remark: str = ""
    after: float = 1.0

    @classmethod
    def approve(cls, *, after: float = 1.0) -> Self:
        """Approve."""
        return cls("approve", after=after)

    @classmethod
    def reject(cls, remark: str, *, after: float = 1.0) -> Self:
        """Reject, and say why."""
        return cls("reject", remark, after)

    @classmethod
    def leave_pending(cls) -> Self:
        """Say nothing."""
        return cls("pending")


@frozen
class Submission:
    """Something that was submitted.

    Attributes:
        review: What becomes of it.
        at: When it was submitted, in Unix seconds.
    """

    review: Review
    at: float
    _clock: Callable[[], float] = field(repr=False)

    @property
    def status(self) -> int:
        """What the review has said by now."""
        if self.review.outcome == "pending" or self._clock() < self.at + self.review.after:
            return PENDING
        return APPROVED if self.review.outcome == "approve" else REJECTED

    @property
    def audit_remark(self) -> str:
        """The reviewer's words, once they are spoken."""
        return "" if self.status == PENDING else self.review.remark


class Reviewer:
    """Takes what is submitted.

    Attributes:
        review: What becomes of what is submitted from now on.
    """

    def __init__(self, review: Review, clock: Callable[[], float]) -> None:
        """Use a clock that tells Unix seconds."""
        self.review: Review = review
        self._clock = clock

    def resume(self, review: Review, at: float) -> Submission:
        """Go on with a review that began some time ago."""
        return Submission(review, at, self._clock)

    def take(self) -> Submission:
        """Begin a review."""
        return Submission(self.review, self._clock(), self._clock)
