"""Sending to a list: ``engagelab sms bulk`` and ``engagelab otp bulk-message``.

::

    command                 a command line -> an exit code                       command.py
      ├── Options, Job      what was asked for, and all that is needed for it    job.py
      ├── Source            a file or standard input, plain or gzipped           source.py
      ├── Row               its rows: CSV or JSON lines                          rows.py
      ├── Item, Problem     what can be sent, and what cannot                    checks.py
      ├── Request           an operation for one row or many                     requests.py
      ├── dry run           what it would cost                                   dry_run.py
      ├── decisions         bad rows, an old journal, files in the way           decisions.py
      │   └── questions     to whoever sits at the terminal                      asking.py
      ├── send              operations in, fates of rows out                     sending.py
      │   ├── Ledger        the count of them                                    ledger.py
      │   ├── progress      the count, shown while it grows                      progress.py
      │   ├── signals       once, or twice                                       interrupts.py
      │   └── failed rows   to be corrected and sent again                       failed_rows.py
      ├── private files     which their owner alone can read                     private.py
      ├── conclusion        the end, told in lines, in JSON, in an exit code     conclusion.py
      └── report            the end, told in a page                              report_page.py
"""

from .checks import phone, phone_or_email
from .command import Kind, perform
from .job import Options

__all__ = ["Kind", "Options", "perform", "phone", "phone_or_email"]
