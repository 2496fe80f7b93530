"""The journal of a run: what it is about to do, durable before it does it, and what came of it.

::

    tasks ──> RunJournal ──> JournalStore        one write for many tasks          writer.py
                               │                 the protocol, and its records     protocol.py
                               ├── SQLiteJournal  in a file                        sqlite.py
                               │     ├── JOURNAL  its tables, version by version   schema.py
                               │     ├── Mark     how far its log has come         mark.py, wal.py
                               │     ├── Site     where it is used                 sites.py
                               │     └── Kind     of a file: created, recognized   files.py
                               └── MemoryJournal  in memory, for tests             memory.py

    callbacks ──> Journal                        delivery receipts, in a file      receipts.py
                    └── prove                    what they prove                   proofs.py
    readers ──> summarise                        without taking it                 summary.py
"""

from .memory import MemoryJournal
from .proofs import Doubt, Proof, Receipt, prove
from .protocol import JournalError, JournalStore, Record, SendIntent, Settlement, State
from .receipts import Journal
from .sqlite import Database, SQLiteJournal
from .summary import JournalSummary, RecordedRun, count_known, summarise
from .writer import RunJournal

__all__ = [
    "Database",
    "Doubt",
    "Journal",
    "JournalError",
    "JournalStore",
    "JournalSummary",
    "MemoryJournal",
    "Proof",
    "Receipt",
    "Record",
    "RecordedRun",
    "RunJournal",
    "SQLiteJournal",
    "SendIntent",
    "Settlement",
    "State",
    "count_known",
    "prove",
    "summarise",
]
