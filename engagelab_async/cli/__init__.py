"""The command ``engagelab``: send from a terminal or a script, play the API, see a demo.

::

    main                   is the extra installed?                            __init__.py
    ├── SIGTERM, SIGHUP    as Ctrl-C                                          signals.py
    ├── standard streams   that may be closed, or fail                        streams.py
    └── run                command line -> exit code                          app.py
        ├── otp …, sms …   command line -> an operation                       otp.py, sms.py
        │   ├── … templates, … signatures, and their files                    templates.py, files.py
        │   ├── options that they share, and what is typed into them          options.py, inputs.py
        │   └── perform    an operation -> an outcome -> an exit code         calls.py
        │       ├── outcomes and exit codes, what to do about an error        outcome.py, hints.py
        │       └── an outcome for people, or as JSON                         output.py, views.py
        ├── … bulk …       a list -> a run -> an exit code                    bulk
        ├── journal        what the journal of a run knows                    journal.py
        ├── fleet …        what several machines send                         fleet.py
        ├── webhooks …     callbacks, shown as they come, or made             webhooks
        ├── sandbox        the API on this machine, until Ctrl-C              sandbox.py
        └── demo           the calls, against a sandbox of its own           demo.py

Only this module can be imported without the extra ``[cli]``.
"""

import sys
from collections.abc import Sequence
from typing import Final

from engagelab_async.extras import install_hint

from .signals import treated_as_ctrl_c
from .streams import safe_streams

_EXTRA: Final = frozenset({"cyclopts", "dotenv", "jinja2", "rich", "yaml"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the command's name; ``None`` for ``sys.argv[1:]``.

    Returns:
        The exit code: 0 sent, 1 certainly not sent, 2 bad usage or configuration, 3 it may have
        been sent or not, 130 interrupted before anything was sent, or in the middle of a list.

    Example:
        >>> main(["--version"])
        0.1.0
        0
    """
    with treated_as_ctrl_c(), safe_streams():
        try:
            from .app import run
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _EXTRA:
                raise
            return _cannot_start(f"the command is an extra: {install_hint('cli')}")
        except KeyboardInterrupt:
            return 130
        except OSError as error:  # such as no descriptors left
            return _cannot_start(f"cannot start: {error.strerror}")
        return run(sys.argv[1:] if arguments is None else arguments)


def _cannot_start(why: str) -> int:
    print(f"engagelab: {why}", file=sys.stderr)  # noqa: T201 - perhaps there is no rich
    return 2
