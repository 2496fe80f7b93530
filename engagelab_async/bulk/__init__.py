"""Fan-out: many operations at once, with a rate limit, outcomes, and resumption without duplicates.

::

    numbers ──> broadcast ──> SendSMS operations                                   broadcasting.py
      ├── normalize_number               as they are sent, local ones too          numbers.py
      └── PeopleList                     out of a file                  lists.py, content.py
            └── CheckedList              what can be sent of it                  checking.py

    EngageLab.fan_out ──> FanOut         the run                                   run.py
      ├── OutcomeStream                  what its consumer sees of it              stream.py
      ├── Accepted | Rejected | Uncertain | Skipped                                outcomes.py
      ├── BulkReport                     what it did, in numbers                   report.py
      └── Task                           one operation, from source to outcome     worker.py
            ├── FlowControl              holds requests back, notices outages      flow.py
            │     ├── RateLimit          how fast                                  rate.py
            │     └── ConcurrencyLimit   how many at once                          concurrency.py
            ├── RunState                 whether to go on, and when to end         stopping.py
            ├── identity                 what makes two operations the same        identity.py
            └── RunJournal               durable before, durable after             journal/

    replies, errors ──> Suppression      who is not sent to                        suppression.py

Beside the run, `sms_units` counts what a text is sent as.
"""

from .broadcasting import InvalidRecipient, RecipientCheck, broadcast, check_recipients
from .journal import Journal, JournalError
from .numbers import normalize_number
from .outcomes import Accepted, Outcome, Rejected, Skipped, Uncertain
from .rate import Limiter, Rate, RateLimit
from .report import BulkReport
from .run import FanOut, FanOutOptions, fan_out
from .segments import SMSUnits, sms_units
from .stopping import StopRule, stop_on_fatal_error
from .suppression import STOP_WORDS, Suppression

__all__ = [
    "STOP_WORDS",
    "Accepted",
    "BulkReport",
    "FanOut",
    "FanOutOptions",
    "InvalidRecipient",
    "Journal",
    "JournalError",
    "Limiter",
    "Outcome",
    "Rate",
    "RateLimit",
    "RecipientCheck",
    "Rejected",
    "SMSUnits",
    "Skipped",
    "StopRule",
    "Suppression",
    "Uncertain",
    "broadcast",
    "check_recipients",
    "fan_out",
    "normalize_number",
    "sms_units",
    "stop_on_fatal_error",
]
