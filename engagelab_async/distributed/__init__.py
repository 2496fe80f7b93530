"""One campaign on several machines: shared intents, a shared rate, and a broker that exists.

::

    Fleet                        the API of submitters, workers, people   fleet.py
      ├── FleetRun               the submitter: chunks out, outcomes in   submitting.py
      │     └── Via              hands a message to a broker              taskiq.py, pgqueuer.py
      ├── DeliveryJournal        the journal of one delivery              delivery.py
      ├── SharedRate             one rate of many processes               rate.py
      └── Store                  what is shared                           store.py
            ├── PostgreSQL       durable                                  postgresql.py
            └── Memory           for tests                                memory.py

A message is a chunk of operations (`message`). An outcome is kept as a row (`results`).
"""

from .fleet import Fleet, FleetOptions
from .rate import SharedRate
from .store import Contents, LiveRun, Submission
from .submitting import FleetRun, Via

__all__ = [
    "Contents",
    "Fleet",
    "FleetOptions",
    "FleetRun",
    "LiveRun",
    "SharedRate",
    "Submission",
    "Via",
]
