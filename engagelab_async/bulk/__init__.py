"""Fan-out: many operations at once, paced, watched, and resumed without sending anybody twice.

::

    numbers ──> broadcast ──> SendSMS operations                                   broadcasting.py

    EngageLab.fan_out ──> FanOut         the run, a stream of outcomes             run.py
      ├── Accepted | Rejected | Uncertain | Skipped                                outcomes.py
      ├── BulkReport                     what it did, in numbers                   report.py
      └── Turn                           one operation on its way                  turn.py
            ├── Conductor                holds requests back                       conductor.py
            │     ├── RateLimit, Width   how fast, how many at once                pacing.py
            │     └── hopeless, Outage   when to stop, when to wait                stopping.py
            └── RunJournal               durable before, durable after             journal.py
                  ├── identity           what makes two operations the same        identity.py
                  ├── State              what can be known of an operation         states.py
                  ├── JOURNAL            its tables, version by version            schema.py
                  ├── Mark               how far its log has come                   mark.py, wal.py
                  ├── Site               where it is used                          sites.py
                  └── Kind               of a file: made whole, told from others   files.py

    callbacks ──> Journal                settles what a run was uncertain of       settling.py

Beside the run, `segments` counts what a text is sent as, and `journal_summary` reads journals.
"""

from .broadcasting import broadcast
from .files import JournalError
from .outcomes import Accepted, Outcome, Rejected, Skipped, Uncertain
from .pacing import Limiter, Rate, RateLimit
from .report import BulkReport
from .run import FanOut, fan_out
from .settling import Journal
from .stopping import StopRule, hopeless

__all__ = [
    "Accepted",
    "BulkReport",
    "FanOut",
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
    "hopeless",
]
