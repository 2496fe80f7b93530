"""Sending to a list: ``engagelab sms bulk`` and ``engagelab otp bulk-message``.

::

    command line ── options ──> command: read the account, check, confirm, send, report
                                  ├── lists      a file or standard input -> rows
                                  ├── requests   rows that can be sent -> operations
                                  ├── preview    what it would cost, and what people would read
                                  ├── run        operations -> outcomes
                                  │   ├── rows       counts, and files of rows that were not sent
                                  │   └── progress
                                  └── summary    lines, JSON, an exit code, report.html.j2
"""

from .command import perform
from .options import File, Options
from .requests import Kind

__all__ = ["File", "Kind", "Options", "perform"]
