"""Fan-out: many operations at once, with a rate limit, outcomes, and resumption without duplicates.

::

    numbers ──> broadcast ──> SendSMS operations                                   broadcasting.py

    EngageLab.fan_out ──> FanOut         the run, a stream of outcomes             run.py
      ├── Accepted | Rejected | Uncertain | Skipped                                outcomes.py
      ├── BulkReport                     what it did, in numbers                   report.py
      └── Task                           one operation, from source to outcome     worker.py
            ├── FlowControl              holds requests back, notices outages      flow.py
            │     ├── RateLimit          how fast                                  rate.py
            │     └── ConcurrencyLimit   how many at once                          concurrency.py
            ├── RunState                 whether to go on, and when to end         stopping.py
            ├── identity                 what makes two operations the same        identity.py
            └── RunJournal               durable before, durable after             journal/

Beside the run, `segments` counts what a text is sent as.
"""

from .broadcasting import broadcast
from .journal import Journal, JournalError
from .outcomes import Accepted, Outcome, Rejected, Skipped, Uncertain
from .rate import Limiter, Rate, RateLimit
from .report import BulkReport
from .run import FanOut, FanOutOptions, fan_out
from .stopping import StopRule, stop_on_fatal_error

__all__ = [
    "Accepted",
    "BulkReport",
    "FanOut",
    "FanOutOptions",
    "Journal",
    "JournalError",
    "Limiter",
    "Outcome",
    "Rate",
    "RateLimit",
    "Rejected",
    "Skipped",
    "StopRule",
    "Uncertain",
    "broadcast",
    "fan_out",
    "stop_on_fatal_error",
]
