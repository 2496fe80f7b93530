"""``engagelab webhooks listen``: a server that shows the events of callbacks, until Ctrl-C."""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from engagelab_async import ConfigurationError, Journal
from engagelab_async.bulk import STOP_WORDS, Suppression
from engagelab_async.bulk.journal import JournalError
from engagelab_async.cli.calls import logged
from engagelab_async.cli.options import Host, Port, flag
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.output import ignore_errors, print_json
from engagelab_async.cli.printing import console, print_error
from engagelab_async.cli.streams import is_lost
from engagelab_async.extras import install_hint
from engagelab_async.webhooks import Event, Verifier

from .account import FROM_ENVIRONMENT, Account
from .showing import document, line

Recorder = Callable[[Event], Awaitable[object]]
"""What keeps events: a journal, a file of people who must not be sent to."""


def listen(
    *,
    account: Account = FROM_ENVIRONMENT,
    port: Port = 9000,
    host: Host = "127.0.0.1",
    json: Annotated[
        bool, flag(help="Print JSON objects, one per line, also on a terminal.")
    ] = False,
    journal: Annotated[
        Path | None,
        Parameter(help="The journal of a bulk run, whose uncertain messages are settled."),
    ] = None,
    suppress: Annotated[
        Path | None,
        Parameter(
            help="The file to which people are appended who reply STOP or have unsubscribed."
        ),
    ] = None,
    stop_word: Annotated[
        tuple[str, ...],
        flag(help="A reply that counts as STOP, instead of the usual ones; may be repeated."),
    ] = (),
    show_personal: Annotated[bool, flag(help="Show numbers and texts in full.")] = False,
) -> int:
    """Show the events of callbacks as they arrive, until Ctrl-C.

    It accepts signed callbacks on every path. The platform reaches it through a tunnel or a
    proxy. Refused requests, and the reasons, appear on standard error.

    Example: `engagelab webhooks listen --port 8026 --journal people.csv.journal.db`
    """
    if journal is not None and not journal.parent.is_dir():
        print_error(f"--journal: there is no directory {journal.parent}")
        return Exit.USAGE
    try:
        verifier = Verifier(*account.resolved())
        listener = socket.create_server((host, port))
    except ConfigurationError as error:
        print_error(str(error))
        return Exit.USAGE
    except ValueError as error:
        print_error(f"--{error}")
        return Exit.USAGE
    except OSError as error:
        print_error(f"Cannot listen on {host}, port {port}: {error}")
        return Exit.USAGE
    show = _printer(as_json=json or not sys.stdout.isatty(), personal=show_personal)
    try:
        with listener, logged(verbose=True), _recorders(journal, suppress, stop_word) as recorders:
            return _serve(listener, verifier, show, recorders)
    except (JournalError, ValueError) as error:
        print_error(f"--{error}")
        return Exit.USAGE


@contextmanager
def _recorders(
    journal_file: Path | None, suppress_file: Path | None, stop_words: tuple[str, ...]
) -> Iterator[list[Recorder]]:
    """Open the files now: an error after the first callback might not be seen."""
    recorders: list[Recorder] = []
    if suppress_file is not None:
        try:
            suppression = Suppression(suppress_file, create=True, words=stop_words or STOP_WORDS)
            suppression.check_appendable()
        except OSError as error:
            raise ValueError(f"suppress: {suppress_file}: {error.strerror}") from None
        except ValueError as error:
            raise ValueError(f"suppress: {error}") from None
        recorders.append(suppression.record)
    if journal_file is None:
        yield recorders
        return
    journal = Journal(journal_file)
    asyncio.run(journal.open())
    try:
        yield [*recorders, journal.settle]
    finally:
        asyncio.run(journal.aclose())


def _printer(*, as_json: bool, personal: bool) -> Callable[[Event], bool]:
    """Make a function that prints an event, and returns whether its output is still read."""

    def show(event: Event) -> bool:
        with ignore_errors():
            if as_json:
                print_json(document(event, personal=personal))
            else:
                console().print(line(event, personal=personal), soft_wrap=True)
        return not is_lost(sys.stdout)

    return show


def _serve(
    listener: socket.socket,
    verifier: Verifier,
    show: Callable[[Event], bool],
    recorders: list[Recorder],
) -> int:
    try:
        import uvicorn
    except ModuleNotFoundError:
        print_error(f"Listening is an extra: {install_hint('sandbox')}")
        return Exit.USAGE
    from engagelab_async.webhooks.asgi import WebhookApp

    async def handler(event: Event) -> None:
        if not show(event):
            server.should_exit = True
        for record in recorders:
            try:
                await record(event)
            except (JournalError, OSError, ValueError) as error:
                print_error(str(error))

    app = WebhookApp(verifier, handler)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    _introduce(*listener.getsockname()[:2])
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return Exit.DONE


def _introduce(host: str, port: int) -> None:
    # On standard error, because scripts read the other.
    text = f"Listening for callbacks at http://{host}:{port} until Ctrl-C."
    console(stderr=True).print(Text(text), soft_wrap=True)
