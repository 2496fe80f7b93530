"""Quotas: how many requests a key may make, and the 429 of a gateway for the others.

The API documents no rate limit. An answer of a gateway in front of it, HTTP 429 with
``Retry-After``, is possible all the same.
"""

import math
from collections.abc import Callable

from attrs import field, frozen
from starlette.exceptions import HTTPException

from engagelab_async.arguments import check_integer, check_seconds


@frozen
class Quota:
    """How many requests each key may make.

    Attributes:
        requests: How many in one period, sends and others alike.
        period: How long a period is, in seconds. It begins with the first request.

    Raises:
        TypeError: One of them is no number.
        ValueError: ``requests`` is less than 1, or ``period`` is not positive.

    .. versionadded:: 0.1.0
    """

    requests: int = field(validator=lambda _, __, value: check_integer(value, "requests", 1))
    period: float = field(
        default=1.0, validator=lambda _, __, value: check_seconds(value, "period")
    )


class Usage:
    """What was used of a quota, if there is one."""

    def __init__(self, quota: Quota | None, clock: Callable[[], float]) -> None:
        self._quota = quota
        self._clock = clock
        self._periods: dict[object, tuple[float, int]] = {}

    def count(self, key: object) -> None:
        """Count a request; 429 with the seconds until the next period, if the quota is used up."""
        if self._quota is None:
            return
        now = self._clock()
        ends_at, requests = self._periods.get(key, (now, 0))
        if ends_at <= now:
            ends_at, requests = now + self._quota.period, 0
        if requests == self._quota.requests:
            raise HTTPException(429, headers={"retry-after": str(math.ceil(ends_at - now))})
        self._periods[key] = ends_at, requests + 1
