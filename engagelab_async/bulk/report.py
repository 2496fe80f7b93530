"""The numbers of a run: a `Tally` while it runs, and a `BulkReport` at any moment."""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen

from engagelab_async.errors import APIError
from engagelab_async.serialization import Serializable

from .outcomes import Accepted, AnyOutcome, Rejected, Skipped, Uncertain

_BUCKETS_PER_E: Final = 50
"""Latencies are counted in buckets 2 % wide, so that a million of them take a few kilobytes."""


@frozen(kw_only=True)
class BulkReport(Serializable):
    """What a run did so far.

    Attributes:
        accepted: How many operations the API accepted.
        rejected: How many were refused or could not be sent; nothing was sent for them.
        uncertain: How many may have been sent.
        skipped: How many this run did not send: settled before, duplicates, suppressed, or not
            reached.
        targets: How many recipients the accepted operations had.
        shortfall: How many of those the platform dropped without an error.
        rejected_targets: How many recipients the rejected operations had.
        uncertain_targets: How many recipients the uncertain operations had.
        skipped_targets: How many recipients the skipped operations had.
        suppressed_targets: How many of those must not be sent to.
        errors: How many operations ended in each error: by the API's code where it had one
            (``"5011"``), else by the error's class (``"ConnectError"``).
        repeats: How many requests were retries.
        elapsed: Seconds since the run began.
        rate: Accepted operations per second.
        p50: The median latency of an operation in seconds, delays included.
        p99: The 99th percentile of the latency in seconds.
        stopped: Why the run ended before its source did, or ``None``.
    """

    accepted: int
    rejected: int
    uncertain: int
    skipped: int
    targets: int
    shortfall: int
    rejected_targets: int
    uncertain_targets: int
    skipped_targets: int
    errors: Mapping[str, int]
    repeats: int
    elapsed: float
    rate: float
    p50: float
    p99: float
    stopped: str | None
    suppressed_targets: int = 0

    @property
    def total(self) -> int:
        """How many operations had an outcome."""
        return self.accepted + self.rejected + self.uncertain + self.skipped


@define(eq=False)
class Tally:
    """Counts outcomes."""

    operations: Counter[type] = field(factory=Counter)
    targets: Counter[type] = field(factory=Counter)
    errors: Counter[str] = field(factory=Counter)
    latencies: Counter[int] = field(factory=Counter)
    repeats: int = 0
    shortfall: int = 0
    suppressed_targets: int = 0

    def add(self, outcome: AnyOutcome) -> None:
        """Count an outcome."""
        targets = targets_of(outcome.operation)
        self.operations[type(outcome)] += 1
        self.targets[type(outcome)] += targets
        if outcome.attempts:
            self.repeats += outcome.attempts - 1
            self.latencies[round(math.log(max(outcome.elapsed, 1e-6)) * _BUCKETS_PER_E)] += 1
        if isinstance(outcome, Accepted):
            self.shortfall += outcome.shortfall
        elif isinstance(outcome, Rejected | Uncertain):
            self.errors[error_key(outcome)] += 1
        elif outcome.reason == "suppressed":
            self.suppressed_targets += targets

    def report(self, *, elapsed: float, stopped: str | None) -> BulkReport:
        """Make a report."""
        return BulkReport(
            accepted=self.operations[Accepted],
            rejected=self.operations[Rejected],
            uncertain=self.operations[Uncertain],
            skipped=self.operations[Skipped],
            targets=self.targets[Accepted],
            shortfall=self.shortfall,
            rejected_targets=self.targets[Rejected],
            uncertain_targets=self.targets[Uncertain],
            skipped_targets=self.targets[Skipped],
            errors=dict(self.errors.most_common()),
            repeats=self.repeats,
            elapsed=elapsed,
            rate=self.operations[Accepted] / elapsed if elapsed > 0 else 0.0,
            p50=self._quantile(0.50),
            p99=self._quantile(0.99),
            stopped=stopped,
            suppressed_targets=self.suppressed_targets,
        )

    def _quantile(self, share: float) -> float:
        rank = share * self.latencies.total()
        seen = 0
        for bucket in sorted(self.latencies):
            seen += self.latencies[bucket]
            if seen >= rank:
                return math.exp(bucket / _BUCKETS_PER_E)
        return 0.0


def error_key(outcome: Rejected[object] | Uncertain[object]) -> str:
    """Return the API's code of an outcome's error, or the name of its class."""
    error = outcome.error
    code = error.code if isinstance(error, APIError) else None
    return type(error).__name__ if code is None else str(code)


def targets_of(operation: object) -> int:
    """Count the recipients of an operation."""
    to = getattr(operation, "to", None)
    return len(to) if isinstance(to, tuple) else 1
