"""The review of templates and signatures, which a person makes on the real platform.

::

    submitted ──── `after` seconds ────> approved, or rejected with a remark
        └── or it stays pending
"""

import math
from collections.abc import Callable, Iterable
from typing import Final, Literal, Self, TypeAlias

from attrs import field, frozen

from .loop import Wakeup
from .outbox import Product

PENDING: Final = 1
APPROVED: Final = 2
REJECTED: Final = 3

_LOOK_AGAIN: Final = 0.05


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
    def ends_at(self) -> float:
        """When the review is over, in Unix seconds."""
        return math.inf if self.review.outcome == "pending" else self.at + self.review.after

    @property
    def status(self) -> int:
        """What the review has said by now."""
        if self._clock() < self.ends_at:
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
        on_take: Called when something is submitted.
    """

    def __init__(self, review: Review, clock: Callable[[], float]) -> None:
        """Use a clock that returns Unix seconds."""
        self.review: Review = review
        self.on_take: Callable[[], object] = lambda: None
        self._clock = clock

    def resume(self, review: Review, at: float) -> Submission:
        """Go on with a review that began some time ago."""
        return Submission(review, at, self._clock)

    def take(self) -> Submission:
        """Begin a review."""
        self.on_take()
        return Submission(self.review, self._clock(), self._clock)

    def take_approved(self) -> Submission:
        """Take what needs no review."""
        return Submission(Review.approve(after=0), self._clock(), self._clock)


TemplateSubmission: TypeAlias = tuple[Product, str, Submission]
"""A template's product, its id, and its review."""


class Audits:
    """Reports the outcome of templates' reviews when they are over, from the server's loop.

    Args:
        templates: Returns all templates that there are.
    """

    def __init__(self, templates: Callable[[], Iterable[TemplateSubmission]]) -> None:
        self._templates = templates
        self._listener: Callable[[Product, str, Submission], object] | None = None
        self._reported: dict[tuple[Product, str], Submission] = {}
        self._wakeup = Wakeup()

    def ring(self) -> None:
        """Look again, as something was submitted."""
        self._wakeup.set()

    def listen(self, listener: Callable[[Product, str, Submission], object]) -> None:
        """Call a listener with all reviews that end from now on; again does nothing."""
        if self._listener is None:
            self.pass_over()
            self._listener = listener
            self.ring()

    def report(self) -> bool:
        """Report the reviews that are over.

        Returns:
            Whether there is one that is still going to end.
        """
        if self._listener is None:
            return False
        reported, ends_later = self._reported, False
        self._reported = {}
        for product, template_id, submission in self._templates():
            key = product, template_id
            if submission.status == PENDING:
                ends_later = ends_later or submission.ends_at < math.inf
                continue
            self._reported[key] = submission
            if reported.get(key) is not submission:
                self._listener(product, template_id, submission)
        return ends_later

    async def run(self) -> None:
        """Report reviews when they are over, until it is cancelled."""
        while True:
            # The clock may be the caller's, and be set forward at any moment.
            await self._wakeup.wait(_LOOK_AGAIN if self.report() else None)

    def pass_over(self) -> None:
        """Do not report what is decided by now, such as what comes from a store."""
        self._reported = {
            (product, template_id): each
            for product, template_id, each in self._templates()
            if each.status != PENDING
        }
