"""The review of templates and signatures, which a person makes on the real platform.

::

    submitted ──── `after` seconds ────> approved, or rejected with a remark
        └── or it stays pending
"""

import math
from collections.abc import Callable
from typing import Final, Literal, Self, TypeAlias

from attrs import frozen

from .outbox import Product

TemplateId: TypeAlias = tuple[Product, str]
"""A template: its product, and its id."""

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
    """Something that was submitted at some time, in Unix seconds, and what becomes of it."""

    review: Review
    at: float

    @property
    def ends_at(self) -> float:
        """When the review is over, in Unix seconds."""
        return math.inf if self.review.outcome == "pending" else self.at + self.review.after

    def status(self, now: float) -> int:
        """Return what the review has said by now."""
        if now < self.ends_at:
            return PENDING
        return APPROVED if self.review.outcome == "approve" else REJECTED

    def remark(self, now: float) -> str:
        """Return the reviewer's words, once they are spoken."""
        return "" if now < self.ends_at else self.review.remark


class Reviewer:
    """Takes what is submitted, and calls ``on_take``; its ``review`` may be set at any time."""

    def __init__(self, review: Review, clock: Callable[[], float]) -> None:
        self.review: Review = review
        self.clock: Callable[[], float] = clock
        self.on_take: Callable[[], object] = lambda: None

    def take(self) -> Submission:
        """Begin a review."""
        self.on_take()
        return Submission(self.review, self.clock())

    def approve(self) -> Submission:
        """Take what needs no review."""
        return Submission(Review.approve(after=0), self.clock())
