"""What became of one operation of a run.

::

    Accepted    the API took it
    Rejected    it was refused, or never left: nothing was sent
    Uncertain   it may have been sent: never repeated silently
    Skipped     this run did not send it
"""

from typing import Any, Generic, Literal, TypeVar

from attrs import frozen

from engagelab_async.errors import EngageLabError
from engagelab_async.operations import Operation, Plan

R = TypeVar("R")

SkipReason = Literal["settled", "refused", "duplicate", "stopped"]


@frozen(kw_only=True)
class _Outcome:
    """What all outcomes tell.

    Attributes:
        index: The operation's place in the source, counted from 0.
        attempts: How many requests were made.
        elapsed: Seconds from the first request to the end, waits included.
    """

    index: int
    attempts: int = 0
    elapsed: float = 0.0


@frozen
class Accepted(_Outcome, Generic[R]):
    """The API accepted the operation.

    Attributes:
        operation: What was sent.
        result: What the API answered.
    """

    operation: Operation[R]
    result: R

    @property
    def shortfall(self) -> int:
        """How many of a plan's targets the platform dropped without a word."""
        if isinstance(self.result, Plan):
            return self.result.total_count - self.result.accepted_count
        return 0


@frozen
class Rejected(_Outcome, Generic[R]):
    """Nothing was sent: the API refused, or the request never left.

    Attributes:
        operation: What was not sent.
        error: Why.
    """

    operation: Operation[R]
    error: EngageLabError


@frozen
class Uncertain(_Outcome, Generic[R]):
    """The operation may have been carried out, in this run or in an earlier one.

    Attributes:
        operation: What may have been sent.
        error: What kept the answer from arriving.
    """

    operation: Operation[R]
    error: EngageLabError


@frozen
class Skipped(_Outcome, Generic[R]):
    """This run did not send the operation.

    Attributes:
        operation: What was not sent.
        reason: ``settled``: the journal says that the API accepted it in an earlier run.
            ``refused``: the journal says that the API refused it for good in an earlier run.
            ``duplicate``: this run has met the same operation before, and has a journal to know
            it by. ``stopped``: the run ended before its turn.
    """

    operation: Operation[R]
    reason: SkipReason


Outcome = Accepted[R] | Rejected[R] | Uncertain[R] | Skipped[R]
AnyOutcome = Outcome[Any]
