"""Waiting for the platform's review, which people make: it takes minutes, hours or days.

::

    read ── approved ──> it
      │ ├── rejected ──> ReviewRejectedError
      │ └── neither, and time is up ──> ReviewTimeoutError
      └──────── sleep, ever longer <── neither
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from engagelab_async.arguments import check_timeout
from engagelab_async.template import TemplateStatus
from engagelab_async.wire import one_line

from .errors import EngageLabError, InvalidResponseError, ReviewTimeoutError

if TYPE_CHECKING:
    from engagelab_async.operation import Operation
    from engagelab_async.template import SignatureStatus

    from .errors import ReviewRejectedError
    from .transport import Transport

AN_HOUR: Final = 3600.0
"""How long to wait by default."""

_FIRST_WAIT: Final = 2.0
_LONGEST_WAIT: Final = 60.0
_GROWTH: Final = 1.5


class Reviewed(Protocol):
    """A template, or a signature."""

    @property
    def status(self) -> TemplateStatus | SignatureStatus | None:
        """The status of the review."""
        ...

    @property
    def audit_remark(self) -> str | None:
        """The reviewers' remark."""
        ...


T = TypeVar("T", bound=Reviewed)


async def wait_until_reviewed(
    transport: Transport,
    read: Operation[T],
    *,
    timeout: float,
    rejection: type[ReviewRejectedError],
) -> T:
    """Poll a template or a signature, with the operation that reads it, until it is reviewed.

    Raises:
        ReviewRejectedError: It was rejected; the error is a `rejection`.
        ReviewTimeoutError: It is not reviewed yet.
        EngageLabError: The first reading failed. A later one may, if its cause passes.
    """
    ends = transport.clock() + check_timeout(timeout, "timeout")
    found = await transport.execute(read)
    wait = _FIRST_WAIT
    while found.status != TemplateStatus.APPROVED:
        if found.status == TemplateStatus.REJECTED:
            raise _rejected(found.audit_remark or "", read, rejection)
        left = ends - transport.clock()
        if left <= 0:
            raise _late(timeout, read)
        await transport.sleep(min(wait, left))
        wait = min(wait * _GROWTH, _LONGEST_WAIT)
        try:
            found = await transport.execute(read)
        except EngageLabError as error:
            # A network that is down for a minute does not end hours of waiting. An answer that
            # cannot be read does: the next one will be like it, and there may be no time limit.
            may_pass = error.transient and not isinstance(error, InvalidResponseError)
            if not may_pass or transport.clock() >= ends:
                raise
    return found


def _rejected(
    remark: str, read: Operation[object], rejection: type[ReviewRejectedError]
) -> ReviewRejectedError:
    words = one_line(remark)
    text = f"rejected: {words}" if words else "rejected without a remark"
    error = rejection(text, audit_remark=remark)
    error.operation = read
    return error


def _late(timeout: float, read: Operation[object]) -> ReviewTimeoutError:
    error = ReviewTimeoutError(f"not reviewed after {timeout:g} seconds")
    error.operation = read
    return error
