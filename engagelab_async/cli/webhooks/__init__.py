"""Callbacks on the command line: ``engagelab webhooks listen`` and ``engagelab webhooks sign``.

::

    listen   a server that shows what comes, until Ctrl-C     listening.py
      └── an event as a line for people, or as JSON           showing.py
    sign     a callback to try an endpoint with               signing.py
    Account  the name and the secret that both need           account.py
"""

from typing import Final

from cyclopts import App

from .listening import listen
from .signing import sign

webhooks: Final[App] = App(
    name="webhooks", sort_key=2, help="Receive callbacks, and try your own endpoint."
)
webhooks.command(listen)
webhooks.command(sign)

__all__ = ["webhooks"]
